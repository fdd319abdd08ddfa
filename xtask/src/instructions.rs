//! `cargo xtask instructions`: counts the instructions of the micro benchmarks with valgrind's callgrind, and compares
//! them with the committed baseline. Unlike times, counts do not depend on the load of the machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use serde::{Deserialize, Serialize};

/// Allowed difference from the baseline, in thousandths. Hash tables with random seeds change the counts of the same
/// program by up to 7 in a thousand.
const TOLERANCE: u64 = 20;
/// Differences of up to this number of instructions are always allowed.
const SLACK: u64 = 60;
/// The function of the measured program in which callgrind counts.
const MEASURED: &str = "*bench_counted::measured*";
/// The function that is called after it. Callgrind writes its results before this call; it cannot write them at the end
/// of the function at which it stops counting.
const REPORTED: &str = "*bench_counted::report_work*";
/// glibc chooses its `memcpy` by the features of the processor, which would change the counts. valgrind shows the same
/// features on every x86-64 processor with AVX2, except these two.
const TUNABLES: &str = "glibc.cpu.hwcaps=-ERMS,-FSRM";

#[derive(Args)]
pub struct InstructionsOptions {
    /// Only benchmarks whose name contains this text
    #[arg(long, value_name = "PATTERN", default_value = "")]
    only: String,
    /// Fail if a count differs from benches/baseline.json by more than the tolerance
    #[arg(long, conflicts_with = "renew")]
    check: bool,
    /// Write benches/baseline.json
    #[arg(long, conflicts_with = "only")]
    renew: bool,
    /// Print this number of the most expensive functions per benchmark
    #[arg(long, value_name = "COUNT")]
    top: Option<usize>,
    /// Folder in which callgrind's output files are kept, for callgrind's own tools
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// The counts to compare with, and the tools that they were counted with.
#[derive(Serialize, Deserialize)]
struct Baseline {
    rustc: String,
    target: String,
    /// Printed if counts differ, because another version may be the reason.
    valgrind: String,
    /// Instructions by benchmark.
    instructions: BTreeMap<String, u64>,
}

/// The result of one benchmark.
pub struct InstructionCount {
    pub name: String,
    /// The note that the program printed with it, such as the size of the request.
    pub note: String,
    /// Instructions per repetition.
    pub instructions: u64,
    /// Functions and their instructions per repetition, without the functions that they call; most expensive first.
    pub functions: Vec<(String, u64)>,
}

pub fn run(root: &Path, options: &InstructionsOptions) -> Result<(), String> {
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

/// Compares counts with the baseline. An error lists all differences.
fn compare(baseline: &Baseline, here: &Baseline, only: &str) -> Result<(), String> {
    const RENEW: &str = "renew the baseline with: cargo xtask instructions --renew";
    for (what, then, now) in [
        ("compiler", &baseline.rustc, &here.rustc),
        ("target", &baseline.target, &here.target),
    ] {
        if then != now {
            return Err(format!(
                "the baseline was counted with another {what} ({then}, here {now}), so the counts cannot be compared.\n\
                 Check out the last commit that is known to be good; on this {what}, {RENEW}"
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
            let _ = writeln!(problems, "  {name}: in the baseline, but not measured");
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
         If this is intended, and also if a count decreased, {RENEW}"
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
            .ok_or_else(|| format!("the output of rustc -vV has no {key}"))
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
///
/// # Errors
/// valgrind is missing, the build fails, or the program or its output is not as expected.
pub fn measure(
    root: &Path,
    set: &str,
    only: &str,
    keep: Option<&Path>,
) -> Result<Vec<InstructionCount>, String> {
    Command::new("valgrind")
        .arg("--version")
        .output()
        .map_err(|error| {
            format!("valgrind cannot be run ({error}); install it, on Debian: apt-get install valgrind")
        })?;
    crate::bench::build(root, "counted", &["llm-proxy-benches"], &["bench-counted"])?;
    let scratch = root.join("target/callgrind");
    let folder = keep.unwrap_or(&scratch);
    // Remove the files of an earlier run, or they would be read as results of this one.
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
        .arg(format!("--dump-before={REPORTED}"))
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
                "{name}: callgrind counted nothing; does the program still have a function {MEASURED}?"
            ));
        }
        let functions = functions(&text).into_iter();
        all.push(InstructionCount {
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

/// The total instructions in a callgrind file.
fn total(text: &str) -> Option<u64> {
    let mut lines = text.lines();
    lines.find_map(|line| {
        let value = line
            .strip_prefix("totals:")
            .or_else(|| line.strip_prefix("summary:"))?;
        value.trim().parse().ok()
    })
}

/// The instructions of each function, without the functions that it calls. In callgrind's format, a cost line belongs
/// to the last named function, except the line after `calls=`, which is the cost of the called function.
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

/// Formats a number with commas.
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
    fn costs_exclude_called_functions() {
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
    fn differences_are_errors() {
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
                "b: in the baseline, but not measured",
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
