//! Maintenance tasks of llm-proxy. Depends on the code generator only, so that it runs when the main crate does not build.

mod bench;
mod clients;
mod completeness;
mod fidelity;
mod instructions;
mod listing;
mod record;
mod regen;
mod snapshots;

use clap::{Parser, Subcommand};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Maintenance tasks of llm-proxy")]
struct Cli {
    /// Folder with sources.toml and one folder per dialect
    #[arg(long, global = true, value_name = "DIR", default_value_os_t = default_specs())]
    specs: PathBuf,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Remake specs/<dialect>/schema.json from the vendor's types, and say what changed
    Regen(regen::Options),
    /// Show that the compiler stops at every mapping when a vendor adds a field or a variant
    Completeness,
    /// Run real clients through the proxy against mock upstreams on every pair of dialects
    Clients(clients::Options),
    /// Remake docs/fidelity.md: what becomes of every case on every pair of dialects
    Fidelity,
    /// Measure the release build under load, next to a bare passthrough and nginx; writes docs/performance.md
    Bench(bench::Options),
    /// Count the instructions of the micro set; with --check, against the committed baseline
    Instructions(instructions::Options),
    /// Record what a client sends, as fixtures: listens in front of a proxy
    Record(record::Options),
    /// Summarize a change of the tests' snapshots for its reviewers
    Snapshots(snapshots::SnapshotOptions),
    /// Print the Rust that the build makes of a dialect's schema
    Expand {
        /// As in specs/sources.toml
        dialect: String,
    },
}

fn default_specs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("specs")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match &cli.task {
        Task::Regen(options) => regen::run(&cli.specs, options),
        Task::Completeness => completeness::run(&cli.specs),
        Task::Bench(options) => bench::run(root(), options),
        Task::Instructions(options) => instructions::run(root(), options),
        Task::Clients(options) => clients::run(&cli.specs, options),
        Task::Fidelity => fidelity::run(),
        Task::Record(options) => record::run(options),
        Task::Snapshots(options) => snapshots::run(root(), options),
        Task::Expand { dialect } => expand(&cli.specs, dialect),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn expand(specs: &Path, dialect: &str) -> Result<(), String> {
    let sources = regen::read_sources(specs)?;
    let rust = listing::rust(specs, &sources, dialect)?;
    // A reader that closes the pipe early (`| head`) has seen enough.
    match std::io::stdout().write_all(rust.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    }
}
