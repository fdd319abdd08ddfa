//! Clients of the Responses API that rely on what an earlier request left, on upstreams that keep nothing.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use llm_proxy::demo::Demo;
use serde_json::{Value, json};

use crate::support::{PATIENCE, Proxy, model};

/// The store of most tests.
pub const MEMORY: &str = "{kind: memory}";
const UPSTREAMS: [&str; 2] = ["claude", "openai-chat"];

/// A proxy with a store in front of the scripted upstream: `/claude` and `/chat` translate, `/own` does not.
pub struct Setup {
    pub demo: Demo,
    pub proxy: Proxy,
}

impl Setup {
    /// `store` is the value of `server.response_store`.
    pub async fn new(store: &str) -> Self {
        let demo = Demo::bind_recording("127.0.0.1:0", 64).await.expect("a demo");
        let proxy = Proxy::serve_file(&file(store, &demo.url())).await;
        Self { demo, proxy }
    }

    pub fn request(&self, prefix: &str, body: &Value) -> reqwest::RequestBuilder {
        let mut body = body.clone();
        body["model"] = json!("m");
        self.proxy
            .post(&format!("/{prefix}/v1/responses"), body.to_string())
            .bearer_auth("mine")
    }

    /// The answer's status and object. A streamed answer's is that of its last event.
    pub async fn ask(&self, prefix: &str, body: &Value) -> (u16, Value) {
        let answer = self.request(prefix, body).send().await.expect("an answer");
        let (status, streamed) = (answer.status().as_u16(), body["stream"] == true);
        let text = answer.text().await.expect("a body");
        if streamed && status == 200 {
            (status, last_event(&text)["response"].clone())
        } else {
            (status, serde_json::from_str(&text).expect("JSON"))
        }
    }

    /// Asks for what has to succeed.
    pub async fn done(&self, prefix: &str, body: &Value) -> Value {
        let (status, answer) = self.ask(prefix, body).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub async fn object(&self, method: http::Method, path: &str) -> (u16, Value) {
        let request = self
            .proxy
            .client
            .request(method, self.proxy.url(path))
            .bearer_auth("mine");
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.bytes().await.expect("a body");
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.object(http::Method::GET, path).await
    }

    /// What the upstream got last.
    pub fn sent(&self) -> Value {
        let seen = self.demo.requests().pop().expect("a request");
        serde_json::from_slice(&seen.body).expect("JSON")
    }
}

/// A configuration file.
pub fn file(store: &str, upstream: &str) -> String {
    let mut text = "models:\n".to_owned();
    for (prefix, dialect) in [
        ("/claude", "claude"),
        ("/chat", "openai-chat"),
        ("/own", "openai-responses"),
    ] {
        let dialects = format!("frontend_dialect: openai-responses, backend_dialect: {dialect}");
        text.push_str(&model(prefix, "*", "claude-sonnet-4-5", upstream, &dialects));
    }
    match store {
        "" => text,
        store => format!("server: {{response_store: {store}}}\n{text}"),
    }
}

pub fn last_event(stream: &str) -> Value {
    let data = stream.lines().rev().find_map(|line| line.strip_prefix("data: "));
    serde_json::from_str(data.expect("an event")).expect("JSON")
}

pub fn id(answer: &Value) -> &str {
    answer["id"].as_str().expect("an identifier")
}

/// A folder that is gone when the test is.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("llm-proxy-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// A store in a file of this folder.
    fn store(&self) -> String {
        format!(
            "{{kind: disk, path: \"{}\"}}",
            self.0.join("responses.redb").display()
        )
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_conversation_goes_on_from_the_previous_answer() {
    let setup = Setup::new(MEMORY).await;
    for prefix in UPSTREAMS.map(|name| name.trim_start_matches("openai-")) {
        for stream in [false, true] {
            let first = json!({"input": "hello", "instructions": "Be brief.", "stream": stream});
            let mut answer = setup.done(prefix, &first).await;
            assert_eq!(
                (&answer["store"], &answer["previous_response_id"]),
                (&json!(true), &Value::Null)
            );
            let mut before = setup.sent()["messages"].as_array().cloned().expect("messages");
            before.retain(|message| message["role"] != "system");
            for turn in 1..4 {
                let previous = id(&answer).to_owned();
                assert!(previous.starts_with("resp_px"), "{previous}");
                let next = json!({"input": format!("turn {turn}"), "previous_response_id": previous, "stream": stream});
                answer = setup.done(prefix, &next).await;
                assert_eq!(answer["previous_response_id"], previous);
                let sent = setup.sent();
                assert!(
                    !sent.to_string().contains("Be brief."),
                    "instructions are not inherited"
                );
                let messages = sent["messages"].as_array().expect("messages");
                assert_eq!(messages.len(), 1 + 2 * turn, "{prefix} {stream}");
                assert_eq!(
                    messages[..before.len()],
                    before[..],
                    "a longer history extends the shorter one"
                );
                before.clone_from(messages);
            }
        }
    }
}

#[tokio::test]
async fn thinking_and_its_tool_go_back_to_claude() {
    let setup = Setup::new(MEMORY).await;
    let tools = json!([{"type": "function", "name": "get_weather", "parameters": {"type": "object",
        "properties": {"city": {"type": "string"}}}}]);
    for stream in [false, true] {
        let first = json!({"input": "think, then call the tool", "reasoning": {"effort": "high"}, "tools": tools,
            "stream": stream});
        let answer = setup.done("claude", &first).await;
        let output = answer["output"].as_array().expect("items");
        let kinds: Vec<&Value> = output.iter().map(|item| &item["type"]).collect();
        assert_eq!(kinds, ["reasoning", "function_call"], "{answer}");
        let result =
            json!({"type": "function_call_output", "call_id": output[1]["call_id"], "output": "sunny"});
        let next = json!({"input": [result], "previous_response_id": id(&answer), "reasoning": {"effort": "high"},
            "tools": tools, "stream": stream});
        setup.done("claude", &next).await;
        let sent = setup.sent();
        assert_eq!(sent["thinking"]["type"], "enabled", "{sent}");
        let turn = sent["messages"][1]["content"].as_array().expect("blocks");
        assert_eq!(turn[0]["type"], "thinking", "{sent}");
        assert!(turn[0]["signature"].as_str().is_some_and(|text| text.len() > 8));
        assert!(
            !sent.to_string().contains("px1."),
            "the signature is the vendor's own"
        );
        assert_eq!(turn[1]["type"], "tool_use");
        assert_eq!(sent["messages"][2]["content"][0]["type"], "tool_result");
    }
}

#[tokio::test]
async fn references_stand_for_kept_items() {
    let setup = Setup::new(MEMORY).await;
    let answer = setup.done("chat", &json!({"input": "hello"})).await;
    let item = answer["output"][0]["id"].as_str().expect("an identifier");
    let next = json!({"input": [
        {"role": "user", "content": "hello"}, {"type": "item_reference", "id": item},
        {"role": "user", "content": "and now?"}]});
    let second = setup.done("chat", &next).await;
    let sent = setup.sent();
    assert_eq!(sent["messages"].as_array().map(Vec::len), Some(3), "{sent}");
    assert_eq!(sent["messages"][1]["role"], "assistant");
    // Items of the input have identifiers, too, and a reference's item is kept with the turn that used it.
    setup
        .object(
            http::Method::DELETE,
            &format!("/chat/v1/responses/{}", id(&answer)),
        )
        .await;
    let (_, list) = setup
        .get(&format!(
            "/chat/v1/responses/{}/input_items?order=asc",
            id(&second)
        ))
        .await;
    assert_eq!(list["data"][1]["id"], item);
    let asked = list["data"][2]["id"].as_str().expect("an identifier");
    setup.done("chat", &json!({"input": [{"id": asked}]})).await;
    let (status, gone) = setup
        .ask(
            "chat",
            &json!({"input": [{"type": "item_reference", "id": item}]}),
        )
        .await;
    assert_eq!(
        (status, &gone["error"]["param"]),
        (404, &json!("input")),
        "{gone}"
    );
}

#[tokio::test]
async fn nobody_else_can_use_an_answer() {
    let setup = Setup::new(MEMORY).await;
    let answer = setup.done("claude", &json!({"input": "a secret"})).await;
    let (own, item) = (
        id(&answer),
        answer["output"][0]["id"].as_str().expect("an identifier"),
    );
    let unknown = format!("resp_px{}", "0".repeat(40));
    let mut errors = Vec::new();
    for (prefix, token, previous) in [
        ("claude", "other", own),
        ("chat", "mine", own),
        ("claude", "mine", &*unknown),
        ("claude", "mine", "resp_from_elsewhere"),
        ("claude", "mine", ""),
    ] {
        let body = json!({"model": "m", "input": "go on", "previous_response_id": previous});
        let request = setup
            .proxy
            .post(&format!("/{prefix}/v1/responses"), body.to_string());
        let response = request.bearer_auth(token).send().await.expect("an answer");
        assert_eq!(response.status(), 400);
        let error: Value = serde_json::from_slice(&response.bytes().await.expect("a body")).expect("JSON");
        assert_eq!(error["error"]["code"], "previous_response_not_found");
        assert_eq!(error["error"]["param"], "previous_response_id");
        errors.push(error.to_string().replace(previous, ""));
        let body = json!({"model": "m", "input": [{"type": "item_reference", "id": item}]});
        let request = setup
            .proxy
            .post(&format!("/{prefix}/v1/responses"), body.to_string());
        let foreign = (prefix, token) != ("claude", "mine");
        let response = request.bearer_auth(token).send().await.expect("an answer");
        assert_eq!(response.status(), if foreign { 404 } else { 200 });
        for method in [http::Method::GET, http::Method::DELETE] {
            let url = setup.proxy.url(&format!("/{prefix}/v1/responses/{previous}x"));
            let request = setup.proxy.client.request(method, url).bearer_auth(token);
            assert_eq!(request.send().await.expect("an answer").status(), 404);
        }
    }
    assert!(
        errors[..4].windows(2).all(|pair| pair[0] == pair[1]),
        "{errors:?}"
    );
    assert_eq!(setup.get(&format!("/claude/v1/responses/{own}")).await.0, 200);
}

#[tokio::test]
async fn kept_answers_are_objects() {
    let setup = Setup::new(MEMORY).await;
    let first = setup.done("chat", &json!({"input": "one", "stream": true})).await;
    let next = json!({"input": [{"role": "user", "content": "two"}, {"role": "user", "content": "three"}],
        "previous_response_id": id(&first)});
    let second = setup.done("chat", &next).await;
    for answer in [&first, &second] {
        let (status, object) = setup.get(&format!("/chat/v1/responses/{}", id(answer))).await;
        assert_eq!((status, &object), (200, answer));
    }
    let path = format!("/chat/responses/{}", id(&second));
    let (status, error) = setup.get(&format!("{path}?stream=true")).await;
    assert_eq!((status, &error["error"]["param"]), (400, &json!("stream")));
    let (status, error) = setup.object(http::Method::POST, &format!("{path}/cancel")).await;
    assert_eq!(
        (status, &error["error"]["message"]),
        (400, &json!("Cannot cancel a synchronous response."))
    );
    let (status, list) = setup.get(&format!("{path}/input_items")).await;
    assert_eq!(status, 200);
    let texts: Vec<&Value> = list["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| &item["content"][0]["text"])
        .collect();
    assert_eq!(
        (texts[0], texts[1], texts[3]),
        (&json!("three"), &json!("two"), &json!("one"))
    );
    assert_eq!(
        (&list["object"], &list["has_more"]),
        (&json!("list"), &json!(false))
    );
    let page = format!("{path}/input_items?limit=1&order=asc");
    let (_, list) = setup.get(&page).await;
    assert_eq!(
        (&list["has_more"], &list["data"][0]["content"][0]["text"]),
        (&json!(true), &json!("one"))
    );
    let after = list["last_id"].as_str().expect("an identifier");
    let (_, list) = setup.get(&format!("{page}&after={after}")).await;
    assert_eq!(list["data"][0]["type"], "message");
    assert_eq!(list["data"][0]["role"], "assistant");
    assert_eq!(setup.get(&format!("{path}/input_items?limit=0")).await.0, 400);

    let first_path = format!("/chat/v1/responses/{}", id(&first));
    let (status, deleted) = setup.object(http::Method::DELETE, &first_path).await;
    assert_eq!(status, 200);
    assert_eq!(
        deleted,
        json!({"id": id(&first), "object": "response", "deleted": true})
    );
    assert_eq!(setup.get(&first_path).await.0, 404);
    assert_eq!(setup.object(http::Method::DELETE, &first_path).await.0, 404);
    // What went on from it is still there to see, but the conversation has lost its beginning.
    assert_eq!(setup.get(&path).await.0, 200);
    let (status, error) = setup
        .ask(
            "chat",
            &json!({"input": "x", "previous_response_id": id(&second)}),
        )
        .await;
    assert_eq!(
        (status, &error["error"]["code"]),
        (400, &json!("previous_response_not_found"))
    );
}

#[tokio::test]
async fn only_what_is_wanted_and_complete_is_kept() {
    let setup = Setup::new(MEMORY).await;
    for stream in [false, true] {
        let unwanted = setup
            .done(
                "claude",
                &json!({"input": "hello", "store": false, "stream": stream}),
            )
            .await;
        assert_eq!(unwanted["store"], false);
        let cut = setup
            .done(
                "claude",
                &json!({"input": "truncate", "stream": stream, "store": true}),
            )
            .await;
        assert_eq!(
            (&cut["status"], &cut["store"]),
            (&json!("incomplete"), &json!(true))
        );
        assert_eq!(
            setup
                .get(&format!("/claude/v1/responses/{}", id(&unwanted)))
                .await
                .0,
            404
        );
        assert_eq!(
            setup.get(&format!("/claude/v1/responses/{}", id(&cut))).await.0,
            200
        );
        // Going on from a kept answer does not keep the next one by itself.
        let next =
            json!({"input": "go on", "previous_response_id": id(&cut), "store": false, "stream": stream});
        let next = setup.done("claude", &next).await;
        assert_eq!(next["previous_response_id"], cut["id"]);
        assert_eq!(
            setup.get(&format!("/claude/v1/responses/{}", id(&next))).await.0,
            404
        );
    }
    for words in ["long 9 error mid", "long 9 cut"] {
        let failed = setup
            .done("claude", &json!({"input": words, "stream": true}))
            .await;
        assert_eq!(
            (&failed["status"], &failed["store"]),
            (&json!("failed"), &json!(false))
        );
        assert_eq!(
            setup
                .get(&format!("/claude/v1/responses/{}", id(&failed)))
                .await
                .0,
            404
        );
    }
    let mut gone = setup.request("claude", &json!({"input": "slow 20 long 1000", "stream": true}));
    gone = gone.header("x-test", "gone");
    let mut gone = gone.send().await.expect("an answer");
    let begun = gone.chunk().await.expect("a stream").expect("an event");
    let begun = String::from_utf8(begun.to_vec()).expect("text");
    let started: Value = serde_json::from_str(
        begun
            .lines()
            .nth(1)
            .and_then(|line| line.strip_prefix("data: "))
            .expect("data"),
    )
    .expect("JSON");
    drop(gone);
    assert_eq!(
        setup
            .get(&format!("/claude/v1/responses/{}", id(&started["response"])))
            .await
            .0,
        404
    );
    let (status, error) = setup
        .ask("claude", &json!({"input": "x", "conversation": "conv_1"}))
        .await;
    assert_eq!((status, &error["error"]["param"]), (400, &json!("conversation")));
}

#[tokio::test]
async fn without_a_store_the_client_is_told_how_to_have_one() {
    let setup = Setup::new("").await;
    for body in [
        json!({"input": "x", "previous_response_id": "resp_1"}),
        json!({"input": [{"type": "item_reference", "id": "msg_1"}]}),
    ] {
        let (status, error) = setup.ask("claude", &body).await;
        assert_eq!(status, 400);
        let message = error["error"]["message"].as_str().expect("text");
        assert!(message.contains("server.response_store"), "{message}");
        assert_eq!(error["error"]["type"], "invalid_request_error");
    }
    let answer = setup.done("claude", &json!({"input": "x"})).await;
    assert_eq!(answer["store"], false);
    assert!(!id(&answer).starts_with("resp_px"));
    let (status, error) = setup.get(&format!("/claude/v1/responses/{}", id(&answer))).await;
    assert_eq!(
        (status, &error["error"]["type"]),
        (404, &json!("invalid_request_error"))
    );
}

#[tokio::test]
async fn an_upstream_of_the_same_dialect_keeps_its_own() {
    let setup = Setup::new(MEMORY).await;
    let answer = setup
        .done(
            "own",
            &json!({"input": "x", "previous_response_id": "resp_theirs"}),
        )
        .await;
    assert_eq!(setup.sent()["previous_response_id"], "resp_theirs");
    let (status, _) = setup.get(&format!("/own/v1/responses/{}", id(&answer))).await;
    let seen = setup.demo.requests().pop().expect("a request");
    assert_eq!(seen.method, http::Method::GET, "{status}");
    assert_eq!(seen.uri.path(), format!("/v1/responses/{}", id(&answer)));
}

#[tokio::test]
async fn tokens_are_counted_with_what_was_before() {
    let setup = Setup::new(MEMORY).await;
    let answer = setup.done("chat", &json!({"input": "hello ".repeat(200)})).await;
    let mut counts = Vec::new();
    for previous in [Value::Null, answer["id"].clone()] {
        let body = json!({"model": "m", "input": "x", "previous_response_id": previous});
        let request = setup
            .proxy
            .post("/chat/v1/responses/input_tokens", body.to_string())
            .bearer_auth("mine");
        let body = request
            .send()
            .await
            .expect("an answer")
            .bytes()
            .await
            .expect("a body");
        let count: Value = serde_json::from_slice(&body).expect("JSON");
        counts.push(
            count["input_tokens"]
                .as_u64()
                .unwrap_or_else(|| panic!("{count}")),
        );
    }
    assert!(counts[1] > counts[0] + 100, "{counts:?}");
}

#[tokio::test]
async fn a_file_outlives_the_proxy() {
    let folder = Folder::new("restart");
    let mut setup = Setup::new(&folder.store()).await;
    let answer = setup
        .done("claude", &json!({"input": "remember", "stream": true}))
        .await;

    let taken = llm_proxy::config::parse(&file(&folder.store(), &setup.demo.url()), &|_| None);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let second = llm_proxy::proxy::serve(taken.expect("a configuration").config, listener, async {}).await;
    let error = second.expect_err("a file that another process has").to_string();
    assert!(
        error.contains("responses.redb") && error.contains("another process"),
        "{error}"
    );

    setup.proxy.stop();
    (&mut setup.proxy.task)
        .await
        .expect("a task")
        .expect("an end in order");
    setup.proxy = Proxy::serve_file(&file(&folder.store(), &setup.demo.url())).await;
    assert_eq!(
        setup.get(&format!("/claude/v1/responses/{}", id(&answer))).await,
        (200, answer.clone())
    );
    setup
        .done(
            "claude",
            &json!({"input": "go on", "previous_response_id": id(&answer)}),
        )
        .await;
    let sent = setup.sent();
    assert_eq!(sent["messages"].as_array().map(Vec::len), Some(3));
    assert!(sent["messages"][0].to_string().contains("remember"));
}

#[tokio::test]
async fn a_file_that_is_no_database_stops_nobody_who_needs_none() {
    let folder = Folder::new("broken");
    std::fs::write(folder.0.join("responses.redb"), "this is no database").expect("a file");
    let setup = Setup::new(&folder.store()).await;
    broken(&setup).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_stops_nobody_who_needs_none() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = closed.local_addr().expect("an address");
    drop(closed);
    let setup = Setup::new(&format!("{{kind: redis, url: \"redis://{address}\"}}")).await;
    broken(&setup).await;
}

/// A store that fails: what needs it is told, everything else is answered.
async fn broken(setup: &Setup) {
    for stream in [false, true] {
        let answer = setup
            .done("claude", &json!({"input": "hello", "stream": stream}))
            .await;
        assert_eq!(
            (&answer["status"], &answer["store"]),
            (&json!("completed"), &json!(false))
        );
    }
    let known = format!("resp_px{}", "0".repeat(40));
    let (status, error) = setup
        .ask("claude", &json!({"input": "x", "previous_response_id": known}))
        .await;
    assert_eq!(
        (status, &error["error"]["message"]),
        (500, &json!("the response store is not available"))
    );
    assert_eq!(setup.get(&format!("/claude/v1/responses/{known}")).await.0, 500);
}

#[tokio::test]
async fn only_the_last_event_of_a_stream_waits_for_the_store() {
    // A server that takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = silent.local_addr().expect("an address");
    let setup = Setup::new(&format!("{{kind: redis, url: \"redis://{address}\"}}")).await;
    let began = Instant::now();
    let request = setup.request("claude", &json!({"input": "long 5", "stream": true}));
    let mut answer = request.send().await.expect("an answer");
    let mut text = String::new();
    while !text.contains("response.output_item.done") {
        let piece = answer.chunk().await.expect("a stream").expect("not the end");
        text.push_str(std::str::from_utf8(&piece).expect("text"));
    }
    let (items, waited) = (began.elapsed(), Duration::from_secs(1));
    assert!(items < waited, "{items:?}");
    assert!(!text.contains("event: response.completed"), "{text}");
    let rest = tokio::time::timeout(2 * PATIENCE, answer.text())
        .await
        .expect("an end");
    assert!(began.elapsed() > waited);
    let last = last_event(&rest.expect("the rest"));
    assert_eq!(
        (&last["type"], &last["response"]["store"]),
        (&json!("response.completed"), &json!(false))
    );
    drop(silent);
}

#[tokio::test]
async fn age_and_size_bound_what_is_kept() {
    let setup = Setup::new("{kind: memory, max_age: 2s}").await;
    let answer = setup.done("chat", &json!({"input": "x"})).await;
    let path = format!("/chat/v1/responses/{}", id(&answer));
    assert_eq!(setup.get(&path).await.0, 200);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    // Going on from an answer renews it.
    let next = setup
        .done(
            "chat",
            &json!({"input": "y", "previous_response_id": id(&answer)}),
        )
        .await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(setup.get(&path).await.0, 200);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    for id in [id(&answer), id(&next)] {
        assert_eq!(setup.get(&format!("/chat/v1/responses/{id}")).await.0, 404);
    }

    let setup = Setup::new("{kind: memory, max_bytes: 1MiB}").await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(setup.done("chat", &json!({"input": "x".repeat(300_000)})).await);
    }
    let mut kept = Vec::new();
    for answer in &answers {
        kept.push(setup.get(&format!("/chat/v1/responses/{}", id(answer))).await.0 == 200);
    }
    assert!(!kept[0] && kept[3], "{kept:?}");
    let large = setup.done("chat", &json!({"input": "x".repeat(1_100_000)})).await;
    assert_eq!(large["store"], false);
}

#[tokio::test]
async fn many_conversations_at_once_stay_apart() {
    let setup = Setup::new(MEMORY).await;
    let talk = |number: usize| {
        let setup = &setup;
        async move {
            let stream = number.is_multiple_of(2);
            let first = setup
                .done(
                    "chat",
                    &json!({"input": format!("number {number}."), "stream": stream}),
                )
                .await;
            let next = json!({"input": "go on", "previous_response_id": id(&first), "stream": stream});
            let second = setup.done("chat", &next).await;
            let (_, list) = setup
                .get(&format!(
                    "/chat/v1/responses/{}/input_items?order=asc",
                    id(&second)
                ))
                .await;
            assert_eq!(list["data"][0]["content"][0]["text"], format!("number {number}."));
        }
    };
    futures(24, talk).await;
}

/// Runs futures together.
async fn futures<F: Future<Output = ()>>(count: usize, make: impl Fn(usize) -> F) {
    let mut all: Vec<_> = (0..count).map(|number| Box::pin(make(number))).collect();
    std::future::poll_fn(|cx| {
        all.retain_mut(|future| future.as_mut().poll(cx).is_pending());
        if all.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
