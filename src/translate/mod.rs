//! One translated exchange: the request from the client's dialect to the upstream's, the response back.
//!
//! No I/O and no clock: the proxy and the command line drive the same code.
//!
//! - `exchange`: begins an exchange with its request, and translates its complete response or its error
//! - `stream`: translates a streamed response
//! - `reenvelope`: requests between two dialects of one family, where only the envelope changes
//! - `restore`: undoes in a response what the writer of the request had to change; `freeform` and `stop_sequences` are
//!   parts of that
//! - `carriers`: reasoning state in the hands of clients of another vendor
//! - `memory`: reasoning state for clients that do not send it back
//! - `check`: the error for a request that loses too much
//! - `count`, `estimate`: the number of tokens of a request
//! - `reasons`: the texts of losses

mod carriers;
mod check;
mod count;
mod estimate;
mod exchange;
mod freeform;
mod memory;
mod reasons;
mod reenvelope;
mod restore;
mod stop_sequences;
mod stream;

pub use carriers::Carriers;
pub use count::begin_count;
pub use estimate::Estimate;
pub use exchange::{Exchange, ExchangeConfig, ExchangeIdentity, WrittenResponse};
pub use memory::{ReasoningMemory, ReasoningOwner};
pub use stream::TranslatedStream;

/// Every reason that a translation has for a loss besides those of the dialects, in the form of
/// [`crate::dialect::reasons`].
pub fn reasons() -> Vec<(&'static str, &'static [(&'static str, &'static str)])> {
    vec![("translate", reasons::TranslateReason::ALL)]
}
