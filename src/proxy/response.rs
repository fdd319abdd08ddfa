//! Responses to clients: their bodies, and those that the proxy makes itself.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::response_store::SavingStream;
use super::translated_body::TranslatedBody;
use super::upstream;
use crate::canonical::{Error, ErrorClass, Losses};
use crate::dialect::openai_chat::OpenAiChat;
use crate::dialect::{Dialect, DialectName, WrittenError};
use crate::telemetry::{Access, ResponseEnd};

/// The header that lists what a translation has lost.
pub const LOSS_HEADER: HeaderName = HeaderName::from_static("x-llm-proxy-loss");
/// The header that names the values of a response which the proxy has estimated.
pub const ESTIMATE_HEADER: HeaderName = HeaderName::from_static("x-llm-proxy-estimate");
/// The header with the proxy's own identifier of a request, if the upstream's headers are forwarded.
pub const PROXY_REQUEST_ID: HeaderName = HeaderName::from_static("x-llm-proxy-request-id");
/// The header with the upstream's identifier of a request, if the response is translated.
pub const UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-upstream-request-id");
/// The dialect of clients that nothing is known about: the one that most clients can read.
pub const DEFAULT_DIALECT: &dyn Dialect = &OpenAiChat;
/// The most bytes of the loss header, since servers in front of the proxy limit headers; losses beyond it are only
/// counted.
const LOSS_HEADER_LIMIT: usize = 1024;

/// Where the body of a response comes from.
pub enum BodySource {
    /// The whole body is in memory.
    Full(Bytes),
    /// The upstream sends it, and it passes unchanged.
    Relay(upstream::UpstreamBody),
    /// The upstream sends it, and it is translated while it passes.
    Translated(Box<TranslatedBody>),
    /// As [`Translated`](Self::Translated), and the response is saved in the response store before its last event is
    /// sent.
    Saving(Box<SavingStream>),
}

/// A response to a client, before the request's log record is attached to its body.
pub type ProxyResponse = Response<BodySource>;

/// Whether the body of a response is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyDelivery {
    /// The client receives the body.
    Sent,
    /// Nobody polls the body: the response is to a HEAD request, or its status has no body.
    Omitted,
}

/// The body of a response. Writes the request's line to the log when it ends or is dropped.
pub struct ResponseBody {
    source: BodySource,
    delivery: BodyDelivery,
    access: Access,
}

impl ResponseBody {
    /// A body with the log record of its request.
    pub fn new(source: BodySource, delivery: BodyDelivery, access: Access) -> Self {
        Self {
            source,
            delivery,
            access,
        }
    }

    /// Writes the request's line to the log, once, with what is known of the response by now.
    fn finish(&mut self, end: ResponseEnd) {
        if self.access.is_finished() {
            return;
        }
        let mut end = end;
        let translated = match &self.source {
            BodySource::Translated(translated) => Some(&**translated),
            BodySource::Saving(saving) => Some(saving.translated()),
            BodySource::Full(_) | BodySource::Relay(_) => None,
        };
        if let Some(translated) = translated {
            self.access.usage = translated.usage();
            self.access.record_losses(translated.losses());
            // A translated stream ends in order even if it failed: with an error event in the client's dialect.
            if let Some(error) = translated.failure() {
                self.access.error = Some(error.class);
                end = if end == ResponseEnd::Complete {
                    ResponseEnd::Failed
                } else {
                    end
                };
            }
        }
        self.access.finish(end);
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = upstream::BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let data = match &mut this.source {
            BodySource::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                (!bytes.is_empty()).then_some(Ok(bytes))
            }
            BodySource::Relay(body) => ready!(body.poll_joined(cx)),
            BodySource::Translated(translated) => ready!(translated.poll_data(cx)).map(Ok),
            BodySource::Saving(saving) => ready!(saving.poll_data(cx)).map(Ok),
        };
        match &data {
            Some(Ok(data)) => this.access.count_sent_bytes(data.len()),
            Some(Err(error)) => {
                tracing::warn!(request_id = this.access.request_id, cause = %error, "the upstream's response ended early");
                this.access.error = Some(if error.is_timeout() {
                    ErrorClass::Timeout
                } else {
                    ErrorClass::Upstream
                });
                this.finish(ResponseEnd::Failed);
            }
            None => this.finish(ResponseEnd::Complete),
        }
        Poll::Ready(data.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            BodySource::Full(bytes) => bytes.is_empty(),
            BodySource::Relay(body) => body.is_end(),
            BodySource::Translated(translated) => translated.is_end(),
            BodySource::Saving(saving) => saving.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            BodySource::Full(bytes) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            BodySource::Relay(body) => body.size_hint(),
            BodySource::Translated(_) | BodySource::Saving(_) => SizeHint::default(),
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        // hyper does not poll a body of known length for its end, so `poll_frame` has not seen the end of a complete
        // one.
        let complete = self.delivery == BodyDelivery::Omitted || self.is_end_stream();
        self.finish(if complete {
            ResponseEnd::Complete
        } else {
            ResponseEnd::ClientGone
        });
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

/// A response whose whole body is in memory.
pub fn full(status: StatusCode, content_type: Option<&'static str>, body: impl Into<Bytes>) -> ProxyResponse {
    let mut response = Response::new(BodySource::Full(body.into()));
    *response.status_mut() = status;
    if let Some(content_type) = content_type {
        let value = HeaderValue::from_static(content_type);
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    response
}

/// A JSON response with status 200.
pub fn json(body: impl Into<Bytes>) -> ProxyResponse {
    full(StatusCode::OK, Some("application/json"), body)
}

/// The response to a request for a number of tokens, with a header that marks the number as estimated.
pub fn estimated_count(body: Vec<u8>) -> ProxyResponse {
    let mut response = json(body);
    response
        .headers_mut()
        .insert(ESTIMATE_HEADER, HeaderValue::from_static("input_tokens"));
    response
}

/// The response for an error that a dialect has written.
pub fn written_error(written: WrittenError) -> ProxyResponse {
    let mut response = full(written.status, None, written.body);
    for (name, value) in written.headers {
        response.headers_mut().insert(name, value);
    }
    response
}

/// Writes an error in a dialect, or in [`DEFAULT_DIALECT`], and records it for the log.
pub fn error(dialect: Option<&dyn Dialect>, error: &Error, access: &mut Access) -> ProxyResponse {
    access.error = Some(error.class);
    let dialect = dialect.unwrap_or(DEFAULT_DIALECT);
    let mut response = written_error(dialect.write_error(error, &access.request_id));
    add_request_id(&mut response, dialect.name(), access);
    response
}

/// Adds the proxy's identifier of the request, in the header that the client's dialect has for it.
pub fn add_request_id(response: &mut ProxyResponse, dialect: DialectName, access: &Access) {
    if let Ok(id) = HeaderValue::try_from(access.request_id.as_str()) {
        response.headers_mut().insert(request_id_header(dialect), id);
    }
}

/// The header that identifies the request in the responses of a dialect.
fn request_id_header(dialect: DialectName) -> HeaderName {
    HeaderName::from_static(match dialect {
        DialectName::OpenAiChat | DialectName::OpenAiResponses => "x-request-id",
        DialectName::Claude => "request-id",
        DialectName::Bedrock => "x-amzn-requestid",
    })
}

/// Adds the header that lists what a translation has lost.
pub fn add_loss_header(response: &mut ProxyResponse, losses: &Losses) {
    let mut text = String::new();
    let mut omitted = 0_usize;
    for loss in losses.notable() {
        let item = format!("{} {}", loss.kind.as_str(), loss.path);
        // A path may contain the client's own names of keys, with any character.
        let item: String = item.chars().flat_map(escape_unprintable).collect();
        // Nothing is listed after the first loss that does not fit, so that the list is a prefix of the whole one.
        if omitted > 0 || text.len() + item.len() + 2 > LOSS_HEADER_LIMIT {
            omitted += 1;
            continue;
        }
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&item);
    }
    if omitted > 0 {
        text.push_str(&format!(", ...+{omitted}"));
    }
    if !text.is_empty()
        && let Ok(value) = HeaderValue::try_from(text)
    {
        response.headers_mut().insert(LOSS_HEADER, value);
    }
}

/// The character, or its escape if it cannot be part of a header.
fn escape_unprintable(c: char) -> impl Iterator<Item = char> {
    let plain = c.is_ascii_graphic() || c == ' ';
    let escaped = (!plain).then(|| c.escape_unicode()).into_iter().flatten();
    plain.then_some(c).into_iter().chain(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::LossKind;

    #[test]
    fn the_loss_header_is_bounded_and_printable() {
        let mut losses = Losses::new();
        losses.record(LossKind::Ignored, "cache", "unseen");
        losses.record(LossKind::Dropped, "a[0].ö\n", "no place");
        losses.record(LossKind::Approximated, "b", "near");
        let mut response = json("");
        add_loss_header(&mut response, &losses);
        assert_eq!(
            response.headers()[LOSS_HEADER],
            "dropped a[0].\\u{f6}\\u{a}, approximated b"
        );
        for index in 0..200 {
            losses.record(LossKind::Dropped, format!("messages[{index}].name"), "no place");
        }
        add_loss_header(&mut response, &losses);
        let text = response.headers()[LOSS_HEADER].to_str().expect("text");
        assert!(
            text.len() < LOSS_HEADER_LIMIT + 16 && text.contains(", ...+"),
            "{text}"
        );
    }
}
