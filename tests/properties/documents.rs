//! Whatever JSON comes, it is read or refused in words.

use bytes::Bytes;
use http::StatusCode;
use llm_proxy::canonical::Losses;
use llm_proxy::dialect::Dialect;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use crate::common::grammar;
use crate::common::schema::{self, Root};
use crate::common::{Facts, begin, cases, stream, translated_pairs};
use crate::conversation::{conversation, request};
use crate::tried;
use crate::upstream::{self, joined};

/// Names and texts that mean something somewhere.
const WORDS: [&str; 24] = [
    "type",
    "role",
    "content",
    "text",
    "id",
    "name",
    "index",
    "delta",
    "choices",
    "message",
    "messages",
    "tools",
    "tool_calls",
    "function",
    "input",
    "thinking",
    "system",
    "model",
    "usage",
    "error",
    "user",
    "assistant",
    "tool_use",
    "tool_result",
];

fn json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned);
    let word = prop_oneof![4 => word, 1 => "[a-z\u{0}é]{0,3}"].boxed();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(1e300)),
        Just(json!(u64::MAX)),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((word.clone(), inner), 0..5).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// A change of one place of a document.
#[derive(Clone, Debug)]
struct Change {
    place: Index,
    kind: u8,
    value: Value,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = (any::<Index>(), 0_u8..5, json());
    vec(
        change.prop_map(|(place, kind, value)| Change { place, kind, value }),
        1..4,
    )
}

fn places(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(places).sum(),
        Value::Object(members) => members.values().map(places).sum(),
        _ => 0,
    }
}

/// The document with its place of this number replaced, emptied, wrapped, doubled or turned into a text.
fn changed(value: &Value, at: &mut usize, change: &Change) -> Option<Value> {
    let here = *at == 0;
    *at = at.wrapping_sub(1);
    if here {
        return match change.kind {
            0 => Some(change.value.clone()),
            1 => None,
            2 => Some(json!([value, value])),
            3 => Some(json!({"type": value, "content": value})),
            _ => Some(Value::from(value.to_string())),
        };
    }
    Some(match value {
        Value::Array(items) => items
            .iter()
            .filter_map(|item| changed(item, at, change))
            .collect(),
        Value::Object(members) => {
            let members = members.iter();
            let members =
                members.filter_map(|(name, value)| Some((name.clone(), changed(value, at, change)?)));
            Value::Object(members.collect::<Map<String, Value>>())
        }
        leaf => leaf.clone(),
    })
}

fn mutated(document: &Value, changes: &[Change]) -> Value {
    changes.iter().fold(document.clone(), |document, change| {
        let mut at = change.place.index(places(&document));
        changed(&document, &mut at, change).unwrap_or(Value::Null)
    })
}

/// Sends a request through a pair: what is written is a document, what is refused is refused in words.
fn send(
    client: &'static dyn Dialect,
    upstream: &'static dyn Dialect,
    body: &[u8],
) -> Result<(), TestCaseError> {
    let mut losses = Losses::new();
    match begin(client, upstream, &Facts::default(), body, &mut losses) {
        Ok((_, written)) => {
            schema::check_text(upstream.name(), Root::Request, &written.body).map_err(TestCaseError::fail)?;
        }
        Err(error) => {
            prop_assert!(!error.message.is_empty());
            let written = client.write_error(&error, "req_1");
            prop_assert!(written.status.is_client_error(), "{} for {error}", written.status);
            prop_assert!(serde_json::from_slice::<Value>(&written.body).is_ok());
        }
    }
    Ok(())
}

/// The way back: as a complete response, as a failure, and as the event of a stream.
fn check_response(
    client: &'static dyn Dialect,
    upstream: &'static dyn Dialect,
    body: &[u8],
) -> Result<(), TestCaseError> {
    let plain = request(client.name(), &plain(), 0).to_string();
    let begun = begin(
        client,
        upstream,
        &Facts::default(),
        plain.as_bytes(),
        &mut Losses::new(),
    );
    let (exchange, _) = begun.unwrap();
    match exchange.translate_response(&mut Losses::new(), body) {
        Ok(written) => {
            schema::check_text(client.name(), Root::Response, &written.body).map_err(TestCaseError::fail)?;
        }
        Err(error) => prop_assert!(!error.message.is_empty()),
    }
    let (error, written) = exchange.translate_error(StatusCode::BAD_REQUEST, &http::HeaderMap::new(), body);
    prop_assert!(!error.message.is_empty());
    prop_assert!(written.status.is_client_error() || written.status.is_server_error());
    prop_assert!(serde_json::from_slice::<Value>(&written.body).is_ok());

    let one_line = String::from_utf8_lossy(body).replace(['\r', '\n'], " ");
    let frame = Bytes::from(format!("data: {one_line}\n\n"));
    let (text, _) = stream(&exchange, [frame.clone(), frame]);
    in_order(client, &text)
}

/// Whether a client can read a stream, and its vendor knows all that is in it.
fn in_order(client: &'static dyn Dialect, text: &str) -> Result<(), TestCaseError> {
    let sound = grammar::check(client.name(), text).and_then(|_| {
        for event in grammar::events(client.name(), text)? {
            schema::check(client.name(), Root::Event, &event)?;
        }
        Ok(())
    });
    sound.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))
}

fn plain() -> crate::conversation::Conversation {
    use crate::conversation::{Conversation, Part, Turn};
    Conversation {
        system: Vec::new(),
        tools: Vec::new(),
        turns: vec![Turn::User(vec![Part::Text("x".to_owned())])],
        reasons: false,
    }
}

proptest! {
    #![proptest_config(tried(192))]

    #[test]
    fn any_json_is_read_or_refused(document in json()) {
        let text = document.to_string();
        for (client, upstream) in translated_pairs() {
            send(client, upstream, text.as_bytes())?;
            check_response(client, upstream, text.as_bytes())?;
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..40)) {
        for (client, upstream) in translated_pairs() {
            send(client, upstream, &bytes)?;
            check_response(client, upstream, &bytes)?;
        }
    }

    #[test]
    fn a_damaged_conversation_is_read_or_refused(conversation in conversation(), changes in changes()) {
        for (client, upstream) in translated_pairs() {
            let sound = request(client.name(), &conversation, 0);
            send(client, upstream, mutated(&sound, &changes).to_string().as_bytes())?;
        }
    }

    #[test]
    fn a_damaged_fixture_is_read_or_refused(which in any::<Index>(), changes in changes()) {
        for (client, upstream) in translated_pairs() {
            for (dialect, file, back) in [
                (client, "request.json", false),
                (upstream, "response.json", true),
                (upstream, "error.json", true),
            ] {
                // Some cases are about what is no JSON.
                let documents: Vec<Bytes> =
                    cases(dialect).iter().filter_map(|case| case.document(file)).collect();
                if documents.is_empty() {
                    continue;
                }
                let Ok(mut sound) = serde_json::from_slice::<Value>(which.get::<Bytes>(&documents)) else { continue; };
                if file == "error.json" {
                    sound = sound["body"].take();
                }
                let text = mutated(&sound, &changes).to_string();
                if back {
                    check_response(client, upstream, text.as_bytes())?;
                } else {
                    send(client, upstream, text.as_bytes())?;
                }
            }
        }
    }

    #[test]
    fn a_damaged_stream_ends_in_order(response in upstream::response(), which in any::<Index>(), changes in changes()) {
        for (client, upstream) in translated_pairs() {
            let mut frames = upstream::frames(upstream.name(), &response);
            let at = which.index(frames.len());
            let (head, data) = frames[at].text.split_once("data: ").unwrap();
            let Ok(sound) = serde_json::from_str::<Value>(data) else {
                continue;
            };
            frames[at].text = format!("{head}data: {}\n\n", mutated(&sound, &changes));
            let plain = request(client.name(), &plain(), 0).to_string();
            let begun = begin(client, upstream, &Facts::default(), plain.as_bytes(), &mut Losses::new());
            let (text, _) = stream(&begun.unwrap().0, [joined(upstream.name(), &frames)]);
            in_order(client, &text)?;
        }
    }
}
