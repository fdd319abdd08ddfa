//! `cargo xtask bench`: measures the release build between a scripted upstream and a load driver, together with a
//! minimal passthrough (the floor) and nginx in the same run.

pub mod process;
mod report;
mod workload;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Deserialize;

use crate::instructions;
use process::Program;
use workload::{LoadPlan, Workload};

#[derive(Args)]
pub struct BenchOptions {
    /// Short run: a quarter of the work, two rounds, without the growth measurements
    #[arg(long)]
    quick: bool,
    /// Only workloads whose name contains this text, such as `claude@openai-chat` or `paced`
    #[arg(long, value_name = "PATTERN", default_value = "")]
    only: String,
    /// Number of rounds; the tables show medians
    #[arg(long, value_name = "COUNT")]
    rounds: Option<usize>,
    /// Measure this program, which must have the same command line, and not the release build
    #[arg(long, value_name = "PROGRAM")]
    proxy: Option<PathBuf>,
    /// Write docs/performance.md even after a short or partial run
    #[arg(long)]
    write: bool,
}

/// The program between load driver and upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenchTarget {
    Direct,
    Floor,
    Proxy,
    Nginx,
}

/// The output of the load driver. Times in microseconds.
#[derive(Clone, Deserialize)]
pub struct Driven {
    requests: usize,
    pieces: usize,
    seconds: f64,
    whole: Option<LatencyQuantiles>,
    first: Option<LatencyQuantiles>,
    piece: Option<LatencyQuantiles>,
}

#[derive(Clone, Copy, Deserialize)]
pub struct LatencyQuantiles {
    p50: f64,
    p99: f64,
    p999: f64,
}

/// One run of a workload through a target.
pub struct Run {
    round: usize,
    target: BenchTarget,
    driven: Driven,
    cpu: Duration,
    /// Resident memory in KiB: before the first request, and the maximum of during and after the run.
    idle: u64,
    loaded: u64,
}

impl Run {
    /// The number of units of work: events, or requests.
    fn units(&self) -> usize {
        if self.driven.pieces > 0 {
            self.driven.pieces
        } else {
            self.driven.requests
        }
    }

    /// Processor time per unit, in microseconds.
    fn cost(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.units().max(1) as f64
    }

    fn rate(&self) -> f64 {
        self.units() as f64 / self.driven.seconds
    }
}

/// All runs of one workload.
pub struct Measured {
    workload: Workload,
    connections: usize,
    runs: Vec<Run>,
}

/// Builds programs of packages with a profile.
pub fn build(root: &Path, profile: &str, packages: &[&str], programs: &[&str]) -> Result<(), String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(root)
        .args(["build", "--locked", "--quiet", "--profile", profile]);
    for package in packages {
        command.args(["--package", package]);
    }
    for program in programs {
        command.args(["--bin", program]);
    }
    let status = command.status().map_err(|error| format!("cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("the programs {programs:?} do not build"))
    }
}

pub fn run(root: &Path, options: &BenchOptions) -> Result<(), String> {
    let began = Instant::now();
    eprintln!("building");
    build(
        root,
        "release",
        &["llm-proxy", "llm-proxy-floor"],
        &["llm-proxy", "bench-floor"],
    )?;
    build(
        root,
        "counted",
        &["llm-proxy-benches"],
        &["bench-upstream", "bench-drive"],
    )?;
    let bench = Bench {
        release: root.join("target/release"),
        tools: root.join("target/counted"),
        proxy: options
            .proxy
            .clone()
            .unwrap_or_else(|| root.join("target/release/llm-proxy")),
        folder: root.join("target/bench"),
        quick: options.quick,
        rounds: options.rounds.unwrap_or(if options.quick { 2 } else { 5 }),
    };
    fs::create_dir_all(&bench.folder).map_err(|error| format!("{}: {error}", bench.folder.display()))?;
    let mut all = Vec::new();
    for workload in workload::all()
        .into_iter()
        .filter(|w| w.name().contains(&options.only))
    {
        eprintln!("{:>5.0} s  {}", began.elapsed().as_secs_f64(), workload.name());
        all.push(bench.measure(workload)?);
        println!("{}", report::line(all.last().ok_or("nothing was measured")?));
    }
    let whole = options.only.is_empty() && !options.quick;
    let growth = if whole {
        eprintln!("{:>5.0} s  growth", began.elapsed().as_secs_f64());
        let memory = bench.memory_of_streams()?;
        Some(report::Growth {
            memory,
            counted: instructions::measure(root, "growth", "", None)?,
            pairs: instructions::measure(root, "micro", "", None)?,
        })
    } else {
        None
    };
    let page = report::page(&all, growth.as_ref(), bench.rounds, options.quick);
    if options.write || whole && options.proxy.is_none() {
        let file = root.join("docs/performance.md");
        fs::write(&file, page).map_err(|error| format!("{}: {error}", file.display()))?;
    } else {
        println!("\n{page}");
    }
    eprintln!("took {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

struct Bench {
    release: PathBuf,
    tools: PathBuf,
    proxy: PathBuf,
    folder: PathBuf,
    quick: bool,
    rounds: usize,
}

/// The programs that run for one workload.
struct Stage {
    upstream: Program,
    floor: Program,
    proxy: Program,
    nginx: Program,
}

impl Bench {
    fn start(&self, workload: &Workload, plan: &LoadPlan) -> Result<Stage, String> {
        let port = process::free_port()?;
        let mut command = Command::new(self.tools.join("bench-upstream"));
        command.args(["--port", &port.to_string()]);
        let upstream = Program::start(command, port)?;
        let host = upstream.address.to_string();

        let port = process::free_port()?;
        let mut command = Command::new(self.release.join("bench-floor"));
        command.args(["--port", &port.to_string(), "--upstream", &host]);
        let floor = Program::start(command, port)?;

        let base = format!("http://{host}{}", script(plan, workload.upstream));
        let config = format!(
            "models:\n  - frontend_model_name: bench-model\n    frontend_base_url: /bench\n    \
             frontend_dialect: {}\n    backend_model_name: {}\n    backend_base_url: {base}\n    \
             backend_dialect: {}\n",
            workload.client,
            model(workload.upstream),
            workload.upstream,
        );
        let file = self.folder.join("llm-proxy.yaml");
        fs::write(&file, config).map_err(|error| format!("{}: {error}", file.display()))?;
        let port = process::free_port()?;
        let mut command = Command::new(&self.proxy);
        command
            .arg("--config")
            .arg(&file)
            .args(["--port", &port.to_string()]);
        // No program under test writes an access log.
        command.env("LLM_PROXY_LOG", "warn");
        let proxy = Program::start(command, port)?;
        let nginx = process::nginx(&self.folder, upstream.address.port())?;
        Ok(Stage {
            upstream,
            floor,
            proxy,
            nginx,
        })
    }

    fn measure(&self, workload: Workload) -> Result<Measured, String> {
        let plan = workload.shape.plan(self.quick);
        let stage = self.start(&workload, &plan)?;
        let mut runs = Vec::new();
        let mut order = [
            BenchTarget::Floor,
            BenchTarget::Proxy,
            BenchTarget::Nginx,
            BenchTarget::Direct,
        ];
        for round in 0..self.rounds {
            for target in order {
                runs.push(self.run(&stage, &workload, &plan, round, target)?);
            }
            // Change the order, so that a program does not always run after the same one.
            order.reverse();
        }
        Ok(Measured {
            workload,
            connections: plan.connections,
            runs,
        })
    }

    fn run(
        &self,
        stage: &Stage,
        workload: &Workload,
        plan: &LoadPlan,
        round: usize,
        target: BenchTarget,
    ) -> Result<Run, String> {
        let program = match target {
            BenchTarget::Direct => &stage.upstream,
            BenchTarget::Floor => &stage.floor,
            BenchTarget::Proxy => &stage.proxy,
            BenchTarget::Nginx => &stage.nginx,
        };
        let prefix = if target == BenchTarget::Proxy {
            "/bench".to_owned()
        } else {
            script(plan, workload.client)
        };
        let idle = program.memory();
        if plan.pause == 0 && round == 0 {
            // Exclude the costs of opening connections and of cold allocators and branch predictors.
            let warm = LoadPlan {
                requests: (plan.requests / 10).max(plan.connections),
                ..*plan
            };
            self.drive(program, &prefix, workload, &warm)?.wait()?;
        }
        let before = program.cpu();
        let drive = self.drive(program, &prefix, workload, plan)?;
        if plan.pause > 0 {
            let whole = plan.pause * u64::try_from(plan.pieces).unwrap_or(0);
            // After two thirds of the time, all streams are open.
            std::thread::sleep(Duration::from_millis(whole * 2 / 3));
        }
        let midst = if plan.pause > 0 { program.memory() } else { 0 };
        let driven = drive.wait()?;
        let cpu = program.cpu().saturating_sub(before);
        Ok(Run {
            round,
            target,
            driven,
            cpu,
            idle,
            loaded: midst.max(program.memory()),
        })
    }

    fn drive(
        &self,
        program: &Program,
        prefix: &str,
        workload: &Workload,
        plan: &LoadPlan,
    ) -> Result<Drive, String> {
        let child = Command::new(self.tools.join("bench-drive"))
            .args(["--target", &program.address.to_string(), "--prefix", prefix])
            .args(["--dialect", workload.client, "--request", plan.request])
            .args(["--pieces", &plan.pieces.to_string()])
            .args(["--connections", &plan.connections.to_string()])
            .args(["--requests", &plan.requests.to_string()])
            // Start paced streams at different times, so that their events do not come at the same moment.
            .args(["--spread", &plan.pause.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Ok(Drive(child.map_err(|error| format!("bench-drive: {error}"))?))
    }

    /// Measures the memory of the floor and the proxy by the number of open streams. Each entry has the number of
    /// streams, the target, and its memory in KiB without streams and with them.
    fn memory_of_streams(&self) -> Result<Vec<(usize, BenchTarget, u64, u64)>, String> {
        let workload = Workload {
            client: "claude",
            upstream: "openai-chat",
            shape: workload::WorkloadShape::Paced,
            goal: None,
        };
        let mut all = Vec::new();
        for streams in [100, 300, 1000, 2000] {
            let plan = LoadPlan {
                pieces: 40,
                connections: streams,
                requests: streams,
                ..workload.shape.plan(true)
            };
            let stage = self.start(&workload, &plan)?;
            for target in [BenchTarget::Floor, BenchTarget::Proxy] {
                let run = self.run(&stage, &workload, &plan, 0, target)?;
                all.push((streams, target, run.idle, run.loaded));
            }
        }
        Ok(all)
    }
}

/// A running load driver.
struct Drive(std::process::Child);

impl Drive {
    fn wait(self) -> Result<Driven, String> {
        let output = self
            .0
            .wait_with_output()
            .map_err(|error| format!("bench-drive: {error}"))?;
        if !output.status.success() {
            return Err(format!(
                "bench-drive: {}",
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("bench-drive: {error}"))
    }
}

/// The path prefix for which the upstream sends the responses of a plan, in a dialect.
fn script(plan: &LoadPlan, dialect: &str) -> String {
    format!("/{}/{}/{}/{dialect}", plan.response, plan.pieces, plan.pause)
}

/// A model name for the upstream that is in the proxy's capability table.
fn model(upstream: &str) -> &'static str {
    match upstream {
        "claude" => "claude-sonnet-4-5",
        "bedrock" => "anthropic.claude-sonnet-4-5-20250929-v1:0",
        _ => "gpt-5.2",
    }
}
