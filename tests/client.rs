//! `llm-proxy client` as a person runs it, beside a proxy with the same configuration.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use llm_proxy::demo::Demo;
use llm_proxy::{config, proxy};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

fn client(arguments: &str, config: &Path) -> Output {
    let program = env!("CARGO_BIN_EXE_llm-proxy");
    let arguments = arguments.split_whitespace();
    let mut command = Command::new(program);
    command.arg("client").args(arguments).arg("--config").arg(config);
    command.output().unwrap()
}

fn file(name: &str, text: &str) -> PathBuf {
    let file = std::env::temp_dir().join(format!("llm-proxy-{name}-{}.yaml", std::process::id()));
    std::fs::write(&file, text).unwrap();
    file
}

fn route(name: &str, prefix: &str, frontend: &str, backend: &str, upstream: &str) -> String {
    format!(
        "  - frontend_model_name: {name}\n    frontend_base_url: {prefix}\n    frontend_dialect: {frontend}\n    \
         backend_model_name: m\n    backend_base_url: {upstream}\n    backend_api_key: k\n    backend_dialect: {backend}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_prints_reaches_the_route() {
    let upstream = Demo::bind("127.0.0.1:0").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut text = format!("server:\n  port: {port}\nmodels:\n");
    // A prefix may end in the version, and clients differ in whether they add it.
    for (at, prefix) in ["/some", "/other/v1"].into_iter().enumerate() {
        for (name, frontend, backend) in [
            ("chat", "openai-chat", "claude"),
            ("responses", "openai-responses", "claude"),
            ("claude", "claude", "openai-chat"),
            ("amazon.m:0", "bedrock", "openai-chat"),
        ] {
            text.push_str(&route(
                &format!("{name}-{at}"),
                prefix,
                frontend,
                backend,
                &upstream.url(),
            ));
        }
    }
    let file = file("client-reaches", &text);
    let loaded = config::parse(&text, &|_| None).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(proxy::serve(loaded.config, listener, async {
        let _ = stopped.await;
    }));
    // Plain HTTP, but the client wants to know a provider of cryptography all the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::new();
    let hello = json!([{"role": "user", "content": "Hello"}]);
    for at in 0..2 {
        for (client_name, name, end, body) in [
            ("openai", "chat", "/chat/completions", json!({"messages": hello})),
            ("codex", "responses", "/responses", json!({"input": "Hello"})),
            (
                "anthropic",
                "claude",
                "/v1/messages",
                json!({"max_tokens": 900, "messages": hello}),
            ),
            (
                "claude-code",
                "claude",
                "/v1/messages",
                json!({"max_tokens": 900, "messages": hello}),
            ),
            (
                "aws",
                "amazon.m:0",
                "/model/amazon.m%3A0-AT/invoke",
                json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 900, "messages": hello}),
            ),
        ] {
            let model = format!("{name}-{at}");
            let said = client(&format!("{client_name} --model {model} --format json"), &file);
            assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
            let said: Value = serde_json::from_slice(&said.stdout).unwrap();
            let url = format!(
                "{}{}",
                said["base_url"].as_str().unwrap(),
                end.replace("AT", &at.to_string())
            );
            let mut body = body;
            if client_name != "aws" {
                body["model"] = said["model"].clone();
            }
            let answer = http
                .post(&url)
                .header("content-type", "application/json")
                .header("anthropic-version", "2023-06-01")
                .body(body.to_string())
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), 200, "{client_name} at {url}");
            assert!(
                answer.text().await.unwrap().contains("You said: Hello"),
                "{client_name}"
            );
        }
    }
    std::fs::remove_file(&file).unwrap();
    let _ = stop.send(());
    serving.await.unwrap().unwrap();
}

#[test]
fn what_stands_in_the_way_is_told() {
    let good = file(
        "client-good",
        &format!(
            "models:\n{}",
            route("gpt-5", "/a", "openai-chat", "claude", "http://h")
        ),
    );
    let bad = file("client-bad", "models: []\n");
    for (arguments, file, code, said) in [
        (
            "codex",
            &good,
            1,
            "Codex CLI speaks openai-responses, and no model is served so",
        ),
        ("openai --model gpt5", &good, 1, "did you mean `gpt-5`?"),
        (
            "openai --prefix /b",
            &good,
            1,
            "no model has the frontend_base_url /b",
        ),
        ("openai", &bad, 1, "the list of models is empty"),
        (
            "openai",
            &PathBuf::from("/nowhere.yaml"),
            1,
            "/nowhere.yaml: cannot be read",
        ),
        ("codecs", &good, 2, "'codex'"),
        ("", &good, 2, "<CLIENT>"),
    ] {
        let output = client(arguments, file);
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments}: {err}");
        assert!(
            err.contains(said) && output.stdout.is_empty(),
            "{arguments}: {err}"
        );
    }
    for file in [good, bad] {
        std::fs::remove_file(file).unwrap();
    }
}
