//! What the targets for readers share: a document goes the way that it would go in the proxy.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use llm_proxy::canonical::{Losses, OnLoss};
use llm_proxy::capability;
use llm_proxy::dialect::{self, Dialect, DialectName, Inbound, Preferences, Reply};
use llm_proxy::prompt::SystemEdits;
use llm_proxy::translate::{Carriers, Exchange, Route};
use llm_proxy::wire::sse::{Decoder, Item};

fn dialects() -> impl Iterator<Item = &'static dyn Dialect> {
    DialectName::ALL.into_iter().filter_map(dialect::find)
}

/// Reads `data` as everything that a party of this dialect can say, and writes what it amounts to in every other one.
/// The first byte says as what.
pub fn read(name: DialectName, data: &[u8]) {
    let Some((kind, document)) = data.split_first() else { return };
    let Some(party) = dialect::find(name) else { return };
    for other in dialects().filter(|other| other.family() != party.family()) {
        match kind % 4 {
            0 => request(party, other, document),
            1 => drop(exchange(other, party).response(document, &mut Losses::new())),
            2 => stream(party, other, document),
            _ => drop(exchange(other, party).error(StatusCode::BAD_GATEWAY, &HeaderMap::new(), document)),
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
    let route = Route {
        client,
        upstream,
        model: &str::to_owned,
        capabilities: &|model| capability::lookup(upstream.name(), model),
        edits: &SystemEdits::default(),
        on_loss: OnLoss::Warn,
        carriers: &Carriers::default(),
        memory: None,
    };
    let inbound = Inbound { headers: &HeaderMap::new(), model: None, stream: None, body };
    drop(Exchange::begin(&route, &inbound, 0, "req", &mut Losses::new()));
}

fn exchange(client: &'static dyn Dialect, upstream: &'static dyn Dialect) -> Exchange {
    let reply = Reply {
        model: "m".to_owned(),
        preferences: Preferences::default(),
        created: 0,
        request_id: "req".to_owned(),
        input_estimate: 0,
    };
    Exchange::without_request(client, upstream, reply)
}

fn stream(upstream: &'static dyn Dialect, client: &'static dyn Dialect, body: &[u8]) {
    let mut translated = exchange(client, upstream).stream();
    translated.commit();
    let (mut decoder, mut out) = (Decoder::new(), BytesMut::new());
    decoder.push(Bytes::copy_from_slice(body));
    decoder.finish();
    while let Ok(Some(item)) = decoder.next() {
        if let Item::Event(frame) = item {
            translated.push(Some(frame.name()).filter(|name| !name.is_empty()), &frame.data, &mut out);
        }
    }
    translated.end(&mut out);
    assert!(translated.is_ended(), "a stream ends");
}
