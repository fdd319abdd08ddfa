//! Lists of log probabilities.

use std::borrow::Cow;

use serde::Deserialize;

use crate::canonical::RawJson;
use crate::dialect::shared::raw_json::to_raw_json;

/// One token and its log probability, as both of OpenAI's dialects have it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenLogprob<'a> {
    #[serde(borrow, rename = "token")]
    _token: Cow<'a, str>,
    #[serde(rename = "logprob")]
    _logprob: f64,
    #[serde(default, rename = "bytes")]
    _bytes: Option<Vec<u8>>,
    #[serde(default, rename = "top_logprobs")]
    _top: Vec<TokenLogprob<'a>>,
}

/// Whether a list has entries, all of them well formed. A client of another dialect gets the list as it is, so a
/// malformed one would break that client's parser.
pub fn has_entries(list: &RawJson) -> bool {
    let is_empty = list
        .get()
        .bytes()
        .all(|byte| matches!(byte, b'[' | b']' | b' ' | b'\t' | b'\n'));
    !is_empty && serde_json::from_str::<Vec<TokenLogprob<'_>>>(list.get()).is_ok()
}

/// Joins the lists of a text's deltas to that of the text; `None` if they have no entries.
pub fn join_lists(lists: &[RawJson]) -> Option<RawJson> {
    let entries = lists
        .iter()
        .filter_map(|list| serde_json::from_str::<Vec<RawJson>>(list.get()).ok());
    let entries: Vec<RawJson> = entries.flatten().collect();
    (!entries.is_empty()).then(|| to_raw_json(&entries))
}
