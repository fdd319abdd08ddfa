//! Content parts, as far as both dialects write them alike.

use super::data_url;
use super::reasons::OpenAiReason;
use crate::canonical::{CacheTtl, MediaSource, Scope};
use crate::wire::json::LazyStr;

/// The name of a file that has none; the APIs require one.
pub const UNNAMED_FILE: &str = "document.pdf";

/// The URL of an image: its address, or a `data:` URL with its bytes. A file in a vendor's store is refused, because
/// the upstream does not have it. `scope` is that of the image's block.
pub fn write_image_url(scope: &mut Scope<'_>, source: &MediaSource) -> Option<LazyStr> {
    match source {
        MediaSource::Base64 { media_type, data } => Some(data_url::write(media_type, data)),
        MediaSource::Url { url } => Some(url.clone()),
        MediaSource::File { id: _ } => {
            scope.refuse(OpenAiReason::ForeignFile);
            None
        }
    }
}

/// The nearest lifetime of a cache breakpoint that the vendor offers, as `ttl` names it.
pub fn write_cache_ttl(ttl: CacheTtl) -> &'static str {
    match ttl {
        CacheTtl::FiveMinutes | CacheTtl::HalfHour | CacheTtl::OneHour => "30m",
        CacheTtl::TwelveHours => "12h",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::openai::testing::recorded;

    fn written(source: &MediaSource) -> (Option<String>, Vec<String>) {
        let (url, losses) = recorded(|scope| write_image_url(scope, source));
        (url.map(LazyStr::into_string), losses)
    }

    #[test]
    fn the_bytes_of_an_image_become_a_data_url() {
        let source = MediaSource::Base64 {
            media_type: "image/png".to_owned(),
            data: "AA==".into(),
        };
        let url = "data:image/png;base64,AA==".to_owned();
        assert_eq!(written(&source), (Some(url), vec![]));
    }

    #[test]
    fn an_image_in_a_vendors_store_is_refused() {
        let source = MediaSource::File {
            id: "file_1".to_owned(),
        };
        let (url, losses) = written(&source);
        assert_eq!((url, losses.len()), (None, 1));
        assert!(losses[0].starts_with("refused "), "{losses:?}");
    }

    #[test]
    fn lifetimes_up_to_an_hour_become_half_an_hour() {
        assert_eq!(write_cache_ttl(CacheTtl::FiveMinutes), "30m");
        assert_eq!(write_cache_ttl(CacheTtl::OneHour), "30m");
        assert_eq!(write_cache_ttl(CacheTtl::TwelveHours), "12h");
    }
}
