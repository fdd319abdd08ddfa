//! The commands of the program.

mod args;
mod check;
mod client;
mod demo;
mod serve;
mod table;
mod translate;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

pub use args::{ClientArgs, DemoArgs, Format, Kind, ServeArgs, TranslateArgs};
pub use check::check;
pub use client::{Client, client};
pub use demo::demo;
pub use serve::serve;
pub use translate::translate;

use args::{Cli, Command, OtherCommand};

/// Runs what the command line of the process asks for.
///
/// Exits with 0 when all went well, 1 when the configuration is wrong, 2 when the command line is.
#[must_use]
pub fn run() -> ExitCode {
    let Some(command) = Cli::parse().asked() else {
        return ExitCode::from(2);
    };
    match command {
        Command::Serve(args) => serve(args),
        Command::Other(OtherCommand::Demo(args)) => demo(args),
        Command::Other(OtherCommand::Check(args)) => finish(check(
            &args.config,
            &environment,
            &mut io::stdout(),
            &mut io::stderr(),
        )),
        Command::Other(OtherCommand::Client(args)) => {
            finish(client(&args, &environment, &mut io::stdout(), &mut io::stderr()))
        }
        Command::Other(OtherCommand::Translate(args)) => finish(translate(
            &args,
            &mut io::stdin().lock(),
            &mut io::stdout().lock(),
            &mut io::stderr(),
        )),
        Command::Other(OtherCommand::Schema) => finish(schema(&mut io::stdout())),
    }
}

/// A variable of the process's environment. One that is not Unicode counts as not set.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Writes the JSON Schema of the configuration.
///
/// # Errors
/// When `out` cannot be written to.
pub fn schema(out: &mut impl Write) -> io::Result<ExitCode> {
    writeln!(out, "{:#}", crate::config::json_schema())?;
    Ok(ExitCode::SUCCESS)
}

/// A reader that has gone away (`llm-proxy schema | head`) is no failure worth a word.
fn finish(outcome: io::Result<ExitCode>) -> ExitCode {
    match outcome {
        Ok(code) => code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
