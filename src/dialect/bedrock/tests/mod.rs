//! Tests of requests: `envelope` (in and out of the envelope), `sanitize` (what Bedrock does not accept), `request`
//! (through the canonical model).

use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::canonical::{LossKind, Losses};
use crate::capability::lookup;
use crate::dialect::claude::Claude;

mod envelope;
mod request;
mod sanitize;

const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    pairs.iter().map(pair).collect()
}

/// A request of a client of the Messages API, as Bedrock receives it.
fn wrap(
    model: &str,
    pairs: &[(&'static str, &'static str)],
    body: &str,
) -> (Result<WrittenRequest, Error>, Losses) {
    let mut losses = Losses::new();
    let headers = headers(pairs);
    let request = ClientRequest {
        headers: &headers,
        model: None,
        stream: None,
        body: &Bytes::copy_from_slice(body.as_bytes()),
    };
    let target = Target {
        model,
        capabilities: &lookup(DialectName::Bedrock, model),
        length: 0,
    };
    let unwrapped = Envelope::unwrap_request(&Claude, &mut Scope::root(&mut losses), &request);
    let written = unwrapped
        .and_then(|unwrapped| Bedrock.wrap_request(&mut Scope::root(&mut losses), unwrapped, &target));
    (written, losses)
}

fn text(written: Result<WrittenRequest, Error>) -> String {
    String::from_utf8(written.expect("a request").body).expect("text")
}

fn listed(losses: &Losses) -> Vec<(LossKind, &str)> {
    let entries = losses.entries().iter();
    entries.map(|loss| (loss.kind, loss.path.as_str())).collect()
}

fn read(pairs: &[(&'static str, &'static str)], body: &str) -> (Result<ReadRequest, Error>, Losses) {
    let mut losses = Losses::new();
    let headers = headers(pairs);
    let request = ClientRequest {
        headers: &headers,
        model: Some(MODEL),
        stream: Some(true),
        body: &Bytes::copy_from_slice(body.as_bytes()),
    };
    (
        Bedrock.read_request(&mut Scope::root(&mut losses), &request),
        losses,
    )
}
