//! Shared code of the fuzz targets for readers: processes a document as the proxy does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use llm_proxy::canonical::{Error, ErrorClass, Losses, OnLoss};
use llm_proxy::capability;
use llm_proxy::dialect::{self, ClientRequest, Dialect, DialectName, Preferences, ResponseContext};
use llm_proxy::prompt::SystemEdits;
use llm_proxy::translate::{Carriers, Exchange, ExchangeConfig, ExchangeIdentity};
use llm_proxy::wire::event_stream;
use llm_proxy::wire::framing::Framing;

fn dialects() -> impl Iterator<Item = &'static dyn Dialect> {
    DialectName::ALL.into_iter().map(dialect::find)
}

/// Reads `data` as a document of a dialect and translates it to every other dialect. The first byte selects the kind of
/// document: request, response, stream or error.
pub fn read(name: DialectName, data: &[u8]) {
    let Some((kind, document)) = data.split_first() else {
        return;
    };
    let party = dialect::find(name);
    for other in dialects().filter(|other| other.name() != party.name()) {
        match kind % 4 {
            0 => request(party, other, document),
            1 => drop(exchange(other, party).translate_response(&mut Losses::new(), document)),
            2 => stream(party, other, document),
            _ => drop(exchange(other, party).translate_error(
                StatusCode::BAD_GATEWAY,
                &HeaderMap::new(),
                document,
            )),
        }
    }
    if kind % 4 == 0 {
        let edits = SystemEdits {
            replacements: vec![("a".to_owned(), "bc".to_owned())],
            append: "end".to_owned(),
            inject_progress: true,
        };
        drop(party.edit_system(&Bytes::copy_from_slice(document), &edits));
    }
}

fn request(client: &'static dyn Dialect, upstream: &'static dyn Dialect, body: &[u8]) {
    let route = ExchangeConfig {
        client,
        upstream,
        upstream_model: &str::to_owned,
        capabilities: &|model| capability::lookup(upstream.name(), model),
        edits: &SystemEdits::default(),
        on_loss: OnLoss::Warn,
        carriers: &Carriers::default(),
        memory: None,
    };
    // Bedrock requests have the model in the URL.
    let named = (client.name() == DialectName::Bedrock).then_some("m");
    let inbound = ClientRequest {
        headers: &HeaderMap::new(),
        model: named,
        stream: named.map(|_| true),
        body: &Bytes::copy_from_slice(body),
    };
    drop(Exchange::begin(
        &mut Losses::new(),
        &route,
        &inbound,
        ExchangeIdentity {
            created: 0,
            request_id: "req",
        },
    ));
}

fn exchange(client: &'static dyn Dialect, upstream: &'static dyn Dialect) -> Exchange {
    let reply = ResponseContext {
        model: "m".to_owned(),
        preferences: Preferences::default(),
        created: 0,
        request_id: "req".to_owned(),
        input_estimate: 0,
    };
    Exchange::without_request(client, upstream, reply)
}

fn stream(upstream: &'static dyn Dialect, client: &'static dyn Dialect, body: &[u8]) {
    let mut translated = exchange(client, upstream).start_stream();
    translated.commit();
    let (mut decoder, mut out) = (upstream.framing().decoder(), BytesMut::new());
    decoder.push(wire(upstream.framing(), body));
    decoder.finish();
    loop {
        match decoder.next() {
            Ok(Some(frame)) => translated.push(frame.name(), &frame.data, &mut out),
            Ok(None) => break,
            Err(error) => {
                translated.fail(Error::new(ErrorClass::Upstream, error.to_string()), &mut out);
                break;
            }
        }
    }
    translated.end(&mut out);
    assert!(translated.is_ended(), "the stream has not ended");
}

/// Frames the bytes for an upstream. For SSE, they stay unchanged. An event stream has checksums, which random bytes
/// would almost never match, so each line becomes a valid message: an exception if it begins with `!`, and otherwise an
/// event.
fn wire(framing: Framing, body: &[u8]) -> Bytes {
    if framing == Framing::Sse {
        return Bytes::copy_from_slice(body);
    }
    let mut out = BytesMut::new();
    for line in body.split(|byte| *byte == b'\n') {
        match line.strip_prefix(b"!") {
            Some(payload) => event_stream::write_exception(&mut out, "modelStreamErrorException", payload),
            None => event_stream::write_event(&mut out, "chunk", |out| {
                out.extend_from_slice(br#"{"bytes":""#);
                out.extend_from_slice(STANDARD.encode(line).as_bytes());
                out.extend_from_slice(br#""}"#);
            }),
        }
    }
    out.freeze()
}
