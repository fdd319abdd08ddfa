//! What real clients sent goes to another dialect and back.

mod common;

use std::collections::BTreeMap;
use std::fs;

use common::{Facts, begin, listed};
use llm_proxy::canonical::Losses;
use llm_proxy::dialect::{self, Dialect, DialectName};
use serde_json::{Value, json};

fn capture(name: &str) -> String {
    let folder = common::root().join("tests/fixtures/clients").join(name);
    fs::read_to_string(folder.join("request.json")).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn find(name: DialectName) -> &'static dyn Dialect {
    dialect::find(name)
}

/// What an upstream gets when a client sends this, and what was lost on the way.
fn send(from: DialectName, to: DialectName, model: &str, body: &str) -> (String, Losses) {
    let facts = Facts {
        models: BTreeMap::from([(to.to_string(), model.to_owned())]),
        ..Facts::default()
    };
    let mut losses = Losses::new();
    let (_, written) = begin(find(from), find(to), &facts, body.as_bytes(), &mut losses)
        .unwrap_or_else(|error| panic!("{error} at {:?}", error.param));
    (String::from_utf8(written.body).unwrap(), losses)
}

/// Tools of the Messages API by what they mean: name, description, schema.
fn claude_tools(request: &Value) -> Vec<Value> {
    let tool = |tool: &Value| json!([tool["name"], tool["description"], tool["input_schema"]]);
    request["tools"].as_array().unwrap().iter().map(tool).collect()
}

fn chat_tools(request: &Value) -> Vec<Value> {
    let tools = request["tools"].as_array().unwrap().iter();
    tools
        .map(|tool| {
            let function = &tool["function"];
            json!([function["name"], function["description"], function["parameters"]])
        })
        .collect()
}

/// A string as the one text that it represents.
fn blocks(content: &Value) -> Vec<Value> {
    match content {
        Value::String(text) => vec![json!({"type": "text", "text": text})],
        blocks => blocks.as_array().cloned().unwrap_or_default(),
    }
}

/// The blocks of a conversation with their roles, without hints for caching, which mean nothing to the model, and
/// without the success that a result need not mention.
fn claude_blocks(request: &Value) -> Vec<Value> {
    let mut out = Vec::new();
    for message in request["messages"].as_array().unwrap() {
        for mut block in blocks(&message["content"]) {
            let members = block.as_object_mut().unwrap();
            members.remove("cache_control");
            if members.get("is_error") == Some(&json!(false)) {
                members.remove("is_error");
            }
            out.push(json!([message["role"], block]));
        }
    }
    out
}

fn claude_system(request: &Value) -> Vec<String> {
    let blocks = blocks(&request["system"]).into_iter();
    blocks
        .map(|block| block["text"].as_str().unwrap().to_owned())
        .collect()
}

/// A message with every text as a part, and no content where there is none.
fn chat_messages(request: &Value) -> Vec<Value> {
    let messages = request["messages"].as_array().unwrap().iter();
    messages
        .map(|message| {
            let mut message = message.clone();
            message["content"] = blocks(&message["content"]).into();
            message
        })
        .collect()
}

/// Identifiers of the calls in a conversation of the Messages API, and of the results.
fn pairs_of(blocks: &[Value]) -> (Vec<&Value>, Vec<&Value>) {
    let all = |kind: &'static str, id: &'static str| {
        let blocks = blocks.iter().map(|block| &block[1]);
        let of_kind = blocks.filter(move |block| block["type"] == kind);
        of_kind.map(move |block| &block[id]).collect()
    };
    (all("tool_use", "id"), all("tool_result", "tool_use_id"))
}

fn claude_code_and_back(name: &str, model: &str) -> String {
    let sent = capture(name);
    let (there, lost_there) = send(DialectName::Claude, DialectName::OpenAiChat, model, &sent);
    // A model that takes instructions in the middle, as the one of the capture did.
    let (back, lost_back) = send(
        DialectName::OpenAiChat,
        DialectName::Claude,
        "claude-opus-4-8",
        &there,
    );
    let (sent, there, back) = (json(&sent), json(&there), json(&back));

    let tools = claude_tools(&sent);
    assert!(tools.len() >= 10, "{} tools", tools.len());
    assert_eq!(chat_tools(&there), tools);
    assert_eq!(claude_tools(&back), tools);

    // The line that changes with every request stays out of other vendors' caches.
    let system = claude_system(&sent);
    assert!(system[0].starts_with("x-anthropic-billing-header:"));
    assert_eq!(claude_system(&back), system[1..]);

    let said = claude_blocks(&sent);
    let thought = |block: &Value| block[1]["type"] == "thinking";
    let expected: Vec<&Value> = said.iter().filter(|block| !thought(block)).collect();
    assert_eq!(claude_blocks(&back).iter().collect::<Vec<_>>(), expected);

    let (calls, results) = pairs_of(&said);
    assert!(!calls.is_empty());
    assert_eq!(calls, results);

    let thinking: Vec<&Value> = said
        .iter()
        .filter(|block| thought(block))
        .map(|block| &block[1]["thinking"])
        .collect();
    let replayed: Vec<&Value> = there["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|message| message.get("reasoning_content"))
        .collect();
    if model == "deepseek-reasoner" {
        assert_eq!(replayed, thinking);
    } else {
        assert_eq!(replayed, Vec::<&Value>::new());
    }
    format!("there:\n{}\nback:\n{}", listed(&lost_there), listed(&lost_back))
}

#[test]
fn claude_code_to_chat_and_back() {
    insta::assert_snapshot!(
        "claude-code-thinking-and-tool",
        claude_code_and_back("claude-code-2.1.330/thinking", "acme-large")
    );
    insta::assert_snapshot!(
        "claude-code-parallel-tools",
        claude_code_and_back("claude-code-2.1.330/parallel-tools", "gpt-5")
    );
}

#[test]
fn claude_code_to_a_model_that_wants_its_reasoning_back() {
    insta::assert_snapshot!(
        "claude-code-reasoning",
        claude_code_and_back("claude-code-2.1.330/thinking", "deepseek-reasoner")
    );
}

#[test]
fn openai_python_to_claude_and_back() {
    let sent = capture("openai-python-3.54.0/chat-parallel-tools");
    let (there, lost_there) = send(
        DialectName::OpenAiChat,
        DialectName::Claude,
        "claude-opus-4-8",
        &sent,
    );
    let (back, lost_back) = send(DialectName::Claude, DialectName::OpenAiChat, "gpt-5", &there);
    let (sent, there, back) = (json(&sent), json(&there), json(&back));

    let tools = chat_tools(&sent);
    assert_eq!(tools.len(), 2);
    assert_eq!(claude_tools(&there), tools);
    assert_eq!(chat_tools(&back), tools);
    assert_eq!(chat_messages(&back), chat_messages(&sent));
    let said = claude_blocks(&there);
    let (calls, results) = pairs_of(&said);
    assert_eq!(calls.len(), 2);
    assert_eq!(calls, results);
    for name in ["stream", "max_completion_tokens", "stream_options"] {
        assert_eq!(back[name], sent[name], "{name}");
    }
    insta::assert_snapshot!(
        "openai-python-parallel-tools",
        format!("there:\n{}\nback:\n{}", listed(&lost_there), listed(&lost_back))
    );
}
