//! An event that repeats what the last one said is read as if there had been no last one.

use bytes::Bytes;
use llm_proxy::dialect::DialectName;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::common::{stream, translated_pairs};
use crate::streams::exchange;
use crate::upstream::{self, Sent, joined};

/// Events in any order, each so many times.
fn runs() -> impl Strategy<Value = Vec<Vec<Sent>>> {
    translated_pairs()
        .into_iter()
        .map(|(_, upstream)| {
            let run = (upstream::event(upstream.name()), 1_usize..6);
            let runs = vec(run, 0..12);
            runs.prop_map(|runs| {
                let runs = runs.into_iter();
                runs.flat_map(|(event, times)| vec![event; times]).collect()
            })
        })
        .collect::<Vec<_>>()
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
