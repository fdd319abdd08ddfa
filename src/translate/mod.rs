//! One translated exchange: reader, edits, writer, and the way back.
//!
//! No I/O and no clock: the proxy and the command line drive the same code.

mod count;
mod estimate;
mod freeform;
mod memory;
mod passage;
mod reenvelope;
mod restore;
mod stop;
mod stream;

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::canonical::{
    Block, Error, ErrorClass, Loss, LossKind, Losses, OnLoss, Reasoning, Response, Restoration, Scope, Usage,
};
use crate::capability::Capabilities;
use crate::dialect::shared::envelope::Envelope;
use crate::dialect::{
    ClientRequest, Dialect, Preferences, ReadRequest, ResponseContext, ResponseLinks, Target, WrittenError,
    WrittenRequest,
};
use crate::prompt::SystemEdits;
use crate::wire::framing::FrameDecoder;

pub use count::question;
pub use estimate::Estimate;
pub use memory::{ReasoningMemory, ReasoningOwner};
pub use passage::Carriers;
pub use stream::TranslatedStream;

/// The parties of a translated exchange and what they agreed on.
pub struct Exchange {
    client: &'static dyn Dialect,
    upstream: &'static dyn Dialect,
    reply: ResponseContext,
    restoration: Restoration,
    stream: bool,
    keeper: Option<Keeper>,
    carriers: Carriers,
    /// The envelopes, where only they change.
    envelopes: Option<(&'static dyn Envelope, &'static dyn Envelope)>,
    began: Option<Instant>,
}

/// A complete answer for the client.
#[derive(Debug)]
pub struct WrittenResponse {
    /// Headers of the dialect, besides the type and the request's identifier.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The JSON body.
    pub body: Vec<u8>,
    /// The upstream's token counts.
    pub usage: Option<Usage>,
}

/// Where the reasoning of an answer is kept for a client that will not send it back.
#[derive(Clone)]
struct Keeper {
    memory: Arc<ReasoningMemory>,
    scope: ReasoningOwner,
}

/// What a request is translated for.
pub struct ExchangeConfig<'a> {
    /// The client's dialect.
    pub client: &'static dyn Dialect,
    /// The upstream's dialect.
    pub upstream: &'static dyn Dialect,
    /// The upstream's name of the model, given the client's.
    pub model: &'a dyn Fn(&str) -> String,
    /// What a model accepts, given the upstream's name of it.
    pub capabilities: &'a dyn Fn(&str) -> Capabilities,
    /// Edits of the system prompt.
    pub edits: &'a SystemEdits,
    /// What happens when something of the request is lost.
    pub on_loss: OnLoss,
    /// Whether and how reasoning state crosses foreign clients.
    pub carriers: &'a Carriers,
    /// Reasoning of earlier turns, and whose they are, for clients that do not send it back.
    pub memory: Option<(&'a Arc<ReasoningMemory>, ReasoningOwner)>,
}

/// The envelopes of the two sides, where nothing else differs between them.
fn envelopes(
    client: &'static dyn Dialect,
    upstream: &'static dyn Dialect,
) -> Option<(&'static dyn Envelope, &'static dyn Envelope)> {
    let alike = client.family() == upstream.family();
    client.envelope().zip(upstream.envelope()).filter(|_| alike)
}

impl Exchange {
    /// Translates a request.
    ///
    /// # Errors
    /// An invalid request, or one that holds what the upstream's dialect cannot express and its answer depends on;
    /// both name the field.
    pub fn begin(
        route: &ExchangeConfig<'_>,
        inbound: &ClientRequest<'_>,
        created: u64,
        request_id: &str,
        losses: &mut Losses,
    ) -> Result<(Self, WrittenRequest), Error> {
        if let Some(envelopes) = envelopes(route.client, route.upstream) {
            return Self::reenvelope(route, envelopes, inbound, (created, request_id), losses);
        }
        let ReadRequest {
            mut request,
            preferences,
        } = route.client.read_request(&mut Scope::root(losses), inbound)?;
        route.carriers.admit(&mut request, losses);
        let keeper = route.memory.filter(|_| !route.client.replays_reasoning());
        let keeper = keeper.map(|(memory, scope)| Keeper {
            memory: Arc::clone(memory),
            scope,
        });
        if let Some(Keeper { memory, scope }) = &keeper {
            memory.recall(*scope, route.upstream.family(), &mut request);
        }
        route.edits.apply(&mut request);
        let model = (route.model)(&request.model);
        let capabilities = (route.capabilities)(&model);
        let target = Target {
            model: &model,
            capabilities: &capabilities,
            length: inbound.body.len(),
        };
        let input_estimate = estimate::rough(&request);
        let mut written = route
            .upstream
            .write_request(&mut Scope::root(losses), &request, &target)?;
        refused(losses, route.on_loss)?;
        let reply = ResponseContext {
            model: request.model,
            preferences,
            created,
            request_id: request_id.to_owned(),
            input_estimate,
        };
        let exchange = Self {
            client: route.client,
            upstream: route.upstream,
            reply,
            restoration: std::mem::take(&mut written.restoration),
            stream: request.stream,
            keeper,
            carriers: route.carriers.clone(),
            envelopes: None,
            began: None,
        };
        Ok((exchange, written))
    }

    /// An exchange whose request nobody has seen: for answers that are translated by themselves.
    pub fn without_request(
        client: &'static dyn Dialect,
        upstream: &'static dyn Dialect,
        reply: ResponseContext,
    ) -> Self {
        let restoration = Restoration::default();
        Self {
            client,
            upstream,
            reply,
            restoration,
            stream: false,
            keeper: None,
            carriers: Carriers::default(),
            envelopes: envelopes(client, upstream),
            began: None,
        }
    }

    fn reenvelope(
        route: &ExchangeConfig<'_>,
        (from, to): (&'static dyn Envelope, &'static dyn Envelope),
        inbound: &ClientRequest<'_>,
        (created, request_id): (u64, &str),
        losses: &mut Losses,
    ) -> Result<(Self, WrittenRequest), Error> {
        let reenveloped = reenvelope::request(route, (from, to), inbound, losses)?;
        let reply = ResponseContext {
            model: reenveloped.model,
            preferences: Preferences::default(),
            created,
            request_id: request_id.to_owned(),
            input_estimate: 0,
        };
        let exchange = Self {
            client: route.client,
            upstream: route.upstream,
            reply,
            restoration: Restoration::default(),
            stream: reenveloped.stream,
            keeper: None,
            carriers: Carriers::default(),
            envelopes: Some((from, to)),
            began: None,
        };
        Ok((exchange, reenveloped.written))
    }

    /// Says when the request arrived, for clients whose dialect tells how long an answer took.
    pub fn set_start(&mut self, at: Instant) {
        self.began = Some(at);
    }

    /// Says under which identifier the answer is kept and what it goes on from, for clients whose dialect tells.
    pub fn stored(&mut self, stored: ResponseLinks) {
        self.reply.preferences.links = stored;
    }

    /// Whether the client asked for a stream.
    pub fn streams(&self) -> bool {
        self.stream
    }

    /// The client's dialect.
    pub fn client(&self) -> &'static dyn Dialect {
        self.client
    }

    /// A reader of the frames of the upstream's streams.
    pub fn decoder(&self) -> FrameDecoder {
        self.upstream.framing().decoder()
    }

    /// Translates a complete answer; gives its body and the upstream's token counts.
    ///
    /// # Errors
    /// Where the body is no answer of the upstream's dialect.
    pub fn response(&self, body: &[u8], losses: &mut Losses) -> Result<(Vec<u8>, Option<Usage>), Error> {
        let answer = self.answer(body, losses)?;
        Ok((answer.body, answer.usage))
    }

    /// Translates a complete answer, with the headers that the client's dialect has for it.
    ///
    /// # Errors
    /// Where the body is no answer of the upstream's dialect.
    pub fn answer(&self, body: &[u8], losses: &mut Losses) -> Result<WrittenResponse, Error> {
        let took = self.began.map(|began| began.elapsed());
        if self.envelopes.is_some() {
            // It is read for its counts, and because what is no answer must not be passed on as one.
            let usage = self
                .upstream
                .read_response(&mut Scope::root(&mut Losses::new()), body)?
                .usage;
            return Ok(WrittenResponse {
                headers: self.client.response_headers(usage.as_ref(), took),
                body: body.to_vec(),
                usage,
            });
        }
        let mut response = self.upstream.read_response(&mut Scope::root(losses), body)?;
        if let Some(keeper) = &self.keeper {
            keeper.keep(&response);
        }
        restore::response(&self.restoration, &mut response);
        self.carriers.carry_all(&mut response.content);
        let called = response
            .content
            .iter()
            .any(|block| matches!(block, Block::ToolCall(_)));
        response.finish = response.finish.settled(called);
        let usage = response.usage;
        Ok(WrittenResponse {
            headers: self.client.response_headers(usage.as_ref(), took),
            body: self
                .client
                .write_response(&mut Scope::root(losses), response, &self.reply),
            usage,
        })
    }

    /// Begins the translation of a streamed answer.
    pub fn stream(&self) -> TranslatedStream {
        let mut stream = match self.envelopes {
            Some((client, upstream)) => {
                TranslatedStream::reenveloped(upstream.event_reader(), client.event_writer(&self.reply))
            }
            None => TranslatedStream::canonical(
                self.upstream.stream_reader(),
                &self.restoration,
                self.client.stream_writer(&self.reply),
                self.keeper.clone(),
                self.carriers.clone(),
            ),
        };
        if let Some(began) = self.began {
            stream.set_start(began);
        }
        stream
    }

    /// Translates the headers that tell of the account's limits.
    pub fn rate_limits(&self, headers: &HeaderMap, now: SystemTime) -> Vec<(HeaderName, HeaderValue)> {
        let limits = self.upstream.read_rate_limits(headers, now);
        self.client.write_rate_limits(&limits, now)
    }

    /// Translates the answer of an upstream whose status is not a success.
    pub fn error(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> (Error, WrittenError) {
        let error = self.upstream.read_error(status, headers, body);
        let written = self.client.write_error(&error, &self.reply.request_id);
        (error, written)
    }
}

impl Keeper {
    fn keep(&self, response: &Response) {
        let mut state = Vec::new();
        let mut first_call = None;
        for block in &response.content {
            match block {
                Block::Reasoning(Reasoning {
                    opaque: Some(opaque), ..
                }) => state.push(opaque.clone()),
                Block::ToolCall(call) if first_call.is_none() => first_call = Some(&call.id),
                _ => {}
            }
        }
        if let Some(call_id) = first_call {
            self.memory.remember(self.scope, call_id, state);
        }
    }
}

/// The error for what may not be lost, naming all of it.
fn refused(losses: &Losses, on_loss: OnLoss) -> Result<(), Error> {
    let strict = on_loss == OnLoss::Error;
    let refused = |loss: &&Loss| match loss.kind {
        LossKind::Refused => true,
        LossKind::Dropped | LossKind::Approximated => strict,
        LossKind::Ignored => false,
    };
    let refused: Vec<&Loss> = losses.entries().iter().filter(refused).collect();
    let Some(first) = refused.first() else {
        return Ok(());
    };
    let all: Vec<String> = refused
        .iter()
        .map(|loss| format!("{}: {}", loss.path, loss.reason))
        .collect();
    let message = format!(
        "the upstream of this route cannot take this request: {}",
        all.join("; ")
    );
    Err(Error::new(ErrorClass::Unsupported, message).at(first.path.clone()))
}

/// Edits the system text of a request that stays in its dialect; every other byte stays as it was.
///
/// # Errors
/// An invalid request.
pub fn edit_in_place(dialect: &dyn Dialect, body: &Bytes, edits: &SystemEdits) -> Result<Vec<Bytes>, Error> {
    dialect.edit_system(body, edits)
}
