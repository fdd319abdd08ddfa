//! The micro set under valgrind's callgrind, which counts while `measured` runs and writes a file before each `told`.
//! Prints a line for each: the name of the work and how often it was done.

use clap::{Parser, ValueEnum};
use llm_proxy::dialect::DialectName;
use llm_proxy_benches::work::{self, Work};

#[derive(Parser)]
struct Options {
    /// Only work whose name holds this
    #[arg(long, default_value = "")]
    only: String,
    #[arg(long, value_enum, default_value_t = Set::Micro)]
    set: Set,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Set {
    /// Every unit of work once
    Micro,
    /// Requests of 1 KB to 20 MB, events after 0 to 100,000 others
    Growth,
}

/// Where the counting happens.
#[inline(never)]
fn measured(work: &mut Work, times: usize) {
    work.run(times);
}

/// What was counted is complete.
#[inline(never)]
fn told(work: &Work, note: &str) {
    println!("{}\t{}\t{note}", work.name, work.times);
}

fn measure(mut work: Work, note: &str) {
    // What happens only the first time, such as tables that are filled, is none of the work.
    work.run(1);
    let times = work.times;
    measured(&mut work, times);
    told(&work, note);
}

fn main() {
    let options = Options::parse();
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
            told(&work, &count.to_string());
            before = count + times;
        }
    }
}
