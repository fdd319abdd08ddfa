//! `cargo xtask snapshots`: summarizes a change of many snapshots for its reviewers.
//!
//! A change of one mapping can move hundreds of snapshots in the same way. The summary groups the hunks of their diff
//! by their changed lines and prints each group once, as Markdown for a pull request.

mod base;
mod group;
mod page;
mod patch;

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;

use base::{BaseChoice, Comparison};

/// The folder of all snapshots that are compared, from the root of the repository.
const FOLDER: &str = "tests/snapshots";

#[derive(clap::Args)]
pub struct SnapshotOptions {
    /// Print what changed in tests/snapshots since BASE, identical hunks grouped, as Markdown
    ///
    /// Compares the work tree, new files included, with BASE. Without BASE: with HEAD if tests/snapshots has changes
    /// that are not committed; otherwise with the merge base of HEAD and origin/main (main if there is no origin/main);
    /// if HEAD is itself part of main, with the commit before HEAD. If the checkout has no such commit, prints the
    /// reason on one line and succeeds.
    #[arg(long, value_name = "BASE", num_args = 0..=1, required = true)]
    summary: Option<Option<String>>,
    /// Skip the rule about HEAD: summarize the whole branch, with the changes that are not committed
    #[arg(long)]
    branch: bool,
}

/// Prints the summary.
///
/// # Errors
/// BASE is no commit, or git fails.
pub fn run(root: &Path, options: &SnapshotOptions) -> Result<(), String> {
    let base = options.summary.as_ref().and_then(Option::as_deref);
    let choice = match (base, options.branch) {
        (Some(_), true) => return Err("--branch chooses the base, so it takes no BASE".to_owned()),
        (Some(name), false) => BaseChoice::Commit(name),
        (None, true) => BaseChoice::Branch,
        (None, false) => BaseChoice::Usual,
    };
    let page = match base::choose(&|args| git(root, None, args), choice)? {
        Comparison::With(base) => {
            let changes = patch::parse(&diff(root, &base.commit)?)?;
            page::write(&base, &changes)
        }
        Comparison::Impossible(reason) => format!("The snapshots are not compared: {reason}.\n"),
    };
    // A reader that closes the pipe early (`| head`) has seen enough.
    match io::stdout().write_all(page.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// The difference between a commit and the work tree, with files that are not added yet.
fn diff(root: &Path, commit: &str) -> Result<String, String> {
    // Each option overrides a setting of the user that changes the output of git.
    let args = [
        "-c",
        "core.quotePath=false",
        "diff",
        "--unified=0",
        "--inter-hunk-context=0",
        "--diff-algorithm=histogram",
        "--find-renames",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--no-relative",
        "--src-prefix=a/",
        "--dst-prefix=b/",
        commit,
        "--",
        FOLDER,
    ];
    let new = git(
        root,
        None,
        &["ls-files", "--others", "--exclude-standard", "--", FOLDER],
    )?;
    if new.is_empty() {
        return git(root, None, &args);
    }
    // `git diff` leaves out files that are not in the index. This adds them to a copy, because the index itself belongs
    // to the user.
    let index = git(root, None, &["rev-parse", "--git-path", "index"])?;
    let copy = std::env::temp_dir().join(format!("llm-proxy-snapshots-{}.index", std::process::id()));
    fs::copy(root.join(index.trim_end()), &copy).map_err(|error| format!("{}: {error}", copy.display()))?;
    let output = git(root, Some(&copy), &["add", "--intent-to-add", "--", FOLDER])
        .and_then(|_| git(root, Some(&copy), &args));
    // A failure leaves a small file in the folder for temporary files.
    let _ = fs::remove_file(&copy);
    output
}

/// Runs git, with this index if there is one: its output, or the first line of its error message.
fn git(root: &Path, index: Option<&Path>, args: &[&str]) -> Result<String, String> {
    let mut command = Command::new("git");
    command.args(args).current_dir(root);
    if let Some(index) = index {
        command.env("GIT_INDEX_FILE", index);
    }
    let output = command.output().map_err(|error| format!("git: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let complaint = complaint.lines().next().unwrap_or("no output").trim();
    Err(format!("git {}: {complaint}", args.first().unwrap_or(&"")))
}
