//! The canonical model: what every reader fills and every writer renders, whatever the dialect.
//!
//! Pure data: no I/O, no dialect, no clock. A reader fills these types and records in a [`Losses`] ledger whatever they
//! cannot hold; a writer records what its dialect cannot express.
//!
//! - `request`, `content`, `tool`: a request, its messages and content blocks, its tools
//! - `response`, `usage`: a complete response and its token counts
//! - `event`: a streamed response; `sequence` puts its blocks one after another, `fold` makes a complete response of it
//! - `restoration`: what has to be undone in a response
//! - `error`, `limits`: failures and rate limits
//! - `loss`, `path`, `scope`, `reason`: the ledger of losses, and where and why something is lost
//! - `dialect_name`: the names of the dialects

mod content;
mod dialect_name;
mod error;
mod event;
mod fold;
mod limits;
mod loss;
mod path;
pub(crate) mod reason;
mod request;
mod response;
mod restoration;
mod scope;
mod sequence;
mod tool;
mod usage;

pub use crate::wire::json::RawJson;
pub use content::{
    Annotation, Audio, Authenticity, Block, CacheBreakpoint, CacheTtl, Document, DocumentSource, Family,
    Image, ImageDetail, MediaSource, Message, Opaque, Reasoning, Role, SearchResult, ServerTool, SystemBlock,
    SystemOrigin, Text, ToolCall, ToolInput, ToolResult,
};
pub use dialect_name::{DialectName, UnknownDialect};
pub use error::{Error, ErrorClass};
pub use event::{BlockStart, CallKind, Delta, Event, Start};
pub use fold::Fold;
pub use limits::{RateLimit, RateLimits};
pub use loss::{Loss, LossKind, Losses, OnLoss};
pub use path::Path;
pub use reason::Reason;
pub(crate) use reason::reasons;
pub use request::{
    Effort, FieldNames, OutputFormat, ReasoningControl, ReasoningDisplay, Request, Sampling, ServiceTier,
    Thinking, Verbosity,
};
pub use response::{Finish, FinishReason, Response};
pub use restoration::{OriginalTool, Restoration};
pub use scope::Scope;
pub use sequence::{Sequencer, SequencerOverflow};
pub use tool::{FreeformTool, FunctionTool, Grammar, Tool, ToolChoice, UserLocation, WebSearchTool};
pub use usage::Usage;
