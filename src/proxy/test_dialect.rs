//! A made-up dialect, so that translation in the proxy can be tested without any real dialect.
//!
//! The body of a request consists of words: the model, and then any of `stream`, `lossy`, `impossible`. The data of a
//! stream's events are `start`, `end`, `fail`, and anything else as text. Written, they become `[start]`, `[end]`,
//! `[fail …]` and the text.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use crate::canonical::{
    Block, BlockStart, Delta, Error, ErrorClass, Event, Family, FieldNames, Finish, FinishReason, LossKind,
    Request, Response, Restoration, Scope, Start, Text, Usage,
};
use crate::dialect::{
    ClientRequest, Dialect, DialectName, Endpoint, Endpoints, ErrorCodec, ModelList, Preferences,
    RateLimitHeaders, ReadRequest, RequestCodec, ResponseCodec, ResponseContext, StreamCodec, StreamReader,
    StreamWriter, Target, TokenCounting, WrittenError, WrittenRequest,
};
use crate::prompt::SystemEdits;

pub struct FakeDialect;

pub static FAKE_DIALECT: FakeDialect = FakeDialect;

static FIELDS: FieldNames = FieldNames {
    system: "system",
    messages: "words",
    max_output_tokens: "limit",
    stop: "stop",
    effort: "effort",
    thinking: "thinking",
    output_format: "format",
    verbosity: "verbosity",
    parallel_tool_calls: "parallel",
    end_user: "user",
    logprobs: "logprobs",
};

const USAGE: Usage = Usage {
    fresh: 3,
    cache_read: 2,
    cache_write: 0,
    cache_write_1h: None,
    output: 1,
    reasoning: None,
    web_searches: 0,
};

impl Dialect for FakeDialect {
    fn name(&self) -> DialectName {
        DialectName::OpenAiChat
    }

    fn family(&self) -> Family {
        Family::OpenaiChat
    }

    fn replays_reasoning(&self) -> bool {
        true
    }
}

impl Endpoints for FakeDialect {
    fn endpoint(&self, method: &Method, path: &str) -> Endpoint {
        match (method, path) {
            (&Method::POST, "/say") => Endpoint::Generate {
                model: None,
                stream: None,
            },
            _ => Endpoint::Other,
        }
    }
}

impl RequestCodec for FakeDialect {
    fn read_request(&self, scope: &mut Scope<'_>, inbound: &ClientRequest<'_>) -> Result<ReadRequest, Error> {
        let losses = scope.losses();
        let text = String::from_utf8_lossy(inbound.body).into_owned();
        let mut words = text.split(' ');
        let mut request = Request::new(&FIELDS, words.next().unwrap_or_default().to_owned());
        for word in words {
            match word {
                "stream" => request.stream = true,
                "lossy" => losses.record(LossKind::Dropped, "words[1]", "there is no word for it"),
                "impossible" => losses.record(LossKind::Refused, "words[1]", "it cannot be said"),
                other => return Err(Error::new(ErrorClass::InvalidRequest, other)),
            }
        }
        Ok(ReadRequest {
            request,
            preferences: Preferences::default(),
        })
    }

    fn write_request(
        &self,
        _: &mut Scope<'_>,
        request: &Request,
        target: &Target<'_>,
    ) -> Result<WrittenRequest, Error> {
        let mode = if request.stream { " stream" } else { "" };
        Ok(WrittenRequest {
            path: "/v1/say".into(),
            headers: vec![(HeaderName::from_static("x-words"), HeaderValue::from_static("1"))],
            body: format!("{}{mode}", target.model).into_bytes(),
            restoration: Restoration::default(),
        })
    }

    fn edit_system(&self, body: &Bytes, _: &SystemEdits) -> Result<Vec<Bytes>, Error> {
        Ok(vec![body.clone()])
    }
}

impl ResponseCodec for FakeDialect {
    fn read_response(&self, scope: &mut Scope<'_>, body: &[u8]) -> Result<Response, Error> {
        let losses = scope.losses();
        let text = String::from_utf8_lossy(body).into_owned();
        if text == "gibberish" {
            return Err(Error::new(ErrorClass::Upstream, "no words"));
        }
        losses.record(LossKind::Approximated, "response", "it was louder");
        Ok(Response {
            id: None,
            model: None,
            content: vec![Block::Text(Text::from(text))],
            finish: Finish::new(FinishReason::End),
            usage: Some(USAGE),
            service_tier: None,
            logprobs: None,
        })
    }

    fn write_response(&self, _: &mut Scope<'_>, response: Response, reply: &ResponseContext) -> Vec<u8> {
        let text = response.content.iter().map(|block| match block {
            Block::Text(text) => text.text.as_str(),
            _ => "?",
        });
        format!("{} said {}", reply.model, text.collect::<String>()).into_bytes()
    }
}

impl StreamCodec for FakeDialect {
    fn stream_reader(&self) -> Box<dyn StreamReader> {
        Box::new(FakeStreamReader { open: false })
    }

    fn stream_writer(&self, _: &ResponseContext) -> Box<dyn StreamWriter> {
        Box::new(FakeStreamWriter)
    }
}

impl ErrorCodec for FakeDialect {
    fn read_error(&self, status: StatusCode, _: &HeaderMap, body: &[u8]) -> Error {
        let class = match status.as_u16() {
            401 => ErrorClass::Authentication,
            429 => ErrorClass::RateLimit,
            _ => ErrorClass::Upstream,
        };
        Error::new(class, String::from_utf8_lossy(body))
    }

    fn write_error(&self, error: &Error, request_id: &str) -> WrittenError {
        let status = match error.class {
            ErrorClass::Authentication => StatusCode::UNAUTHORIZED,
            ErrorClass::RateLimit => StatusCode::TOO_MANY_REQUESTS,
            ErrorClass::InvalidRequest | ErrorClass::Unsupported => StatusCode::BAD_REQUEST,
            ErrorClass::NotFound | ErrorClass::UnknownPath => StatusCode::NOT_FOUND,
            ErrorClass::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_GATEWAY,
        };
        assert!(request_id.starts_with("req_"));
        WrittenError {
            status,
            headers: Vec::new(),
            body: error.to_string().into_bytes(),
        }
    }
}

impl TokenCounting for FakeDialect {}

impl RateLimitHeaders for FakeDialect {}

impl ModelList for FakeDialect {
    fn write_models(&self, models: &[&str], _: Option<&str>) -> Vec<u8> {
        models.join(" ").into_bytes()
    }

    fn write_model(&self, model: &str) -> Vec<u8> {
        model.as_bytes().to_vec()
    }
}

struct FakeStreamReader {
    open: bool,
}

impl StreamReader for FakeStreamReader {
    fn read(&mut self, _: &mut Scope<'_>, _: Option<&str>, data: &[u8], out: &mut Vec<Event>) {
        match data {
            b"start" => out.push(Event::Start(Start::default())),
            b"end" => out.push(Event::Finish {
                finish: Finish::new(FinishReason::End),
                usage: Some(USAGE),
            }),
            b"fail" => out.push(Event::Fail(Error::new(ErrorClass::Overloaded, "busy"))),
            text => {
                if !std::mem::replace(&mut self.open, true) {
                    out.push(Event::Open {
                        index: 0,
                        block: BlockStart::Text,
                    });
                }
                let text = String::from_utf8_lossy(text).into_owned();
                out.push(Event::Delta {
                    index: 0,
                    delta: Delta::Text { text },
                });
            }
        }
    }

    fn end(&mut self, _: &mut Scope<'_>, _: &mut Vec<Event>) {}
}

struct FakeStreamWriter;

impl StreamWriter for FakeStreamWriter {
    fn write(&mut self, _: &mut Scope<'_>, event: Event, out: &mut BytesMut) {
        match event {
            Event::Start(_) => out.extend_from_slice(b"[start]"),
            Event::Delta {
                delta: Delta::Text { text },
                ..
            } => out.extend_from_slice(text.as_bytes()),
            Event::Finish { .. } => out.extend_from_slice(b"[end]"),
            Event::Fail(error) => {
                out.extend_from_slice(format!("[fail {}]", error.class.as_str()).as_bytes())
            }
            _ => {}
        }
    }

    fn write_keep_alive(&mut self, out: &mut BytesMut) {
        out.extend_from_slice(b"[alive]");
    }
}
