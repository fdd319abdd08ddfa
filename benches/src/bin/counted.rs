//! Runs the micro benchmarks for valgrind's callgrind, which counts in `measured` and writes a file before each
//! `report_work`. Prints a line for each benchmark: its name, the number of repetitions, and a note.
//! `cargo xtask instructions` runs this program and knows the names of the two functions.

use clap::{Parser, ValueEnum};
use llm_proxy::dialect::DialectName;
use llm_proxy_benches::work::{self, MicroBench};

#[derive(Parser)]
struct CountedOptions {
    /// Only benchmarks whose name contains this text
    #[arg(long, default_value = "")]
    only: String,
    #[arg(long, value_enum, default_value_t = Set::Micro)]
    set: Set,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Set {
    /// Every micro benchmark
    Micro,
    /// Requests of 1 KB to 20 MB, events after 10 to 100,000 others
    Growth,
}

/// Callgrind counts in this function. It must not be inlined, or callgrind does not find it.
#[inline(never)]
fn measured(work: &mut MicroBench, times: usize) {
    work.run(times);
}

/// Prints the line of a benchmark. Callgrind writes its results before this function, which must not be inlined either.
#[inline(never)]
fn report_work(work: &MicroBench, note: &str) {
    println!("{}\t{}\t{note}", work.name, work.times);
}

fn measure(mut work: MicroBench, note: &str) {
    // Run once without counting, to exclude costs of the first run, such as filling tables.
    work.run(1);
    let times = work.times;
    measured(&mut work, times);
    report_work(&work, note);
}

fn main() {
    let options = CountedOptions::parse();
    let wanted = |name: &str| name.contains(&options.only);
    match options.set {
        Set::Micro => {
            for (_, make) in work::all().into_iter().filter(|(name, _)| wanted(name)) {
                measure(make(), "");
            }
        }
        Set::Growth => growth(),
    }
}

fn growth() {
    use DialectName::{Claude, OpenAiChat, OpenAiResponses};
    for (client, upstream) in [
        (Claude, OpenAiChat),
        (OpenAiChat, Claude),
        (OpenAiResponses, Claude),
    ] {
        for size in [1, 10, 100, 1_000, 10_000, 20_000] {
            let (work, length) = work::request_of_size(size * 1024, client, upstream);
            measure(work, &length.to_string());
        }
    }
    for (client, upstream) in [(Claude, OpenAiChat), (OpenAiChat, Claude)] {
        let mut work = work::stream(client, upstream);
        let mut before = 0;
        for count in [10, 1_000, 10_000, 100_000] {
            work.run(count - before);
            let times = work.times;
            measured(&mut work, times);
            report_work(&work, &count.to_string());
            before = count + times;
        }
    }
}
