//! The functions of [`crate::dialect::openai::data_url`] with untyped errors, for callers that do not have typed reasons
//! yet.

use crate::canonical::MediaSource;
use crate::dialect::openai::data_url;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::wire::json::LazyStr;

pub use crate::dialect::openai::data_url::write;

/// As [`data_url::parse`].
///
/// # Errors
/// As [`data_url::parse`].
pub fn parse(url: LazyStr) -> Result<MediaSource, &'static str> {
    data_url::parse(url).map_err(|reason| match reason {
        OpenAiReason::DataUrlWithoutComma => "the data: URL has no comma",
        _ => "the data: URL is not in base64",
    })
}
