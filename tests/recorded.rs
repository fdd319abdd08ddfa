//! What released clients sent, on every upstream that speaks another dialect. The fixtures are below the client's
//! version, so that its next release is a change of them and of these snapshots.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use common::schema::{self, Root};
use common::{Case, begin, dialects, folded, listed, recorded};
use llm_proxy::canonical::Losses;
use llm_proxy::dialect::{self, Dialect, DialectName};
use serde_json::Value;

/// What every coding agent has to have been recorded in.
const AGENTS: [(&str, &[&str]); 2] = [
    (
        "claude-code-",
        &["tool", "tool-2", "parallel-tools", "thinking", "bedrock-tool-2"],
    ),
    (
        "codex-",
        &[
            "tool",
            "tool-2",
            "reasoning",
            "compaction",
            "freeform-patch",
            "additional-tools",
        ],
    ),
];

/// Every recorded request with every upstream that it is translated for.
fn cells() -> Vec<(Case, &'static dyn Dialect, &'static dyn Dialect)> {
    let mut cells = Vec::new();
    for upstream in dialects() {
        for case in recorded() {
            let name: DialectName = case.dialect.parse().unwrap();
            let client = dialect::find(name);
            if client.name() != upstream.name() {
                cells.push((case, client, upstream));
            }
        }
    }
    cells
}

fn translated(case: &Case, client: &'static dyn Dialect, upstream: &'static dyn Dialect) -> Option<Value> {
    let body = case.document("request.json").unwrap();
    let (_, written) = begin(client, upstream, &case.facts, &body, &mut Losses::new()).ok()?;
    Some(serde_json::from_slice(&written.body).unwrap())
}

#[test]
fn every_cell_is_as_its_snapshot() {
    let root = common::root().join("tests/snapshots/clients");
    let mut seen = BTreeSet::new();
    for (case, client, upstream) in cells() {
        let body = case.document("request.json").unwrap();
        let mut losses = Losses::new();
        let mut out = String::new();
        match begin(client, upstream, &case.facts, &body, &mut losses) {
            Ok((_, written)) => {
                writeln!(out, "POST {}", written.path).unwrap();
                for (name, value) in &written.headers {
                    writeln!(out, "{name}: {}", value.to_str().unwrap()).unwrap();
                }
                let body: Value = serde_json::from_slice(&written.body).unwrap();
                writeln!(out, "\n{}\n", folded(&body)).unwrap();
            }
            Err(error) => {
                writeln!(
                    out,
                    "refused at {}: {error}\n",
                    error.param.as_deref().unwrap_or("-")
                )
                .unwrap();
            }
        }
        out.push_str(&listed(&losses));
        let (folder, scenario) = case.name.split_once('/').unwrap();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(root.join(folder));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        let cell = format!("{scenario}@{}", upstream.name());
        settings.bind(|| insta::assert_snapshot!(cell.as_str(), out));
        seen.insert(root.join(folder).join(format!("{cell}.snap")));
    }
    println!("{} cells", seen.len());
    let folders = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path());
    let kept = folders.flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    let orphans: Vec<_> = kept
        .filter(|file| file.extension().is_some_and(|end| end == "snap") && !seen.contains(file))
        .collect();
    assert!(orphans.is_empty(), "snapshots of no case: {orphans:?}");
}

#[test]
fn agents_are_recorded_in_what_they_do() {
    let cases = recorded();
    for (client, scenarios) in AGENTS {
        for scenario in scenarios {
            let found = cases.iter().any(|case| {
                let (version, name) = case.name.split_once('/').unwrap();
                version.starts_with(client) && name == *scenario
            });
            assert!(found, "{client}*/{scenario}");
        }
    }
}

#[test]
fn every_upstream_gets_what_its_vendor_describes() {
    let (mut checked, mut wrong) = (0, Vec::new());
    for (case, client, upstream) in cells() {
        // Where only the envelope changes, what the vendor's schema does not know stays.
        if client.family() == upstream.family() {
            continue;
        }
        if let Some(body) = translated(&case, client, upstream) {
            checked += 1;
            if let Err(error) = schema::check(upstream.name(), Root::Request, &body) {
                wrong.push(format!("{}@{}: {error}", case.name, upstream.name()));
            }
        }
    }
    assert!(checked > 100, "{checked} requests");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is kept in an upstream's cache has to be the same in the next turn.
#[test]
fn the_next_turn_extends_the_one_before() {
    let mut compared = 0;
    let later = cells().into_iter().filter(|(case, client, upstream)| {
        // Where only the envelope changes, a turn is what the client made of it.
        case.name.ends_with("tool-2") && client.family() != upstream.family()
    });
    for (case, client, upstream) in later {
        let first = case.name.trim_end_matches("-2");
        let first = recorded().into_iter().find(|case| case.name == first).unwrap();
        let [mut before, mut after] =
            [&first, &case].map(|case| translated(case, client, upstream).expect("a translation"));
        // Hints for caching move with the end of the conversation.
        [&mut before, &mut after].into_iter().for_each(without_hints);
        let at = format!("{}@{}", case.name, upstream.name());
        for same in ["system", "instructions", "tools"] {
            assert_eq!(before[same], after[same], "{at}: {same}");
        }
        let turns = |body: &Value| {
            body.get("messages")
                .or(body.get("input"))
                .unwrap()
                .as_array()
                .unwrap()
                .clone()
        };
        let (before, after) = (turns(&before), turns(&after));
        assert!(
            before.len() < after.len() && after.starts_with(&before),
            "{at}: {before:#?}\n{after:#?}"
        );
        compared += 1;
    }
    assert!(compared >= 7, "{compared} compared");
}

fn without_hints(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("cache_control");
            members.values_mut().for_each(without_hints);
        }
        Value::Array(items) => items.iter_mut().for_each(without_hints),
        _ => {}
    }
}

/// The recorder takes it all out; what was added by hand is held to the same.
#[test]
fn nothing_recorded_is_anybodys_own() {
    let mut wrong = Vec::new();
    for case in recorded() {
        let body: Value = serde_json::from_slice(&case.document("request.json").unwrap()).unwrap();
        let mut texts = Vec::new();
        collect(&body, &mut texts);
        texts.extend(case.facts.headers.values().cloned());
        for text in texts {
            let places = ["/root", "/Users", "/tmp", "/work", "/opt", "sk-"];
            // Home folders have one owner, whose name says nothing.
            let homes = text.matches("/home/").count() != text.matches("/home/user").count();
            // What tools are called with is short code; all else of this many words is prose.
            let prose =
                text.matches(' ').count() > 8 && !text.contains("await") && !text.starts_with("x-anthropic-");
            if homes || prose || places.iter().any(|place| text.contains(place)) {
                wrong.push(format!("{}: {text}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => members.values().for_each(|member| collect(member, texts)),
        _ => {}
    }
}
