//! Tool calls and their results in a history, which both dialects write alike.

use foldhash::{HashSet, HashSetExt};

use super::reasons::OpenAiReason;
use crate::canonical::{Block, Path, Request, Scope, ToolInput, ToolResult};
use crate::dialect::shared::tool_names::PARAMETER;
use crate::wire::json::{LazyStr, compact};

/// The result of a tool that failed without output. A result cannot be marked as an error, and an empty one would look
/// like success.
pub const FAILED_TOOL: &str = "Tool execution failed.";

/// Refuses calls and results that do not pair, which the APIs reject without naming the client's field: calls that
/// share an identifier, and results without an earlier call. Every other result is handed to `on_result`, with the
/// scope and the path of its block.
pub fn check_calls<'a>(
    scope: &mut Scope<'_>,
    request: &'a Request,
    mut on_result: impl FnMut(&mut Scope<'_>, Path<'static>, &'a ToolResult),
) {
    let mut calls = HashSet::new();
    for message in &request.messages {
        for (index, block) in message.content.iter().enumerate() {
            let path = || request.block_path(message, index);
            match block {
                Block::ToolCall(call) if !calls.insert(call.id.as_str()) => {
                    scope.at(path()).refuse(OpenAiReason::DuplicateCallId);
                }
                Block::ToolResult(result) if !calls.contains(result.call_id.as_str()) => {
                    scope.at(path()).refuse(OpenAiReason::ResultWithoutCall);
                }
                Block::ToolResult(result) => on_result(&mut scope.at(path()), path(), result),
                _ => {}
            }
        }
    }
}

/// The arguments of a call as the JSON text that function calls have. The input of a freeform tool becomes the one
/// parameter of the function that replaces the tool.
pub fn write_arguments(input: &ToolInput) -> LazyStr {
    match input {
        ToolInput::Object { json } => compact(json.get()).into(),
        ToolInput::Malformed { text } => text.clone(),
        ToolInput::Freeform { text } => serde_json::json!({PARAMETER: text}).to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::{Message, Role, ToolCall};
    use crate::dialect::openai::testing::{empty_request, recorded};

    fn call(id: &str) -> Block {
        Block::ToolCall(ToolCall {
            id: id.to_owned(),
            name: "f".to_owned(),
            namespace: None,
            input: ToolInput::from_arguments("{}".to_owned()),
            cache: None,
        })
    }

    fn result(call_id: &str) -> Block {
        Block::ToolResult(ToolResult {
            call_id: call_id.to_owned(),
            content: Vec::new(),
            is_error: false,
            cache: None,
        })
    }

    /// The identifiers of the results that are handed over, and the losses.
    fn checked(assistant: Vec<Block>, user: Vec<Block>) -> (Vec<String>, Vec<String>) {
        let mut request = empty_request();
        request.messages = vec![
            Message::new(Role::Assistant, 0, assistant),
            Message::new(Role::User, 1, user),
        ];
        let mut found = Vec::new();
        let ((), losses) = recorded(|scope| {
            check_calls(scope, &request, |scope, path, result| {
                assert_eq!(scope.path(), path);
                found.push(result.call_id.clone());
            });
        });
        (found, losses)
    }

    #[test]
    fn results_of_earlier_calls_are_handed_over_in_order() {
        let (found, losses) = checked(vec![call("a"), call("b")], vec![result("b"), result("a")]);
        assert_eq!(found, ["b", "a"]);
        assert!(losses.is_empty(), "{losses:?}");
    }

    #[test]
    fn calls_with_one_identifier_are_refused() {
        let (_, losses) = checked(vec![call("a"), call("a")], vec![]);
        let refused = "refused messages[0].content[1]: two tool calls have the same id";
        assert_eq!(losses, [refused]);
    }

    #[test]
    fn a_result_without_an_earlier_call_is_refused() {
        let (found, losses) = checked(vec![call("a")], vec![result("b")]);
        let refused = "refused messages[1].content[0]: the result of a tool call that is not in the history";
        assert_eq!((found.len(), losses), (0, vec![refused.to_owned()]));
    }

    #[test]
    fn freeform_input_is_the_parameter_of_a_function() {
        let text = "a \"b\"".into();
        let arguments = write_arguments(&ToolInput::Freeform { text });
        assert_eq!(arguments, r#"{"input":"a \"b\""}"#);
    }

    #[test]
    fn arguments_that_are_no_json_stay_as_they_are() {
        let broken = ToolInput::from_arguments("{broken".to_owned());
        assert_eq!(write_arguments(&broken), "{broken");
        let spaced = ToolInput::from_arguments("{ \"a\" : 1.0 }".to_owned());
        assert_eq!(write_arguments(&spaced), r#"{"a":1.0}"#);
    }
}
