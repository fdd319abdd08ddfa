//! Answers to clients: their bodies, and those that the proxy makes itself.

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
use crate::dialect::{Dialect, DialectName};
use crate::telemetry::{Access, End};

/// The header that lists what a translation could not carry over.
pub const LOSS_HEADER: HeaderName = HeaderName::from_static("x-llm-proxy-loss");
/// The header that names what of an answer the proxy has estimated.
pub const ESTIMATE_HEADER: HeaderName = HeaderName::from_static("x-llm-proxy-estimate");
/// The header with the proxy's own identifier of a request, where the upstream's headers are passed on.
pub const PROXY_REQUEST_ID: HeaderName = HeaderName::from_static("x-llm-proxy-request-id");
/// The header with the upstream's identifier of a request, where the answer is translated.
pub const UPSTREAM_REQUEST_ID: HeaderName = HeaderName::from_static("x-upstream-request-id");
/// The dialect of clients that nothing is known of: what most of them read.
pub const DEFAULT_DIALECT: &dyn Dialect = &OpenAiChat;
/// Limit on the loss header, in bytes; what lies behind is counted.
const LOSS_HEADER_LIMIT: usize = 1024;

/// Where an answer's body comes from.
pub enum BodySource {
    /// It is there.
    Full(Bytes),
    /// The upstream sends it and it passes as it is.
    Relay(upstream::UpstreamBody),
    /// The upstream sends it and it is translated on the way.
    Translated(Box<TranslatedBody>),
    /// The same, and the answer is kept before its end.
    Saving(Box<SavingStream>),
}

/// An answer whose request's record is not attached yet.
pub type ProxyResponse = Response<BodySource>;

/// The body of an answer. Writes the request's line in the log when it ends or is dropped.
pub struct ResponseBody {
    source: BodySource,
    /// Nobody reads the body: the answer to a HEAD request, or one whose status has none.
    bodiless: bool,
    access: Access,
}

impl ResponseBody {
    /// A body with its request's record.
    pub fn new(source: BodySource, bodiless: bool, access: Access) -> Self {
        Self {
            source,
            bodiless,
            access,
        }
    }

    fn finish(&mut self, end: End) {
        if self.access.is_finished() {
            return;
        }
        let mut end = end;
        let translation = match &self.source {
            BodySource::Translated(translation) => Some(&**translation),
            BodySource::Saving(kept) => Some(kept.translation()),
            BodySource::Full(_) | BodySource::Relay(_) => None,
        };
        if let Some(translation) = translation {
            self.access.usage = translation.usage();
            self.access.lost(translation.losses());
            if let Some(error) = translation.failure() {
                self.access.error = Some(error.class);
                end = if end == End::Complete { End::Failed } else { end };
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
            BodySource::Translated(translation) => ready!(translation.poll_data(cx)).map(Ok),
            BodySource::Saving(kept) => ready!(kept.poll_data(cx)).map(Ok),
        };
        match &data {
            Some(Ok(data)) => this.access.sent(data.len()),
            Some(Err(error)) => {
                tracing::warn!(request_id = this.access.request_id, cause = %error, "the upstream's answer broke off");
                this.access.error = Some(if error.is_timeout() {
                    ErrorClass::Timeout
                } else {
                    ErrorClass::Upstream
                });
                this.finish(End::Failed);
            }
            None => this.finish(End::Complete),
        }
        Poll::Ready(data.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            BodySource::Full(bytes) => bytes.is_empty(),
            BodySource::Relay(body) => body.is_end(),
            BodySource::Translated(translation) => translation.is_end(),
            BodySource::Saving(kept) => kept.is_end(),
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
        // A body whose length is known is not asked for its end.
        let complete = self.bodiless || self.is_end_stream();
        self.finish(if complete { End::Complete } else { End::ClientGone });
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

/// An answer whose body is there.
pub fn full(status: StatusCode, content_type: Option<&'static str>, body: impl Into<Bytes>) -> ProxyResponse {
    let mut answer = Response::new(BodySource::Full(body.into()));
    *answer.status_mut() = status;
    if let Some(content_type) = content_type {
        let value = HeaderValue::from_static(content_type);
        answer.headers_mut().insert(CONTENT_TYPE, value);
    }
    answer
}

/// A number of tokens that the proxy has estimated, with a header that says so.
pub fn estimate(body: Vec<u8>) -> ProxyResponse {
    let mut answer = json(body);
    answer
        .headers_mut()
        .insert(ESTIMATE_HEADER, HeaderValue::from_static("input_tokens"));
    answer
}

/// A JSON answer with status 200.
pub fn json(body: impl Into<Bytes>) -> ProxyResponse {
    full(StatusCode::OK, Some("application/json"), body)
}

/// An error in a dialect's own words.
pub fn error(dialect: Option<&dyn Dialect>, error: &Error, access: &mut Access) -> ProxyResponse {
    access.error = Some(error.class);
    let dialect = dialect.unwrap_or(DEFAULT_DIALECT);
    let written = dialect.write_error(error, &access.request_id);
    let mut answer = full(written.status, None, written.body);
    for (name, value) in written.headers {
        answer.headers_mut().insert(name, value);
    }
    identify(&mut answer, dialect.name(), access);
    answer
}

/// Puts the proxy's identifier of the request where the client's dialect has one.
pub fn identify(answer: &mut ProxyResponse, dialect: DialectName, access: &Access) {
    if let Ok(id) = HeaderValue::try_from(access.request_id.as_str()) {
        answer.headers_mut().insert(request_id_header(dialect), id);
    }
}

/// The header in which a dialect's answers name the request.
pub fn request_id_header(dialect: DialectName) -> HeaderName {
    HeaderName::from_static(match dialect {
        DialectName::OpenAiChat | DialectName::OpenAiResponses => "x-request-id",
        DialectName::Claude => "request-id",
        DialectName::Bedrock => "x-amzn-requestid",
    })
}

/// Lists in a header what a translation could not carry over.
pub fn tell_losses(answer: &mut ProxyResponse, losses: &Losses) {
    let mut text = String::new();
    let mut omitted = 0_usize;
    for loss in losses.notable() {
        let item = format!("{} {}", loss.kind.as_str(), loss.path);
        // A path can hold a client's own key names; what no header can carry stands escaped.
        let item: String = item.chars().flat_map(printable).collect();
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
        answer.headers_mut().insert(LOSS_HEADER, value);
    }
}

fn printable(c: char) -> impl Iterator<Item = char> {
    let plain = c.is_ascii_graphic() || c == ' ';
    let escaped = (!plain).then(|| c.escape_unicode()).into_iter().flatten();
    plain.then_some(c).into_iter().chain(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_header_is_bounded_and_printable() {
        let mut losses = Losses::new();
        losses.ignore("cache", "unseen");
        losses.drop_field("a[0].ö\n", "no place");
        losses.approximate("b", "near");
        let mut answer = json("");
        tell_losses(&mut answer, &losses);
        assert_eq!(
            answer.headers()[LOSS_HEADER],
            "dropped a[0].\\u{f6}\\u{a}, approximated b"
        );
        for index in 0..200 {
            losses.drop_field(format!("messages[{index}].name"), "no place");
        }
        tell_losses(&mut answer, &losses);
        let text = answer.headers()[LOSS_HEADER].to_str().expect("text");
        assert!(
            text.len() < LOSS_HEADER_LIMIT + 16 && text.contains(", ...+"),
            "{text}"
        );
    }
}
