//! `data:` URLs (RFC 2397), in which OpenAI's dialects carry media.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::reasons::SharedReason;
use crate::canonical::{MediaSource, Reason};
use crate::wire::json::{Concat, LazyStr};

/// Reads the media of a `data:` URL, or an address if the URL has another scheme.
///
/// # Errors
/// A `data:` URL that is not in base64.
pub fn parse(url: LazyStr) -> Result<MediaSource, Reason> {
    let Some(rest) = strip_scheme(&url) else {
        return Ok(MediaSource::Url { url });
    };
    let (head, data) = rest.split_once(',').ok_or(SharedReason::DataUrlWithoutComma)?;
    let mut parameters = head.split(';');
    let declared = parameters.next().unwrap_or_default().trim().to_ascii_lowercase();
    if !parameters.any(|parameter| parameter.trim().eq_ignore_ascii_case("base64")) {
        return Err(SharedReason::DataUrlWithoutBase64.into());
    }
    let media_type = if declared.is_empty() {
        sniff(data).unwrap_or_default().to_owned()
    } else {
        declared
    };
    let head = url.len() - data.len();
    // The data are often megabytes; they are not copied.
    let data = url.skip(head);
    Ok(MediaSource::Base64 { media_type, data })
}

/// Writes a `data:` URL in base64.
pub fn write(media_type: &str, data: &LazyStr) -> LazyStr {
    let mut url = Concat::default();
    url.push(format!("data:{media_type};base64,"));
    url.push(data);
    url.finish()
}

fn strip_scheme(url: &str) -> Option<&str> {
    let scheme = url.get(..5)?;
    scheme.eq_ignore_ascii_case("data:").then(|| &url[5..])
}

/// The media type that the first bytes of base64 data have the signature of.
pub fn sniff(data: &str) -> Option<&'static str> {
    let head = data.get(..16).unwrap_or("");
    let bytes = STANDARD.decode(head).ok()?;
    match bytes.as_slice() {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [b'%', b'P', b'D', b'F', ..] => Some("application/pdf"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base64(url: &str) -> Option<(String, String)> {
        match parse(url.into()) {
            Ok(MediaSource::Base64 { media_type, data }) => Some((media_type, data.into_string())),
            _ => None,
        }
    }

    #[test]
    fn media_and_addresses_are_distinguished() {
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(base64("data:image/webp;base64,AAAA"), pair("image/webp", "AAAA"));
        assert_eq!(
            base64("DATA:Image/PNG;charset=x;BASE64,AAAA"),
            pair("image/png", "AAAA")
        );
        assert_eq!(
            base64("data:;base64,iVBORw0KGgoAAAANSUhEUg=="),
            pair("image/png", "iVBORw0KGgoAAAANSUhEUg==")
        );
        assert!(matches!(
            parse("https://x/y.png".into()),
            Ok(MediaSource::Url { .. })
        ));
        assert!(matches!(parse("é".into()), Ok(MediaSource::Url { .. })));
        assert!(parse("data:text/plain,hello".into()).is_err());
        assert!(parse("data:image/png".into()).is_err());
    }
}
