//! Requests: captured from real clients where these sent them, and grown by code where the size is what matters.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use llm_proxy::dialect::DialectName;
use llm_proxy::wire::splice::{self, Splices};
use serde_json::{Value, json};

use crate::MODEL;
use crate::exchange::Pair;

/// What Claude Code sent: tools, system prompt, reminders, one round of a tool. Words in it stand for the text that was sent.
const CLAUDE_CODE: &str =
    include_str!("../../tests/fixtures/captures/claude-code-2.1.330-thinking-and-tool.json");
/// What Codex sent, one round of a tool in it.
const CODEX: &str = include_str!("../data/codex-0.169.0-exec-loop.json");
/// A piece of a file as tools show it: its line ends and quotes are what JSON has to escape.
const LISTING: &str = "  41\tfn first_error(report: &Report) -> Option<&str> {\n  42\t    let found = report.lines()\n  43\t        .filter(|line| line.starts_with(\"error: \"))\n  44\t        .next()?;\n  45\t    Some(found.trim_end_matches('\\n'))\n  46\t}\n";

/// The kinds of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One short question.
    Small,
    /// A coding agent in the middle of its work: some 120 KB of tools and history.
    Code,
    /// A question about an image of 5 MB.
    Image,
}

impl Kind {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Code => "code",
            Self::Image => "image",
        }
    }

    /// The kind of a name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Small, Self::Code, Self::Image]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

/// A request of a kind in a dialect.
///
/// The agents' requests of `openai-chat` and `bedrock`, and the images of all but `claude`, are what the proxy makes of
/// those of `claude`: no client with requests of that size was at hand.
pub fn request(kind: Kind, dialect: DialectName, stream: bool) -> Bytes {
    let claude = match (kind, dialect) {
        (Kind::Small, _) => return small(dialect, stream),
        (Kind::Code, DialectName::OpenAiResponses) => return codex(120 * 1024, stream),
        (Kind::Code, _) => claude_code(120 * 1024, stream),
        (Kind::Image, _) => image(5 * 1024 * 1024, stream),
    };
    of_claude(claude, dialect)
}

fn of_claude(request: Bytes, dialect: DialectName) -> Bytes {
    if dialect == DialectName::Claude {
        return request;
    }
    let (_, written) = Pair::new(DialectName::Claude, dialect).begin(&request, true);
    let body = Bytes::from(written.body);
    if dialect == DialectName::Bedrock {
        return body;
    }
    // Its model is the upstream's, but clients ask for their own.
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

/// Claude Code's request with rounds of tools added to its history until it has about `size` bytes; as it was sent where
/// that is more already.
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

/// Codex's request, grown like Claude Code's.
pub fn codex(size: usize, stream: bool) -> Bytes {
    let mut request = parsed(CODEX);
    request["model"] = MODEL.into();
    request["stream"] = stream.into();
    let mut length = request.to_string().len();
    // Turned off as for upstreams that search nothing themselves: one of them refuses it.
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

/// A chat of about `size` bytes: turns of plain text.
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

/// A question of Claude's dialect about an image of about `size` bytes as base64.
fn image(size: usize, stream: bool) -> Bytes {
    // Bytes of a linear congruence: no run that a copy or a scan could be fast on.
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
