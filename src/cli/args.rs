//! The command line.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use super::client::SupportedClient;
use crate::canonical::DialectName;
use crate::config::{Server, find_closest, parse_host};

/// A reverse proxy for LLM APIs that translates between their dialects
///
/// Without a command it serves, as `llm-proxy serve` does.
#[derive(Debug, Parser)]
#[command(
    name = "llm-proxy",
    version,
    args_conflicts_with_subcommands = true,
    after_help = AFTER_HELP
)]
pub(super) struct CommandLine {
    #[command(subcommand)]
    command: Option<CliCommand>,
    #[command(flatten)]
    serve: ServeArgs,
}

const AFTER_HELP: &str = "\
Examples:
  llm-proxy demo                    Try the proxy without a key
  llm-proxy check llm-proxy.yaml    Find mistakes in a configuration
  llm-proxy serve llm-proxy.yaml    Serve it
  llm-proxy client claude-code      Print the settings that connect Claude Code to it

Environment variables:
  LLM_PROXY_LOG         What is logged: error, warn, info (the default), debug or trace,
                        or target=level, separated by commas; RUST_LOG is the fallback
  LLM_PROXY_LOG_FORMAT  text (the default) or json
  HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY
                        The web proxy through which upstreams are reached
";

const CLIENT_EXAMPLE: &str = "\
Example:
  settings=$(llm-proxy client claude-code) && eval \"$settings\" && claude
";

const TRANSLATE_EXAMPLE: &str = "\
Example:
  llm-proxy translate --from claude --to openai-chat --model gpt-5.2 < request.json
";

/// Words that users try as a command, and the command that they mean.
const SYNONYMS: [(&str, &str); 9] = [
    ("lint", "check"),
    ("proxy", "serve"),
    ("run", "serve"),
    ("server", "serve"),
    ("start", "serve"),
    ("test", "check"),
    ("up", "serve"),
    ("validate", "check"),
    ("verify", "check"),
];

impl CommandLine {
    /// Parses a command line; the first word is the name of the program.
    ///
    /// # Errors
    /// If the command line is wrong, or asks for the help or the version.
    pub(super) fn read(words: Vec<OsString>) -> Result<CliCommand, clap::Error> {
        if let Some(error) = words.get(1).and_then(|word| find_unknown_command(word)) {
            return Err(error);
        }
        let line = Self::try_parse_from(words)?;
        Ok(line.command.unwrap_or(CliCommand::Serve(line.serve)))
    }
}

/// The error for a first word that is neither a command nor a file. Because the first word may be a FILE to serve,
/// clap would accept every misspelt command as a file.
fn find_unknown_command(word: &OsStr) -> Option<clap::Error> {
    let text = word.to_string_lossy();
    let may_be_file = text.is_empty() || text.starts_with('-') || text.contains(['.', '/', '\\']);
    if may_be_file || Path::new(word).exists() {
        return None;
    }
    let mut command = CommandLine::command();
    command.build();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    if names.contains(&&*text) {
        return None;
    }
    let synonym = SYNONYMS.iter().find(|(synonym, _)| *synonym == text);
    let meant = match synonym {
        Some((_, command)) => Some((*command).to_owned()),
        None if SupportedClient::from_str(&text, false).is_ok() => Some(format!("client {text}")),
        None => find_closest(&text, names.into_iter()).map(str::to_owned),
    };
    let mut error = clap::Error::new(ErrorKind::InvalidSubcommand);
    error.insert(
        ContextKind::InvalidSubcommand,
        ContextValue::String(text.to_string()),
    );
    if let Some(meant) = meant {
        error.insert(
            ContextKind::SuggestedSubcommand,
            ContextValue::Strings(vec![meant]),
        );
    }
    let usage = ContextValue::StyledStr(command.render_usage());
    error.insert(ContextKind::Usage, usage);
    Some(error.with_cmd(&command))
}

/// The commands of the program.
#[derive(Debug, Subcommand)]
pub(super) enum CliCommand {
    /// Serve a configuration
    Serve(ServeArgs),
    /// Check a configuration and print its routes as a table
    Check(CheckArgs),
    /// Print the JSON Schema of the configuration
    Schema,
    /// Print the settings that connect a client to the proxy
    ///
    /// The command chooses the route whose frontend_dialect the client speaks. It prints no secrets and does not need
    /// the keys of the upstreams.
    #[command(after_help = CLIENT_EXAMPLE)]
    Client(ClientArgs),
    /// Serve with a built-in upstream, to try the proxy without a key
    Demo(DemoArgs),
    /// Translate a document or stream from standard input to standard output
    ///
    /// Losses and errors are printed to standard error.
    #[command(after_help = TRANSLATE_EXAMPLE)]
    Translate(TranslateArgs),
}

/// Which configuration file a command reads.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigFileArgs {
    /// The configuration file (YAML) [default: llm-proxy.yaml, then config/config.yaml]
    #[arg(value_name = "FILE", conflicts_with = "config")]
    pub file: Option<PathBuf>,
    /// The same as FILE
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// The configuration files that are used if the command line names none: the first that exists in the current folder.
const DEFAULT_FILES: [&str; 2] = ["llm-proxy.yaml", "config/config.yaml"];

/// The command line names no configuration file, and no default file exists.
#[derive(Debug)]
pub struct NoConfigFile;

impl fmt::Display for NoConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = DEFAULT_FILES;
        write!(
            f,
            "no configuration file is named, and this folder has neither {first} nor {second}: name one with --config \
             FILE.\n`llm-proxy demo` needs no configuration; `llm-proxy --help` lists the commands."
        )
    }
}

impl ConfigFileArgs {
    /// The file that the command line names, or else the first default file that exists in `folder`.
    ///
    /// # Errors
    /// If the command line names no file and no default file exists.
    pub fn find(&self, folder: &Path) -> Result<PathBuf, NoConfigFile> {
        if let Some(named) = self.config.as_ref().or(self.file.as_ref()) {
            return Ok(named.clone());
        }
        let exists = |name: &&str| folder.join(name).is_file();
        let found = DEFAULT_FILES.into_iter().find(exists);
        found.map(PathBuf::from).ok_or(NoConfigFile)
    }
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    pub config_file: ConfigFileArgs,
    /// The address to listen on; overrides server.host of the configuration
    #[arg(long, value_name = "HOST", value_parser = parse_host)]
    pub host: Option<String>,
    /// The port to listen on; overrides server.port of the configuration
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
}

impl ServeArgs {
    /// Overrides the address of the configuration with `--host` and `--port`.
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
    #[command(flatten)]
    pub(super) config_file: ConfigFileArgs,
}

/// Arguments of `client`.
#[derive(Debug, Args)]
pub struct ClientArgs {
    /// The program or library that uses the proxy
    #[arg(value_enum)]
    pub client: SupportedClient,
    #[command(flatten)]
    pub config_file: ConfigFileArgs,
    /// The model name that the client sends; optional if only one model fits the client
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// The frontend_base_url of the route; required if several routes have the model
    #[arg(long, value_name = "PATH")]
    pub prefix: Option<String>,
    /// The address at which clients reach the proxy [default: server.host and server.port]
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = SettingsFormat::Text)]
    pub format: SettingsFormat,
}

/// The form in which the settings of a client are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SettingsFormat {
    /// Everything, ready to paste
    Text,
    /// Only the environment variables, as NAME=value
    Env,
    /// Only the client's configuration file
    File,
    /// Everything, for programs
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
    /// The dialect of the input
    #[arg(long, value_name = "DIALECT", value_parser = dialect_parser())]
    pub from: DialectName,
    /// The dialect of the output
    #[arg(long, value_name = "DIALECT", value_parser = dialect_parser())]
    pub to: DialectName,
    /// The kind of the input
    #[arg(long, value_enum, default_value_t = DocumentKind::Request)]
    pub kind: DocumentKind,
    /// The model name in the output; for a request, it decides which features may be used
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Print losses as JSON, one object per line
    #[arg(long)]
    pub json: bool,
}

/// The kind of a document that is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum DocumentKind {
    /// A request of a client
    Request,
    /// A complete response of an upstream
    Response,
    /// A streamed response of an upstream
    Stream,
}

/// A parser that lists the dialects in the help, and in the message about an unknown dialect.
fn dialect_parser() -> impl TypedValueParser<Value = DialectName> {
    PossibleValuesParser::new(DialectName::ALL.map(DialectName::as_str))
        .try_map(|name| name.parse::<DialectName>())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::{CliCommand, CommandLine, ConfigFileArgs};
    use crate::config::Server;

    fn read(line: &str) -> Result<CliCommand, clap::Error> {
        let words = std::iter::once("llm-proxy").chain(line.split_whitespace());
        CommandLine::read(words.map(OsString::from).collect())
    }

    /// The file that a command line uses in `folder`.
    fn file(line: &str, folder: &Path) -> Option<PathBuf> {
        let args = match read(line).unwrap() {
            CliCommand::Serve(args) => args.config_file,
            CliCommand::Check(args) => args.config_file,
            CliCommand::Client(args) => args.config_file,
            other => panic!("{other:?} has no configuration"),
        };
        args.find(folder).ok()
    }

    #[test]
    fn the_definition_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn help_describes_the_program_and_each_command() {
        let mut command = CommandLine::command().term_width(100);
        command.build();
        let mut text = command.render_long_help().to_string();
        for name in ["serve", "check", "schema", "client", "demo", "translate"] {
            let command = command.find_subcommand_mut(name).unwrap();
            text.push_str(&format!("\n--- {name}\n{}", command.render_long_help()));
        }
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(text) });
    }

    #[test]
    fn it_serves_with_and_without_the_command() {
        for line in [
            "--config a.yaml --host [::1] --port 0",
            "a.yaml --host [::1] --port 0",
            "--port 0 --host [::1] a.yaml",
            "serve a.yaml --host [::1] --port 0",
            "serve -c a.yaml --host [::1] --port 0",
        ] {
            let Ok(CliCommand::Serve(args)) = read(line) else {
                panic!("{line} does not serve");
            };
            let mut server = Server {
                host: "127.0.0.1".to_owned(),
                port: 8080,
                workers: None,
            };
            args.override_server(&mut server);
            assert_eq!((server.host.as_str(), server.port), ("::1", 0), "{line}");
        }
        let Ok(CliCommand::Serve(args)) = read("--config a.yaml") else {
            panic!("not serving");
        };
        let mut server = Server {
            host: "h".to_owned(),
            port: 1,
            workers: None,
        };
        args.override_server(&mut server);
        assert_eq!((server.host.as_str(), server.port), ("h", 1));
    }

    #[test]
    fn a_file_is_named_in_every_way_that_people_try() {
        let nowhere = Path::new("/nowhere");
        for line in [
            "a.yaml",
            "-c a.yaml",
            "--config a.yaml",
            "--config=a.yaml",
            "serve a.yaml",
            "serve --config a.yaml",
            "check a.yaml",
            "check --config a.yaml",
            "client curl a.yaml",
            "client curl --config a.yaml",
            "client --config a.yaml curl",
        ] {
            assert_eq!(file(line, nowhere), Some("a.yaml".into()), "{line}");
        }
    }

    #[test]
    fn without_a_name_the_default_files_are_looked_for() {
        let folder = std::env::temp_dir().join(format!("llm-proxy-default-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("config")).unwrap();
        let lines = ["", "serve", "--port 1", "check", "client curl"];
        for line in lines {
            assert_eq!(file(line, &folder), None, "{line}");
        }
        for name in ["config/config.yaml", "llm-proxy.yaml"] {
            std::fs::write(folder.join(name), "").unwrap();
            for line in lines {
                assert_eq!(file(line, &folder), Some(name.into()), "{line}");
            }
        }
        assert_eq!(file("check a.yaml", &folder), Some("a.yaml".into()));
        std::fs::remove_dir_all(&folder).unwrap();
        let message = ConfigFileArgs::default().find(&folder).unwrap_err().to_string();
        for word in [
            "llm-proxy.yaml",
            "config/config.yaml",
            "--config",
            "llm-proxy demo",
        ] {
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn commands_have_their_own_arguments() {
        assert!(matches!(read("check --config a"), Ok(CliCommand::Check(_))));
        assert!(matches!(read("schema"), Ok(CliCommand::Schema)));
        let Ok(CliCommand::Demo(args)) = read("demo --port 1") else {
            panic!("not the demo");
        };
        assert_eq!(args.port, 1);
    }

    #[test]
    fn wrong_command_lines_are_refused() {
        for line in [
            "--config a --port 65536",
            "--config a --host a:b:",
            "--config a schema",
            "schema --config a",
            "serve a.yaml --config b.yaml",
            "a.yaml b.yaml",
            "translate --from claude",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_word_that_is_no_command_is_not_taken_for_a_file() {
        for (line, meant) in [
            ("chekc a.yaml", "'check'"),
            ("clients", "'client'"),
            ("claude-code", "'client claude-code'"),
            ("start a.yaml", "'serve'"),
            ("run", "'serve'"),
            ("validate a.yaml", "'check'"),
            ("xyzzy", "Usage: llm-proxy"),
        ] {
            let error = read(line).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSubcommand, "{line}");
            assert!(error.to_string().contains(meant), "{line}: {error}");
        }
        // An existing file needs neither a dot nor a slash.
        assert_eq!(file("LICENSE", Path::new("")), Some("LICENSE".into()));
    }
}
