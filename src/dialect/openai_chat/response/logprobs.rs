//! Log probabilities of the text of a response.

use crate::canonical::RawJson;
use crate::dialect::openai_chat::types::*;
use crate::dialect::shared::raw_json::to_raw_json;

/// The list for the text; `None` if it is empty. The list for a refusal is not carried.
pub fn read(logprobs: ChoiceLogprobs) -> Option<RawJson> {
    let ChoiceLogprobs {
        content,
        refusal: _,
        extra: _,
    } = logprobs;
    content
        .filter(|content| !content.is_empty())
        .map(|content| to_raw_json(&content))
}

/// The list as a choice contains it; `None` for one in a form that this API does not have.
pub fn write(list: &RawJson) -> Option<ChoiceLogprobs> {
    let content = serde_json::from_str(list.get()).ok()?;
    Some(ChoiceLogprobs {
        content: Some(content),
        ..ChoiceLogprobs::new()
    })
}
