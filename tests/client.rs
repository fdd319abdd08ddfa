//! `llm-proxy client` as a user runs it, with a proxy that has the same configuration.

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
async fn printed_settings_reach_the_route() {
    let upstream = Demo::bind("127.0.0.1:0").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut text = format!("server:\n  port: {port}\nmodels:\n");
    // A prefix may end in the version, and some clients add the version themselves.
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
    // The HTTP client requires a provider of cryptography, also for plain HTTP.
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
            let output = client(&format!("{client_name} --model {model} --format json"), &file);
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            let settings: Value = serde_json::from_slice(&output.stdout).unwrap();
            let url = format!(
                "{}{}",
                settings["base_url"].as_str().unwrap(),
                end.replace("AT", &at.to_string())
            );
            let mut body = body;
            if client_name != "aws" {
                body["model"] = settings["model"].clone();
            }
            let response = http
                .post(&url)
                .header("content-type", "application/json")
                .header("anthropic-version", "2023-06-01")
                .body(body.to_string())
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), 200, "{client_name} at {url}");
            assert!(
                response.text().await.unwrap().contains("You said: Hello"),
                "{client_name}"
            );
        }
    }
    std::fs::remove_file(&file).unwrap();
    let _ = stop.send(());
    serving.await.unwrap().unwrap();
}

#[test]
fn errors_name_the_remedy() {
    let good = file(
        "client-good",
        &format!(
            "models:\n{}",
            route("gpt-5", "/a", "openai-chat", "claude", "http://h")
        ),
    );
    let bad = file("client-bad", "models: []\n");
    for (arguments, file, code, message) in [
        (
            "codex",
            &good,
            1,
            "Codex CLI speaks openai-responses, but no model has this frontend_dialect",
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
        // A shell that evaluates the output must fail.
        assert_eq!(output.stdout, b"false\n", "{arguments}");
        assert!(err.contains(message), "{arguments}: {err}");
    }
    for file in [good, bad] {
        std::fs::remove_file(file).unwrap();
    }
}

/// The standard output of a script that has the program on its path.
#[cfg(unix)]
fn shell(shell: &str, script: &str, folder: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_llm-proxy"));
    let path = format!(
        "{}:{}",
        program.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new(shell)
        .args(["-c", script])
        .current_dir(folder)
        .env("PATH", path)
        .env_remove("ANTHROPIC_BASE_URL")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The second form is the one in README.md. It also fails if the program is missing.
#[cfg(unix)]
#[test]
fn a_shell_starts_the_client_only_with_its_settings() {
    let folder = std::env::temp_dir().join(format!("llm-proxy-client-shell-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let started = "echo \"started with $ANTHROPIC_BASE_URL\"";
    let forms = |arguments: &str| {
        [
            format!("eval \"$(llm-proxy client {arguments})\" && {started}"),
            format!("settings=$(llm-proxy client {arguments}) && eval \"$settings\" && {started}"),
            format!("set -e; eval \"$(llm-proxy client {arguments})\"; {started}"),
        ]
    };
    let shells = ["sh", "bash", "zsh", "dash"]
        .into_iter()
        .filter(|shell| Command::new(shell).args(["-c", ":"]).status().is_ok());
    for name in shells {
        std::fs::write(folder.join("llm-proxy.yaml"), "models: []\n").unwrap();
        for arguments in [
            "claude-code",
            "claude-code nowhere.yaml",
            "claude-code --modell x",
            "claude-kode",
            "claude-code --format text",
        ] {
            for script in forms(arguments) {
                let out = shell(name, &script, &folder);
                assert_eq!(out, "", "{name}: {script}");
            }
        }
        let models = route("claude-5", "/a", "claude", "openai-chat", "http://h");
        std::fs::write(folder.join("llm-proxy.yaml"), format!("models:\n{models}")).unwrap();
        for script in forms("claude-code") {
            let out = shell(name, &script, &folder);
            assert_eq!(out, "started with http://127.0.0.1:8080/a\n", "{name}: {script}");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The shell of a client usually does not have the keys of the server.
#[test]
fn the_upstreams_key_is_not_needed() {
    let models =
        route("m", "/a", "claude", "openai-chat", "http://h").replace(": k", ": ${NO_SUCH_VARIABLE}");
    let file = file("client-key", &format!("models:\n{models}"));
    let output = client("claude-code", &file);
    std::fs::remove_file(&file).unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success() && err.is_empty(), "{err}");
    assert!(out.contains("ANTHROPIC_AUTH_TOKEN=llm-proxy\n"), "{out}");
}

#[test]
fn other_formats_fail_without_words_for_a_shell() {
    for arguments in ["codex --format json", "codex --format=env", "codex --format yaml"] {
        let output = client(arguments, Path::new("/nowhere.yaml"));
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{arguments}"
        );
    }
}
