//! `cargo xtask bench`: the release program between a scripted upstream and a load driver, next to a bare hyper
//! passthrough and nginx in the same run.

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
use workload::{Plan, Workload};

#[derive(Args)]
pub struct Options {
    /// A short run: a quarter of the work, two rounds, and not how costs grow
    #[arg(long)]
    quick: bool,
    /// Only workloads whose name holds this, such as `claude@openai-chat` or `paced`
    #[arg(long, value_name = "PATTERN", default_value = "")]
    only: String,
    /// How often everything is measured; the tables show medians
    #[arg(long, value_name = "COUNT")]
    rounds: Option<usize>,
    /// Another proxy to measure instead of the release build, with the same command line
    #[arg(long, value_name = "PROGRAM")]
    proxy: Option<PathBuf>,
    /// Write docs/performance.md also after a run that was short or left something out
    #[arg(long)]
    write: bool,
}

/// Who stands between driver and upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Direct,
    Floor,
    Proxy,
    Nginx,
}

/// What the driver tells. Times in microseconds.
#[derive(Clone, Deserialize)]
pub struct Driven {
    requests: usize,
    pieces: usize,
    seconds: f64,
    whole: Option<Quantiles>,
    first: Option<Quantiles>,
    piece: Option<Quantiles>,
}

#[derive(Clone, Copy, Deserialize)]
pub struct Quantiles {
    p50: f64,
    p99: f64,
    p999: f64,
}

/// One run of one workload through one target.
pub struct Run {
    round: usize,
    target: Target,
    driven: Driven,
    cpu: Duration,
    /// Before the first request, while it ran, and afterwards, in KiB.
    idle: u64,
    loaded: u64,
}

impl Run {
    /// Units of the work that was done: events, or requests.
    fn units(&self) -> usize {
        if self.driven.pieces > 0 {
            self.driven.pieces
        } else {
            self.driven.requests
        }
    }

    /// Microseconds on a processor for each unit.
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

/// Builds programs of packages in a profile.
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

pub fn run(root: &Path, options: &Options) -> Result<(), String> {
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

/// Programs that were started for one workload.
struct Stage {
    upstream: Program,
    floor: Program,
    proxy: Program,
    nginx: Program,
}

impl Bench {
    fn start(&self, workload: &Workload, plan: &Plan) -> Result<Stage, String> {
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
        // A line for each request is off everywhere.
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
        let mut order = [Target::Floor, Target::Proxy, Target::Nginx, Target::Direct];
        for round in 0..self.rounds {
            for target in order {
                runs.push(self.run(&stage, &workload, &plan, round, target)?);
            }
            // Nobody always comes behind the same neighbour.
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
        plan: &Plan,
        round: usize,
        target: Target,
    ) -> Result<Run, String> {
        let program = match target {
            Target::Direct => &stage.upstream,
            Target::Floor => &stage.floor,
            Target::Proxy => &stage.proxy,
            Target::Nginx => &stage.nginx,
        };
        let prefix = if target == Target::Proxy {
            "/bench".to_owned()
        } else {
            script(plan, workload.client)
        };
        let idle = program.memory();
        if plan.pause == 0 && round == 0 {
            // Connections, allocators and branch predictors before they are warm are none of the work.
            let warm = Plan {
                requests: (plan.requests / 10).max(plan.connections),
                ..*plan
            };
            self.drive(program, &prefix, workload, &warm)?.wait()?;
        }
        let before = program.cpu();
        let drive = self.drive(program, &prefix, workload, plan)?;
        if plan.pause > 0 {
            let whole = plan.pause * u64::try_from(plan.pieces).unwrap_or(0);
            // In the middle of it all streams are open.
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
        plan: &Plan,
    ) -> Result<Drive, String> {
        let child = Command::new(self.tools.join("bench-drive"))
            .args(["--target", &program.address.to_string(), "--prefix", prefix])
            .args(["--dialect", workload.client, "--request", plan.request])
            .args(["--pieces", &plan.pieces.to_string()])
            .args(["--connections", &plan.connections.to_string()])
            .args(["--requests", &plan.requests.to_string()])
            // Paced streams begin one after another, so that their events do not come all at once.
            .args(["--spread", &plan.pause.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Ok(Drive(child.map_err(|error| format!("bench-drive: {error}"))?))
    }

    /// Memory of the floor and the proxy at so many open streams, in KiB, without any, and by each.
    fn memory_of_streams(&self) -> Result<Vec<(usize, Target, u64, u64)>, String> {
        let workload = Workload {
            client: "claude",
            upstream: "openai-chat",
            shape: workload::Shape::Paced,
            goal: None,
        };
        let mut all = Vec::new();
        for streams in [100, 300, 1000, 2000] {
            let plan = Plan {
                pieces: 40,
                connections: streams,
                requests: streams,
                ..workload.shape.plan(true)
            };
            let stage = self.start(&workload, &plan)?;
            for target in [Target::Floor, Target::Proxy] {
                let run = self.run(&stage, &workload, &plan, 0, target)?;
                all.push((streams, target, run.idle, run.loaded));
            }
        }
        Ok(all)
    }
}

/// A driver that is under way.
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

/// The path below which the upstream answers as planned, in a dialect.
fn script(plan: &Plan, dialect: &str) -> String {
    format!("/{}/{}/{}/{dialect}", plan.answer, plan.pieces, plan.pause)
}

/// A model of an upstream whose abilities the proxy knows.
fn model(upstream: &str) -> &'static str {
    match upstream {
        "claude" => "claude-sonnet-4-5",
        "bedrock" => "anthropic.claude-sonnet-4-5-20250929-v1:0",
        _ => "gpt-5.2",
    }
}
