//! Everything that is written is what the target's vendor describes.

mod common;

use common::grammar;
use common::schema::{self, Root};
use common::{begin, cases, exchange, pairs, stream};
use llm_proxy::canonical::Losses;
use llm_proxy::dialect::{Dialect, DialectName};
use serde_json::json;

/// Collects what does not validate, so that one run shows all of it.
#[derive(Default)]
struct Findings {
    checked: usize,
    wrong: Vec<String>,
}

impl Findings {
    fn note(&mut self, cell: &str, found: Result<(), String>) {
        self.checked += 1;
        if let Err(error) = found {
            self.wrong.push(format!("{cell}: {error}"));
        }
    }

    fn conclude(self) {
        println!("{} documents", self.checked);
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        assert!(self.checked > 0, "nothing was checked");
    }
}

/// Whether what is written has to be sound: where only the envelope changes, what was not stays so.
fn has_to_be_sound(
    (client, upstream): (&dyn Dialect, &dyn Dialect),
    party: DialectName,
    root: Root,
    said: Option<&[u8]>,
) -> bool {
    client.family() != upstream.family()
        || said.is_some_and(|said| schema::check_text(party, root, said).is_ok())
}

#[test]
fn requests_are_what_the_upstream_describes() {
    let mut findings = Findings::default();
    for (client, upstream) in pairs() {
        for case in cases(client) {
            let Some(body) = case.document("request.json") else {
                continue;
            };
            if !has_to_be_sound((client, upstream), client.name(), Root::Request, Some(&body)) {
                continue;
            }
            // A request that is refused writes nothing.
            if let Ok((_, written)) = begin(client, upstream, &case.facts, &body, &mut Losses::new()) {
                let cell = format!("{}@{}/{}", client.name(), upstream.name(), case.name);
                findings.note(
                    &cell,
                    schema::check_text(upstream.name(), Root::Request, &written.body),
                );
            }
        }
    }
    findings.conclude();
}

#[test]
fn responses_are_valid_in_the_clients_schema() {
    let mut findings = Findings::default();
    for (client, upstream) in pairs() {
        for case in cases(upstream) {
            let cell = format!("{}@{}/{}", client.name(), upstream.name(), case.name);
            if let Some(body) = case.document("response.json")
                && has_to_be_sound((client, upstream), upstream.name(), Root::Response, Some(&body))
                && let Ok(written) =
                    exchange(client, upstream, &case).translate_response(&mut Losses::new(), &body)
            {
                findings.note(
                    &cell,
                    schema::check_text(client.name(), Root::Response, &written.body),
                );
            }
        }
    }
    findings.conclude();
}

#[test]
fn streams_are_what_the_client_knows() {
    let mut findings = Findings::default();
    for (client, upstream) in pairs() {
        for case in cases(upstream) {
            let Some(body) = case.document("stream.sse") else {
                continue;
            };
            let complete = case.document("response.json");
            if !has_to_be_sound(
                (client, upstream),
                upstream.name(),
                Root::Response,
                complete.as_deref(),
            ) {
                continue;
            }
            let cell = format!("{}@{}/{}", client.name(), upstream.name(), case.name);
            let (text, _) = stream(&exchange(client, upstream, &case), [body]);
            // The grammar is that of what is written here, not of what a vendor's own clients put up with.
            if client.family() != upstream.family() {
                findings.note(&cell, grammar::check(client.name(), &text).map(|_| ()));
            }
            match grammar::events(client.name(), &text) {
                Ok(events) => {
                    for event in &events {
                        findings.note(&cell, schema::check(client.name(), Root::Event, event));
                    }
                }
                Err(error) => findings.note(&cell, Err(error)),
            }
        }
    }
    findings.conclude();
}

#[test]
fn a_member_that_no_vendor_knows_is_found() {
    for (client, _) in pairs() {
        let said = json!([{"role": "user", "content": "x"}]);
        let (place, sound) = match client.name() {
            DialectName::OpenAiResponses => ("/input/0", json!({"model": "m", "input": said})),
            DialectName::Bedrock => (
                "/messages/0",
                json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 1, "messages": said}),
            ),
            _ => (
                "/messages/0",
                json!({"model": "m", "max_tokens": 1, "messages": said}),
            ),
        };
        schema::check(client.name(), Root::Request, &sound).unwrap_or_else(|error| panic!("{error}"));
        for pointer in ["", place] {
            let mut odd = sound.clone();
            odd.pointer_mut(pointer).unwrap()["unheard_of"] = 1.into();
            assert!(schema::check(client.name(), Root::Request, &odd).is_err());
        }
    }
}
