//! An exchange: a client's request, and the upstream's response to it.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::check::check_losses;
use super::memory::ReasoningRecorder;
use super::reenvelope::{self, EnvelopePair, ReenvelopedRequest};
use super::stream::{CanonicalTranslator, EventTranslator};
use super::{Carriers, ReasoningMemory, ReasoningOwner, TranslatedStream, estimate, restore};
use crate::canonical::{Block, Error, Losses, OnLoss, Restoration, Scope, Usage};
use crate::capability::Capabilities;
use crate::dialect::{
    ClientRequest, Dialect, Preferences, ReadRequest, ResponseContext, ResponseLinks, Target, WrittenError,
    WrittenRequest,
};
use crate::prompt::SystemEdits;
use crate::wire::framing::FrameDecoder;

/// What a request is translated for.
pub struct ExchangeConfig<'a> {
    /// The client's dialect.
    pub client: &'static dyn Dialect,
    /// The upstream's dialect.
    pub upstream: &'static dyn Dialect,
    /// The upstream's name of a model, given the client's. A function, because the client's name is known only after
    /// the request has been read.
    pub upstream_model: &'a dyn Fn(&str) -> String,
    /// What a model accepts, given the upstream's name of it.
    pub capabilities: &'a dyn Fn(&str) -> Capabilities,
    /// Edits of the system prompt.
    pub edits: &'a SystemEdits,
    /// What happens when something of the request is lost.
    pub on_loss: OnLoss,
    /// Whether and how reasoning state crosses clients of another vendor.
    pub carriers: &'a Carriers,
    /// The reasoning memory and the owner of its turns, for clients that do not send reasoning back.
    pub memory: Option<(&'a Arc<ReasoningMemory>, ReasoningOwner)>,
}

/// What identifies an exchange in the response of a dialect that reports it.
#[derive(Clone, Copy, Debug)]
pub struct ExchangeIdentity<'a> {
    /// When the response was created, in seconds since 1970.
    pub created: u64,
    /// The proxy's identifier of the request.
    pub request_id: &'a str,
}

/// The two sides of a translated exchange, and what the response's translation needs to know of the request.
pub struct Exchange {
    client: &'static dyn Dialect,
    upstream: &'static dyn Dialect,
    context: ResponseContext,
    is_streamed: bool,
    /// When the request arrived.
    start: Option<Instant>,
    mode: TranslationMode,
}

/// How responses are translated.
enum TranslationMode {
    /// Through the canonical model.
    Canonical {
        restoration: Restoration,
        recorder: Option<ReasoningRecorder>,
        carriers: Carriers,
    },
    /// Without a look at the content, because both dialects have the same.
    Reenveloped(EnvelopePair),
}

/// A complete response for the client.
#[derive(Debug)]
pub struct WrittenResponse {
    /// Headers of the dialect, besides the type and the request's identifier.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The JSON body.
    pub body: Vec<u8>,
    /// The upstream's token counts.
    pub usage: Option<Usage>,
}

impl Exchange {
    /// Translates a request. What the translation loses is recorded in `losses`.
    ///
    /// # Errors
    /// An invalid request, or one that contains something that the upstream's dialect cannot express and the response
    /// depends on; both name the field.
    pub fn begin(
        losses: &mut Losses,
        config: &ExchangeConfig<'_>,
        request: &ClientRequest<'_>,
        identity: ExchangeIdentity<'_>,
    ) -> Result<(Self, WrittenRequest), Error> {
        let scope = &mut Scope::root(losses);
        match EnvelopePair::find(config.client, config.upstream) {
            Some(envelopes) => Self::begin_reenveloped(scope, config, request, identity, envelopes),
            None => Self::begin_canonical(scope, config, request, identity),
        }
    }

    fn begin_canonical(
        scope: &mut Scope<'_>,
        config: &ExchangeConfig<'_>,
        client_request: &ClientRequest<'_>,
        identity: ExchangeIdentity<'_>,
    ) -> Result<(Self, WrittenRequest), Error> {
        let ReadRequest {
            mut request,
            preferences,
        } = config.client.read_request(scope, client_request)?;
        config.carriers.drop_unaccepted(scope, &mut request);
        // After the carriers: state of the memory is the proxy's own and needs no mark.
        let memory = config.memory.filter(|_| !config.client.replays_reasoning());
        let recorder = memory.map(|(memory, owner)| ReasoningRecorder::new(Arc::clone(memory), owner));
        if let Some(recorder) = &recorder {
            recorder.recall(config.upstream.family(), &mut request);
        }
        config.edits.apply(&mut request);
        let model = (config.upstream_model)(&request.model);
        let capabilities = (config.capabilities)(&model);
        let target = Target {
            model: &model,
            capabilities: &capabilities,
            length: client_request.body.len(),
        };
        let input_estimate = estimate::estimate_from_length(&request);
        let mut written = config.upstream.write_request(scope, &request, &target)?;
        check_losses(scope.losses(), config.on_loss)?;
        let exchange = Self {
            client: config.client,
            upstream: config.upstream,
            context: ResponseContext {
                model: request.model,
                preferences,
                created: identity.created,
                request_id: identity.request_id.to_owned(),
                input_estimate,
            },
            is_streamed: request.stream,
            start: None,
            mode: TranslationMode::Canonical {
                restoration: std::mem::take(&mut written.restoration),
                recorder,
                carriers: config.carriers.clone(),
            },
        };
        Ok((exchange, written))
    }

    fn begin_reenveloped(
        scope: &mut Scope<'_>,
        config: &ExchangeConfig<'_>,
        request: &ClientRequest<'_>,
        identity: ExchangeIdentity<'_>,
        envelopes: EnvelopePair,
    ) -> Result<(Self, WrittenRequest), Error> {
        let ReenvelopedRequest {
            model,
            is_streamed,
            written,
        } = reenvelope::reenvelope_request(scope, config, envelopes, request)?;
        let exchange = Self {
            client: config.client,
            upstream: config.upstream,
            context: ResponseContext {
                model,
                preferences: Preferences::default(),
                created: identity.created,
                request_id: identity.request_id.to_owned(),
                // The upstream's events pass with their own counts.
                input_estimate: 0,
            },
            is_streamed,
            start: None,
            mode: TranslationMode::Reenveloped(envelopes),
        };
        Ok((exchange, written))
    }

    /// An exchange without a request, for responses that are translated on their own. Nothing of the request is undone
    /// in them.
    pub fn without_request(
        client: &'static dyn Dialect,
        upstream: &'static dyn Dialect,
        context: ResponseContext,
    ) -> Self {
        let mode = match EnvelopePair::find(client, upstream) {
            Some(envelopes) => TranslationMode::Reenveloped(envelopes),
            None => TranslationMode::Canonical {
                restoration: Restoration::default(),
                recorder: None,
                carriers: Carriers::default(),
            },
        };
        Self {
            client,
            upstream,
            context,
            is_streamed: false,
            start: None,
            mode,
        }
    }

    /// Sets the time at which the request arrived, from which dialects that report the latency count.
    pub fn set_start(&mut self, at: Instant) {
        self.start = Some(at);
    }

    /// Sets the identifiers that the response has in the response store.
    pub fn set_response_links(&mut self, links: ResponseLinks) {
        self.context.preferences.links = links;
    }

    /// Whether the client asked for a stream.
    pub fn is_streamed(&self) -> bool {
        self.is_streamed
    }

    /// The client's dialect.
    pub fn client(&self) -> &'static dyn Dialect {
        self.client
    }

    /// The model, as the client named it.
    pub(super) fn client_model(&self) -> &str {
        &self.context.model
    }

    /// A decoder of the frames of the upstream's streams.
    pub fn decoder(&self) -> FrameDecoder {
        self.upstream.framing().decoder()
    }

    /// Translates a complete response.
    ///
    /// # Errors
    /// [`crate::canonical::ErrorClass::Upstream`] if the body is no response of the upstream's dialect.
    pub fn translate_response(&self, losses: &mut Losses, body: &[u8]) -> Result<WrittenResponse, Error> {
        match &self.mode {
            TranslationMode::Canonical {
                restoration,
                recorder,
                carriers,
            } => {
                let mut scope = Scope::root(losses);
                let mut response = self.upstream.read_response(&mut scope, body)?;
                // The state is recorded as the upstream wrote it, before the restoration and the marks change it.
                if let Some(recorder) = recorder {
                    recorder.record_response(&response);
                }
                restore::restore_response(restoration, &mut response);
                carriers.prepare_all(&mut response.content);
                let has_tool_call = response
                    .content
                    .iter()
                    .any(|block| matches!(block, Block::ToolCall(_)));
                if has_tool_call {
                    response.finish.correct_for_tool_call();
                } else {
                    response.finish.correct_for_no_tool_call();
                }
                let usage = response.usage;
                Ok(WrittenResponse {
                    headers: self.response_headers(usage.as_ref()),
                    body: self.client.write_response(&mut scope, response, &self.context),
                    usage,
                })
            }
            TranslationMode::Reenveloped(_) => {
                // The body passes as it is. It is read for its counts, and because a body that is no response must not
                // reach the client as one. What the reader would lose is not lost.
                let mut unused = Losses::new();
                let usage = self
                    .upstream
                    .read_response(&mut Scope::root(&mut unused), body)?
                    .usage;
                Ok(WrittenResponse {
                    headers: self.response_headers(usage.as_ref()),
                    body: body.to_vec(),
                    usage,
                })
            }
        }
    }

    fn response_headers(&self, usage: Option<&Usage>) -> Vec<(HeaderName, HeaderValue)> {
        let took = self.start.map(|start| start.elapsed());
        self.client.response_headers(usage, took)
    }

    /// Starts the translation of a streamed response.
    pub fn start_stream(&self) -> TranslatedStream {
        let mut stream = match &self.mode {
            TranslationMode::Canonical {
                restoration,
                recorder,
                carriers,
            } => TranslatedStream::new(Box::new(CanonicalTranslator::new(
                self.upstream.stream_reader(),
                restoration,
                self.client.stream_writer(&self.context),
                recorder.as_ref(),
                carriers.clone(),
            ))),
            TranslationMode::Reenveloped(EnvelopePair { client, upstream }) => {
                TranslatedStream::new(Box::new(EventTranslator::new(
                    upstream.event_reader(),
                    client.event_writer(&self.context),
                )))
            }
        };
        if let Some(start) = self.start {
            stream.set_start(start);
        }
        stream
    }

    /// Translates the headers that report the account's limits.
    pub fn translate_rate_limits(
        &self,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let limits = self.upstream.read_rate_limits(headers, now);
        self.client.write_rate_limits(&limits, now)
    }

    /// Translates the response of an upstream whose status is not a success.
    pub fn translate_error(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> (Error, WrittenError) {
        let error = self.upstream.read_error(status, headers, body);
        let written = self.client.write_error(&error, &self.context.request_id);
        (error, written)
    }
}
