//! A scripted upstream: it speaks like an LLM vendor, needs no key and no network, and does what the user's text asks
//! for. It serves `llm-proxy demo`, the tests and the benches.
//!
//! What it answers is chosen by words in the last user text, in any case:
//!
//! | words | answer |
//! | --- | --- |
//! | `tool`, a declared tool's name, or a telling part of it (`weather` for `get_weather`) | a call of that tool, or of the first; arguments made up from its schema. Forced by the request's tool choice, too |
//! | `parallel` | the same, with two calls |
//! | `think`, `thinking` | thinking before the rest |
//! | `long N` | N pieces of text (at most 1 000 000) |
//! | `slow`, `slow N` | a pause of 100, or N, milliseconds before each piece (at most 60 000) |
//! | `step` | each piece waits for a permit, see [`Demo::step`] |
//! | `truncate` | the end reason of an answer cut by the token limit |
//! | `refuse` | the end reason of a refusal |
//! | `error N`, `overload` | HTTP status N in the dialect's own shape; `retry-after` where it belongs |
//! | `error context` | the error of a prompt that is too long for the model |
//! | `error mid` | an error inside the stream, after three pieces; status 500 when not streaming |
//! | `cut` | the connection breaks after three pieces, or in the middle of the answer's body |
//! | `echo` | the request's facts as JSON: dialect, path, headers that authenticate (names only), model, tools … |
//!
//! After a tool's result the answer quotes it. Anything else is answered by a text that quotes the user.
//!
//! It speaks `openai-chat`, `openai-responses` and `claude`, below any path in front of `/v1`. A dialect here is one file that reads a request into an [`DemoRequest`](script::Ask) and writes a [`DemoTurn`](script::Turn) as an
//! answer, a stream or an error. Bodies are written by hand, independent of the types the proxy is built from.

mod chat;
mod claude;
mod dialect;
mod guide;
mod record;
mod responses;
mod script;
mod server;
mod stream;
mod synth;
#[cfg(test)]
mod tests;

pub use guide::{CLAUDE_MODEL, DemoRoute, OPENAI_MODEL, ROUTES, write_config, write_guide};
pub use record::{DemoCounts, RecordedRequest};
pub use server::Demo;
