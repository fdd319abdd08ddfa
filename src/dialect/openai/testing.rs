//! Helpers of this folder's tests.

use crate::canonical::{FieldNames, Losses, Request, Scope};
use crate::capability::{self, Capabilities};
use crate::dialect::DialectName;

static FIELDS: FieldNames = FieldNames {
    system: "system",
    messages: "messages",
    max_output_tokens: "max_tokens",
    stop: "stop",
    effort: "effort",
    thinking: "thinking",
    output_format: "output_format",
    verbosity: "verbosity",
    parallel_tool_calls: "parallel_tool_calls",
    end_user: "user",
    logprobs: "logprobs",
};

/// A request without content.
pub fn empty_request() -> Request {
    Request::new(&FIELDS, "m".to_owned())
}

/// The capabilities of a model that the table does not name.
pub fn model() -> Capabilities {
    capability::lookup(DialectName::OpenAiChat, "acme-large")
}

/// What a function returns and the losses that it records.
pub fn recorded<T>(run: impl FnOnce(&mut Scope<'_>) -> T) -> (T, Vec<String>) {
    let mut losses = Losses::new();
    let value = run(&mut Scope::root(&mut losses));
    let listed = losses.entries().iter().map(ToString::to_string);
    (value, listed.collect())
}
