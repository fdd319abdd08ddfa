//! A snapshot for every case and each of its request, response, stream and error, with a section for every dialect that
//! it is translated to. `docs/snapshots.md` describes the files.

#[path = "../common/mod.rs"]
mod common;

mod document;
mod rebuild;
mod section;
mod snapshot;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use common::{Case, begin, cases, dialects, exchange, find, fold, pairs, stream};
use document::{CaseKind, Input};
use llm_proxy::canonical::{Losses, Scope};
use llm_proxy::dialect::{self, Dialect, DialectName};
use section::Section;

/// Cases that every dialect has to have, by their content.
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
const RESPONSES: [&str; 9] = [
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

#[test]
fn every_cell_is_as_its_snapshot() {
    let root = common::root().join("tests/snapshots/pairs");
    let (mut seen, mut cells) = (BTreeSet::new(), 0);
    for dialect in dialects() {
        for case in cases(dialect) {
            for kind in CaseKind::ALL {
                let Some(input) = Input::read(&case, kind) else {
                    continue;
                };
                let sections = translate_case(dialect, &case, kind);
                let text = snapshot::write(&case, &input, &sections);
                let file = format!("{}/{}/{}.snap", dialect.name(), kind.name(), case.name);
                assert_eq!(
                    rebuild::rebuild_contents(&text),
                    sections.iter().map(Section::content).collect::<Vec<_>>(),
                    "{file} cannot be rebuilt from the text that is written for it"
                );
                let mut settings = insta::Settings::clone_current();
                settings.set_snapshot_path(root.join(dialect.name().as_str()).join(kind.name()));
                settings.set_prepend_module_to_snapshot(false);
                settings.set_omit_expression(true);
                settings.bind(|| insta::assert_snapshot!(case.name.as_str(), text));
                seen.insert(root.join(file));
                cells += sections.len();
            }
        }
    }
    println!("{cells} cells in {} snapshots", seen.len());
    let orphans: Vec<PathBuf> = list_snapshots(&root)
        .into_iter()
        .filter(|file| !seen.contains(file))
        .collect();
    assert!(orphans.is_empty(), "snapshots of no case: {orphans:?}");
}

/// Translates a case for every other dialect.
fn translate_case(dialect: &'static dyn Dialect, case: &Case, kind: CaseKind) -> Vec<Section> {
    let others = dialects()
        .into_iter()
        .filter(|other| other.name() != dialect.name());
    others
        .map(|other| match kind {
            CaseKind::Request => Section::of_request(dialect, other, case),
            CaseKind::Response => Section::of_response(other, dialect, case),
            CaseKind::Stream => Section::of_stream(other, dialect, case),
            CaseKind::Error => Section::of_error(other, dialect, case),
        })
        .collect()
}

/// Lists all snapshots below a folder, at any depth, because a misplaced snapshot is an orphan too.
fn list_snapshots(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(list_snapshots(&path));
        } else if path.extension().is_some_and(|end| end == "snap") {
            files.push(path);
        }
    }
    files
}

#[test]
fn every_case_has_a_reason() {
    let (mut missing, mut checked) = (Vec::new(), 0);
    for dialect in dialects() {
        for case in cases(dialect) {
            checked += 1;
            let why = case.facts.why.trim();
            if why.is_empty() || why.lines().count() > 1 {
                missing.push(format!("{}/{}", dialect.name(), case.name));
            }
        }
    }
    assert!(checked > 500, "{checked} cases");
    assert!(
        missing.is_empty(),
        "{} cases without a `why` of one line in their case.json: {missing:#?}",
        missing.len()
    );
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
        want(&RESPONSES, "response.json");
        want(&RESPONSES, "stream.sse");
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
fn a_stream_amounts_to_the_complete_response() {
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
            let [complete, folded] =
                [complete, folded].map(|response| serde_json::to_value(response).unwrap());
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
