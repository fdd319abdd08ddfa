//! A streamed response, event by event.
//!
//! [`Event::Start`] comes first, [`Event::Finish`] or [`Event::Fail`] last, and every block opens and closes once. The
//! deltas of several open blocks may interleave in the events of a reader; [`super::Sequencer`] puts the blocks one
//! after another.

use serde::Serialize;

use super::{Annotation, Error, Finish, Opaque, RawJson, ServerTool, Usage};

/// One event of a streamed response.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The response begins.
    Start(Start),
    /// A block begins.
    Open {
        /// Number of the block; unique in the response.
        index: u32,
        /// What it is.
        block: BlockStart,
    },
    /// A block grows.
    Delta {
        /// Number of the block.
        index: u32,
        /// What is added.
        delta: Delta,
    },
    /// A block is complete.
    Close {
        /// Number of the block.
        index: u32,
    },
    /// The response is complete.
    Finish {
        /// Why it ended.
        #[serde(flatten)]
        finish: Finish,
        /// Token counts; absent if the upstream sent none.
        #[serde(skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
    },
    /// The response broke off.
    Fail(Error),
    /// The upstream is alive.
    Ping,
}

/// The start of a response.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Start {
    /// The upstream's identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The model that responds, as the upstream names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Token counts of the input, if the upstream sends them before the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The tier that processes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
}

/// The kind of a block.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BlockStart {
    /// Text.
    Text,
    /// The model's words of refusal.
    Refusal,
    /// Reasoning, shown or hidden.
    Reasoning,
    /// A call of a client's tool.
    ToolCall {
        /// Pairs the call with its result.
        id: String,
        /// The tool's name.
        name: String,
        /// Its Responses namespace.
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        /// Whether its input is JSON or text.
        call: CallKind,
    },
    /// A call or result of a vendor's tool.
    ServerTool(ServerTool),
}

/// The kind of a tool call's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallKind {
    /// JSON arguments.
    Function,
    /// Plain text.
    Freeform,
}

/// An addition to a block.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Delta {
    /// Text, of a text or refusal block.
    Text {
        /// The piece.
        text: String,
    },
    /// Reasoning that may be shown.
    Reasoning {
        /// The number of the part that the piece belongs to, from 0.
        part: u32,
        /// The piece.
        text: String,
    },
    /// The vendor's state of a reasoning block; at most once, last.
    Opaque(Opaque),
    /// A piece of a call's input: of its JSON text, or of the plain text of a freeform call.
    Input {
        /// The piece.
        text: String,
    },
    /// A citation of a text block.
    Annotation(Annotation),
    /// Log probabilities of a text block, in OpenAI's form.
    Logprobs {
        /// The vendor's list.
        json: RawJson,
    },
}
