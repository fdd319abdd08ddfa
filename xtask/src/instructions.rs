//! `cargo xtask instructions`: what the micro set costs in instructions, counted by valgrind's callgrind, and whether it
//! still costs what the committed baseline says. Counts do not depend on how busy the machine is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde::{Deserialize, Serialize};

/// By how much a count may differ from the baseline, in thousandths. Hash tables with random seeds move the counts of
/// one program by up to 7 in a thousand.
const TOLERANCE: u64 = 20;
/// The least difference in instructions that matters.
const SLACK: u64 = 60;
/// Where the counting happens in the measured program.
const MEASURED: &str = "*bench_counted::measured*";
/// What is called behind it. Callgrind does not write what it stops counting at the same function.
const TOLD: &str = "*bench_counted::told*";
/// The C library picks its copies by the processor, of which valgrind shows the same on every x86-64 with AVX2, but for
/// these two features.
const TUNABLES: &str = "glibc.cpu.hwcaps=-ERMS,-FSRM";

#[derive(Args)]
pub struct Options {
    /// Only work whose name holds this
    #[arg(long, value_name = "PATTERN", default_value = "")]
    only: String,
    /// Fail where a count differs from benches/baseline.json by more than the tolerance
    #[arg(long, conflicts_with = "renew")]
    check: bool,
    /// Write benches/baseline.json
    #[arg(long, conflicts_with = "only")]
    renew: bool,
    /// Show the functions that cost most, this many for each unit of work
    #[arg(long, value_name = "COUNT")]
    top: Option<usize>,
    /// Where callgrind's files are left for its own tools
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// What the counts are compared with, and what they were made with.
#[derive(Serialize, Deserialize)]
struct Baseline {
    rustc: String,
    target: String,
    /// Told where counts differ: it may be the reason.
    valgrind: String,
    /// Instructions for each unit of work.
    instructions: BTreeMap<String, u64>,
}

/// One unit of work, measured.
pub struct Counted {
    pub name: String,
    /// What the program said about it besides.
    pub note: String,
    /// Instructions of one time.
    pub instructions: u64,
    /// Function and instructions of one time, without those of what it calls; the most first.
    pub functions: Vec<(String, u64)>,
}

pub fn run(root: &Path, options: &Options) -> Result<(), String> {
    let all = measure(root, "micro", &options.only, options.keep.as_deref())?;
    for counted in &all {
        println!("{:>12}  {}", grouped(counted.instructions), counted.name);
        for (function, instructions) in counted.functions.iter().take(options.top.unwrap_or(0)) {
            println!("{:>24}  {function}", grouped(*instructions));
        }
    }
    let file = root.join("benches/baseline.json");
    let (rustc, target) = rustc(root)?;
    let here = Baseline {
        rustc,
        target,
        valgrind: valgrind()?,
        instructions: all.iter().map(|c| (c.name.clone(), c.instructions)).collect(),
    };
    if options.renew {
        let mut text = serde_json::to_string_pretty(&here).map_err(|error| error.to_string())?;
        text.push('\n');
        return fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()));
    }
    if options.check {
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let baseline: Baseline =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        return compare(&baseline, &here, &options.only);
    }
    Ok(())
}

/// Says what differs from the baseline.
fn compare(baseline: &Baseline, here: &Baseline, only: &str) -> Result<(), String> {
    const RENEW: &str = "renew it with: cargo xtask instructions --renew";
    for (what, then, now) in [
        ("compiler", &baseline.rustc, &here.rustc),
        ("target", &baseline.target, &here.target),
    ] {
        if then != now {
            return Err(format!(
                "the baseline was counted with another {what} ({then}, here {now}), so nothing can be compared.\n\
                 Count the last commit that is known to be good on this {what}; {RENEW}"
            ));
        }
    }
    let mut problems = String::new();
    for (name, &now) in &here.instructions {
        let Some(&then) = baseline.instructions.get(name) else {
            let _ = writeln!(problems, "  {name}: not in the baseline");
            continue;
        };
        let allowed = (then * TOLERANCE / 1000).max(SLACK);
        if then.abs_diff(now) > allowed {
            let share = change(then, now);
            let (then, now) = (grouped(then), grouped(now));
            let _ = writeln!(
                problems,
                "  {name}: {then} instructions before, {now} now ({share})"
            );
        }
    }
    for name in baseline.instructions.keys() {
        if name.contains(only) && !here.instructions.contains_key(name) {
            let _ = writeln!(problems, "  {name}: in the baseline, but measured no more");
        }
    }
    if problems.is_empty() {
        println!(
            "{} counts are within {} % of the baseline",
            here.instructions.len(),
            TOLERANCE / 10
        );
        return Ok(());
    }
    if baseline.valgrind != here.valgrind {
        let _ = writeln!(
            problems,
            "  (the baseline is of {}, this is {})",
            baseline.valgrind, here.valgrind
        );
    }
    Err(format!(
        "instruction counts differ from benches/baseline.json:\n{problems}\
         Where that is meant, and where a cost went down, {RENEW}"
    ))
}

fn change(then: u64, now: u64) -> String {
    let percent = (now as f64 / then.max(1) as f64 - 1.0) * 100.0;
    format!("{percent:+.1} %")
}

/// The compiler's version and target.
fn rustc(root: &Path) -> Result<(String, String), String> {
    let output = Command::new("rustc").arg("-vV").current_dir(root).output();
    let text = output.map_err(|error| format!("rustc: {error}"))?.stdout;
    let text = String::from_utf8_lossy(&text);
    let line = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.map(|value| value.trim().to_owned())
            .ok_or_else(|| format!("rustc -vV says no {key}"))
    };
    Ok((line("release:")?, line("host:")?))
}

/// Valgrind's version.
fn valgrind() -> Result<String, String> {
    let output = Command::new("valgrind")
        .arg("--version")
        .output()
        .map_err(|error| {
            format!("valgrind cannot be run ({error}); install it, on Debian: apt-get install valgrind")
        })?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Builds the measured program and runs it under callgrind.
pub fn measure(root: &Path, set: &str, only: &str, keep: Option<&Path>) -> Result<Vec<Counted>, String> {
    Command::new("valgrind")
        .arg("--version")
        .output()
        .map_err(|error| {
            format!("valgrind cannot be run ({error}); install it, on Debian: apt-get install valgrind")
        })?;
    crate::bench::build(root, "counted", &["llm-proxy-benches"], &["bench-counted"])?;
    let scratch = root.join("target/callgrind");
    let folder = keep.unwrap_or(&scratch);
    // Files of an earlier run would be taken for this one's.
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--combine-dumps=no",
            "--quiet",
            "--compress-strings=no",
        ])
        .args(["--compress-pos=no", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={MEASURED}"))
        .arg(format!("--dump-before={TOLD}"))
        .arg(format!("--callgrind-out-file={}", folder.join("out").display()))
        .arg(root.join("target/counted/bench-counted"))
        .args(["--set", set, "--only", only])
        .env("GLIBC_TUNABLES", TUNABLES)
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "bench-counted failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut all = Vec::new();
    for (number, line) in lines.lines().enumerate() {
        let file = folder.join(format!("out.{}", number + 1));
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let mut parts = line.split('\t');
        let (Some(name), Some(times), note) = (parts.next(), parts.next(), parts.next()) else {
            return Err(format!("bench-counted printed {line:?}"));
        };
        let times: u64 = times
            .parse()
            .map_err(|_| format!("bench-counted printed {line:?}"))?;
        let total = total(&text).ok_or_else(|| format!("{}: no totals", file.display()))?;
        if total == 0 {
            return Err(format!(
                "{name}: callgrind counted nothing, is {MEASURED} still there?"
            ));
        }
        let functions = functions(&text).into_iter();
        all.push(Counted {
            name: name.to_owned(),
            note: note.unwrap_or_default().to_owned(),
            instructions: total / times,
            functions: functions.map(|(name, count)| (name, count / times)).collect(),
        });
    }
    if keep.is_none() {
        let _ = fs::remove_dir_all(folder);
    }
    Ok(all)
}

/// The instructions of a whole file.
fn total(text: &str) -> Option<u64> {
    let mut lines = text.lines();
    lines.find_map(|line| {
        let value = line
            .strip_prefix("totals:")
            .or_else(|| line.strip_prefix("summary:"))?;
        value.trim().parse().ok()
    })
}

/// The instructions of each function by itself. In callgrind's format a line of cost belongs to the function named last,
/// but for the line behind `calls=`, which is what the called function cost.
fn functions(text: &str) -> Vec<(String, u64)> {
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut function, mut inclusive) = ("", false);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            function = name;
        } else if line.starts_with("calls=") {
            inclusive = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok());
            if !std::mem::take(&mut inclusive) {
                *all.entry(function).or_default() += cost.unwrap_or(0);
            }
        }
    }
    let mut all: Vec<(String, u64)> = all
        .into_iter()
        .map(|(name, cost)| (name.to_owned(), cost))
        .collect();
    all.sort_by_key(|(_, cost)| std::cmp::Reverse(*cost));
    all
}

/// A number with commas.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "events: Ir\n\nfl=a.rs\nfn=outer\n1 10\ncfn=inner\ncalls=2 5\n3 40\n4 5\n\nfn=inner\n7 40\n\ntotals: 55\n";

    #[test]
    fn costs_belong_to_the_function_that_has_them() {
        assert_eq!(total(PROFILE), Some(55));
        assert_eq!(
            functions(PROFILE),
            [("inner".to_owned(), 40), ("outer".to_owned(), 15)]
        );
    }

    fn baseline(rustc: &str, counts: &[(&str, u64)]) -> Baseline {
        Baseline {
            rustc: rustc.to_owned(),
            target: "t".to_owned(),
            valgrind: "v".to_owned(),
            instructions: counts
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
        }
    }

    #[test]
    fn what_differs_is_a_failure() {
        let then = baseline("1", &[("a", 10_000), ("b", 100)]);
        assert!(compare(&then, &baseline("1", &[("a", 10_200), ("b", 160)]), "").is_ok());
        for (now, complaint) in [
            (
                baseline("1", &[("a", 10_201), ("b", 100)]),
                "a: 10,000 instructions before, 10,201 now (+2.0 %)",
            ),
            (baseline("1", &[("a", 9_000), ("b", 100)]), "(-10.0 %)"),
            (
                baseline("1", &[("a", 10_000)]),
                "b: in the baseline, but measured no more",
            ),
            (
                baseline("1", &[("a", 10_000), ("b", 100), ("c", 1)]),
                "c: not in the baseline",
            ),
            (baseline("2", &[]), "another compiler (1, here 2)"),
        ] {
            let message = compare(&then, &now, "").expect_err("a difference");
            assert!(message.contains(complaint), "{message}");
        }
        assert!(compare(&then, &baseline("1", &[("a", 10_000)]), "a").is_ok());
    }
}
