//! Maintenance tasks of llm-proxy. This crate depends only on the code generator, not on the main crate: it must run
//! while the main crate does not compile, as after a regen.

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
struct XtaskCli {
    /// Folder with sources.toml and one folder per dialect
    #[arg(long, global = true, value_name = "DIR", default_value_os_t = default_specs(), hide_default_value = true)]
    specs: PathBuf,
    #[command(subcommand)]
    task: XtaskCommand,
}

#[derive(Subcommand)]
enum XtaskCommand {
    /// Regenerate specs/<dialect>/schema.json from the vendor's types, and report the changes
    Regen(regen::RegenOptions),
    /// Check that the compiler finds every mapping that a new field or variant of a vendor concerns
    Completeness,
    /// Run released clients against mock upstreams through the proxy, for every pair of dialects
    Clients(clients::ClientsOptions),
    /// Regenerate docs/fidelity.md: the losses of every test case for every pair of dialects
    Fidelity,
    /// Measure the release build under load, compared with a minimal passthrough and nginx; write docs/performance.md
    Bench(bench::BenchOptions),
    /// Count the instructions of the micro benchmarks; with --check, compare them with benches/baseline.json
    Instructions(instructions::InstructionsOptions),
    /// Record the requests of a client as fixtures: listen in front of a proxy and forward to it
    Record(record::RecordOptions),
    /// Summarize a change of the tests' snapshots for its reviewers
    Snapshots(snapshots::SnapshotOptions),
    /// Print the Rust code that the build generates from a dialect's schema
    Expand {
        /// Name of the dialect in specs/sources.toml
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
    let cli = XtaskCli::parse();
    let outcome = match &cli.task {
        XtaskCommand::Regen(options) => regen::run(&cli.specs, options),
        XtaskCommand::Completeness => completeness::run(&cli.specs),
        XtaskCommand::Bench(options) => bench::run(root(), options),
        XtaskCommand::Instructions(options) => instructions::run(root(), options),
        XtaskCommand::Clients(options) => clients::run(&cli.specs, options),
        XtaskCommand::Fidelity => fidelity::run(),
        XtaskCommand::Record(options) => record::run(options),
        XtaskCommand::Snapshots(options) => snapshots::run(root(), options),
        XtaskCommand::Expand { dialect } => expand(&cli.specs, dialect),
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
    // A reader that closes the pipe early (`| head`, `| less`) is not an error.
    match std::io::stdout().write_all(rust.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    }
}
