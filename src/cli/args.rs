//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::client::Client;
use crate::canonical::DialectName;
use crate::config::{Server, parse_host};

/// A reverse proxy for LLM APIs that translates between their dialects
///
/// With `--config` and no command it serves.
#[derive(Debug, Parser)]
#[command(
    name = "llm-proxy",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    command: Option<OtherCommand>,
    #[command(flatten)]
    serve: Option<ServeArgs>,
}

/// What the program is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    /// Without a command's name: serve.
    Serve(ServeArgs),
    /// With one.
    Other(OtherCommand),
}

impl Cli {
    /// What the command line asks for; `None` when it asks for nothing.
    pub(super) fn asked(self) -> Option<Command> {
        self.command
            .map(Command::Other)
            .or(self.serve.map(Command::Serve))
    }
}

/// The commands that have a name.
#[derive(Debug, Subcommand)]
pub(super) enum OtherCommand {
    /// Check a configuration and show its routes as a table
    Check(CheckArgs),
    /// Print the JSON Schema of the configuration
    Schema,
    /// Print what points a client at the proxy
    ///
    /// The route is the one whose frontend dialect the client speaks. No secret is printed.
    Client(ClientArgs),
    /// Serve with a built-in upstream, to try things out without a key
    Demo(DemoArgs),
    /// Translate a document or stream from standard input to standard output
    ///
    /// What could not be carried over goes to standard error.
    Translate(TranslateArgs),
}

/// Arguments of the server.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The configuration file (YAML)
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The address to listen on, in place of the configuration's server.host
    #[arg(long, value_name = "HOST", value_parser = host)]
    pub host: Option<String>,
    /// The port to listen on, in place of the configuration's server.port
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
}

impl ServeArgs {
    /// Puts `--host` and `--port` in place of what the configuration has.
    pub fn override_server(&self, server: &mut Server) {
        if let Some(host) = &self.host {
            server.host.clone_from(host);
        }
        if let Some(port) = self.port {
            server.port = port;
        }
    }
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The configuration file (YAML)
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
}

/// Arguments of `client`.
#[derive(Debug, Args)]
pub struct ClientArgs {
    /// The client
    #[arg(value_enum)]
    pub client: Client,
    /// The configuration file (YAML)
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The model that the client shall ask for; not needed where there is only one
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// The frontend_base_url of the route, where several have the model
    #[arg(long, value_name = "PATH")]
    pub prefix: Option<String>,
    /// The address that clients reach the proxy at, in place of the configuration's host and port
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// How the settings are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How the settings of a client are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// All of it, to read and to paste
    Text,
    /// Only the variables, as NAME=value
    Env,
    /// Only the client's configuration file
    File,
    /// All of it, for programs
    Json,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The port to listen on
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,
}

/// Arguments of `translate`.
#[derive(Debug, Args)]
pub struct TranslateArgs {
    /// The dialect of what comes in
    #[arg(long, value_name = "DIALECT")]
    pub from: DialectName,
    /// The dialect of what goes out
    #[arg(long, value_name = "DIALECT")]
    pub to: DialectName,
    /// What comes in: a client's request, or an upstream's answer, complete or streamed
    #[arg(long, value_enum, default_value_t = Kind::Request)]
    pub kind: Kind,
    /// The name of the model that goes out; a request's decides what may be sent
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Tell losses as JSON, one object on a line
    #[arg(long)]
    pub json: bool,
}

/// What is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// A client's request
    Request,
    /// An upstream's complete answer
    Response,
    /// An upstream's streamed answer
    Stream,
}

fn host(text: &str) -> Result<String, &'static str> {
    parse_host(text)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, Command, OtherCommand};
    use crate::config::Server;

    fn parse(line: &str) -> Result<Option<Command>, clap::error::ErrorKind> {
        let words = std::iter::once("llm-proxy").chain(line.split_whitespace());
        Cli::try_parse_from(words)
            .map(Cli::asked)
            .map_err(|error| error.kind())
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_speaks_of_the_program_and_of_each_command() {
        let mut command = Cli::command().term_width(100);
        let mut text = command.render_long_help().to_string();
        for name in ["check", "schema", "client", "demo", "translate"] {
            let command = command.find_subcommand_mut(name).unwrap();
            text.push_str(&format!("\n--- {name}\n{}", command.render_long_help()));
        }
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(text) });
    }

    #[test]
    fn without_a_command_it_serves() {
        let Ok(Some(Command::Serve(args))) = parse("--config a.yaml --host [::1] --port 0") else {
            panic!("not serving");
        };
        let mut server = Server {
            host: "127.0.0.1".to_owned(),
            port: 8080,
            workers: None,
        };
        args.override_server(&mut server);
        assert_eq!(
            server,
            Server {
                host: "::1".to_owned(),
                port: 0,
                workers: None,
            }
        );
        let Ok(Some(Command::Serve(args))) = parse("--config a.yaml") else {
            panic!("not serving");
        };
        args.override_server(&mut server);
        assert_eq!(
            server,
            Server {
                host: "::1".to_owned(),
                port: 0,
                workers: None,
            }
        );
    }

    #[test]
    fn commands_have_their_own_arguments() {
        assert!(matches!(
            parse("check --config a"),
            Ok(Some(Command::Other(OtherCommand::Check(_))))
        ));
        assert!(matches!(
            parse("schema"),
            Ok(Some(Command::Other(OtherCommand::Schema)))
        ));
        let Ok(Some(Command::Other(OtherCommand::Demo(args)))) = parse("demo --port 1") else {
            panic!("not the demo");
        };
        assert_eq!(args.port, 1);
    }

    #[test]
    fn wrong_command_lines_are_refused() {
        for line in [
            "",
            "check",
            "--port 1",
            "--config a --port 65536",
            "--config a --host a:b:",
            "--config a schema",
            "schema --config a",
            "serve",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
