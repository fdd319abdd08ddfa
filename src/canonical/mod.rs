//! The dialect-neutral model that every reader fills and every writer renders.
//!
//! Pure data: no I/O, no dialect, no clock. A reader puts what its dialect says into these types and records in a
//! [`Losses`] ledger what has no place here; a writer does the same for what its dialect cannot say.

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
    Annotation, Audio, Block, CacheBreakpoint, CacheTtl, Document, DocumentSource, Family, Image,
    ImageDetail, MediaSource, Message, Opaque, Passage, Reasoning, Role, SearchResult, ServerTool,
    SystemBlock, SystemOrigin, Text, ToolCall, ToolInput, ToolResult,
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
pub use sequence::{Overflow, Sequencer};
pub use tool::{FreeformTool, FunctionTool, Grammar, Tool, ToolChoice, UserLocation, WebSearchTool};
pub use usage::Usage;
