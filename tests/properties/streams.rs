//! Whatever an upstream streams, its client reads a response in order, or an error.

use bytes::Bytes;
use llm_proxy::canonical::Losses;
use llm_proxy::dialect::{Dialect, DialectName};
use llm_proxy::translate::Exchange;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::common::grammar::{self, StreamSummary};
use crate::common::schema::{self, Root};
use crate::common::{Facts, begin, stream, translated_pairs};
use crate::tried;
use crate::upstream::{self, Sent, joined};

pub fn exchange(client: &'static dyn Dialect, upstream: &'static dyn Dialect) -> Exchange {
    let body = match client.name() {
        DialectName::Claude => {
            r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}]}"#
        }
        DialectName::OpenAiChat => {
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"x"}]}"#
        }
        DialectName::OpenAiResponses => r#"{"model":"m","stream":true,"input":"x"}"#,
        DialectName::Bedrock => {
            r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"x"}]}"#
        }
    };
    begin(
        client,
        upstream,
        &Facts::default(),
        body.as_bytes(),
        &mut Losses::new(),
    )
    .unwrap()
    .0
}

/// What the client reads, which has to be in order and as its vendor describes it.
fn read(client: DialectName, exchange: &Exchange, sent: Bytes) -> Result<StreamSummary, TestCaseError> {
    let (text, _) = stream(exchange, [sent]);
    let told = grammar::check(client, &text).and_then(|told| {
        for event in grammar::events(client, &text)? {
            schema::check(client, Root::Event, &event)?;
        }
        Ok(told)
    });
    told.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))
}

/// Events of one pair's upstream, in any order.
fn disorder() -> impl Strategy<Value = Vec<Vec<Sent>>> {
    translated_pairs()
        .into_iter()
        .map(|(_, upstream)| vec(upstream::event(upstream.name()), 0..24))
        .collect::<Vec<_>>()
}

proptest! {
    #![proptest_config(tried(192))]

    #[test]
    fn any_events_make_a_response_in_order_or_an_error(sent in disorder(), cut in any::<prop::sample::Index>()) {
        for ((client, upstream), frames) in translated_pairs().into_iter().zip(sent) {
            let exchange = exchange(client, upstream);
            let told = read(client.name(), &exchange, joined(upstream.name(), &frames))?;
            let says_why = frames.iter().any(|frame| frame.finishes);
            prop_assert!(told.failed || says_why, "ended well though nobody said why");
            let bytes = joined(upstream.name(), &frames);
            read(client.name(), &exchange, bytes.slice(..cut.index(bytes.len() + 1)))?;
        }
    }

    #[test]
    fn a_response_arrives_whole_or_is_known_to_be_cut(
        response in upstream::response(),
        cuts in vec(any::<prop::sample::Index>(), 4),
    ) {
        for (client, upstream) in translated_pairs() {
            let exchange = exchange(client, upstream);
            let frames = upstream::frames(upstream.name(), &response);
            let bytes = joined(upstream.name(), &frames);
            let whole = read(client.name(), &exchange, bytes.clone())?;
            prop_assert!(!whole.failed);
            prop_assert_eq!(&whole.text, response.text.as_deref().unwrap_or_default());
            let calls: Vec<_> = whole.calls.iter().map(|(_, name, input)| (name.clone(), input.clone())).collect();
            prop_assert_eq!(calls, response.arguments());
            let mut ids: Vec<&String> = whole.calls.iter().map(|(id, _, _)| id).collect();
            ids.dedup();
            prop_assert_eq!(ids.len(), response.calls.len());

            let last = frames.iter().position(|frame| frame.finishes).unwrap();
            let before_last = joined(upstream.name(), &frames[..last]).len();
            for cut in &cuts {
                let cut = read(client.name(), &exchange, bytes.slice(..cut.index(before_last)))?;
                prop_assert!(cut.failed, "cut at {:?} of {:?} and told as if it were whole", cut, bytes);
                prop_assert!(whole.text.starts_with(&cut.text));
            }
        }
    }
}
