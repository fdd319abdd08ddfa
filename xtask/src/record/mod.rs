//! `cargo xtask record`: records the requests of a client as fixtures.
//!
//! A relay in front of a proxy writes every request that generates a response. The recorded body has the structure of
//! the original, without private content (see [`redact`]).

mod redact;
mod relay;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use serde_json::{Map, Value, json};

use redact::Redactor;
use relay::RelayedRequest;

/// The headers that a translation reads. All others are dropped, because they may contain keys.
const KEPT_HEADERS: [&str; 3] = ["anthropic-version", "anthropic-beta", "openai-beta"];

#[derive(Args)]
pub struct RecordOptions {
    /// Name and version of the client, such as claude-code-2.1.330
    client: String,
    /// Name of the case, such as tool-result; later requests of the same run get -2, -3 …
    scenario: String,
    /// Address of the proxy
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    to: String,
    /// Address to listen on; configure the client with `llm-proxy client … --base-url http://HOST:PORT`
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8090")]
    listen: String,
    /// Stop after this number of recorded requests
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Folder of the client fixtures
    #[arg(long, value_name = "DIR", default_value_os_t = default_folder())]
    out: PathBuf,
}

fn default_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("tests/fixtures/clients")
}

/// The state of one run.
struct Recording {
    redactor: Redactor,
    written: usize,
}

/// Forwards and records requests, until the requested number is recorded or the process is interrupted.
///
/// # Errors
/// The address is in use, or a name is not valid as a folder name.
pub fn run(options: &RecordOptions) -> Result<(), String> {
    for name in [&options.client, &options.scenario] {
        if !name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
            || name.starts_with('.')
        {
            return Err(format!(
                "{name:?} is not valid as a folder name: use letters, digits and `-._`"
            ));
        }
    }
    let listener =
        TcpListener::bind(&options.listen).map_err(|error| format!("{}: {error}", options.listen))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    eprintln!("relaying http://{address} to {}; Ctrl-C ends it", options.to);
    let recording = Arc::new(Mutex::new(Recording {
        redactor: Redactor::default(),
        written: 0,
    }));
    let mut relays = Vec::new();
    for connection in listener.incoming() {
        let Ok(connection) = connection else { continue };
        let (request, connection) = match relay::read(connection) {
            Ok(read) => read,
            Err(error) => {
                eprintln!("a request could not be read: {error}");
                continue;
            }
        };
        let done = {
            let mut recording = recording.lock().unwrap_or_else(PoisonError::into_inner);
            match record_request(options, &request, &mut recording) {
                Ok(Some(folder)) => eprintln!("{} → {}", request.target, folder.display()),
                Ok(None) => eprintln!("{} {} is not recorded", request.method, request.target),
                Err(error) => eprintln!("{}: {error}", request.target),
            }
            options.count.is_some_and(|count| recording.written >= count)
        };
        let to = options.to.clone();
        relays.push(std::thread::spawn(move || {
            if let Err(error) = relay::forward(&request, connection, &to) {
                eprintln!("{}: {error}", request.target);
            }
        }));
        if done {
            break;
        }
    }
    for relay in relays {
        // A thread that failed has already printed its error.
        let _ = relay.join();
    }
    Ok(())
}

/// Records a request and returns its folder. `None` for a request that does not generate a response.
fn record_request(
    options: &RecordOptions,
    request: &RelayedRequest,
    recording: &mut Recording,
) -> Result<Option<PathBuf>, String> {
    let Some((dialect, path)) = generating_dialect(request) else {
        return Ok(None);
    };
    let body: Value =
        serde_json::from_slice(&request.body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let redactor = &mut recording.redactor;
    let mut case = Map::new();
    case.insert("dialect".to_owned(), dialect.into());
    if let Some(path) = path {
        case.insert("path".to_owned(), path.into());
    }
    let headers: Map<String, Value> = KEPT_HEADERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), request.header(name)?.into())))
        .collect();
    if !headers.is_empty() {
        case.insert("headers".to_owned(), headers.into());
    }
    let body = redactor.document(&body);
    recording.written += 1;
    let scenario = match recording.written {
        1 => options.scenario.clone(),
        number => format!("{}-{number}", options.scenario),
    };
    let folder = options.out.join(&options.client).join(scenario);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (name, value) in [("case.json", &json!(case)), ("request.json", &body)] {
        let file = folder.join(name);
        fs::write(&file, format!("{value:#}\n")).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(Some(folder))
}

/// The dialect of a request that generates a response, and its path for Bedrock, where the path contains the model.
/// `None` for other requests.
fn generating_dialect(request: &RelayedRequest) -> Option<(&'static str, Option<String>)> {
    let path = request.target.split('?').next().unwrap_or_default();
    if request.method != "POST" {
        return None;
    }
    for (end, dialect) in [
        ("/chat/completions", "openai-chat"),
        ("/responses", "openai-responses"),
        ("/v1/messages", "claude"),
    ] {
        if path.ends_with(end) {
            return Some((dialect, None));
        }
    }
    let invoked = path.ends_with("/invoke") || path.ends_with("/invoke-with-response-stream");
    let model = path.find("/model/").filter(|_| invoked)?;
    Some(("bedrock", path.get(model..).map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::relay::RelayedRequest;
    use super::{RecordOptions, Recording, Redactor, generating_dialect, record_request};

    fn request(method: &str, target: &str, body: &str) -> RelayedRequest {
        RelayedRequest {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: vec![
                ("Authorization".to_owned(), "Bearer sk-1".to_owned()),
                ("Anthropic-Beta".to_owned(), "a-2025-01-01".to_owned()),
            ],
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn only_generating_requests_are_recorded() {
        for (target, dialect, path) in [
            ("/a/v1/chat/completions", "openai-chat", None),
            ("/v1/responses", "openai-responses", None),
            ("/v1/messages?beta=true", "claude", None),
            (
                "/aws/model/m%3A0/invoke",
                "bedrock",
                Some("/model/m%3A0/invoke".to_owned()),
            ),
        ] {
            assert_eq!(
                generating_dialect(&request("POST", target, "")),
                Some((dialect, path))
            );
            assert_eq!(generating_dialect(&request("GET", target, "")), None);
        }
        for target in [
            "/v1/messages/count_tokens",
            "/v1/responses/compact",
            "/invoke",
            "/",
        ] {
            assert_eq!(generating_dialect(&request("POST", target, "")), None, "{target}");
        }
    }

    #[test]
    fn a_recording_is_a_folder_for_each_request() {
        let out = std::env::temp_dir().join(format!("llm-proxy-record-{}", std::process::id()));
        let options = RecordOptions {
            client: "c-1".to_owned(),
            scenario: "text".to_owned(),
            to: String::new(),
            listen: String::new(),
            count: None,
            out: out.clone(),
        };
        let mut recording = Recording {
            redactor: Redactor::default(),
            written: 0,
        };
        let sent = request(
            "POST",
            "/v1/messages",
            r#"{"model":"m","messages":[{"role":"user","content":"Hello there"}]}"#,
        );
        for name in ["text", "text-2"] {
            assert_eq!(
                record_request(&options, &sent, &mut recording),
                Ok(Some(out.join("c-1").join(name)))
            );
        }
        let read = |file: &str| std::fs::read_to_string(out.join("c-1/text-2").join(file)).unwrap();
        let (case, body) = (read("case.json"), read("request.json"));
        std::fs::remove_dir_all(&out).unwrap();
        let case: serde_json::Value = serde_json::from_str(&case).unwrap();
        assert_eq!(
            case,
            serde_json::json!({"dialect": "claude", "headers": {"anthropic-beta": "a-2025-01-01"}})
        );
        assert!(body.contains("\"Words 1.\"") && !body.contains("Hello"), "{body}");
    }
}
