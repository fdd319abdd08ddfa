//! Requests, captured from real clients where possible, and extended by code to the required size.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use llm_proxy::dialect::DialectName;
use llm_proxy::wire::splice::{self, Splices};
use serde_json::{Value, json};

use crate::MODEL;
use crate::exchange::BenchPair;

/// A captured request of Claude Code: tools, system prompt, reminders, one tool call with its result. Placeholders
/// replace the original prose.
const CLAUDE_CODE: &str =
    include_str!("../../tests/fixtures/captures/claude-code-2.1.330-thinking-and-tool.json");
/// A captured request of Codex with one tool call and its result.
const CODEX: &str = include_str!("../data/codex-0.169.0-exec-loop.json");
/// A piece of a file as tools print it. Its line ends and quotes are characters that JSON must escape.
const LISTING: &str = "  41\tfn first_error(report: &Report) -> Option<&str> {\n  42\t    let found = report.lines()\n  43\t        .filter(|line| line.starts_with(\"error: \"))\n  44\t        .next()?;\n  45\t    Some(found.trim_end_matches('\\n'))\n  46\t}\n";

/// The kinds of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// One short question.
    Small,
    /// A request of a coding agent in the middle of a session: about 120 KB of tools and history.
    Code,
    /// A question about an image of 5 MB.
    Image,
}

impl RequestKind {
    /// The name on the command line and in benchmark names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Code => "code",
            Self::Image => "image",
        }
    }

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Small, Self::Code, Self::Image]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

/// Creates a request of a kind in a dialect.
///
/// The agent requests of `openai-chat` and `bedrock`, and the image requests of all dialects except `claude`, are the
/// proxy's own translations of the `claude` requests, because no client with requests of this size was available.
pub fn request(kind: RequestKind, dialect: DialectName, stream: bool) -> Bytes {
    let claude = match (kind, dialect) {
        (RequestKind::Small, _) => return small(dialect, stream),
        (RequestKind::Code, DialectName::OpenAiResponses) => return codex(120 * 1024, stream),
        (RequestKind::Code, _) => claude_code(120 * 1024, stream),
        (RequestKind::Image, _) => image(5 * 1024 * 1024, stream),
    };
    of_claude(claude, dialect)
}

fn of_claude(request: Bytes, dialect: DialectName) -> Bytes {
    if dialect == DialectName::Claude {
        return request;
    }
    let (_, written) = BenchPair::new(DialectName::Claude, dialect).begin(&request, true);
    let body = Bytes::from(written.body);
    if dialect == DialectName::Bedrock {
        return body;
    }
    // The translation contains the upstream's model name; put back the client's.
    let mut splices = Splices::new();
    splices
        .set_member(&body, "model", splice::encode_str(MODEL))
        .expect("an object");
    splices.apply(&body).expect("edits that fit").into_bytes()
}

fn bytes(value: &Value) -> Bytes {
    value.to_string().into()
}

fn small(dialect: DialectName, stream: bool) -> Bytes {
    let question = "How do I list the files of a folder by their size?";
    let instructions = "You are a helpful assistant. Answer in one sentence.";
    let user = json!({"role": "user", "content": question});
    bytes(&match dialect {
        DialectName::OpenAiChat => {
            let system = json!({"role": "system", "content": instructions});
            json!({"model": MODEL, "messages": [system, user], "temperature": 0.2, "stream": stream})
        }
        DialectName::OpenAiResponses => {
            json!({"model": MODEL, "instructions": instructions, "input": [user], "stream": stream})
        }
        DialectName::Claude => {
            json!({"model": MODEL, "max_tokens": 1024, "system": instructions, "messages": [user], "stream": stream})
        }
        DialectName::Bedrock => {
            json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 1024, "system": instructions, "messages": [user]})
        }
    })
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("a captured request")
}

/// Claude Code's request, with tool calls added to the history until it has about `size` bytes. Unchanged if the
/// captured request is larger.
pub fn claude_code(size: usize, stream: bool) -> Bytes {
    let mut request = parsed(CLAUDE_CODE);
    request["model"] = MODEL.into();
    request["stream"] = stream.into();
    let mut length = request.to_string().len();
    let messages = request["messages"].as_array_mut().expect("messages");
    for round in 0_usize.. {
        if length >= size {
            break;
        }
        let id = format!("toolu_01N{}", round + 2);
        let input = json!({"file_path": format!("/home/user/project/src/report_{round}.rs"), "offset": 41});
        let text = "The failing test reads the first error of the report; look at how it is found.";
        let call = json!({"type": "tool_use", "id": id, "name": "Read", "input": input});
        let result = json!({"type": "tool_result", "tool_use_id": id, "content": LISTING.repeat(8)});
        for (role, content) in [
            ("assistant", json!([{"type": "text", "text": text}, call])),
            ("user", json!([result])),
        ] {
            let message = json!({"role": role, "content": content});
            length += message.to_string().len() + 1;
            messages.push(message);
        }
    }
    bytes(&request)
}

/// Codex's request, extended in the same way as [`claude_code`].
pub fn codex(size: usize, stream: bool) -> Bytes {
    let mut request = parsed(CODEX);
    request["model"] = MODEL.into();
    request["stream"] = stream.into();
    let mut length = request.to_string().len();
    // Remove the web search: an upstream without one refuses the request.
    let tools = request["tools"].as_array_mut().expect("tools");
    tools.retain(|tool| tool["type"] != "web_search");
    let input = request["input"].as_array_mut().expect("input");
    for round in 0_usize.. {
        if length >= size {
            break;
        }
        let id = format!("call_{}", round + 2);
        let arguments = json!({"cmd": format!("sed -n '41,89p' src/report_{round}.rs")}).to_string();
        let call = json!({"type": "function_call", "status": "completed", "id": format!("fc_{}", round + 2), "name": "exec_command", "arguments": arguments, "call_id": id});
        let output = json!({"type": "function_call_output", "call_id": id, "output": LISTING.repeat(8)});
        for item in [call, output] {
            length += item.to_string().len() + 1;
            input.push(item);
        }
    }
    bytes(&request)
}

/// A conversation of about `size` bytes in plain text.
pub fn chat(size: usize, dialect: DialectName) -> Bytes {
    let mut request = json!({"model": MODEL, "max_tokens": 1024, "messages": []});
    let messages = request["messages"].as_array_mut().expect("messages");
    let mut length = 0;
    while length < size || messages.len().is_multiple_of(2) {
        let role = if messages.len().is_multiple_of(2) {
            "user"
        } else {
            "assistant"
        };
        let left = size.saturating_sub(length).max(60);
        let text = LISTING.repeat(4);
        let message = json!({"role": role, "content": text.get(..left.min(text.len())).unwrap_or(&text)});
        length += message.to_string().len();
        messages.push(message);
    }
    of_claude(bytes(&request), dialect)
}

/// A `claude` request with a question about an image of about `size` bytes in Base64.
fn image(size: usize, stream: bool) -> Bytes {
    // Pseudo-random bytes, without repetitions that a scan or a copy could process faster.
    let mut state = 1_u64;
    let pixels: Vec<u8> = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    })
    .take(size / 4 * 3)
    .collect();
    let source = json!({"type": "base64", "media_type": "image/png", "data": STANDARD.encode(pixels)});
    let content = json!([{"type": "image", "source": source}, {"type": "text", "text": "What is on it?"}]);
    bytes(&json!({
        "model": MODEL,
        "max_tokens": 1024,
        "stream": stream,
        "messages": [{"role": "user", "content": content}],
    }))
}
