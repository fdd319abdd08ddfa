//! Writes the text of a snapshot: the case, its input and a section for every target. [`super::rebuild`] reads it.

use std::fmt::Write as _;

use similar::TextDiff;

use super::common::{Case, Facts};
use super::document::{CaseKind, Input};
use super::section::Section;

/// Unchanged lines around a change.
const CONTEXT: usize = 2;

pub fn write(case: &Case, input: &Input, sections: &[Section]) -> String {
    let mut out = String::new();
    let title = format!("{} {}: {}", case.dialect, input.kind.name(), case.name);
    write_part(&mut out, &title, &print_facts(&case.facts, input.kind));
    write_part(&mut out, input.file, &input.text);
    for (index, section) in sections.iter().enumerate() {
        let content = section.content();
        let mut earlier = sections[..index].iter();
        let text = match earlier.find(|earlier| earlier.content() == content) {
            Some(earlier) => format!("same as → {}", earlier.target),
            None => section.content_with(&print_document(section, input)),
        };
        write_part(&mut out, &format!("→ {}", section.target), &text);
    }
    out
}

fn write_part(out: &mut String, title: &str, text: &str) {
    write!(out, "=== {title} ===\n{}\n\n", text.trim_end()).unwrap();
}

/// The members of `case.json` that have an effect on documents of this kind, by their names there.
fn print_facts(facts: &Facts, kind: CaseKind) -> String {
    let Facts {
        why,
        dialect: _,
        headers,
        path,
        models,
        asked_by,
        stream_differs,
    } = facts;
    let why = if why.trim().is_empty() { "(missing)" } else { why };
    let mut out = format!("why: {why}\n");
    if kind == CaseKind::Request {
        for (name, value) in headers {
            writeln!(out, "headers.{name}: {value}").unwrap();
        }
        if let Some(path) = path {
            writeln!(out, "path: {path}").unwrap();
        }
    } else if let Some(case) = asked_by {
        writeln!(out, "asked_by: {case}").unwrap();
    }
    for (dialect, model) in models {
        writeln!(out, "models.{dialect}: {model}").unwrap();
    }
    if let (CaseKind::Response | CaseKind::Stream, Some(reason)) = (kind, stream_differs) {
        writeln!(out, "stream_differs: {reason}").unwrap();
    }
    out
}

/// The document of a section, as a diff if only the envelope changes: the reader is interested in the difference.
/// Bodies of errors are printed in full, because they have no lines in common.
fn print_document(section: &Section, input: &Input) -> String {
    let document = section.document.trim_end();
    if !section.same_family || input.kind == CaseKind::Error || document.is_empty() {
        return document.to_owned();
    }
    if document == input.text {
        return format!("same as {}", input.file);
    }
    let (before, after) = (format!("{}\n", input.text), format!("{document}\n"));
    let diff = TextDiff::from_lines(&before, &after);
    // If most lines differ, the document is easier to read than the diff.
    if diff.ratio() < 0.5 {
        return document.to_owned();
    }
    diff.unified_diff()
        .context_radius(CONTEXT)
        .header(input.file, &format!("→ {}", section.target))
        .to_string()
}
