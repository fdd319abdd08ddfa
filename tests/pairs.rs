//! A snapshot for every pair of dialects, every case and each of request, response, stream and error.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use bytes::Bytes;
use common::{Failure, begin, cases, dialects, exchange, find, fold, listed, pairs, pretty, stream};
use llm_proxy::canonical::{Losses, Scope};
use llm_proxy::dialect::{self, DialectName};

/// Cases that every dialect has to have, by what is told.
const REQUESTS: [&str; 12] = [
    "text",
    "system",
    "history",
    "tool",
    "tool-result",
    "parallel-tools",
    "tool-choice",
    "image",
    "reasoning-effort",
    "reasoning-history",
    "json-schema",
    "sampling",
];
const ANSWERS: [&str; 9] = [
    "text",
    "tool",
    "parallel-tools",
    "text-and-tool",
    "reasoning",
    "reasoning-and-tool",
    "truncated",
    "refusal",
    "cached-usage",
];
const ERRORS: [&str; 7] = [
    "invalid",
    "authentication",
    "not-found",
    "rate-limit",
    "overloaded",
    "context-window",
    "foreign-body",
];

fn check(cell: &str, content: &str, seen: &mut BTreeSet<String>) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/pairs");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(cell, content));
    seen.insert(format!("{cell}.snap"));
}

#[test]
fn every_cell_is_as_its_snapshot() {
    let mut seen = BTreeSet::new();
    for (client, upstream) in pairs() {
        let pair = format!("{}@{}", client.name(), upstream.name());
        for case in cases(client) {
            let Some(body) = case.document("request.json") else {
                continue;
            };
            let mut losses = Losses::new();
            let mut out = String::new();
            match begin(client, upstream, &case.facts, &body, &mut losses) {
                Ok((_, written)) => {
                    writeln!(out, "POST {}", written.path).unwrap();
                    for (name, value) in &written.headers {
                        writeln!(out, "{name}: {}", value.to_str().unwrap()).unwrap();
                    }
                    writeln!(out, "\n{}\n", pretty(&written.body)).unwrap();
                }
                Err(error) => writeln!(
                    out,
                    "refused at {}: {error}\n",
                    error.param.as_deref().unwrap_or("-")
                )
                .unwrap(),
            }
            out.push_str(&listed(&losses));
            check(&format!("{pair}.request.{}", case.name), &out, &mut seen);
        }
        for case in cases(upstream) {
            if let Some(body) = case.document("response.json") {
                let mut losses = Losses::new();
                let answer = match exchange(client, upstream, &case).translate_response(&mut losses, &body) {
                    Ok(written) => pretty(&written.body),
                    Err(error) => format!("failed: {error}"),
                };
                let out = format!("{answer}\n\n{}", listed(&losses));
                check(&format!("{pair}.response.{}", case.name), &out, &mut seen);
            }
            if let Some(body) = case.document("stream.sse") {
                let (text, losses) = stream(&exchange(client, upstream, &case), [body]);
                check(
                    &format!("{pair}.stream.{}", case.name),
                    &format!("{text}{}", listed(&losses)),
                    &mut seen,
                );
            }
            if let Some(body) = case.document("error.json") {
                let failure: Failure = serde_json::from_slice(&body).unwrap();
                let (error, written) = failure.translate(&exchange(client, upstream, &case));
                let mut out = format!("{error}\n\n{}\n", written.status);
                for (name, value) in &written.headers {
                    writeln!(out, "{name}: {}", value.to_str().unwrap()).unwrap();
                }
                writeln!(out, "\n{}", pretty(&written.body)).unwrap();
                check(&format!("{pair}.error.{}", case.name), &out, &mut seen);
            }
        }
    }
    println!("{} cells", seen.len());
    let kept = fs::read_dir(common::root().join("tests/snapshots/pairs")).unwrap();
    let kept: BTreeSet<String> = kept
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let orphans: Vec<&String> = kept
        .iter()
        .filter(|name| name.ends_with(".snap") && !seen.contains(*name))
        .collect();
    assert!(orphans.is_empty(), "snapshots of no case: {orphans:?}");
}

#[test]
fn every_dialect_has_the_common_cases() {
    let mut missing = Vec::new();
    for dialect in dialects() {
        let has = |case: &str, file: &str| {
            cases(dialect)
                .iter()
                .any(|known| known.name == case && known.document(file).is_some())
        };
        let mut want = |names: &[&str], file: &str| {
            let absent = names.iter().filter(|name| !has(name, file));
            missing.extend(absent.map(|name| format!("{}/{name}/{file}", dialect.name())));
        };
        want(&REQUESTS, "request.json");
        want(&ANSWERS, "response.json");
        want(&ANSWERS, "stream.sse");
        want(&ERRORS, "error.json");
    }
    assert!(missing.is_empty(), "missing fixtures: {missing:#?}");
}

#[test]
fn a_stream_split_anywhere_is_the_same() {
    for upstream in dialects() {
        // Where frames end is not the client's concern: one of them will do.
        let Some((client, upstream)) = pairs()
            .into_iter()
            .find(|(_, other)| other.name() == upstream.name())
        else {
            continue;
        };
        for case in cases(upstream) {
            let Some(body) = case.document("stream.sse") else {
                continue;
            };
            let exchange = exchange(client, upstream, &case);
            let (whole, _) = stream(&exchange, [body.clone()]);
            let (bytewise, _) = stream(&exchange, body.chunks(1).map(Bytes::copy_from_slice));
            assert_eq!(whole, bytewise, "{}/{} byte by byte", upstream.name(), case.name);
            // All places in a short stream, a sample of them in a long one: each costs a translation.
            for cut in (0..body.len()).step_by(1 + body.len() / 100) {
                let (halves, _) = stream(&exchange, [body.slice(..cut), body.slice(cut..)]);
                assert_eq!(whole, halves, "{}/{} cut at {cut}", upstream.name(), case.name);
            }
        }
    }
}

#[test]
fn a_stream_amounts_to_the_complete_answer() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for upstream in dialects() {
        for case in cases(upstream) {
            let (Some(body), Some(streamed)) = (case.document("response.json"), case.document("stream.sse"))
            else {
                continue;
            };
            let Ok(complete) = upstream.read_response(&mut Scope::root(&mut Losses::new()), &body) else {
                continue;
            };
            let at = format!("{}/{}", upstream.name(), case.name);
            let folded = fold(upstream, streamed).unwrap_or_else(|error| panic!("{at}: {error}"));
            let [complete, folded] = [complete, folded].map(|answer| serde_json::to_value(answer).unwrap());
            compared += 1;
            if (complete == folded) != case.facts.stream_differs.is_none() {
                wrong.push(format!("{at}\n  complete {complete}\n  streamed {folded}"));
            }
        }
    }
    assert!(compared > 0, "no case has both");
    assert!(
        wrong.is_empty(),
        "not as `stream_differs` says:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn the_attribution_line_does_not_reach_other_vendors() {
    let claude = dialect::find(DialectName::Claude);
    let case = find(claude, "billing-header").expect("a request with the line");
    let body = case.document("request.json").unwrap();
    let text = str::from_utf8(&body).unwrap();
    let next = text.replace("cch=7f3e9;", "cch=0a1b2;");
    assert_ne!(text, next);
    for (client, upstream) in pairs() {
        if client.name() != DialectName::Claude {
            continue;
        }
        let written = [text, &next].map(|body| {
            let (_, written) =
                begin(client, upstream, &case.facts, body.as_bytes(), &mut Losses::new()).unwrap();
            written.body
        });
        assert_eq!(
            written[0],
            written[1],
            "{} sees what changes with every request",
            upstream.name()
        );
    }
}
