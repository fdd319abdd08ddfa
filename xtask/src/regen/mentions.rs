//! Finds the files of the hand-written code that name a type that a vendor changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Lists, in Markdown, the types of `names` that Rust files below `src` mention, with the files. Empty if there are
/// none.
pub fn of(names: &BTreeSet<&str>, src: &Path) -> String {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for path in rust_files(src) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let shown = path.strip_prefix(src).unwrap_or(&path).display().to_string();
        for name in names.iter().filter(|name| words.contains(*name)) {
            found.entry(name).or_default().push(shown.clone());
        }
    }
    let mut text = String::new();
    for (name, files) in found {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "- `{name}`: {}", files.join(", "));
    }
    if text.is_empty() {
        text
    } else {
        format!("Removed or changed, and mentioned in src/:\n\n{text}\n")
    }
}

/// Lists all Rust files below a folder, in a stable order. Empty if the folder cannot be read.
fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .collect();
    entries.sort();
    entries
        .into_iter()
        .flat_map(|path| {
            if path.is_dir() {
                rust_files(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regen::Scratch;

    #[test]
    fn whole_words_are_found_with_their_files() {
        let dir = Scratch::new("mentions").unwrap();
        std::fs::create_dir(dir.0.join("claude")).unwrap();
        std::fs::write(dir.0.join("claude/request.rs"), "types::TextBlock { .. } => x").unwrap();
        std::fs::write(dir.0.join("claude/notes.md"), "Message").unwrap();
        std::fs::write(dir.0.join("lib.rs"), "fn f(_: TextBlock, _: MessageParam) {}").unwrap();
        let expected =
            "Removed or changed, and mentioned in src/:\n\n- `TextBlock`: claude/request.rs, lib.rs\n\n";
        assert_eq!(of(&BTreeSet::from(["TextBlock", "Message"]), &dir.0), expected);
        assert_eq!(of(&BTreeSet::from(["Message"]), &dir.0), "");
    }
}
