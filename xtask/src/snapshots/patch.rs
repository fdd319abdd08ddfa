//! Reads the output of `git diff --unified=0`.

use std::str::Lines;

#[derive(Debug, PartialEq, Eq)]
pub enum FileStatus {
    Changed,
    Added,
    Removed,
    /// Moved from this path, perhaps with changes.
    Renamed(String),
}

#[derive(Debug, PartialEq, Eq)]
pub struct FileChange {
    /// From the folder of snapshots.
    pub path: String,
    pub status: FileStatus,
    pub hunks: Vec<Hunk>,
}

/// Lines that follow each other and changed together.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hunk {
    pub removed: Vec<String>,
    pub added: Vec<String>,
}

/// The files of a diff.
///
/// # Errors
/// It is not in the form that git prints.
pub fn parse(diff: &str) -> Result<Vec<FileChange>, String> {
    let mut files: Vec<FileChange> = Vec::new();
    let mut lines = diff.lines();
    while let Some(line) = lines.next() {
        if let Some(names) = line.strip_prefix("diff --git ") {
            files.push(FileChange {
                path: read_path(names),
                status: FileStatus::Changed,
                hunks: Vec::new(),
            });
            continue;
        }
        let file = files
            .last_mut()
            .ok_or_else(|| format!("a diff begins with {line:?}"))?;
        if line.starts_with("new file mode") {
            file.status = FileStatus::Added;
        } else if line.starts_with("deleted file mode") {
            file.status = FileStatus::Removed;
        } else if let Some(from) = line.strip_prefix("rename from ") {
            file.status = FileStatus::Renamed(strip_folder(from));
        } else if let Some(to) = line.strip_prefix("rename to ") {
            file.path = strip_folder(to);
        } else if let Some(ranges) = line.strip_prefix("@@ ") {
            file.hunks.push(read_hunk(ranges, &mut lines)?);
        }
    }
    Ok(files)
}

/// The path in `a/PATH b/PATH`. Both are the same: where they differ, a line with the new one follows.
fn read_path(names: &str) -> String {
    let half = names.get(..names.len() / 2).unwrap_or(names);
    strip_folder(half.strip_prefix("a/").unwrap_or(half))
}

fn strip_folder(path: &str) -> String {
    let below = path
        .strip_prefix(super::FOLDER)
        .and_then(|path| path.strip_prefix('/'));
    below.unwrap_or(path).to_owned()
}

/// The lines of a hunk, as many as its ranges say: a removed `-- x` looks like the start of another file.
fn read_hunk(ranges: &str, lines: &mut Lines<'_>) -> Result<Hunk, String> {
    let wrong = || format!("a hunk begins with `@@ {ranges}`");
    let mut parts = ranges.split(' ');
    let mut count = |sign: char| {
        let range = parts.next()?.strip_prefix(sign)?;
        range
            .split_once(',')
            .map_or(Some(1), |(_, count)| count.parse().ok())
    };
    let removed = count('-').ok_or_else(wrong)?;
    let added = count('+').ok_or_else(wrong)?;
    Ok(Hunk {
        removed: read_lines(lines, '-', removed)?,
        added: read_lines(lines, '+', added)?,
    })
}

fn read_lines(lines: &mut Lines<'_>, sign: char, count: usize) -> Result<Vec<String>, String> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let line = lines.next().ok_or("a diff ends within a hunk")?;
        // "\ No newline at end of file" may follow the last removed line.
        if let Some(text) = line.strip_prefix(sign) {
            taken.push(text.to_owned());
        } else if !line.starts_with('\\') {
            return Err(format!("a hunk holds {line:?}"));
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "diff --git a/tests/snapshots/pairs/claude/error/a b.snap b/tests/snapshots/pairs/claude/error/a b.snap
index 1..2 100644
--- a/tests/snapshots/pairs/claude/error/a b.snap
+++ b/tests/snapshots/pairs/claude/error/a b.snap
@@ -3 +3,2 @@ context
--- request.json
\\ No newline at end of file
+++ → x
+two
@@ -9,0 +11 @@
+three
diff --git a/tests/snapshots/old.snap b/tests/snapshots/folder/new.snap
similarity index 90%
rename from tests/snapshots/old.snap
rename to tests/snapshots/folder/new.snap
@@ -1 +0,0 @@
-gone
diff --git a/tests/snapshots/x.snap b/tests/snapshots/x.snap
new file mode 100644
@@ -0,0 +1 @@
+x
diff --git a/tests/snapshots/y.snap b/tests/snapshots/y.snap
deleted file mode 100644
@@ -1 +0,0 @@
-y
";

    #[test]
    fn files_and_hunks_are_read() {
        let files = parse(DIFF).unwrap();
        let found: Vec<_> = files
            .iter()
            .map(|file| (file.path.as_str(), &file.status))
            .collect();
        let renamed = FileStatus::Renamed("old.snap".to_owned());
        assert_eq!(
            found,
            [
                ("pairs/claude/error/a b.snap", &FileStatus::Changed),
                ("folder/new.snap", &renamed),
                ("x.snap", &FileStatus::Added),
                ("y.snap", &FileStatus::Removed),
            ]
        );
        let hunks = &files[0].hunks;
        assert_eq!(hunks.len(), 2);
        assert_eq!(hunks[0].removed, ["-- request.json"]);
        assert_eq!(hunks[0].added, ["++ → x", "two"]);
        assert_eq!(hunks[1].removed, [""; 0]);
        assert_eq!(hunks[1].added, ["three"]);
    }

    #[test]
    fn a_diff_that_ends_early_is_an_error() {
        let (cut, _) = DIFF.split_once("+two").unwrap();
        assert_eq!(parse(cut).unwrap_err(), "a diff ends within a hunk");
        assert!(parse("@@ -1 +1 @@").is_err());
    }
}
