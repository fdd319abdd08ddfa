//! Reads the text of a snapshot. This proves that a snapshot loses nothing if a section refers to another section or to
//! the input, and that no line of a document looks like a line of the format.

use std::slice::Iter;

/// Rebuilds the full content of every section, in their order.
pub fn rebuild_contents(snapshot: &str) -> Vec<String> {
    let parts = split_parts(snapshot);
    let [_, (file, input), sections @ ..] = &parts[..] else {
        panic!("a snapshot without the case or its document");
    };
    let mut contents: Vec<(&str, String)> = Vec::new();
    for (title, lines) in sections {
        let content = match lines[..] {
            [line] if line.starts_with("same as → ") => {
                let target = line.trim_start_matches("same as ");
                let earlier = contents.iter().find(|(title, _)| *title == target);
                earlier.expect("an earlier section").1.clone()
            }
            _ => rebuild_content(lines, file, input),
        };
        contents.push((title, content));
    }
    contents.into_iter().map(|(_, content)| content).collect()
}

/// Splits a snapshot into titles, each with the lines below it.
fn split_parts(snapshot: &str) -> Vec<(&str, Vec<&str>)> {
    let mut parts: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in snapshot.split('\n') {
        let title = line
            .strip_prefix("=== ")
            .and_then(|line| line.strip_suffix(" ==="));
        match (title, parts.last_mut()) {
            (Some(title), _) => parts.push((title, Vec::new())),
            (None, Some((_, lines))) => lines.push(line),
            (None, None) => panic!("{line:?} is above the first title"),
        }
    }
    for (_, lines) in &mut parts {
        while lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
    }
    parts
}

fn rebuild_content(lines: &[&str], file: &str, input: &[&str]) -> String {
    let mut out = Vec::new();
    let mut lines = lines.iter();
    while let Some(line) = lines.next() {
        if *line == format!("same as {file}") {
            out.extend_from_slice(input);
        } else if *line == format!("--- {file}") {
            lines.next().expect("the name of the second document");
            apply_diff(&mut lines, input, &mut out);
            out.push("");
        } else {
            out.push(line);
        }
    }
    out.join("\n").trim_end().to_owned()
}

/// Applies a unified diff, up to the empty line after it.
fn apply_diff<'a>(diff: &mut Iter<'_, &'a str>, input: &[&'a str], out: &mut Vec<&'a str>) {
    let mut position = 0;
    for line in diff.by_ref().take_while(|line| !line.is_empty()) {
        if let Some(range) = line.strip_prefix("@@ -") {
            let start = range.split([',', ' ']).next().unwrap();
            let start: usize = start.parse().unwrap();
            out.extend_from_slice(&input[position..start.saturating_sub(1)]);
            position = start.saturating_sub(1);
        } else if let Some(added) = line.strip_prefix('+') {
            out.push(added);
        } else {
            assert_eq!(line[1..], *input[position], "a line of the document in its diff");
            position += 1;
            out.extend(line.strip_prefix(' '));
        }
    }
    out.extend_from_slice(&input[position..]);
}

#[test]
fn references_and_diffs_are_resolved() {
    let snapshot = "=== case ===\nwhy: x\n\n=== request.json ===\n{\n  1\n  2\n  3\n}\n\n=== → a ===\nPOST /\n\n\
                    --- request.json\n+++ → a\n@@ -1,3 +1,3 @@\n {\n-  1\n+  one\n   2\n\nnothing is lost\n\n\
                    === → b ===\nsame as request.json\n\nlost\n\n=== → c ===\nsame as → a\n";
    let a = "POST /\n\n{\n  one\n  2\n  3\n}\n\nnothing is lost";
    assert_eq!(rebuild_contents(snapshot), [a, "{\n  1\n  2\n  3\n}\n\nlost", a]);
}

#[test]
#[should_panic(expected = "a line of the document in its diff")]
fn a_diff_of_another_document_is_noticed() {
    rebuild_contents("=== c ===\n\n=== f ===\n1\n2\n\n=== → a ===\n--- f\n+++ → a\n@@ -1,2 +1 @@\n 1\n-3\n");
}
