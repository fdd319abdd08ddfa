//! `llm-proxy client`: the settings that connect a client to a proxy with this configuration.

mod choose;
mod code;
mod settings;
mod show;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::canonical::DialectName;
use crate::config::{self, Config, Environment};

use super::args::{ClientArgs, SettingsFormat};

/// A program or library whose settings the command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SupportedClient {
    /// Claude Code
    ClaudeCode,
    /// Claude Code in its Bedrock mode
    ClaudeCodeBedrock,
    /// Codex CLI
    Codex,
    /// opencode
    Opencode,
    /// OpenAI's SDKs
    Openai,
    /// Anthropic's SDKs
    Anthropic,
    /// Anthropic's SDKs with their Bedrock client
    AnthropicBedrock,
    /// AWS's SDKs and command line: InvokeModel and InvokeModelWithResponseStream
    Aws,
    /// Vercel's AI SDK
    Vercel,
    /// curl
    Curl,
}

impl SupportedClient {
    /// The dialects that it speaks, the preferred one first.
    fn dialects(self) -> &'static [DialectName] {
        use DialectName::{Bedrock, Claude, OpenAiChat, OpenAiResponses};
        match self {
            Self::ClaudeCode | Self::Anthropic => &[Claude],
            Self::ClaudeCodeBedrock | Self::AnthropicBedrock | Self::Aws => &[Bedrock],
            Self::Codex => &[OpenAiResponses],
            Self::Openai => &[OpenAiResponses, OpenAiChat],
            // Its provider for the Responses API sends identifiers of earlier items, which only a response store can
            // resolve.
            Self::Opencode => &[Claude, OpenAiChat],
            Self::Vercel | Self::Curl => &[Claude, OpenAiResponses, OpenAiChat, Bedrock],
        }
    }

    /// Whether its title is a singular noun, for the grammar of messages.
    fn is_singular(self) -> bool {
        !matches!(
            self,
            Self::Openai | Self::Anthropic | Self::AnthropicBedrock | Self::Aws
        )
    }

    /// The name in messages, as its makers write it.
    fn title(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeCodeBedrock => "Claude Code in Bedrock mode",
            Self::Codex => "Codex CLI",
            Self::Opencode => "opencode",
            Self::Openai => "OpenAI's SDKs",
            Self::Anthropic => "Anthropic's SDKs",
            Self::AnthropicBedrock => "Anthropic's SDKs for Bedrock",
            Self::Aws => "AWS's SDKs",
            Self::Vercel => "Vercel's AI SDK",
            Self::Curl => "curl",
        }
    }
}

/// Prints the settings for a proxy that serves `file` to `out`, or an error to `err`. The exit code is 0 if there are
/// settings, and otherwise 1. The command prints no secret of the configuration and needs none: their variables may
/// be unset, as they usually are in another shell than the server's.
///
/// # Errors
/// If `out` or `err` cannot be written to.
pub fn print_client_settings(
    args: &ClientArgs,
    file: &Path,
    environment: &Environment<'_>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<ExitCode> {
    let settings = config::load_without_secrets(file, environment)
        .map_err(|error| error.to_string())
        .and_then(|config| find_settings(args, file, &config));
    match settings {
        Ok(settings) => {
            out.write_all(show::format_settings(&settings, args.format).as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(message) => {
            writeln!(err, "{message}")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// # Errors
/// A message for the user if no route fits the client, or the client has no settings of the requested form.
fn find_settings(
    args: &ClientArgs,
    file: &Path,
    config: &Config,
) -> Result<settings::ClientSettings, String> {
    let root = match &args.base_url {
        Some(url) => parse_base_url(url)?,
        None => listen_url(config)?,
    };
    let target = choose::choose_route(args.client, args.model.as_deref(), args.prefix.as_deref(), config)?;
    let secret = target.access_key_id.and_then(|_| find_secret_variable(file));
    let settings = settings::write_settings(args.client, &target, &root, secret.as_deref());
    match args.format {
        SettingsFormat::Env if settings.env.is_empty() => Err(format!(
            "{} is not configured by environment variables: use --format text",
            args.client.title()
        )),
        SettingsFormat::File if settings.file.is_none() => Err(format!(
            "{} is not configured by a file: use --format text",
            args.client.title()
        )),
        _ => Ok(settings),
    }
}

/// The address of the proxy by its configuration, without a trailing slash.
fn listen_url(config: &Config) -> Result<String, String> {
    let server = &config.server;
    if server.port == 0 {
        return Err(
            "server.port is 0 (any free port): set --base-url to the address of the proxy".to_owned(),
        );
    }
    // An address for all interfaces can be reached through the loopback interface.
    let host = match server.host.as_str() {
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    Ok(format!("http://{host}:{}", server.port))
}

fn parse_base_url(url: &str) -> Result<String, String> {
    let refused = |why: &str| Err(format!("--base-url {url:?} {why}"));
    match url::Url::parse(url) {
        Ok(parsed) if !matches!(parsed.scheme(), "http" | "https") => {
            refused("must be an http:// or https:// URL")
        }
        Ok(parsed) if parsed.query().is_some() || parsed.fragment().is_some() => {
            refused("must not contain a query or fragment")
        }
        Ok(parsed) if !parsed.username().is_empty() || parsed.password().is_some() => {
            refused("must not contain a user name or password")
        }
        Ok(parsed) => Ok(parsed.as_str().trim_end_matches('/').to_owned()),
        Err(_) => refused("is not a URL such as https://host"),
    }
}

/// The name of the environment variable that the file uses as the secret of the first key in
/// `server.aws_credentials`; `None` if the secret is written in another way.
fn find_secret_variable(file: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let file: serde_yaml::Value = serde_yaml::from_str(&text).ok()?;
    let keys = file.get("server")?.get("aws_credentials")?;
    let written = keys.get(0)?.get("secret_access_key")?.as_str()?;
    let name = written.strip_prefix("${")?.strip_suffix('}')?;
    let name = name.split_once(":-").map_or(name, |(name, _)| name);
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_name && !name.is_empty()).then(|| name.to_owned())
}
