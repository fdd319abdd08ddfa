//! Hunks that are the same change in several places.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::patch::{FileChange, Hunk};

/// The length from which only the different part of two lines is compared and printed: an event is one line.
const LONG: usize = 80;

/// The first words of lines that report a loss. The path of a loss contains indices that differ between cases.
const LOSSES: [&str; 4] = ["approximated ", "dropped ", "ignored ", "refused "];

/// The lines of a change, without details that differ between its places.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReducedHunk {
    pub removed: Vec<String>,
    pub added: Vec<String>,
}

#[derive(Debug, Default)]
pub struct HunkGroup {
    pub change: ReducedHunk,
    /// The number of hunks with this change. A file may have several.
    pub places: usize,
    pub files: BTreeSet<String>,
}

/// Groups identical changes. The groups with the most files are first.
pub fn group(changes: &[&FileChange]) -> Vec<HunkGroup> {
    let mut groups: BTreeMap<ReducedHunk, HunkGroup> = BTreeMap::new();
    for file in changes {
        for hunk in &file.hunks {
            let change = reduce(hunk);
            let group = groups.entry(change).or_default();
            group.places += 1;
            group.files.insert(file.path.clone());
        }
    }
    let mut groups: Vec<HunkGroup> = groups
        .into_iter()
        .map(|(change, group)| HunkGroup { change, ..group })
        .collect();
    // Stable: changes of equally many files stay in the order of their lines.
    groups.sort_by_key(|group| std::cmp::Reverse((group.files.len(), group.places)));
    groups
}

/// Removes from a hunk: commas at the ends of lines, numbers that differ between places, lines at its start and end
/// that are then equal on both sides, the indentation that all lines share, and equal ends of long lines.
fn reduce(hunk: &Hunk) -> ReducedHunk {
    let mut removed: Vec<Cow<'_, str>> = hunk.removed.iter().map(|line| normalize_line(line)).collect();
    let mut added: Vec<Cow<'_, str>> = hunk.added.iter().map(|line| normalize_line(line)).collect();
    // A new last member of an object gives the member before it a comma.
    let same = count_equal(removed.iter().zip(&added));
    removed.drain(..same);
    added.drain(..same);
    let same = count_equal(removed.iter().rev().zip(added.iter().rev()));
    removed.truncate(removed.len() - same);
    added.truncate(added.len() - same);

    let lines = removed.iter().chain(&added).filter(|line| !line.is_empty());
    let indentation = lines.map(|line| line.len() - line.trim_start_matches(' ').len());
    let indentation = indentation.min().unwrap_or(0);
    let dedent = |line: &Cow<'_, str>| line.get(indentation..).unwrap_or_default().to_owned();
    let mut reduced = ReducedHunk {
        removed: removed.iter().map(dedent).collect(),
        added: added.iter().map(dedent).collect(),
    };
    if removed.len() == added.len() {
        for (before, after) in reduced.removed.iter_mut().zip(&mut reduced.added) {
            if before.len() >= LONG && after.len() >= LONG {
                (*before, *after) = cut_equal_ends(before, after);
            }
        }
        reduced.removed.retain(|line| line != ELLIPSIS);
        reduced.added.retain(|line| line != ELLIPSIS);
    }
    reduced
}

fn normalize_line(line: &str) -> Cow<'_, str> {
    // The ranges of a diff within a snapshot move with every line above them.
    if line.starts_with("@@ -") && line.ends_with(" @@") {
        return "@@".into();
    }
    if LOSSES.iter().any(|word| line.starts_with(word)) {
        return replace_indices(line).into();
    }
    line.strip_suffix(',').unwrap_or(line).into()
}

/// Replaces each index, such as `[3]`, by `[…]`.
fn replace_indices(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((head, tail)) = rest.split_once('[') {
        out.push_str(head);
        let end = tail.trim_start_matches(|char: char| char.is_ascii_digit());
        let is_index = end.len() < tail.len() && end.starts_with(']');
        out.push_str(if is_index { "[…" } else { "[" });
        rest = if is_index { end } else { tail };
    }
    out + rest
}

const ELLIPSIS: &str = "…";

/// Cuts two lines of JSON down to the part from the first difference to the last.
fn cut_equal_ends(before: &str, after: &str) -> (String, String) {
    let (before, after) = (split_line(before), split_line(after));
    let start = count_equal(before.iter().zip(&after));
    let end = count_equal(before[start..].iter().rev().zip(after[start..].iter().rev()));
    let shown = |tokens: &[&str]| {
        let middle = tokens[start..tokens.len() - end].concat();
        let head = if start > 0 { ELLIPSIS } else { "" };
        let tail = if end > 0 && !middle.is_empty() {
            ELLIPSIS
        } else {
            ""
        };
        format!("{head}{middle}{tail}")
    };
    (shown(&before), shown(&after))
}

/// Splits a line at the marks between members and elements. The marks are pieces too.
fn split_line(line: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = line;
    while let Some(position) = rest.find([',', '{', '}', '[', ']']) {
        let (text, tail) = rest.split_at(position);
        let (mark, tail) = tail.split_at(1);
        tokens.extend([text, mark].into_iter().filter(|token| !token.is_empty()));
        rest = tail;
    }
    tokens.extend((!rest.is_empty()).then_some(rest));
    tokens
}

/// Counts the equal pairs at the start.
fn count_equal<T: PartialEq>(pairs: impl Iterator<Item = (T, T)>) -> usize {
    pairs.take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    use super::super::patch::FileStatus;
    use super::*;

    fn hunk(removed: &[&str], added: &[&str]) -> Hunk {
        let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        Hunk {
            removed: owned(removed),
            added: owned(added),
        }
    }

    fn lines(removed: &[&str], added: &[&str]) -> (Vec<String>, Vec<String>) {
        let reduced = reduce(&hunk(removed, added));
        (reduced.removed, reduced.added)
    }

    fn changed(path: &str, hunks: Vec<Hunk>) -> FileChange {
        FileChange {
            path: path.to_owned(),
            status: FileStatus::Changed,
            hunks,
        }
    }

    #[test]
    fn identical_hunks_are_one_group_and_the_largest_is_first() {
        let rare = || hunk(&["a"], &["b"]);
        let common = || hunk(&["  \"foo\": 1"], &["  \"foo\": null"]);
        let deeper = hunk(&["    \"foo\": 1,"], &["    \"foo\": null,"]);
        let changes = [
            changed("1", vec![rare(), rare(), rare(), common()]),
            changed("2", vec![common(), deeper]),
        ];
        let groups = group(&changes.each_ref());
        let found: Vec<_> = groups
            .iter()
            .map(|group| (group.files.len(), group.places))
            .collect();
        assert_eq!(found, [(2, 3), (1, 3)]);
        assert_eq!(groups[0].change.added, ["\"foo\": null"]);
    }

    #[test]
    fn a_comma_for_the_member_before_is_no_change() {
        let (removed, added) = lines(&["  \"a\": 1"], &["  \"a\": 1,", "  \"b\": 2"]);
        assert_eq!((removed, added), (vec![], vec!["\"b\": 2".to_owned()]));
    }

    #[test]
    fn a_new_order_is_a_change() {
        let (removed, added) = lines(&["a", "b"], &["b", "a"]);
        assert_eq!((removed.len(), added.len()), (2, 2));
    }

    #[test]
    fn relative_indentation_stays() {
        let (removed, added) = lines(&["    {", "      1"], &["    1"]);
        assert_eq!(
            (removed, added),
            (vec!["{".into(), "  1".into()], vec!["1".to_owned()])
        );
    }

    #[test]
    fn moved_line_numbers_are_no_change() {
        let reduced = reduce(&hunk(&["@@ -1,4 +1,4 @@"], &["@@ -1,4 +1,5 @@"]));
        assert_eq!(reduced, ReducedHunk::default());
    }

    #[test]
    fn the_same_loss_elsewhere_is_the_same_change() {
        let (removed, added) = lines(&["ignored messages[12].content[0]: [x]"], &["ignored tools: a[1"]);
        assert_eq!(removed, ["ignored messages[…].content[…]: [x]"]);
        assert_eq!(added, ["ignored tools: a[1"]);
        let (_, added) = lines(&[], &["\"stop\": [1]"]);
        assert_eq!(added, ["\"stop\": [1]"]);
    }

    #[test]
    fn long_lines_are_compared_by_their_difference() {
        let event = |id: &str, more: &str| {
            format!(
                "data: {{\"id\":\"{id}\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-test\",\"choices\":[]{more}}}"
            )
        };
        let reduced = |id: &str| {
            let (before, after) = (event(id, ""), event(id, ",\"usage\":null"));
            assert!(before.len() >= LONG);
            lines(&[&before], &[&after])
        };
        assert_eq!(reduced("one"), (vec![], vec!["…,\"usage\":null…".to_owned()]));
        assert_eq!(reduced("one"), reduced("two"));
        let (before, after) = (event("one", ""), event("two", ""));
        let (removed, added) = lines(&[&before], &[&after]);
        assert_eq!(
            (removed, added),
            (
                vec!["…\"id\":\"one\"…".into()],
                vec!["…\"id\":\"two\"…".to_owned()]
            )
        );
    }
}
