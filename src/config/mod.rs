//! The configuration: one YAML file, checked in full before anything starts.
//!
//! `document` parses the YAML into a tree. `reader` and `file` read the known keys and replace `${VAR}`. `validate`
//! and `validate_auth` check the rules and build the types below. Each step collects its problems, with the path of
//! the node, and none stops at the first. Lines and columns are computed at the end. `schema` describes the same keys
//! for editors.

mod backend;
mod document;
mod file;
mod host;
mod problem;
mod reader;
mod response_store;
mod route;
mod schema;
mod secret;
mod validate;
mod validate_auth;
mod variables;

pub use backend::{AwsSigning, BackendAuth, BackendModel, BackendUrl};
pub use host::parse_host;
pub(crate) use problem::write_problem;
pub use problem::{ConfigError, Problem};
pub(crate) use reader::find_closest;
pub use response_store::{ResponseStore, StorePlace};
pub use route::{ModelPattern, Precedence, Prefix};
pub use schema::json_schema;
pub use secret::Secret;
pub use variables::Environment;

use std::num::NonZeroUsize;

use crate::canonical::DialectName;
use crate::canonical::OnLoss;
use reader::{ConfigReader, Located, UnsetSecrets};

/// A valid configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the proxy listens.
    pub server: Server,
    /// The keys that clients of the `bedrock` dialect must sign with; if it is empty, signatures are not checked.
    pub aws_credentials: Vec<AwsCredential>,
    /// The key that signs the reasoning state in responses to clients of other dialects; `None` leaves it unsigned.
    pub secret: Option<Secret>,
    /// Where responses are stored for clients of the Responses API; `None` stores none.
    pub response_store: Option<ResponseStore>,
    /// The models, in the order of the file. There is at least one, and each pair of prefix and name occurs once.
    pub models: Vec<ConfiguredModel>,
}

/// Where the proxy listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// An IP address (IPv6 without brackets) or a host name.
    pub host: String,
    /// A TCP port; 0 means any free port.
    pub port: u16,
    /// The number of threads that serve connections; `None` means one per processor.
    pub workers: Option<NonZeroUsize>,
}

/// An AWS key that a client may sign its requests with.
#[derive(Debug, Clone)]
pub struct AwsCredential {
    /// The public identifier; never empty.
    pub access_key_id: String,
    /// The secret; never empty.
    pub secret_access_key: Secret,
}

/// A model that clients can request, and its upstream: one route.
#[derive(Debug, Clone)]
pub struct ConfiguredModel {
    /// The model name that clients send, or a pattern of names.
    pub frontend_model_name: ModelPattern,
    /// The path prefix of the route.
    pub frontend_base_url: Prefix,
    /// The dialects of client and upstream; `None` forwards requests unchanged.
    pub dialects: Option<DialectPair>,
    /// The model name that the upstream gets.
    pub backend_model_name: BackendModel,
    /// The upstream.
    pub backend_base_url: BackendUrl,
    /// How the proxy authenticates to the upstream.
    pub backend_auth: BackendAuth,
    /// The edits of the system prompt; empty if `dialects` is `None`.
    pub system_edits: SystemPromptEdits,
    /// What to do if a field cannot be translated.
    pub on_loss: OnLoss,
    /// Whether clients of another dialect get the upstream's reasoning state.
    pub reasoning_carriers: bool,
}

impl ConfiguredModel {
    /// The model name that the upstream gets if the client requests `client_name`.
    #[must_use]
    pub fn backend_model_for<'n>(&'n self, client_name: &'n str) -> &'n str {
        match &self.backend_model_name {
            BackendModel::AsSent => client_name,
            BackendModel::Named(name) => name,
        }
    }
}

/// The dialects of a route. They may be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialectPair {
    /// The dialect of the clients.
    pub frontend: DialectName,
    /// The dialect of the upstream.
    pub backend: DialectName,
}

/// The configured edits of the system prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemPromptEdits {
    /// Old and new texts, in the order of the file. The old texts are different and not empty.
    pub replacements: Vec<(String, String)>,
    /// Text to append; never empty.
    pub append: Option<String>,
    /// Whether to append a summary of the session.
    pub inject_progress: bool,
}

impl SystemPromptEdits {
    /// Whether there are no edits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.replacements.is_empty() && self.append.is_none() && !self.inject_progress
    }
}

/// A configuration and its warnings.
#[derive(Debug, Clone)]
pub struct LoadedConfig {
    /// The configuration.
    pub config: Config,
    /// Settings that are valid but probably mistakes, in the order of the file.
    pub warnings: Vec<Problem>,
}

/// Reads and checks a configuration file.
///
/// # Errors
/// If the file cannot be read, or all problems in the file.
pub fn load(file: &std::path::Path, environment: &Environment<'_>) -> Result<LoadedConfig, ConfigError> {
    load_with(file, environment, UnsetSecrets::Refuse)
}

/// Reads a configuration file for a command that does not use secrets. Variables in secrets need not be set; such a
/// secret has an arbitrary value. There are no warnings, because they could be about such a value.
///
/// # Errors
/// If the file cannot be read, or all other problems in the file.
pub(crate) fn load_without_secrets(
    file: &std::path::Path,
    environment: &Environment<'_>,
) -> Result<Config, ConfigError> {
    load_with(file, environment, UnsetSecrets::StandIn).map(|loaded| loaded.config)
}

fn load_with(
    file: &std::path::Path,
    environment: &Environment<'_>,
    unset_secrets: UnsetSecrets,
) -> Result<LoadedConfig, ConfigError> {
    let name = file.display().to_string();
    match std::fs::read_to_string(file) {
        Ok(text) => parse_with(&text, environment, unset_secrets)
            .map_err(|problems| ConfigError::Invalid { file: name, problems }),
        Err(source) => Err(ConfigError::Read { file: name, source }),
    }
}

/// Checks the text of a configuration file.
///
/// # Errors
/// All problems, in the order of the file; at least one.
pub fn parse(text: &str, environment: &Environment<'_>) -> Result<LoadedConfig, Vec<Problem>> {
    parse_with(text, environment, UnsetSecrets::Refuse)
}

fn parse_with(
    text: &str,
    environment: &Environment<'_>,
    unset_secrets: UnsetSecrets,
) -> Result<LoadedConfig, Vec<Problem>> {
    let document =
        document::parse(text).map_err(|(position, message)| vec![Problem { position, message }])?;
    if document == document::YamlNode::Null {
        return Err(vec![Problem {
            position: None,
            message: "the file is empty".to_owned(),
        }]);
    }
    let mut reader = ConfigReader::new(environment, unset_secrets);
    let valid =
        file::FileKeys::read(&mut reader, &document).and_then(|keys| validate::validate(&mut reader, keys));
    match valid {
        Some((config, warnings)) => Ok(LoadedConfig {
            config,
            warnings: locate_problems(text, warnings),
        }),
        None => Err(locate_problems(text, reader.problems)),
    }
}

/// Adds line and column to each problem, and sorts the problems by them.
fn locate_problems(text: &str, problems: Vec<Located<String>>) -> Vec<Problem> {
    let mut problems: Vec<Problem> = problems
        .into_iter()
        .map(|Located { value: message, at }| Problem {
            position: Some(document::locate(text, &at)),
            message,
        })
        .collect();
    problems.sort_by_key(|problem| problem.position);
    problems
}

#[cfg(test)]
mod tests {
    use super::{UnsetSecrets, parse_with};

    #[test]
    fn only_secrets_may_lack_their_variables() {
        let text = "server:\n  secret: ${A}\n  aws_credentials: [{access_key_id: I, secret_access_key: '${A}'}]\n  \
                    response_store: {kind: memory, url: ''}\nmodels:\n  - {frontend_model_name: m, \
                    frontend_base_url: /, backend_model_name: m, backend_base_url: 'http://h', backend_api_key: 'x${A}'}\n";
        let problems = |text: &str, unset| {
            parse_with(text, &|_| None, unset).map_or_else(|problems| problems.len(), |_| 0)
        };
        assert_eq!(problems(text, UnsetSecrets::Refuse), 3);
        assert_eq!(problems(text, UnsetSecrets::StandIn), 0);
        for (old, new) in [("http://h", "${A}"), ("x${A}", "${A"), ("'x${A}'", "'${:-}'")] {
            assert_eq!(
                problems(&text.replace(old, new), UnsetSecrets::StandIn),
                1,
                "{new}"
            );
        }
        let redis = text.replace("memory, url: ''", "redis, url: '${A}'");
        let expected = usize::from(!cfg!(feature = "redis"));
        assert_eq!(problems(&redis, UnsetSecrets::StandIn), expected);
    }
}
