//! The summary as Markdown.

use std::fmt::Write as _;

use super::base::ComparisonBase;
use super::group::{HunkGroup, ReducedHunk, group};
use super::patch::{FileChange, FileStatus};
use crate::instructions;

/// The largest number of groups that are printed.
const GROUPS: usize = 50;
/// The largest number of lines that are printed of a hunk.
const LINES: usize = 16;
/// The largest number of characters that are printed of a line.
const WIDTH: usize = 200;
/// The number of files that are named as examples of a group.
const EXAMPLES: usize = 3;
/// The largest number of added, removed or renamed files that are named.
const NAMED: usize = 30;

pub fn write(base: &ComparisonBase, changes: &[FileChange]) -> String {
    let commit = base.commit.get(..10).unwrap_or(&base.commit);
    let base = format!("`{commit}` ({})", base.name);
    if changes.is_empty() {
        return format!("No snapshot differs from {base}.\n");
    }
    // Files that are added or removed are listed by name, without their content.
    let kept = |file: &&FileChange| !matches!(file.status, FileStatus::Added | FileStatus::Removed);
    let (kept, _): (Vec<&FileChange>, Vec<&FileChange>) = changes.iter().partition(kept);
    let groups = group(&kept);
    let mut out = format!(
        "**Snapshots since {base}:** {}\n",
        format_totals(changes, groups.len())
    );
    for group in groups.iter().take(GROUPS) {
        write_group(&mut out, group);
    }
    if groups.len() > GROUPS {
        let rest = &groups[GROUPS..];
        let places = rest.iter().map(|group| group.places).sum();
        let _ = writeln!(
            out,
            "\n{} in {} are not printed.",
            format_count(rest.len(), "more distinct change"),
            format_count(places, "place")
        );
    }
    write_files(&mut out, changes);
    out
}

fn format_totals(changes: &[FileChange], groups: usize) -> String {
    let count = |is: fn(&FileStatus) -> bool| changes.iter().filter(|file| is(&file.status)).count();
    let files = [
        ("changed", count(|status| *status == FileStatus::Changed)),
        ("added", count(|status| *status == FileStatus::Added)),
        ("removed", count(|status| *status == FileStatus::Removed)),
        (
            "renamed",
            count(|status| matches!(status, FileStatus::Renamed(_))),
        ),
    ];
    let files = files.into_iter().filter(|(_, count)| *count > 0);
    let files: Vec<String> = files
        .map(|(word, count)| format!("{} {word}", format_count(count, "file")))
        .collect();
    let hunks = || changes.iter().flat_map(|file| &file.hunks);
    let added: usize = hunks().map(|hunk| hunk.added.len()).sum();
    let removed: usize = hunks().map(|hunk| hunk.removed.len()).sum();
    let changes = match groups {
        0 => String::new(),
        groups => format!("; {}", format_count(groups, "distinct change")),
    };
    format!(
        "{}; {} added, {} removed{changes}.",
        files.join(", "),
        format_count(added, "line"),
        format_count(removed, "line"),
    )
}

fn write_group(out: &mut String, group: &HunkGroup) {
    let files = format_count(group.files.len(), "file");
    let places = if group.places == group.files.len() {
        String::new()
    } else {
        format!(", {} places", format_number(group.places))
    };
    let _ = writeln!(out, "\n#### {files}{places}\n");
    write_change(out, &group.change);
    let mut examples: Vec<String> = group
        .files
        .iter()
        .take(EXAMPLES)
        .map(|file| format!("`{file}`"))
        .collect();
    if group.files.len() > EXAMPLES {
        examples.push("…".to_owned());
    }
    let _ = writeln!(out, "\n{}", examples.join(", "));
}

fn write_change(out: &mut String, change: &ReducedHunk) {
    let removed = change.removed.iter().map(|line| ('-', line));
    let lines: Vec<(char, &String)> = removed
        .chain(change.added.iter().map(|line| ('+', line)))
        .collect();
    if lines.is_empty() {
        let _ = writeln!(
            out,
            "Only commas at the ends of lines, indices in the paths of losses, or line numbers of a diff."
        );
        return;
    }
    let is_fence = lines.iter().any(|(_, line)| line.contains("```"));
    let fence = if is_fence { "~~~~" } else { "```" };
    let _ = writeln!(out, "{fence}diff");
    // A long hunk shows the start of both sides.
    let shown = |count: usize, other: usize| count.min((LINES / 2).max(LINES.saturating_sub(other)));
    for (sign, side, other) in [
        ('-', &change.removed, change.added.len()),
        ('+', &change.added, change.removed.len()),
    ] {
        let shown = shown(side.len(), other);
        for line in &side[..shown] {
            let _ = writeln!(out, "{sign} {}", cut_line(line));
        }
        if shown < side.len() {
            let _ = writeln!(
                out,
                "{sign} (… {})",
                format_count(side.len() - shown, "more line")
            );
        }
    }
    let _ = writeln!(out, "{fence}");
}

/// Cuts a line that is too long for the page.
fn cut_line(line: &str) -> String {
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!(
            "{}… ({} characters)",
            &line[..end],
            format_number(line.chars().count())
        ),
        None => line.to_owned(),
    }
}

fn write_files(out: &mut String, changes: &[FileChange]) {
    let named = |file: &FileChange| match &file.status {
        FileStatus::Changed => None,
        FileStatus::Added => Some(("Added", format!("`{}`", file.path))),
        FileStatus::Removed => Some(("Removed", format!("`{}`", file.path))),
        FileStatus::Renamed(from) => Some(("Renamed", format!("`{from}` → `{}`", file.path))),
    };
    let named: Vec<(&str, String)> = changes.iter().filter_map(named).collect();
    for word in ["Added", "Removed", "Renamed"] {
        let files: Vec<&String> = named
            .iter()
            .filter(|(is, _)| *is == word)
            .map(|(_, file)| file)
            .collect();
        if files.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n#### {word}: {}\n", format_count(files.len(), "file"));
        for file in files.iter().take(NAMED) {
            let _ = writeln!(out, "- {file}");
        }
        if files.len() > NAMED {
            let _ = writeln!(out, "- … {} more", format_number(files.len() - NAMED));
        }
    }
}

/// Prints a number with its noun.
fn format_count(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", format_number(count))
}

/// Prints a number with commas between thousands.
fn format_number(number: usize) -> String {
    instructions::grouped(number.try_into().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::patch::Hunk;
    use super::*;

    fn base() -> ComparisonBase {
        ComparisonBase {
            commit: "0123456789abcdef".to_owned(),
            name: "the merge base with main".to_owned(),
        }
    }

    fn changed(path: &str, removed: &[&str], added: &[&str]) -> FileChange {
        let owned = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        FileChange {
            path: path.to_owned(),
            status: FileStatus::Changed,
            hunks: vec![Hunk {
                removed: owned(removed),
                added: owned(added),
            }],
        }
    }

    #[test]
    fn many_files_are_few_groups() {
        let mut changes: Vec<FileChange> = (0..1200)
            .map(|number| {
                changed(
                    &format!("pairs/{number:04}.snap"),
                    &["\"foo\": 1"],
                    &["\"foo\": null"],
                )
            })
            .collect();
        changes.push(changed("one.snap", &[], &["```"]));
        changes.push(FileChange {
            status: FileStatus::Renamed("old.snap".to_owned()),
            hunks: Vec::new(),
            ..changed("new.snap", &[], &[])
        });
        changes.push(FileChange {
            status: FileStatus::Added,
            ..changed("added.snap", &[], &["x"])
        });
        let expected = "\
**Snapshots since `0123456789` (the merge base with main):** 1,201 files changed, 1 file added, 1 file renamed; \
1,202 lines added, 1,200 lines removed; 2 distinct changes.

#### 1,200 files

```diff
- \"foo\": 1
+ \"foo\": null
```

`pairs/0000.snap`, `pairs/0001.snap`, `pairs/0002.snap`, …

#### 1 file

~~~~diff
+ ```
~~~~

`one.snap`

#### Added: 1 file

- `added.snap`

#### Renamed: 1 file

- `old.snap` → `new.snap`
";
        assert_eq!(write(&base(), &changes), expected);
    }

    #[test]
    fn no_change_is_one_line() {
        let expected = "No snapshot differs from `0123456789` (the merge base with main).\n";
        assert_eq!(write(&base(), &[]), expected);
    }

    #[test]
    fn long_hunks_and_lines_are_cut_with_a_note() {
        let removed = ["removed"; 100];
        let long = "x".repeat(1500);
        let page = write(&base(), &[changed("a", &removed, &[&long])]);
        assert_eq!(page.matches("- removed\n").count(), 15, "{page}");
        assert!(page.contains("- (… 85 more lines)\n"), "{page}");
        assert!(
            page.contains("x… (1,500 characters)\n") && page.len() < 900,
            "{page}"
        );
    }

    #[test]
    fn many_groups_and_files_are_cut_with_a_note() {
        let mut changes: Vec<FileChange> = (0..GROUPS + 7)
            .map(|number| changed(&number.to_string(), &[], &[&format!("line {number}")]))
            .collect();
        changes.extend((0..NAMED + 2).map(|number| FileChange {
            status: FileStatus::Removed,
            ..changed(&format!("removed-{number}"), &["x"], &[])
        }));
        let page = write(&base(), &changes);
        assert_eq!(page.matches("```diff").count(), GROUPS);
        assert!(
            page.contains("\n7 more distinct changes in 7 places are not printed.\n"),
            "{page}"
        );
        assert!(page.ends_with("\n- … 2 more\n"), "{page}");
    }
}
