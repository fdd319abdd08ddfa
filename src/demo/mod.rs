//! A scripted upstream. It responds like an LLM vendor, needs no key and no network, and follows instructions in the
//! user's text. `llm-proxy demo`, the tests and the benches use it.
//!
//! Words in the last user text choose the response, in upper or lower case:
//!
//! | words | response |
//! | --- | --- |
//! | `tool`, the name of a declared tool, or a long part of the name (`weather` for `get_weather`) | a call of that
//! tool, or of the first; its arguments follow from its schema. The request's tool choice can also force it |
//! | `parallel` | the same, with two calls |
//! | `think`, `thinking` | thinking before the rest |
//! | `long N` | N pieces of text (at most 1 000 000) |
//! | `slow`, `slow N` | a pause of 100, or N, milliseconds before each piece (at most 60 000) |
//! | `step` | each piece waits for a permit, see [`Demo::step`] |
//! | `truncate` | the end reason of a response that the token limit cut |
//! | `refuse` | the end reason of a refusal |
//! | `error N`, `overload` | an error of the dialect with HTTP status N, with `retry-after` where the vendor sends it
//! |
//! | `error context` | the error for a prompt that is too long for the model |
//! | `error mid` | an error inside the stream, after three pieces; status 500 when not streaming |
//! | `cut` | the connection breaks after three pieces, or in the middle of the body |
//! | `echo` | facts about the request as JSON: dialect, path, names of authentication headers, model, tools … |
//!
//! After a tool result, the response quotes the result. For other requests, the response is a text that quotes the
//! user.
//!
//! It speaks `openai-chat`, `openai-responses` and `claude`, with any path before `/v1`. Each dialect is a file that
//! reads a request into a [`DemoRequest`](script::DemoRequest) and writes a [`DemoTurn`](script::DemoTurn) as a
//! response, a stream or an error. The documents are written by hand, so they do not share mistakes with the
//! generated types of the proxy.

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
