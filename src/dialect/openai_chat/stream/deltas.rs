//! The content of a client's chunks.

use serde_json::json;

use crate::canonical::CallKind;
use crate::dialect::openai_chat::response::calls::ChatCallForm;
use crate::dialect::openai_chat::types::*;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::wire::json::RawJson;

/// The first delta of a response.
pub fn role_delta() -> ChoiceDelta {
    ChoiceDelta {
        role: Some(ChoiceDeltaRole::Assistant),
        content: Some(String::new()),
        ..ChoiceDelta::new()
    }
}

/// A piece of the text.
pub fn text_delta(text: &str) -> ChoiceDelta {
    ChoiceDelta {
        content: Some(text.to_owned()),
        ..ChoiceDelta::new()
    }
}

/// A piece of the reasoning's text.
pub fn reasoning_delta(text: &str) -> ChoiceDelta {
    ChoiceDelta {
        reasoning_content: Some(text.to_owned()),
        ..ChoiceDelta::new()
    }
}

/// An entry of `reasoning_details`.
pub fn reasoning_detail_delta(detail: RawJson) -> ChoiceDelta {
    ChoiceDelta {
        reasoning_details: Some(vec![detail]),
        ..ChoiceDelta::new()
    }
}

/// A piece of a refusal.
pub fn refusal_delta(text: String) -> ChoiceDelta {
    ChoiceDelta {
        refusal: Some(text),
        ..ChoiceDelta::new()
    }
}

/// Citations. The vendor's type of deltas does not have them, though its type of messages does.
pub fn annotations_delta(annotations: &[Annotation]) -> ChoiceDelta {
    let mut delta = ChoiceDelta::new();
    delta.extra.push("annotations", to_raw_json(&annotations));
    delta
}

/// The position and the kind of a call, which all of its deltas have in common.
#[derive(Clone, Copy, Debug)]
pub struct CallDelta {
    /// The call's position among the calls.
    pub index: i64,
    /// Its kind.
    pub kind: CallKind,
    /// The form that the client accepts. Freeform calls have only one.
    pub form: ChatCallForm,
}

impl CallDelta {
    /// The first delta of the call.
    pub fn first_delta(self, id: String, name: String) -> ChoiceDelta {
        let mut delta = ChoiceDelta::new();
        match (self.kind, self.form) {
            (CallKind::Function, ChatCallForm::FunctionCall) => {
                delta.function_call = Some(ChoiceDeltaFunctionCall {
                    arguments: Some(String::new()),
                    name: Some(name),
                    ..ChoiceDeltaFunctionCall::new()
                });
            }
            (CallKind::Function, ChatCallForm::ToolCalls) => {
                delta.tool_calls = Some(vec![ChoiceDeltaToolCall {
                    index: Some(self.index),
                    id: Some(id),
                    type_: Some(ChoiceDeltaToolCallType::Function),
                    function: Some(ChoiceDeltaToolCallFunction {
                        arguments: Some(ToolCallArguments::String(String::new())),
                        name: Some(name),
                        ..ChoiceDeltaToolCallFunction::new()
                    }),
                    ..ChoiceDeltaToolCall::new()
                }]);
            }
            // The vendor's types of chunks do not have freeform calls, but a client that declared such a tool expects
            // them in the form that they have in complete responses.
            (CallKind::Freeform, _) => {
                let mut call = ChoiceDeltaToolCall {
                    index: Some(self.index),
                    id: Some(id),
                    type_: Some(ChoiceDeltaToolCallType::Other("custom".to_owned())),
                    ..ChoiceDeltaToolCall::new()
                };
                call.extra
                    .push("custom", to_raw_json(&json!({"name": name, "input": ""})));
                delta.tool_calls = Some(vec![call]);
            }
        }
        delta
    }

    /// A piece of the call's input.
    pub fn input_delta(self, text: &str) -> ChoiceDelta {
        let mut delta = ChoiceDelta::new();
        let mut call = ChoiceDeltaToolCall {
            index: Some(self.index),
            ..ChoiceDeltaToolCall::new()
        };
        match (self.kind, self.form) {
            (CallKind::Function, ChatCallForm::FunctionCall) => {
                delta.function_call = Some(ChoiceDeltaFunctionCall {
                    arguments: Some(text.to_owned()),
                    ..ChoiceDeltaFunctionCall::new()
                });
                return delta;
            }
            (CallKind::Function, ChatCallForm::ToolCalls) => {
                call.function = Some(ChoiceDeltaToolCallFunction {
                    arguments: Some(ToolCallArguments::String(text.to_owned())),
                    ..ChoiceDeltaToolCallFunction::new()
                });
            }
            (CallKind::Freeform, _) => call.extra.push("custom", to_raw_json(&json!({"input": text}))),
        }
        delta.tool_calls = Some(vec![call]);
        delta
    }
}
