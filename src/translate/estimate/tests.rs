use crate::dialect::RequestCodec;
use http::HeaderMap;
use serde_json::{Value, json};

use super::*;
use crate::canonical::{Losses, Scope};
use crate::dialect::ClientRequest;
use crate::dialect::openai_chat::OpenAiChat;

const GPT: Family = Family::OpenaiChat;

fn request(body: &Value) -> Request {
    let body = body.to_string();
    let request = ClientRequest {
        headers: &HeaderMap::new(),
        model: None,
        stream: None,
        body: &bytes::Bytes::from(body),
    };
    OpenAiChat
        .read_request(&mut Scope::root(&mut Losses::new()), &request)
        .expect("a request")
        .request
}

fn count(body: &Value, family: Family, model: &str) -> u64 {
    Estimate::new(request(body), family, model).input_tokens()
}

/// The examples of OpenAI's cookbook, with what its API counted for gpt-4o.
#[test]
fn the_vendors_own_examples_come_out_as_its_api_counts_them() {
    let business = json!({"model": "gpt-4o", "messages": [
        {"role": "system", "content": "You are a helpful, pattern-following assistant that translates corporate jargon into plain English."},
        {"role": "system", "name": "example_user", "content": "New synergies will help drive top-line growth."},
        {"role": "system", "name": "example_assistant", "content": "Things working well together will increase revenue."},
        {"role": "system", "name": "example_user", "content": "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage."},
        {"role": "system", "name": "example_assistant", "content": "Let's talk later when we're less busy about how to do better."},
        {"role": "user", "content": "This late pivot means we don't have time to boil the ocean for the client deliverable."},
    ]});
    let estimate = count(&business, GPT, "gpt-4o");
    assert!(estimate.abs_diff(124) <= 25, "{estimate}");

    let weather = json!({"model": "gpt-4o",
        "messages": [
            {"role": "system", "content": "You are a helpful assistant that can answer to questions about the weather."},
            {"role": "user", "content": "What's the weather like in San Francisco?"},
        ],
        "tools": [{"type": "function", "function": {
            "name": "get_current_weather",
            "description": "Get the current weather in a given location",
            "parameters": {"type": "object", "required": ["location"], "properties": {
                "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
                "unit": {"type": "string", "description": "The unit of temperature to return", "enum": ["celsius", "fahrenheit"]},
            }},
        }}],
    });
    let estimate = count(&weather, GPT, "gpt-4o");
    assert!(estimate.abs_diff(101) <= 8, "{estimate}");
}

#[test]
fn everything_that_a_model_reads_counts() {
    let base = json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]});
    let least = count(&base, GPT, "m");
    let text = "one two three four five six seven eight nine ten";
    let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": json!({"a": text}).to_string()}});
    let more = [
        json!({"role": "system", "content": text}),
        json!({"role": "user", "content": [{"type": "text", "text": text}]}),
        json!({"role": "assistant", "content": null, "tool_calls": [call]}),
        json!({"role": "tool", "tool_call_id": "c", "content": text}),
    ];
    for message in more {
        let mut body = base.clone();
        body["messages"]
            .as_array_mut()
            .expect("a list")
            .push(message.clone());
        assert!(count(&body, GPT, "m") >= least + 10, "{message}");
        assert!(
            estimate_from_length(&request(&body)) >= estimate_from_length(&request(&base)) + 10,
            "{message}"
        );
    }
    let parameters = json!({"type": "object", "properties": {"a": {"type": "array", "items": {
        "type": "object", "properties": {"b": {"type": "string", "enum": ["x", "y"], "description": text}}
    }}}});
    let mut tools = base.clone();
    tools["tools"] = json!([{"type": "function", "function": {"name": "f", "parameters": parameters}}]);
    let gpt = count(&tools, GPT, "m");
    assert!(gpt >= least + 10 + 7 + 12, "{gpt}");
    let claude = count(&tools, Family::Claude, "claude-opus-5-5");
    assert!(claude > 346, "{claude}");
    tools["tool_choice"] = json!("required");
    assert_eq!(count(&tools, Family::Claude, "claude-opus-5-5"), claude - 33);
}

#[test]
fn models_are_distinguished_by_their_names() {
    let claude = |newer| CountedModel::Claude { newer };
    for (family, name, expected) in [
        (Family::Claude, "claude-3-5-haiku-20241022", claude(false)),
        (Family::Claude, "claude-sonnet-4-20250514", claude(false)),
        (Family::Claude, "claude-opus-4-6", claude(false)),
        (
            Family::Claude,
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            claude(false),
        ),
        (Family::Claude, "claude-instant-v1", claude(false)),
        (Family::Claude, "anthropic.claude-v2:1", claude(false)),
        (Family::Claude, "claude-opus-4-7", claude(true)),
        (Family::Claude, "eu.anthropic.claude-opus-4-8-v1:0", claude(true)),
        (Family::Claude, "claude-sonnet-5", claude(true)),
        (Family::Claude, "claude-fable-5-2", claude(true)),
        (Family::Claude, "some-alias", claude(true)),
        (GPT, "anthropic/claude-sonnet-4.5", claude(false)),
        (
            GPT,
            "openai/gpt-4o-2024-08-06",
            CountedModel::OpenAi { tiles: true },
        ),
        (GPT, "gpt-4o-mini", CountedModel::OpenAi { tiles: false }),
        (GPT, "gpt-5", CountedModel::OpenAi { tiles: true }),
        (GPT, "gpt-5.5", CountedModel::OpenAi { tiles: false }),
        (GPT, "qwen3", CountedModel::OpenAi { tiles: false }),
    ] {
        assert_eq!(CountedModel::of(family, name), expected, "{name}");
    }
}
