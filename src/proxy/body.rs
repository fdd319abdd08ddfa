//! Bodies of requests: read once, searched for the model's name, and edited in place.

use std::borrow::Cow;
use std::future::poll_fn;
use std::ops::Range;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body::Body as HttpBody;

use super::headers;
use super::idle::IdleTimer;
use crate::canonical::{Error, ErrorClass};
use crate::wire::splice::{self, MemberScanner};

/// The most bytes that a request's body may have: 64 MiB, twice what the largest vendor limit is.
pub const BODY_LIMIT: usize = 64 * 1024 * 1024;
/// How long a client may be silent in the middle of its request's body.
const BODY_SILENCE: Duration = Duration::from_secs(60);

/// A request's body, in the pieces that it arrived in: what only passes through is never put together.
#[derive(Debug, Default)]
pub struct Received {
    parts: Vec<Bytes>,
    length: usize,
    /// Where the top-level `model` stands, if that was seen while the body came in.
    models: Option<Vec<Range<usize>>>,
}

impl Received {
    /// Bytes in all.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Puts the pieces together for those who have to read all of it. Copies only what came in several.
    pub fn join(&mut self) {
        if self.parts.len() > 1 {
            let mut whole = BytesMut::with_capacity(self.length);
            for part in self.parts.drain(..) {
                whole.extend_from_slice(&part);
            }
            self.parts.push(whole.freeze());
        }
    }

    /// The whole body; a copy unless it has been [joined](Self::join).
    pub fn whole(&self) -> Bytes {
        match self.parts.as_slice() {
            [] => Bytes::new(),
            [whole] => whole.clone(),
            parts => parts.concat().into(),
        }
    }

    /// The body as it arrived.
    pub fn into_parts(self) -> Vec<Bytes> {
        self.parts
    }

    /// The bytes of a range, in as many parts as they lie in.
    fn slices(&self, range: Range<usize>) -> impl Iterator<Item = Bytes> {
        let mut before = 0;
        self.parts.iter().filter_map(move |part| {
            let (start, end) = (range.start.max(before), range.end.min(before + part.len()));
            let slice = (start < end).then(|| part.slice(start - before..end - before));
            before += part.len();
            slice
        })
    }

    fn push(&mut self, data: Bytes) {
        self.length += data.len();
        self.parts.push(data);
    }
}

impl From<Bytes> for Received {
    fn from(whole: Bytes) -> Self {
        let mut received = Self::default();
        received.push(whole);
        received
    }
}

/// Reads a request's body.
///
/// # Errors
/// When it is too large, breaks off or takes too long.
pub async fn read<B>(mut body: B, headers: &HeaderMap) -> Result<Received, Error>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    let announced: Option<usize> = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length| length > BODY_LIMIT) {
        return Err(too_large());
    }
    let mut received = Received::default();
    let mut seeker = MemberScanner::new("model");
    let mut silence = IdleTimer::new(BODY_SILENCE);
    while !body.is_end_stream() {
        let frame = poll_fn(|cx| match Pin::new(&mut body).poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(Some(frame)),
            Poll::Pending => silence.poll(cx).map(|()| None),
        });
        let frame = match frame.await {
            Some(None) => break,
            Some(Some(Ok(frame))) => frame,
            Some(Some(Err(_))) => {
                let message = "the request's body broke off";
                return Err(Error::new(ErrorClass::InvalidRequest, message));
            }
            None => {
                let message = "the request's body did not arrive in time";
                return Err(Error::new(ErrorClass::InvalidRequest, message));
            }
        };
        silence.heard();
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if received.len() + data.len() > BODY_LIMIT {
            return Err(too_large());
        }
        seeker.push(&data);
        if !data.is_empty() {
            received.push(data);
        }
    }
    received.models = seeker.finish();
    Ok(received)
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
pub fn find_model(headers: &HeaderMap, received: &mut Received) -> Result<Option<NamedModel>, Error> {
    if received.is_empty() || !headers::is_plain(headers) {
        return Ok(None);
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default();
    let form = splice::boundary(content_type);
    if form.is_none()
        && let Some(spans) = received.models.take()
    {
        return named_at(received, spans);
    }
    received.join();
    let body = &received.whole();
    if let Some(boundary) = form {
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
    let spans = values.iter().map(splice::SpliceNode::span).collect();
    named_at(received, spans)
}

/// The model that the values at these places name.
fn named_at(received: &Received, spans: Vec<Range<usize>>) -> Result<Option<NamedModel>, Error> {
    let mut texts: Vec<String> = Vec::with_capacity(spans.len());
    for span in &spans {
        let value = received.slices(span.clone()).collect::<Vec<_>>().concat();
        let text = splice::SpliceNode::document(&value).and_then(|value| value.text().map(Cow::into_owned));
        let Ok(text) = text else {
            let message = "the model has to be a string";
            return Err(Error::new(ErrorClass::InvalidRequest, message).at("model"));
        };
        texts.push(text);
    }
    let name = one_name(texts.iter().map(AsRef::as_ref))?.map(str::to_owned);
    Ok(name.map(|name| NamedModel {
        name,
        spans,
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
    pub fn rename(self, body: &Received, name: &str) -> Vec<Bytes> {
        let text = if self.json {
            Bytes::from(splice::encode_str(name))
        } else {
            Bytes::copy_from_slice(name.as_bytes())
        };
        let mut parts = Vec::with_capacity(body.parts.len() + 2 * self.spans.len());
        let mut at = 0;
        for span in self.spans {
            parts.extend(body.slices(at..span.start));
            parts.push(text.clone());
            at = span.end;
        }
        parts.extend(body.slices(at..body.len()));
        parts
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
        let whole = Received::from(Bytes::from_static(body.as_bytes()));
        let whole = rename(content_type, whole, to);
        for size in 1..=body.len() {
            let pieces: Vec<_> = body.as_bytes().chunks(size).map(Bytes::from_static).collect();
            let pieces = arrived(pieces);
            let cut = rename(content_type, pieces, to);
            assert_eq!(cut, whole, "in pieces of {size}");
        }
        whole
    }

    /// A body that arrives in pieces.
    fn arrived(pieces: Vec<Bytes>) -> Received {
        struct Pieces(std::vec::IntoIter<Bytes>);
        impl HttpBody for Pieces {
            type Data = Bytes;
            type Error = std::convert::Infallible;
            fn poll_frame(
                mut self: Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
                Poll::Ready(self.0.next().map(|piece| Ok(http_body::Frame::data(piece))))
            }
        }
        let mut reading = std::pin::pin!(async { read(Pieces(pieces.into_iter()), &HeaderMap::new()).await });
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match reading.as_mut().poll(&mut cx) {
            Poll::Ready(received) => received.expect("a body"),
            Poll::Pending => panic!("nothing to wait for"),
        }
    }

    fn rename(content_type: &str, mut body: Received, to: &str) -> Option<String> {
        let found = find_model(&headers(content_type), &mut body).expect("a readable body")?;
        let parts = found.rename(&body, to);
        Some(String::from_utf8(parts.concat()).expect("text"))
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
            let mut body = Received::from(Bytes::from_static(body.as_bytes()));
            let found = find_model(&headers("application/json"), &mut body);
            assert_eq!(
                found.map_err(|error| error.class),
                Err(ErrorClass::InvalidRequest)
            );
        }
    }
}
