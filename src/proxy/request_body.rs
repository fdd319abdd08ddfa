//! The body of a request: read once, searched for the model's name, and edited in place.

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
use super::idle_timer::IdleTimer;
use crate::canonical::{Error, ErrorClass};
use crate::wire::splice::{self, MemberScanner};

/// The most bytes that a request's body may have: 64 MiB, twice the largest limit of a vendor.
pub const BODY_LIMIT: usize = 64 * 1024 * 1024;
/// How long a client may be silent in the middle of a request's body.
const BODY_SILENCE: Duration = Duration::from_secs(60);

/// A request's body, in the pieces in which it arrived.
///
/// The pieces are not joined, because most bodies only pass through the proxy: joining would copy many megabytes of a
/// long conversation that nobody reads here. Renaming the model cuts the pieces at its place, and all parts are sent
/// with vectored writes. Only those who have to read the whole body [join](Self::join) it.
#[derive(Debug, Default)]
pub struct RequestBody {
    parts: Vec<Bytes>,
    length: usize,
    /// The positions of the values of the top-level member `model`, in bytes from the beginning of the body. `None`
    /// if the body did not arrive by [`read`], or is not JSON.
    model_spans: Option<Vec<Range<usize>>>,
}

impl RequestBody {
    /// The length of the body, in bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether the body has no bytes.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Joins the pieces into one, for those who have to read the whole body. Copies nothing if there is only one.
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

    /// The pieces of the body.
    pub fn into_parts(self) -> Vec<Bytes> {
        self.parts
    }

    /// The bytes of a range, as a slice of every piece that holds some of them.
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

impl From<Bytes> for RequestBody {
    fn from(whole: Bytes) -> Self {
        let mut received = Self::default();
        received.push(whole);
        received
    }
}

/// Reads a request's body.
///
/// The whole body is read before anything is sent on: a second `model` at its end has to be refused, the client's
/// signature covers all of it, and a request that meets a stale connection has to be sent again.
///
/// # Errors
/// When it is longer than [`BODY_LIMIT`], breaks off, or stops for longer than [`BODY_SILENCE`].
pub async fn read<B>(mut body: B, headers: &HeaderMap) -> Result<RequestBody, Error>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    // A body that announces its length is refused before its bytes are received.
    let announced: Option<usize> = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length| length > BODY_LIMIT) {
        return Err(too_large());
    }
    let mut received = RequestBody::default();
    // Looks for the model in each piece while it is in the processor's cache, so that the body is not searched again.
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
                let message = "the request's body ended early";
                return Err(Error::new(ErrorClass::InvalidRequest, message));
            }
            None => {
                let message = "the request body did not arrive in time";
                return Err(Error::new(ErrorClass::InvalidRequest, message));
            }
        };
        silence.heard();
        // Trailers belong to the client's connection.
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
    received.model_spans = seeker.finish();
    Ok(received)
}

fn too_large() -> Error {
    let message = format!("the request body is larger than {BODY_LIMIT} bytes");
    Error::new(ErrorClass::TooLarge, message)
}

/// A model's name in a body, and its positions.
#[derive(Debug, PartialEq, Eq)]
pub struct NamedModel {
    /// The name.
    pub name: String,
    /// All positions, in bytes from the beginning of the body.
    spans: Vec<Range<usize>>,
    spelling: NameSpelling,
}

/// How a body spells a model's name at its positions.
#[derive(Debug, PartialEq, Eq)]
enum NameSpelling {
    /// A JSON string; the positions include its quotes.
    Json,
    /// The value of a form's field.
    FormField,
}

/// Finds the model that a body names; `None` if the body is neither JSON nor a form, or names none.
///
/// # Errors
/// When the body is declared as JSON but malformed, names a model that is not a string, or names two models.
pub fn find_model(headers: &HeaderMap, body: &mut RequestBody) -> Result<Option<NamedModel>, Error> {
    if body.is_empty() || !headers::is_plain(headers) {
        return Ok(None);
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let form_boundary = splice::boundary(content_type.unwrap_or_default());
    // Nearly every request: JSON that was searched while it arrived.
    if form_boundary.is_none()
        && let Some(spans) = body.model_spans.take()
    {
        return read_model_at(body, spans);
    }
    // A form, or a body that the search did not understand. It is rare, and may be copied.
    body.join();
    let bytes = &body.whole();
    if let Some(boundary) = form_boundary {
        return find_model_in_form(bytes, boundary);
    }
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Ok(None);
    }
    let is_declared = headers::media_type(headers).ends_with("json");
    // Read once more as a document, for the error that says what is wrong and where.
    let [values] = match splice::find_members(bytes, ["model"]) {
        Ok(values) => values,
        // Many clients send JSON without declaring it, so it is read as JSON here; but what is not declared may as
        // well be something else that begins with a brace, and passes as it is.
        Err(_) if !is_declared => return Ok(None),
        Err(error) => return Err(invalid(error)),
    };
    let spans = values.iter().map(splice::SpliceNode::span).collect();
    read_model_at(body, spans)
}

/// Finds the model in the fields of a multipart form, as requests with files are sent.
fn find_model_in_form(body: &[u8], boundary: &str) -> Result<Option<NamedModel>, Error> {
    let spans = splice::form_values(body, boundary, "model").map_err(invalid)?;
    let texts = spans
        .iter()
        .map(|span| std::str::from_utf8(body.get(span.clone()).unwrap_or_default()));
    let texts: Result<Vec<_>, _> = texts.collect();
    let name = require_one_name(texts.map_err(invalid)?.into_iter())?.map(str::to_owned);
    Ok(name.map(|name| NamedModel {
        name,
        spans,
        spelling: NameSpelling::FormField,
    }))
}

/// Reads the model from the JSON values at these positions.
fn read_model_at(body: &RequestBody, spans: Vec<Range<usize>>) -> Result<Option<NamedModel>, Error> {
    let mut texts: Vec<String> = Vec::with_capacity(spans.len());
    for span in &spans {
        let value = body.slices(span.clone()).collect::<Vec<_>>().concat();
        let text = splice::SpliceNode::document(&value).and_then(|value| value.text().map(Cow::into_owned));
        let Ok(text) = text else {
            let message = "the model must be a string";
            return Err(Error::new(ErrorClass::InvalidRequest, message).at("model"));
        };
        texts.push(text);
    }
    let name = require_one_name(texts.iter().map(AsRef::as_ref))?.map(str::to_owned);
    Ok(name.map(|name| NamedModel {
        name,
        spans,
        spelling: NameSpelling::Json,
    }))
}

/// The name that all positions agree on. JSON does not say which of two members counts, so the proxy could choose a
/// route by the one while the upstream obeys the other.
fn require_one_name<'a>(mut names: impl Iterator<Item = &'a str>) -> Result<Option<&'a str>, Error> {
    let first = names.next();
    if names.any(|name| Some(name) != first) {
        let message = "`model` is given twice with different values";
        return Err(Error::new(ErrorClass::InvalidRequest, message).at("model"));
    }
    Ok(first)
}

impl NamedModel {
    /// The parts of the body with another name at all positions, and every other byte as it was. Copies nothing but the
    /// name.
    pub fn rename(self, body: &RequestBody, name: &str) -> Vec<Bytes> {
        let text = match self.spelling {
            NameSpelling::Json => Bytes::from(splice::encode_str(name)),
            NameSpelling::FormField => Bytes::copy_from_slice(name.as_bytes()),
        };
        let mut parts = Vec::with_capacity(body.parts.len() + 2 * self.spans.len());
        let mut position = 0;
        for span in self.spans {
            parts.extend(body.slices(position..span.start));
            parts.push(text.clone());
            position = span.end;
        }
        parts.extend(body.slices(position..body.len()));
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

    /// Renames the model, and checks that it makes no difference in which pieces the body arrives.
    fn rename_in_pieces(content_type: &str, body: &'static str, to: &str) -> Option<String> {
        let whole = RequestBody::from(Bytes::from_static(body.as_bytes()));
        let whole = rename_model(content_type, whole, to);
        for size in 1..=body.len() {
            let pieces: Vec<_> = body.as_bytes().chunks(size).map(Bytes::from_static).collect();
            let pieces = receive(pieces);
            let cut = rename_model(content_type, pieces, to);
            assert_eq!(cut, whole, "in pieces of {size}");
        }
        whole
    }

    /// Reads a body that arrives in these pieces.
    fn receive(pieces: Vec<Bytes>) -> RequestBody {
        struct ArrivingPieces(std::vec::IntoIter<Bytes>);
        impl HttpBody for ArrivingPieces {
            type Data = Bytes;
            type Error = std::convert::Infallible;
            fn poll_frame(
                mut self: Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
                Poll::Ready(self.0.next().map(|piece| Ok(http_body::Frame::data(piece))))
            }
        }
        let mut reading =
            std::pin::pin!(async { read(ArrivingPieces(pieces.into_iter()), &HeaderMap::new()).await });
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match reading.as_mut().poll(&mut cx) {
            Poll::Ready(received) => received.expect("a body"),
            Poll::Pending => panic!("nothing to wait for"),
        }
    }

    fn rename_model(content_type: &str, mut body: RequestBody, to: &str) -> Option<String> {
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
            assert_eq!(
                rename_in_pieces(content_type, body, "b\"").as_deref(),
                Some(expected)
            );
        }
        let form = "--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\na\r\n--x--\r\n";
        assert_eq!(
            rename_in_pieces("multipart/form-data; boundary=x", form, "b").as_deref(),
            Some("--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nb\r\n--x--\r\n")
        );
    }

    #[test]
    fn a_body_without_a_model_is_left_alone() {
        for (content_type, body) in [
            ("application/json", "[1]"),
            ("application/json", r#"{"a":1}"#),
            ("application/octet-stream", "{\"model\": \"a"),
            ("text/plain", "hello"),
        ] {
            assert_eq!(rename_in_pieces(content_type, body, "b"), None, "{body}");
        }
    }

    #[test]
    fn an_ambiguous_or_malformed_model_is_an_error() {
        for body in [
            r#"{"model":"a","model":"b"}"#,
            r#"{"model":1}"#,
            r#"{"model":"a""#,
        ] {
            let mut body = RequestBody::from(Bytes::from_static(body.as_bytes()));
            let found = find_model(&headers("application/json"), &mut body);
            assert_eq!(
                found.map_err(|error| error.class),
                Err(ErrorClass::InvalidRequest)
            );
        }
    }
}
