//! One translated exchange: reader, edits, writer, and the way back.
//!
//! No I/O and no clock: the proxy and the command line drive the same code.

mod estimate;
mod freeform;
mod memory;
mod restore;
mod stop;
mod stream;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::canonical::{
    Block, Error, ErrorClass, Loss, LossKind, Losses, OnLoss, Reasoning, Response, Restoration, Usage,
};
use crate::capability::Capabilities;
use crate::dialect::{Dialect, Inbound, ReadRequest, Reply, Target, WrittenError, WrittenRequest};
use crate::prompt::SystemEdits;

pub use memory::{ReasoningMemory, Scope};
pub use stream::TranslatedStream;

/// The parties of a translated exchange and what they agreed on.
pub struct Exchange {
    client: &'static dyn Dialect,
    upstream: &'static dyn Dialect,
    reply: Reply,
    restoration: Restoration,
    stream: bool,
    keeper: Option<Keeper>,
}

/// Where the reasoning of an answer is kept for a client that will not send it back.
#[derive(Clone)]
struct Keeper {
    memory: Arc<ReasoningMemory>,
    scope: Scope,
}

/// What a request is translated for.
pub struct Route<'a> {
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
    /// Reasoning of earlier turns, and whose they are, for clients that do not send it back.
    pub memory: Option<(&'a Arc<ReasoningMemory>, Scope)>,
}

impl Exchange {
    /// Translates a request.
    ///
    /// # Errors
    /// An invalid request, or one that holds what the upstream's dialect cannot express and its answer depends on;
    /// both name the field.
    pub fn begin(
        route: &Route<'_>,
        inbound: &Inbound<'_>,
        created: u64,
        request_id: &str,
        losses: &mut Losses,
    ) -> Result<(Self, WrittenRequest), Error> {
        let ReadRequest {
            mut request,
            preferences,
        } = route.client.read_request(inbound, losses)?;
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
        };
        let input_estimate = estimate::input_tokens(&request);
        let mut written = route.upstream.write_request(&request, &target, losses)?;
        refused(losses, route.on_loss)?;
        let reply = Reply {
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
        };
        Ok((exchange, written))
    }

    /// An exchange whose request nobody has seen: for answers that are translated by themselves.
    pub fn without_request(
        client: &'static dyn Dialect,
        upstream: &'static dyn Dialect,
        reply: Reply,
    ) -> Self {
        let restoration = Restoration::default();
        Self {
            client,
            upstream,
            reply,
            restoration,
            stream: false,
            keeper: None,
        }
    }

    /// Whether the client asked for a stream.
    pub fn streams(&self) -> bool {
        self.stream
    }

    /// The client's dialect.
    pub fn client(&self) -> &'static dyn Dialect {
        self.client
    }

    /// Translates a complete answer; gives its body and the upstream's token counts.
    ///
    /// # Errors
    /// Where the body is no answer of the upstream's dialect.
    pub fn response(&self, body: &[u8], losses: &mut Losses) -> Result<(Vec<u8>, Option<Usage>), Error> {
        let mut response = self.upstream.read_response(body, losses)?;
        if let Some(keeper) = &self.keeper {
            keeper.keep(&response);
        }
        restore::response(&self.restoration, &mut response);
        let called = response
            .content
            .iter()
            .any(|block| matches!(block, Block::ToolCall(_)));
        response.finish = response.finish.settled(called);
        let usage = response.usage;
        let body = self.client.write_response(response, &self.reply, losses);
        Ok((body, usage))
    }

    /// Begins the translation of a streamed answer.
    pub fn stream(&self) -> TranslatedStream {
        TranslatedStream::new(
            self.upstream.stream_reader(),
            &self.restoration,
            self.client.stream_writer(&self.reply),
            self.keeper.clone(),
        )
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
