//! A conversation in the words of each dialect's clients.

use llm_proxy::canonical::{Family, Opaque};
use llm_proxy::dialect::DialectName;
use llm_proxy::dialect::shared::carrier;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Call, Conversation, Part, Signed, Tool, Turn};

/// The request that a client of a dialect sends. `number` is how many it has sent before.
pub fn request(dialect: DialectName, conversation: &Conversation, number: usize) -> Value {
    match dialect {
        DialectName::Claude => claude(conversation, number),
        DialectName::OpenAiChat => chat(conversation),
        DialectName::OpenAiResponses => responses(conversation),
        DialectName::Bedrock => {
            let mut request = claude(conversation, number);
            let members = request.as_object_mut().unwrap();
            members.retain(|name, _| name != "model" && name != "stream");
            members.insert("anthropic_version".to_owned(), "bedrock-2023-05-31".into());
            request
        }
    }
}

fn claude(conversation: &Conversation, number: usize) -> Value {
    let Conversation {
        system,
        tools,
        turns,
        reasons,
    } = conversation;
    let mut request = json!({"model": "some-model", "max_tokens": 4096, "stream": true});
    // Claude Code's first line, which differs in every request.
    let line = format!("x-anthropic-billing-header: cc_version=2.1.330; cch={number:05};");
    let lines = [line].into_iter().chain(system.iter().cloned());
    request["system"] = lines.map(|text| json!({"type": "text", "text": text})).collect();
    let tool = |tool: &Tool| json!({"name": tool.name, "description": tool.description, "input_schema": tool.schema});
    request["tools"] = tools.iter().map(tool).collect();
    if *reasons {
        request["thinking"] = json!({"type": "adaptive"});
    }
    request["messages"] = turns.iter().map(claude_message).collect();
    request
}

fn claude_message(turn: &Turn) -> Value {
    match turn {
        Turn::User(parts) => match parts.as_slice() {
            [Part::Text(text)] => json!({"role": "user", "content": text}),
            parts => json!({"role": "user", "content": claude_parts(parts)}),
        },
        Turn::System(text) => json!({"role": "system", "content": text}),
        Turn::Assistant {
            thinking,
            text,
            calls,
        } => {
            let mut content = Vec::new();
            content.extend(thinking.as_ref().map(claude_thinking));
            content.extend(text.iter().map(|text| json!({"type": "text", "text": text})));
            content.extend(
                calls.iter().map(
                    |Call { id, name, input }| json!({"type": "tool_use", "id": id, "name": name, "input": input}),
                ),
            );
            json!({"role": "assistant", "content": content})
        }
        Turn::Results { results, then } => {
            let mut content: Vec<Value> = results
                .iter()
                .map(|result| {
                    let parts = claude_parts(&result.content);
                    json!({"type": "tool_result", "tool_use_id": result.call, "content": parts, "is_error": result.is_error})
                })
                .collect();
            content.extend(then.iter().map(|text| json!({"type": "text", "text": text})));
            json!({"role": "user", "content": content})
        }
    }
}

fn claude_parts(parts: &[Part]) -> Value {
    let part = |part: &Part| match part {
        Part::Text(text) => json!({"type": "text", "text": text}),
        Part::Image { media_type, data } => {
            json!({"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}})
        }
    };
    parts.iter().map(part).collect()
}

fn claude_thinking((text, signed): &(String, Signed)) -> Value {
    match signed {
        Signed::Claude => {
            json!({"type": "thinking", "thinking": text, "signature": "EqQBCgIYAhIM1gbcDa9GJwZA"})
        }
        Signed::ClaudeRedacted => json!({"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix"}),
        Signed::Unsigned => {
            json!({"type": "thinking", "thinking": text, "signature": carrier::encode(&carrier::unsigned_reasoning())})
        }
    }
}

fn chat(conversation: &Conversation) -> Value {
    let Conversation {
        system,
        tools,
        turns,
        reasons,
    } = conversation;
    let mut request = json!({"model": "some-model", "stream": true});
    let tool = |tool: &Tool| {
        // The dialect takes names of 64 characters at most.
        let name = short(tool.name);
        json!({"type": "function", "function": {"name": name, "description": tool.description, "parameters": tool.schema}})
    };
    request["tools"] = tools.iter().map(tool).collect();
    if *reasons {
        request["reasoning_effort"] = json!("low");
    }
    let system = system
        .iter()
        .map(|text| json!({"role": "system", "content": text}));
    let messages = turns.iter().flat_map(chat_messages);
    request["messages"] = system.chain(messages).collect();
    request
}

fn short(name: &str) -> &str {
    name.get(..64).unwrap_or(name)
}

fn chat_messages(turn: &Turn) -> Vec<Value> {
    match turn {
        Turn::User(parts) => match parts.as_slice() {
            [Part::Text(text)] => vec![json!({"role": "user", "content": text})],
            parts => vec![json!({"role": "user", "content": chat_parts(parts)})],
        },
        Turn::System(text) => vec![json!({"role": "developer", "content": text})],
        Turn::Assistant {
            thinking,
            text,
            calls,
        } => {
            let mut message = json!({"role": "assistant", "content": text.concat()});
            if let Some((text, signed)) = thinking {
                chat_thinking(&mut message, text, *signed);
            }
            if !calls.is_empty() {
                let call = |Call { id, name, input }: &Call| {
                    let function = json!({"name": short(name), "arguments": input.to_string()});
                    json!({"id": id, "type": "function", "function": function})
                };
                message["tool_calls"] = calls.iter().map(call).collect();
            }
            vec![message]
        }
        Turn::Results { results, then } => {
            let mut messages: Vec<Value> = results
                .iter()
                .map(|result| {
                    let text: String = result.content.iter().filter_map(Part::text).collect();
                    json!({"role": "tool", "tool_call_id": result.call, "content": text})
                })
                .collect();
            messages.extend(then.iter().map(|text| json!({"role": "user", "content": text})));
            messages
        }
    }
}

impl Part {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Image { .. } => None,
        }
    }
}

fn chat_parts(parts: &[Part]) -> Value {
    let part = |part: &Part| match part {
        Part::Text(text) => json!({"type": "text", "text": text}),
        Part::Image { media_type, data } => {
            json!({"type": "image_url", "image_url": {"url": format!("data:{media_type};base64,{data}")}})
        }
    };
    parts.iter().map(part).collect()
}

/// The members that a client which echoes them sends back.
fn chat_thinking(message: &mut Value, text: &str, signed: Signed) {
    if signed != Signed::ClaudeRedacted {
        message["reasoning_content"] = json!(text);
    }
    if signed == Signed::Unsigned {
        return;
    }
    let data = carried(text, signed);
    message["reasoning_details"] = json!([{"type": "reasoning.encrypted", "index": 0, "data": data}]);
}

fn responses(conversation: &Conversation) -> Value {
    let Conversation {
        system,
        tools,
        turns,
        reasons,
    } = conversation;
    let mut request = json!({"model": "some-model", "stream": true, "store": false});
    let tool = |tool: &Tool| {
        json!({
            "type": "function", "name": short(tool.name), "description": tool.description, "parameters": tool.schema,
            "strict": false
        })
    };
    request["tools"] = tools.iter().map(tool).collect();
    if *reasons {
        request["reasoning"] = json!({"effort": "low"});
    }
    let system = system
        .iter()
        .map(|text| json!({"role": "developer", "content": text}));
    let items = turns.iter().flat_map(responses_items);
    request["input"] = system.chain(items).collect();
    request
}

fn responses_items(turn: &Turn) -> Vec<Value> {
    let text = |part: &Part| match part {
        Part::Text(text) => json!({"type": "input_text", "text": text}),
        Part::Image { media_type, data } => {
            json!({"type": "input_image", "detail": "auto", "image_url": format!("data:{media_type};base64,{data}")})
        }
    };
    match turn {
        Turn::User(parts) => {
            vec![
                json!({"type": "message", "role": "user", "content": parts.iter().map(text).collect::<Value>()}),
            ]
        }
        Turn::System(text) => vec![json!({"role": "developer", "content": text})],
        Turn::Assistant {
            thinking,
            text,
            calls,
        } => {
            let mut items: Vec<Value> = thinking
                .iter()
                .map(|(text, signed)| responses_thinking(text, *signed))
                .collect();
            items.extend(
                text.iter()
                    .map(|text| json!({"role": "assistant", "content": text})),
            );
            items.extend(calls.iter().map(|Call { id, name, input }| {
                json!({"type": "function_call", "call_id": id, "name": short(name), "arguments": input.to_string()})
            }));
            items
        }
        Turn::Results { results, then } => {
            let mut items: Vec<Value> = results
                .iter()
                .map(|result| {
                    let output: Value = result.content.iter().map(text).collect();
                    json!({"type": "function_call_output", "call_id": result.call, "output": output})
                })
                .collect();
            items.extend(then.iter().map(|text| json!({"role": "user", "content": text})));
            items
        }
    }
}

fn responses_thinking(text: &str, signed: Signed) -> Value {
    let summary = match signed {
        Signed::ClaudeRedacted => json!([]),
        Signed::Claude | Signed::Unsigned => json!([{"type": "summary_text", "text": text}]),
    };
    json!({"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": carried(text, signed)})
}

/// The carrier in which reasoning crosses a client of another vendor.
fn carried(text: &str, signed: Signed) -> String {
    let block = match signed {
        Signed::Unsigned => return carrier::encode(&carrier::unsigned_reasoning()),
        Signed::Claude => {
            json!({"type": "thinking", "thinking": text, "signature": "EqQBCgIYAhIM1gbcDa9GJwZA"})
        }
        Signed::ClaudeRedacted => json!({"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix"}),
    };
    carrier::encode(&Opaque::new(
        Family::Claude,
        RawValue::from_string(block.to_string()).unwrap(),
    ))
}
