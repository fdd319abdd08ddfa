//! Bodies of requests: read once, searched for the model's name, and edited in place.

use std::ops::Range;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::headers;
use crate::canonical::{Error, ErrorClass};
use crate::wire::splice::{self, Splices};

/// The most bytes that a request's body may have: 64 MiB, twice what the largest vendor limit is.
pub const BODY_LIMIT: usize = 64 * 1024 * 1024;
/// How long a client may be silent in the middle of its request's body.
const BODY_SILENCE: Duration = Duration::from_secs(60);

/// Reads a request's body.
///
/// # Errors
/// When it is too large, breaks off or takes too long.
pub async fn read<B>(mut body: B, headers: &HeaderMap) -> Result<Bytes, Error>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let announced: Option<usize> = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length| length > BODY_LIMIT) {
        return Err(too_large());
    }
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    loop {
        let frame = match timeout(BODY_SILENCE, body.frame()).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => {
                let message = "the request's body broke off";
                return Err(Error::new(ErrorClass::InvalidRequest, message));
            }
            Err(_) => {
                let message = "the request's body did not arrive in time";
                return Err(Error::new(ErrorClass::InvalidRequest, message));
            }
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len() + all.len() + data.len() > BODY_LIMIT {
            return Err(too_large());
        }
        // A body that arrives in one piece is not copied.
        if first.is_empty() && all.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            all.reserve(announced.unwrap_or(0).max(first.len() + data.len()));
            all.extend_from_slice(&std::mem::take(&mut first));
        }
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

fn too_large() -> Error {
    let message = format!("the request's body is larger than {BODY_LIMIT} bytes");
    Error::new(ErrorClass::TooLarge, message)
}

/// A model's name in a body, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub struct NamedModel {
    /// The name.
    pub name: String,
    /// All its places: a JSON string with its quotes, or the bare text in a form.
    spans: Vec<Range<usize>>,
    json: bool,
}

/// Finds the model that a body names; `None` where the body has no such thing as a model's name.
///
/// # Errors
/// When the body is JSON but malformed, or names no model or several where it should name one.
pub fn find_model(headers: &HeaderMap, body: &Bytes) -> Result<Option<NamedModel>, Error> {
    if body.is_empty() || !headers::is_plain(headers) {
        return Ok(None);
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default();
    if let Some(boundary) = splice::boundary(content_type) {
        let spans = splice::form_values(body, boundary, "model").map_err(invalid)?;
        let texts = spans
            .iter()
            .map(|span| std::str::from_utf8(body.get(span.clone()).unwrap_or_default()));
        let texts: Result<Vec<_>, _> = texts.collect();
        let name = one_name(texts.map_err(invalid)?.into_iter())?;
        let form = |name: &str| NamedModel {
            name: name.to_owned(),
            spans,
            json: false,
        };
        return Ok(name.map(form));
    }
    let declared = headers::media_type(headers).ends_with("json");
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Ok(None);
    }
    // Many clients send JSON without saying so; what only looks like it is left alone.
    let [values] = match splice::find_members(body, ["model"]) {
        Ok(values) => values,
        Err(_) if !declared => return Ok(None),
        Err(error) => return Err(invalid(error)),
    };
    let mut texts = Vec::with_capacity(values.len());
    for value in &values {
        match value.text() {
            Ok(text) => texts.push(text),
            Err(_) => {
                let message = "the model has to be a string";
                return Err(Error::new(ErrorClass::InvalidRequest, message).at("model"));
            }
        }
    }
    let name = one_name(texts.iter().map(AsRef::as_ref))?.map(str::to_owned);
    Ok(name.map(|name| NamedModel {
        name,
        spans: values.iter().map(splice::Node::span).collect(),
        json: true,
    }))
}

/// The name that all agree on: with two, the proxy and the upstream might each believe another.
fn one_name<'a>(mut names: impl Iterator<Item = &'a str>) -> Result<Option<&'a str>, Error> {
    let first = names.next();
    if names.any(|name| Some(name) != first) {
        let message = "the request names two models";
        return Err(Error::new(ErrorClass::InvalidRequest, message).at("model"));
    }
    Ok(first)
}

impl NamedModel {
    /// The body with another name in all places, and every other byte as it was.
    ///
    /// # Errors
    /// Never for the body that this was found in.
    pub fn rename(self, body: &Bytes, name: &str) -> Result<splice::Spliced, Error> {
        let text = if self.json {
            Bytes::from(splice::encode_str(name))
        } else {
            Bytes::copy_from_slice(name.as_bytes())
        };
        let mut splices = Splices::new();
        for span in self.spans {
            splices.replace(span, text.clone());
        }
        let failed = |error| {
            Error::new(
                ErrorClass::Internal,
                format!("the model cannot be renamed: {error}"),
            )
        };
        splices.apply(body).map_err(failed)
    }
}

fn invalid(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorClass::InvalidRequest, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(content_type: &str) -> HeaderMap {
        let value = content_type.parse().expect("a header's value");
        HeaderMap::from_iter([(CONTENT_TYPE, value)])
    }

    fn renamed(content_type: &str, body: &'static str, to: &str) -> Option<String> {
        let body = Bytes::from_static(body.as_bytes());
        let found = find_model(&headers(content_type), &body).expect("a readable body")?;
        let spliced = found.rename(&body, to).expect("a spliced body").into_bytes();
        Some(String::from_utf8(spliced.to_vec()).expect("text"))
    }

    #[test]
    fn only_the_name_changes() {
        for (content_type, body, expected) in [
            (
                "application/json",
                "{ \"n\":1.0, \"n\":1e2,\n\t\"model\" :  \"a\" ,\"x\":{\"model\":\"a\"}}\n",
                "{ \"n\":1.0, \"n\":1e2,\n\t\"model\" :  \"b\\\"\" ,\"x\":{\"model\":\"a\"}}\n",
            ),
            (
                "text/plain",
                r#"{"model":"a","mod\u0065l":"a"}"#,
                r#"{"model":"b\"","mod\u0065l":"b\""}"#,
            ),
        ] {
            assert_eq!(renamed(content_type, body, "b\"").as_deref(), Some(expected));
        }
        let form = "--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\na\r\n--x--\r\n";
        assert_eq!(
            renamed("multipart/form-data; boundary=x", form, "b").as_deref(),
            Some("--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nb\r\n--x--\r\n")
        );
    }

    #[test]
    fn what_names_no_model_is_left_alone() {
        for (content_type, body) in [
            ("application/json", "[1]"),
            ("application/json", r#"{"a":1}"#),
            ("application/octet-stream", "{\"model\": \"a"),
            ("text/plain", "hello"),
        ] {
            assert_eq!(renamed(content_type, body, "b"), None, "{body}");
        }
    }

    #[test]
    fn doubt_is_an_error() {
        for body in [
            r#"{"model":"a","model":"b"}"#,
            r#"{"model":1}"#,
            r#"{"model":"a""#,
        ] {
            let body = Bytes::from_static(body.as_bytes());
            let found = find_model(&headers("application/json"), &body);
            assert_eq!(
                found.map_err(|error| error.class),
                Err(ErrorClass::InvalidRequest)
            );
        }
    }
}
