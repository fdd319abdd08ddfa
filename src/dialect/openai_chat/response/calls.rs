//! Tool calls of a response.

use serde_json::Value;

use crate::canonical::{Scope, ToolCall, ToolInput};
use crate::dialect::Preferences;
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::types::*;

/// The form in which a client accepts tool calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatCallForm {
    /// `tool_calls`
    ToolCalls,
    /// The deprecated `function_call`, which holds one call.
    FunctionCall,
}

impl ChatCallForm {
    /// The form for a client: the one that matches how its request declared the tools.
    pub fn of(preferences: &Preferences) -> Self {
        if preferences.legacy_functions {
            Self::FunctionCall
        } else {
            Self::ToolCalls
        }
    }
}

/// An identifier for a call that came without one, the same whenever it is made for the same call. `response_id` is the
/// upstream's identifier of the response, `index` the position of the call.
pub fn make_call_id(response_id: Option<&str>, index: usize) -> String {
    // With the prefix and a number, 40 characters at most, which is what the strictest servers accept back.
    const TAIL: usize = 24;
    let legal: Vec<char> = response_id
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let tail: String = legal.iter().skip(legal.len().saturating_sub(TAIL)).collect();
    format!("call_{tail}_{index}")
}

/// The text of a call's arguments, or of a fragment of them. Some servers send the object itself.
pub fn read_arguments(arguments: Option<ToolCallArguments>) -> String {
    match arguments {
        None => String::new(),
        Some(ToolCallArguments::String(text)) => text,
        Some(ToolCallArguments::Object(json) | ToolCallArguments::Other(json)) => json.get().to_owned(),
    }
}

/// Reads a call of a complete response; `scope` is that of the call. `response_id` and `index` are for
/// [`make_call_id`].
pub fn read(
    scope: &mut Scope<'_>,
    call: ChatCompletionMessageToolCallUnion,
    response_id: Option<&str>,
    index: usize,
) -> Option<ToolCall> {
    let (id, name, input) = match call {
        ChatCompletionMessageToolCallUnion::Function(call) => {
            let ChatCompletionMessageFunctionToolCall {
                function,
                id,
                extra: _,
            } = call;
            let ChatCompletionMessageFunctionToolCallFunction {
                arguments,
                name,
                extra: _,
            } = function;
            (id, name, ToolInput::from_arguments(read_arguments(arguments)))
        }
        ChatCompletionMessageToolCallUnion::Custom(call) => {
            let ChatCompletionMessageCustomToolCall { custom, id, extra: _ } = call;
            let ChatCompletionMessageCustomToolCallCustom {
                input,
                name,
                extra: _,
            } = custom;
            let text = input.unwrap_or_default().into();
            (id, name.unwrap_or_default(), ToolInput::Freeform { text })
        }
        ChatCompletionMessageToolCallUnion::Unknown(_) => {
            scope.drop(ChatReason::UnknownCall);
            return None;
        }
    };
    Some(ToolCall {
        id: id
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| make_call_id(response_id, index)),
        name,
        namespace: None,
        input,
        cache: None,
    })
}

/// Reads the deprecated `function_call` of a complete response, which has no identifier.
pub fn read_function_call(call: ChatCompletionMessageFunctionCall, response_id: Option<&str>) -> ToolCall {
    let ChatCompletionMessageFunctionCall {
        arguments,
        name,
        extra: _,
    } = call;
    ToolCall {
        id: make_call_id(response_id, 0),
        name: name.unwrap_or_default(),
        namespace: None,
        input: ToolInput::from_arguments(arguments.unwrap_or_default()),
        cache: None,
    }
}

/// The document with the arguments of calls as text, if a server sends any of them as objects; otherwise `None`.
/// `message` is the member of a choice that contains the calls: `message`, or `delta` in a chunk.
///
/// For a second attempt at a document that could not be read. The generated types accept arguments in both forms
/// ([`ToolCallArguments`]), so this is seldom needed.
pub fn stringify_arguments(mut document: Value, message: &str) -> Option<Vec<u8>> {
    let mut is_changed = false;
    let choices = document.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten() {
        let calls = choice
            .get_mut(message)
            .and_then(|message| message.get_mut("tool_calls"))
            .and_then(Value::as_array_mut);
        for call in calls.into_iter().flatten() {
            let function = call.get_mut("function");
            if let Some(arguments) = function.and_then(|function| function.get_mut("arguments"))
                && arguments.is_object()
            {
                *arguments = Value::String(arguments.to_string());
                is_changed = true;
            }
        }
    }
    is_changed.then(|| document.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn made_identifiers_are_short_enough_for_all_servers() {
        let id = make_call_id(Some("chatcmpl-0123456789abcdefghijklmnopqrstuvwxyz"), 12);
        assert_eq!(id, "call_cdefghijklmnopqrstuvwxyz_12");
        assert!(id.len() <= 40);
        assert_eq!(make_call_id(None, 0), "call__0");
    }

    #[test]
    fn only_arguments_that_are_objects_are_changed() {
        let document = |arguments: Value| {
            let call = json!({"function": {"name": "f", "arguments": arguments}});
            json!({"choices": [{"message": {"tool_calls": [call]}}]})
        };
        let changed = stringify_arguments(document(json!({"a": 1})), "message");
        let expected = document(json!(r#"{"a":1}"#)).to_string().into_bytes();
        assert_eq!(changed, Some(expected));
        assert_eq!(stringify_arguments(document(json!("{}")), "message"), None);
        assert_eq!(stringify_arguments(document(json!({"a": 1})), "delta"), None);
    }
}
