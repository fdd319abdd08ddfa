//! Prints the results as docs/performance.md.

use std::fmt::Write as _;

use super::workload::{IDLE_MEMORY_KIB, OPEN_MEMORY_RATIO, WorkloadShape};
use super::{BenchTarget, LatencyQuantiles, Measured, Run};
use crate::instructions::{InstructionCount, grouped};

/// The text about method and terms, in front of the tables.
const TEMPLATE: &str = include_str!("performance.md");

/// Results of the growth measurements, and the instructions of each pair.
pub struct Growth {
    /// Number of open streams, target, and its memory in KiB before and with them.
    pub memory: Vec<(usize, BenchTarget, u64, u64)>,
    pub counted: Vec<InstructionCount>,
    pub pairs: Vec<InstructionCount>,
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some((values.get(middle - 1)? + upper) / 2.0)
}

impl Measured {
    fn of(&self, target: BenchTarget) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| run.target == target)
    }

    fn median(&self, target: BenchTarget, figure: impl Fn(&Run) -> f64) -> f64 {
        median(self.of(target).map(figure).collect()).unwrap_or(f64::NAN)
    }

    fn cost(&self, target: BenchTarget) -> f64 {
        self.median(target, Run::cost)
    }

    /// The median of the ratios to the floor of the same round.
    fn ratio(&self, target: BenchTarget) -> f64 {
        let ratios = self.of(target).filter_map(|run| {
            let floor = self
                .of(BenchTarget::Floor)
                .find(|floor| floor.round == run.round)?;
            Some(run.cost() / floor.cost())
        });
        median(ratios.collect()).unwrap_or(f64::NAN)
    }

    /// The latency that a target adds to that of the upstream alone, in microseconds.
    fn added(
        &self,
        target: BenchTarget,
        which: impl Fn(&Run) -> Option<LatencyQuantiles>,
    ) -> Option<LatencyQuantiles> {
        let at = |target, quantile: fn(LatencyQuantiles) -> f64| {
            median(self.of(target).filter_map(&which).map(quantile).collect())
        };
        let added = |quantile| Some(at(target, quantile)? - at(BenchTarget::Direct, quantile)?);
        Some(LatencyQuantiles {
            p50: added(|q| q.p50)?,
            p99: added(|q| q.p99)?,
            p999: added(|q| q.p999)?,
        })
    }

    /// Memory idle, with open streams, and per stream, in KiB. Only the first round counts: in later ones, the process
    /// still holds memory of earlier ones.
    fn by_stream(&self, target: BenchTarget) -> Option<(u64, u64, f64)> {
        let run = self.of(target).find(|run| run.round == 0)?;
        let streams = self.connections as f64;
        Some((
            run.idle,
            run.loaded,
            run.loaded.saturating_sub(run.idle) as f64 / streams,
        ))
    }
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "**not met**" }
}

/// Formats a result as one line for the terminal.
pub fn line(measured: &Measured) -> String {
    format!(
        "{:<60} floor {:>8.2}  proxy {:>8.2} ({:.2})  nginx {:>8.2} ({:.2})",
        measured.workload.name(),
        measured.cost(BenchTarget::Floor),
        measured.cost(BenchTarget::Proxy),
        measured.ratio(BenchTarget::Proxy),
        measured.cost(BenchTarget::Nginx),
        measured.ratio(BenchTarget::Nginx),
    )
}

/// Formats the page.
pub fn page(all: &[Measured], growth: Option<&Growth>, rounds: usize, quick: bool) -> String {
    let mut out = TEMPLATE.to_owned();
    let _ = write!(out, "\n## This run\n\n{}; {rounds} rounds", machine());
    out.push_str(if quick {
        ", a short run: a quarter of the work.\n"
    } else {
        ".\n"
    });
    costs(&mut out, all);
    latencies(&mut out, all);
    memory(&mut out, all);
    if let Some(growth) = growth {
        grown(&mut out, growth);
        pairs(&mut out, growth);
    }
    out
}

/// Describes processor and kernel, without anything that identifies the machine.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.split('.').take(2).collect::<Vec<_>>().join(".");
    let model = model.map_or("unknown", |(_, model)| model);
    format!("Processor {model}, {cores} cores for all processes together, Linux {kernel}")
}

fn costs(out: &mut String, all: &[Measured]) {
    out.push_str(
        "\n## Processor time\n\nMicroseconds per request or event; ratios to the floor in parentheses.\n\n\
         | pair | unit of work | floor | nginx | proxy | ratio | goal | | proxy, units per second |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | --- | ---: |\n",
    );
    for measured in all {
        let (workload, ratio) = (&measured.workload, measured.ratio(BenchTarget::Proxy));
        let (goal, verdict) = match workload.goal {
            Some(goal) => (format!("≤ {goal}"), verdict(ratio <= goal)),
            None => (String::new(), ""),
        };
        let rate = if workload.shape == WorkloadShape::Paced {
            String::new()
        } else {
            grouped(measured.median(BenchTarget::Proxy, Run::rate) as u64)
        };
        let _ = writeln!(
            out,
            "| {} | {} | {:.2} | {:.2} ({:.2}) | {:.2} | {ratio:.2} | {goal} | {verdict} | {rate} |",
            workload.pair(),
            workload.shape.describe(),
            measured.cost(BenchTarget::Floor),
            measured.cost(BenchTarget::Nginx),
            measured.ratio(BenchTarget::Nginx),
            measured.cost(BenchTarget::Proxy),
        );
    }
}

fn latencies(out: &mut String, all: &[Measured]) {
    out.push_str(
        "\n## Added latency\n\nMicroseconds at p50 / p99 / p99.9. Negative values are measurement noise.\n\n\
         | pair | until | floor | nginx | proxy |\n| --- | --- | ---: | ---: | ---: |\n",
    );
    for measured in all {
        let whole: fn(&Run) -> Option<LatencyQuantiles> = |run| run.driven.whole;
        let first: fn(&Run) -> Option<LatencyQuantiles> = |run| run.driven.first;
        let piece: fn(&Run) -> Option<LatencyQuantiles> = |run| run.driven.piece;
        let rows = match measured.workload.shape {
            WorkloadShape::Alone => vec![("the response, one request at a time", whole)],
            WorkloadShape::Paced => vec![
                ("the first event, 1,000 streams", first),
                ("each event, 1,000 streams", piece),
            ],
            _ => continue,
        };
        for (what, which) in rows {
            let _ = write!(out, "| {} | {what} |", measured.workload.pair());
            for target in [BenchTarget::Floor, BenchTarget::Nginx, BenchTarget::Proxy] {
                let _ = match measured.added(target, which) {
                    Some(q) => write!(out, " {:.0} / {:.0} / {:.0} |", q.p50, q.p99, q.p999),
                    None => write!(out, " |"),
                };
            }
            out.push('\n');
        }
    }
}

fn memory(out: &mut String, all: &[Measured]) {
    out.push_str(
        "\n## Memory\n\nKiB resident: idle, with 1,000 open streams, and per stream.\n\n\
         | pair | floor | nginx | proxy | ratio to the floor | goal | |\n| --- | ---: | ---: | ---: | ---: | ---: | --- |\n",
    );
    let mut idle: Option<u64> = None;
    for measured in all
        .iter()
        .filter(|measured| measured.workload.shape == WorkloadShape::Paced)
    {
        let _ = write!(out, "| {} |", measured.workload.pair());
        for target in [BenchTarget::Floor, BenchTarget::Nginx, BenchTarget::Proxy] {
            let (before, with, each) = measured.by_stream(target).unwrap_or_default();
            if target == BenchTarget::Proxy {
                idle = idle.max(Some(before));
            }
            let _ = write!(out, " {} / {} / {each:.1} |", grouped(before), grouped(with));
        }
        let each = |target| {
            measured
                .by_stream(target)
                .map_or(f64::NAN, |(_, with, _)| with as f64)
        };
        let ratio = each(BenchTarget::Proxy) / each(BenchTarget::Floor);
        let met = verdict(ratio <= OPEN_MEMORY_RATIO);
        let _ = writeln!(out, " {ratio:.2} | ≤ {OPEN_MEMORY_RATIO} | {met} |");
    }
    if let Some(idle) = idle {
        let met = verdict(idle <= IDLE_MEMORY_KIB);
        let _ = writeln!(
            out,
            "\nIdle, the proxy holds {} KiB; the goal is at most {} KiB: {met}.",
            grouped(idle),
            grouped(IDLE_MEMORY_KIB)
        );
    }
    out.push_str("\nResident memory after the work, in KiB:\n\n| pair | work | floor | nginx | proxy |\n| --- | --- | ---: | ---: | ---: |\n");
    for measured in all
        .iter()
        .filter(|measured| measured.workload.shape != WorkloadShape::Paced)
    {
        let after = |target| grouped(measured.of(target).map(|run| run.loaded).max().unwrap_or(0));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            measured.workload.pair(),
            measured.workload.shape.describe(),
            after(BenchTarget::Floor),
            after(BenchTarget::Nginx),
            after(BenchTarget::Proxy),
        );
    }
}

fn grown(out: &mut String, growth: &Growth) {
    out.push_str(
        "\n## Growth\n\nInstructions to translate a request, by its size, and per byte:\n\n\
         | pair | bytes | instructions | per byte |\n| --- | ---: | ---: | ---: |\n",
    );
    let of = |kind: &'static str| {
        growth.counted.iter().filter_map(move |counted| {
            let (_, pair) = counted.name.strip_prefix(kind)?.rsplit_once('/')?;
            Some((
                pair.replace('@', " → "),
                counted.note.parse::<u64>().ok()?,
                counted.instructions,
            ))
        })
    };
    for (pair, bytes, instructions) in of("growth/request") {
        let each = instructions as f64 / bytes.max(1) as f64;
        let _ = writeln!(
            out,
            "| {pair} | {} | {} | {each:.1} |",
            grouped(bytes),
            grouped(instructions)
        );
    }
    out.push_str(
        "\nInstructions to translate one event of a stream, by the number of events before it:\n\n\
         | pair | events before | instructions |\n| --- | ---: | ---: |\n",
    );
    for (pair, before, instructions) in of("growth/event") {
        let _ = writeln!(
            out,
            "| {pair} | {} | {} |",
            grouped(before),
            grouped(instructions)
        );
    }
    out.push_str(
        "\nMemory by the number of open streams, claude → openai-chat:\n\n\
         | open streams | floor, KiB | per stream | proxy, KiB | per stream |\n| ---: | ---: | ---: | ---: | ---: |\n",
    );
    for pair in growth.memory.chunks(2) {
        let Some((streams, ..)) = pair.first() else {
            continue;
        };
        let _ = write!(out, "| {} |", grouped(*streams as u64));
        for (streams, _, idle, loaded) in pair {
            let each = loaded.saturating_sub(*idle) as f64 / *streams as f64;
            let _ = write!(out, " {} | {each:.1} |", grouped(*loaded));
        }
        out.push('\n');
    }
}

/// Writes the instructions of every pair.
fn pairs(out: &mut String, growth: &Growth) {
    out.push_str(
        "\n## Instructions\n\nInstructions of the translation alone, without a network (`cargo xtask instructions`): of a \
         request, of a complete response, and of one event. In same-dialect pairs, only the model of the request is \
         replaced; responses are forwarded without reading them.\n\n\
         | pair | small request | 120 KB request | 5 MB image | response | text event | tool event | reasoning event |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    let kinds = [
        "request/small",
        "request/code",
        "request/image",
        "answer",
        "event/text",
        "event/tool",
        "event/reasoning",
    ];
    let names = growth
        .pairs
        .iter()
        .filter_map(|counted| counted.name.strip_prefix("request/small/"));
    for pair in names {
        let _ = write!(out, "| {} |", pair.replace('@', " → "));
        for kind in kinds {
            let name = format!("{kind}/{pair}");
            let found = growth.pairs.iter().find(|counted| counted.name == name);
            let _ = write!(
                out,
                " {} |",
                found.map(|c| grouped(c.instructions)).unwrap_or_default()
            );
        }
        out.push('\n');
    }
    out.push_str("\n| other work | instructions |\n| --- | ---: |\n");
    for counted in &growth.pairs {
        if counted.name.starts_with("framing") || counted.name.starts_with("route") {
            let _ = writeln!(out, "| {} | {} |", counted.name, grouped(counted.instructions));
        }
    }
}
