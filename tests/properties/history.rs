//! A longer history is translated to an extension of the shorter one's translation.

use llm_proxy::canonical::Losses;
use llm_proxy::dialect::{Dialect, DialectName};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::schema::{self, Root};
use crate::common::{Facts, begin, pairs};
use crate::conversation::{self, Conversation, conversation};
use crate::tried;

/// Models that differ in how they take a history.
fn models(upstream: DialectName) -> &'static [&'static str] {
    match upstream {
        DialectName::Claude | DialectName::Bedrock => {
            &["claude-sonnet-4-5", "claude-opus-4-8", "claude-opus-5-5"]
        }
        DialectName::OpenAiChat => &["acme-large", "gpt-5", "deepseek-reasoner", "gpt-6-sol"],
        DialectName::OpenAiResponses => &["acme-large", "gpt-5", "gpt-6-sol"],
    }
}

fn translate(
    (client, upstream): (&'static dyn Dialect, &'static dyn Dialect),
    model: &str,
    conversation: &Conversation,
    number: usize,
) -> Result<Vec<u8>, String> {
    let body = conversation::request(client.name(), conversation, number).to_string();
    schema::check_text(client.name(), Root::Request, body.as_bytes())?;
    let facts = Facts {
        models: [(upstream.name().to_string(), model.to_owned())].into(),
        ..Facts::default()
    };
    let mut losses = Losses::new();
    let begun = begin(client, upstream, &facts, body.as_bytes(), &mut losses);
    let (_, written) = begun.map_err(|error| format!("{error}\n{body}"))?;
    Ok(written.body)
}

/// What a cache or a signature covers, in the order in which it does: tools, instructions, then each piece of the
/// conversation with its role.
fn pieces(dialect: DialectName, request: &Value) -> (Vec<Value>, Vec<Value>) {
    let fixed = vec![
        request["tools"].clone(),
        request["system"].clone(),
        request["instructions"].clone(),
    ];
    let list = |name: &str| request[name].as_array().cloned().unwrap_or_default();
    let said = match dialect {
        // A string is the same as one block of text, and neighbours of one role are one turn.
        DialectName::Claude | DialectName::Bedrock => list("messages")
            .into_iter()
            .flat_map(|message| {
                let blocks = match &message["content"] {
                    Value::String(text) => vec![json!({"type": "text", "text": text})],
                    blocks => blocks.as_array().cloned().unwrap_or_default(),
                };
                let role = message["role"].clone();
                blocks.into_iter().map(move |block| json!([role, block]))
            })
            .collect(),
        DialectName::OpenAiChat => list("messages"),
        DialectName::OpenAiResponses => list("input"),
    };
    (fixed, said)
}

proptest! {
    #![proptest_config(tried(48))]

    #[test]
    fn a_longer_history_extends_the_shorter_one(conversation in conversation()) {
        // The client's own vendor gets the line that differs in every request as it is.
        for pair in pairs().into_iter().filter(|(client, upstream)| {
            (client.name(), upstream.name()) != (DialectName::Bedrock, DialectName::Claude)
        }) {
            for model in models(pair.1.name()) {
                let mut shorter: Option<(Vec<Value>, Vec<Value>)> = None;
                for (number, cut) in conversation.cuts().into_iter().enumerate() {
                    let history = conversation.first(cut);
                    let body = translate(pair, model, &history, number);
                    let body = body.map_err(TestCaseError::fail)?;
                    let again = translate(pair, model, &history, number);
                    prop_assert_eq!(Ok(&body), again.as_ref(), "the same history gives the same bytes");
                    schema::check_text(pair.1.name(), Root::Request, &body).map_err(TestCaseError::fail)?;
                    let longer = pieces(pair.1.name(), &serde_json::from_slice(&body).unwrap());
                    if let Some((fixed, said)) = &shorter {
                        prop_assert_eq!(fixed, &longer.0);
                        let at = said.iter().zip(&longer.1).position(|(one, other)| one != other);
                        prop_assert!(
                            at.is_none() && said.len() <= longer.1.len(),
                            "{}@{} {model}: piece {at:?} of {said:#?}\nis not as in {:#?}",
                            pair.0.name(),
                            pair.1.name(),
                            longer.1
                        );
                    }
                    shorter = Some(longer);
                }
            }
        }
    }
}
