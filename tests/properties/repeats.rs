//! An event that resembles the one before it is read as if it were the only one: the fast path changes nothing.

use bytes::Bytes;
use llm_proxy::dialect::DialectName;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::common::{stream, translated_pairs};
use crate::streams::exchange;
use crate::upstream::{self, Sent, joined};

/// Names of members whose strings are pieces of a response's text.
const TEXTS: [&str; 8] = [
    "arguments",
    "content",
    "delta",
    "partial_json",
    "reasoning",
    "reasoning_content",
    "text",
    "thinking",
];

/// Events in any order, each repeated as [`varied`] copies. The first copies differ in their texts only: the fast path
/// begins after two events that do.
fn runs() -> impl Strategy<Value = Vec<Vec<Sent>>> {
    translated_pairs()
        .into_iter()
        .map(|(_, upstream)| {
            let run = (
                upstream::event(upstream.name()),
                1_u64..8,
                0_u64..4,
                any::<u16>(),
                any::<bool>(),
            );
            let runs = vec(run, 0..12);
            runs.prop_map(|runs| {
                let copies = runs
                    .into_iter()
                    .flat_map(|(event, times, alike, mask, extended)| {
                        (0..times).map(move |copy| {
                            let mask = if copy < alike { 0 } else { mask };
                            varied(&event, copy, mask, extended)
                        })
                    });
                copies.collect()
            })
        })
        .collect::<Vec<_>>()
}

/// A copy of an event that differs from the others in its texts and in the members that `mask` selects.
///
/// The fast path passes over some members of an event, because its reader ignores them. Which ones is not known here:
/// any member may vary, so that the test fails as soon as a reader uses one that the fast path does not look at. An
/// `extended` event also has the members that servers send and no client reads.
fn varied(event: &Sent, copy: u64, mask: u16, extended: bool) -> Sent {
    let parsed = event
        .text
        .split_once("data: ")
        .and_then(|(name, data)| Some((name, serde_json::from_str::<Map<String, Value>>(data).ok()?)));
    let Some((name, mut members)) = parsed else {
        return event.clone();
    };
    if extended {
        members.insert("created".into(), 1_790_000_000.into());
        members.insert("sequence_number".into(), 4.into());
        members.insert("obfuscation".into(), "x".into());
    }
    vary_texts(&mut members, copy);
    for (position, (key, member)) in members.iter_mut().enumerate() {
        if key == "type" || mask & (1 << (position % 16)) == 0 {
            continue;
        }
        match member {
            Value::Number(number) => {
                if let Some(integer) = number.as_u64() {
                    *member = (integer + copy).into();
                }
            }
            Value::String(text) => text.extend((0..copy).map(|_| 'y')),
            _ => {}
        }
    }
    Sent {
        text: format!("{name}data: {}\n\n", Value::from(members)),
        finishes: event.finishes,
    }
}

fn vary_texts(members: &mut Map<String, Value>, copy: u64) {
    for (key, member) in members {
        match member {
            Value::String(text) if TEXTS.contains(&key.as_str()) && !text.is_empty() => {
                text.push_str(&copy.to_string());
            }
            Value::Object(members) => vary_texts(members, copy),
            Value::Array(elements) => {
                for element in elements.iter_mut().filter_map(Value::as_object_mut) {
                    vary_texts(element, copy);
                }
            }
            _ => {}
        }
    }
}

/// The same events, each of which has white space of another length before its first member, so that none looks like
/// the one before it.
fn unlike(upstream: DialectName, sent: &[Sent]) -> Bytes {
    let spaced = |(at, event): (usize, &Sent)| {
        let is_object = |data: &str| serde_json::from_str::<serde_json::Map<_, _>>(data).is_ok();
        let text = match event.text.split_once("data: ") {
            Some((name, data)) if is_object(data) => {
                format!("{name}data: {{{}{}", " ".repeat(at + 1), &data[1..])
            }
            _ => event.text.clone(),
        };
        Sent {
            text,
            finishes: event.finishes,
        }
    };
    let sent: Vec<Sent> = sent.iter().enumerate().map(spaced).collect();
    joined(upstream, &sent)
}

proptest! {
    #![proptest_config(crate::tried(192))]

    #[test]
    fn repeated_events_are_read_as_all_others(sent in runs()) {
        for ((client, upstream), sent) in translated_pairs().into_iter().zip(sent) {
            // Within a family the bytes of events stay.
            if client.family() == upstream.family() {
                continue;
            }
            let exchange = exchange(client, upstream);
            let (alike, losses) = stream(&exchange, [joined(upstream.name(), &sent)]);
            let (single, single_losses) = stream(&exchange, [unlike(upstream.name(), &sent)]);
            prop_assert_eq!(alike, single);
            prop_assert_eq!(losses, single_losses);
        }
    }
}
