//! The program as a user starts it: the demo, other commands, and the end by a signal.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_llm-proxy"))
}

struct Demo {
    child: Child,
    base: String,
    guide: String,
}

impl Demo {
    fn start() -> Self {
        let mut child = program()
            .args(["demo", "--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut guide = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base = loop {
            let line = lines.next().expect("the demo ended before it served").unwrap();
            if let Some(base) = line.strip_prefix("Listening on ") {
                break base.split(". ").next().unwrap().to_owned();
            }
            guide.push_str(&line);
            guide.push('\n');
        };
        Self { child, base, guide }
    }

    async fn post(&self, path: &str, body: &Value) -> reqwest::Response {
        let request = client()
            .post(format!("{}{path}", self.base))
            .header("content-type", "application/json");
        request
            .header("anthropic-version", "2023-06-01")
            .body(body.to_string())
            .send()
            .await
            .unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> reqwest::Client {
    // The HTTP client requires a provider of cryptography, also for plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

#[tokio::test]
async fn an_openai_client_streams_from_a_claude_upstream() {
    let demo = Demo::start();
    let messages = json!([{"role": "user", "content": "Say hello"}]);
    let body = json!({"model": "gpt-demo", "stream": true, "messages": messages});
    let response = demo.post("/openai-on-claude/v1/chat/completions", &body).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.unwrap();
    let chunks: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .collect();
    let words: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert!(
        words.contains("claude-demo") && words.contains("Say hello"),
        "{words}"
    );
    assert!(text.trim_end().ends_with("data: [DONE]"), "{text}");
}

#[tokio::test]
async fn a_claude_client_thinks_and_calls_a_tool_on_an_openai_upstream() {
    let demo = Demo::start();
    let messages = json!([{"role": "user", "content": "Think first: how is the weather in Paris?"}]);
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let tools = json!([{"name": "get_weather", "input_schema": schema}]);
    let body = json!({"model": "claude-demo", "max_tokens": 1024, "messages": messages, "tools": tools});
    let response = demo.post("/claude-on-openai/v1/messages", &body).await;
    let response: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    let kinds: Vec<&str> = response["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| block["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["thinking", "tool_use"]);
    assert_eq!(response["stop_reason"], "tool_use");
    assert_eq!(response["content"][1]["name"], "get_weather");
}

#[tokio::test]
async fn every_printed_command_gets_a_response() {
    let demo = Demo::start();
    let commands: Vec<&str> = demo.guide.split("curl -N ").skip(1).collect();
    assert!(commands.len() >= 5, "{}", demo.guide);
    for command in commands {
        let url = command.split(' ').next().unwrap();
        let body = command
            .split("-d '")
            .nth(1)
            .and_then(|rest| rest.split('\'').next())
            .unwrap();
        let path = url
            .strip_prefix(&demo.base)
            .expect("a command for another server");
        let response = demo.post(path, &serde_json::from_str(body).unwrap()).await;
        let expected = if body.contains("error 429") { 429 } else { 200 };
        assert_eq!(response.status().as_u16(), expected, "{command}");
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_program() {
    let mut demo = Demo::start();
    let pid = demo.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let asked = Instant::now();
    let status = loop {
        if let Some(status) = demo.child.try_wait().unwrap() {
            break status;
        }
        assert!(asked.elapsed() < Duration::from_secs(10), "still running");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success(), "{status}");
}

#[test]
fn check_shows_the_routes_of_the_example() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/config/config.example.yaml");
    let mut command = program();
    for variable in ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"] {
        command.env(variable, "a-key-that-nobody-may-see");
    }
    let output = command.args(["check", "--config", example]).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        shown.contains("openai-chat") && shown.contains("claude"),
        "{shown}"
    );
    assert!(!shown.contains("nobody-may-see"), "{shown}");
}

#[test]
fn a_wrong_configuration_is_reported_by_line_and_exits_with_1() {
    let folder = std::env::temp_dir().join(format!("llm-proxy-test-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("wrong.yaml");
    std::fs::write(&file, "models:\n  - frontend_modl_name: x\n").unwrap();
    for arguments in [
        vec!["check", "--config"],
        vec!["check"],
        vec!["--config"],
        vec!["serve"],
        vec!["serve", "-c"],
        vec![],
    ] {
        let output = program().args(arguments).arg(&file).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(
            message.contains("wrong.yaml:2:") && message.contains("frontend_modl_name"),
            "{message}"
        );
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn without_any_configuration_the_program_says_what_to_do() {
    let folder = std::env::temp_dir().join(format!("llm-proxy-empty-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for arguments in [
        &[][..],
        &["serve"],
        &["check"],
        &["client", "codex"],
        &["--port", "1"],
    ] {
        let output = program().args(arguments).current_dir(&folder).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        for word in [
            "llm-proxy.yaml",
            "config/config.yaml",
            "--config",
            "llm-proxy demo",
        ] {
            assert!(message.contains(word), "{message}");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_default_file_is_checked_and_served() {
    let folder = std::env::temp_dir().join(format!("llm-proxy-default-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("config")).unwrap();
    let models = "models:\n  - {frontend_model_name: m, frontend_base_url: /, backend_model_name: m, \
                  backend_base_url: 'http://127.0.0.1:1'}\n";
    std::fs::write(folder.join("config/config.yaml"), models).unwrap();
    let output = program().arg("check").current_dir(&folder).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    for arguments in [&["--port", "0"][..], &["serve", "--port", "0"]] {
        let mut child = program()
            .args(arguments)
            .current_dir(&folder)
            .env_remove("LLM_PROXY_LOG")
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        log.read_line(&mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(line.contains("listening"), "{arguments:?}: {line}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
