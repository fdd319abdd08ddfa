//! Requests and responses that pass, and the few bytes that change.

use bytes::Bytes;

use crate::support::{FetchResponse, TestProxy, Upstream, dialects, json, model, plain, read_json};

const ODD: &str = "{ \"b\" : 1.0,\"b\":1e+2 ,\n\t\"model\":\t\"small\" ,\"a\":\"\\u00e9\\/\",\"deep\":{\"model\":\"small\"}}\r\n";

#[tokio::test]
async fn only_the_model_changes_in_the_body() {
    let upstream = Upstream::plain().await;
    let url = upstream.url();
    let dialects = dialects("claude", "claude");
    let proxy = TestProxy::serve(
        &[
            plain("/p", "small", "big \\\"1\\\"".replace(' ', "-").as_str(), &url),
            plain("/same", "*", "*", &url),
            model("/d", "small", "big", &url, &dialects),
        ]
        .concat(),
    )
    .await;
    for (path, expected) in [
        ("/p/v1/x", ODD.replacen("\"small\"", "\"big-\\\"1\\\"\"", 1)),
        ("/same/v1/x", ODD.to_owned()),
        ("/d/v1/x", ODD.replacen("\"small\"", "\"big\"", 1)),
    ] {
        let response = proxy.post(path, ODD).fetch().await;
        assert_eq!(response.status(), 200);
        let seen = upstream.seen().pop().expect("a request");
        assert_eq!(seen.body, expected, "{path}");
        assert_eq!(seen.uri, "/v1/x");
        assert_eq!(
            seen.header("content-length"),
            Some(expected.len().to_string().as_str())
        );
        assert_eq!(seen.header("transfer-encoding"), None);
    }
}

#[tokio::test]
async fn a_form_keeps_its_file_and_gets_the_new_name() {
    let upstream = Upstream::plain().await;
    let proxy = TestProxy::serve(&plain("/p", "a", "longer", &upstream.url())).await;
    let form = |model: &str| {
        format!(
            "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n\u{0}\u{1}model\r\n--x\r\n\
             Content-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n--x--\r\n"
        )
    };
    let request = proxy.client.post(proxy.url("/p/v1/audio/transcriptions"));
    let request = request.header("content-type", "multipart/form-data; boundary=x");
    assert_eq!(request.body(form("a")).fetch().await.status(), 200);
    assert_eq!(upstream.only().body, form("longer"));
}

#[tokio::test]
async fn any_method_path_and_query_pass() {
    let upstream = Upstream::plain().await;
    let proxy = TestProxy::serve(&plain("/p", "*", "*", &upstream.url())).await;
    for (method, path) in [
        ("GET", "/v1/files/f%2Fx?after=a%20b&x"),
        ("DELETE", "/v1/responses/r_1"),
        ("PUT", "/anything/at//all/"),
        ("OPTIONS", "/v1/models"),
        ("PATCH", "/v1/models"),
        ("GET", "/v1/models"),
    ] {
        let method = http::Method::from_bytes(method.as_bytes()).expect("a method");
        let request = proxy
            .client
            .request(method.clone(), proxy.url(&format!("/p{path}")));
        assert_eq!(request.fetch().await.status(), 200);
        let seen = upstream.seen().pop().expect("a request");
        assert_eq!((seen.method, seen.uri.as_str()), (method, path));
    }
}

#[tokio::test]
async fn a_response_keeps_status_headers_and_bytes() {
    let upstream = Upstream::start(|_| {
        let mut response = json("{ \"odd\" : 1.0 }");
        *response.status_mut() = http::StatusCode::IM_A_TEAPOT;
        for (name, value) in [
            ("content-encoding", "made-up"),
            ("x-twice", "1"),
            ("x-twice", "2"),
            ("request-id", "req_upstream"),
            ("retry-after", "7"),
            ("set-cookie", "a=b"),
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("alt-svc", "h3"),
        ] {
            let value = http::HeaderValue::from_static(value);
            response.headers_mut().append(name, value);
        }
        response
    })
    .await;
    let proxy = TestProxy::serve(&plain("/p", "*", "*", &upstream.url())).await;
    let response = proxy.get("/p/x").fetch().await;
    assert_eq!(response.status(), 418);
    let headers = response.headers().clone();
    assert_eq!(headers["content-encoding"], "made-up");
    assert_eq!(headers.get_all("x-twice").iter().count(), 2);
    assert_eq!(headers["request-id"], "req_upstream");
    assert_eq!(headers["retry-after"], "7");
    assert_eq!(headers["content-length"], "15");
    assert!(headers.contains_key("x-llm-proxy-request-id"));
    for name in ["set-cookie", "x-hop", "alt-svc"] {
        assert!(!headers.contains_key(name), "{name}");
    }
    assert_eq!(response.text().await.expect("a body"), "{ \"odd\" : 1.0 }");
}

#[tokio::test]
async fn large_bodies_pass_and_too_large_ones_are_refused() {
    let upstream = Upstream::plain().await;
    let proxy = TestProxy::serve(&plain("/p", "a", "b", &upstream.url())).await;
    let mut body = b"{\"image\":\"".to_vec();
    body.resize(20 * 1024 * 1024, b'x');
    body.extend_from_slice(b"\",\"model\":\"a\"}");
    let sent = proxy.post("/p/v1/x", body.clone()).fetch().await;
    assert_eq!(sent.status(), 200);
    let seen = upstream.only().body;
    assert_eq!(seen.len(), body.len());
    assert!(seen.ends_with(b"\",\"model\":\"b\"}") && seen.starts_with(b"{\"image\":\"xxx"));

    let length = llm_proxy::proxy::BODY_LIMIT + 1;
    let head =
        format!("POST /p/v1/x HTTP/1.1\r\nhost: p\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    let response = proxy.send_raw(&head).await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_second_model_is_refused_even_at_the_end_of_a_large_body() {
    let upstream = Upstream::plain().await;
    let dialects = dialects("claude", "claude");
    let proxy = TestProxy::serve(&model("/p", "a", "b", &upstream.url(), &dialects)).await;
    let image = "x".repeat(5 * 1024 * 1024);
    for (second, status) in [
        (r#""model":"c""#, 400),
        (r#""mod\u0065l":"c""#, 400),
        (r#""other":{"model":"c"}"#, 200),
    ] {
        let body = format!(r#"{{"model":"a","messages":[{{"image":"{image}"}}],{second}}}"#);
        let response = proxy.post("/p/v1/messages", body).fetch().await;
        assert_eq!(response.status(), status, "{second}");
        if status == 400 {
            let error = read_json(response).await;
            assert_eq!(error["type"], "error");
            assert_eq!(error["error"]["type"], "invalid_request_error");
            assert_eq!(upstream.seen().len(), 0);
        }
    }
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_compressed_body_passes_only_if_the_proxy_does_not_have_to_read_it() {
    let upstream = Upstream::plain().await;
    let url = upstream.url();
    let proxy =
        TestProxy::serve(&[plain("/all", "*", "*", &url), plain("/named", "a", "b", &url)].concat()).await;
    let send = async |path: &str| {
        let request = proxy.post(path, Bytes::from_static(b"\x1f\x8b\x08"));
        let response = request.header("content-encoding", "gzip").send().await;
        response.expect("a response").status().as_u16()
    };
    assert_eq!(send("/all/v1/x").await, 200);
    assert_eq!(upstream.only().header("content-encoding"), Some("gzip"));
    assert_eq!(send("/named/v1/x").await, 400);
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn an_empty_post_keeps_its_length() {
    let upstream = Upstream::plain().await;
    let proxy = TestProxy::serve(&plain("/p", "*", "*", &upstream.url())).await;
    let head = "POST /p/v1/x/cancel HTTP/1.1\r\nhost: p\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    assert!(proxy.send_raw(head).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(upstream.only().header("content-length"), Some("0"));
}

#[tokio::test]
async fn edits_of_the_system_prompt_change_nothing_else() {
    let upstream = Upstream::plain().await;
    let more = "frontend_dialect: claude, backend_dialect: claude, system_replacements: {old: new}, system_append: end";
    let proxy = TestProxy::serve(&model("/p", "m", "big", &upstream.url(), more)).await;
    let head = "{ \"n\" : 1.0,\"model\":\"m\", \"system\" : ";
    let tail = " ,\"messages\":[{\"role\":\"user\",\"content\":\"old\\u00e9\"}] ,\"max_tokens\":1e2}\n";
    let request = format!("{head}\"the old text\"{tail}");
    let response = proxy.post("/p/v1/messages", request).send().await;
    assert_eq!(response.expect("a response").status(), 200);
    let seen = String::from_utf8(upstream.only().body.to_vec()).expect("text");
    let system = seen
        .strip_prefix(head.replace("\"m\"", "\"big\"").as_str())
        .and_then(|rest| rest.strip_suffix(tail));
    let system = system.unwrap_or_else(|| panic!("more than the system prompt changed: {seen}"));
    assert!(
        system.contains("the new text") && system.contains("\"end\""),
        "{system}"
    );

    // Only a request for a response has a system prompt to edit.
    let other = format!("{head}\"the old text\"{tail}");
    let response = proxy.post("/p/v1/complete", other.clone()).send().await;
    assert_eq!(response.expect("a response").status(), 200);
    let seen = upstream.seen().pop().expect("a request").body;
    assert_eq!(seen, other.replace("\"m\"", "\"big\""));
}
