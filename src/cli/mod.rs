//! The commands of the program.

mod args;
mod check;
mod client;
mod demo;
mod serve;
mod table;
mod translate;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub use args::{
    ClientArgs, ConfigFileArgs, DemoArgs, DocumentKind, NoConfigFile, ServeArgs, SettingsFormat,
    TranslateArgs,
};
pub use check::check;
pub use client::{SupportedClient, print_client_settings};
pub use demo::demo;
pub use serve::serve;
pub use translate::translate;

use args::{CliCommand, CommandLine};

/// The exit code for a wrong or incomplete command line, the same as clap's.
const USAGE_ERROR: u8 = 2;

/// Runs the command of the process's command line.
///
/// The exit code is 0 on success, 1 if the command fails or the configuration is wrong, and 2 if the command line is
/// wrong.
#[must_use]
pub fn run() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let for_shell = asks_for_shell_settings(&words);
    let code = match CommandLine::read(words) {
        Ok(command) => run_command(command),
        Err(error) => {
            // Help and version arrive here, too. If printing fails, there is no other way to report anything.
            let _ = error.print();
            u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
    };
    if for_shell && code != ExitCode::SUCCESS && !io::stdout().is_terminal() {
        // Nobody evaluates the output of a closed pipe.
        let _ = writeln!(io::stdout(), "false");
    }
    code
}

/// Whether the output may be evaluated by a shell. If such a command fails, it prints `false`. Without it, the shell
/// would evaluate an empty text successfully, and `eval "$(llm-proxy client claude-code)" && claude` would start
/// Claude Code without the proxy, on the user's own account.
fn asks_for_shell_settings(words: &[OsString]) -> bool {
    let mut words = words.iter().skip(1).map(|word| word.to_string_lossy());
    if words.next().as_deref() != Some("client") {
        return false;
    }
    while let Some(word) = words.next() {
        let format = match word.strip_prefix("--format") {
            Some("") => words.next().map(|format| format.to_string()),
            Some(rest) => rest.strip_prefix('=').map(str::to_owned),
            None => None,
        };
        if let Some(format) = format {
            return format == "text";
        }
    }
    true
}

fn run_command(command: CliCommand) -> ExitCode {
    let (out, err) = (&mut io::stdout(), &mut io::stderr());
    match command {
        CliCommand::Serve(args) => with_config_file(&args.config_file, |file| serve(&args, &file)),
        CliCommand::Demo(args) => demo(args),
        CliCommand::Check(args) => with_config_file(&args.config_file, |file| {
            exit_code_of(check(&file, &read_variable, out, err))
        }),
        CliCommand::Client(args) => with_config_file(&args.config_file, |file| {
            exit_code_of(print_client_settings(&args, &file, &read_variable, out, err))
        }),
        CliCommand::Translate(args) => exit_code_of(translate(
            &args,
            &mut io::stdin().lock(),
            &mut io::stdout().lock(),
            err,
        )),
        CliCommand::Schema => exit_code_of(print_schema(out)),
    }
}

/// Runs a command with the configuration file that the command line names, or the default file.
fn with_config_file(args: &ConfigFileArgs, command: impl FnOnce(PathBuf) -> ExitCode) -> ExitCode {
    match args.find(Path::new("")) {
        Ok(file) => command(file),
        Err(error) => {
            print_error(&format_args!("llm-proxy: {error}"));
            ExitCode::from(USAGE_ERROR)
        }
    }
}

/// Prints a line to standard error. `eprintln!` would panic if that is closed.
fn print_error(message: &dyn Display) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// Reads an environment variable of the process. A value that is not Unicode counts as not set.
#[must_use]
pub fn read_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Prints the JSON Schema of the configuration.
///
/// # Errors
/// If `out` cannot be written to.
pub fn print_schema(out: &mut impl Write) -> io::Result<ExitCode> {
    writeln!(out, "{:#}", crate::config::json_schema())?;
    Ok(ExitCode::SUCCESS)
}

/// The exit code of a command. A closed pipe (`llm-proxy schema | head`) is not a failure.
fn exit_code_of(outcome: io::Result<ExitCode>) -> ExitCode {
    match outcome {
        Ok(code) => code,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
