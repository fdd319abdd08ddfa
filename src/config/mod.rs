//! The configuration: one YAML file, checked in full before anything starts.
//!
//! The way of a file: `document` reads the YAML into a tree, `reader` and `file` take the known keys out of it and
//! replace `${VAR}`, `validate` makes the types below of them. Problems are collected on the way, each with the path
//! of the part it is about; only then are lines and columns looked up. `schema` describes the same keys to editors.

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

use crate::canonical::OnLoss;
use crate::dialect::DialectName;
use reader::{ConfigReader, Located, UnsetSecrets};

/// A valid configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the proxy listens.
    pub server: Server,
    /// The keys of which clients of the `bedrock` dialect must have signed with one; empty where signatures do not matter.
    pub aws_credentials: Vec<AwsCredential>,
    /// What marks the reasoning state that foreign clients carry.
    pub secret: Option<Secret>,
    /// Where answers are kept for clients of the Responses API; `None` keeps none.
    pub response_store: Option<ResponseStore>,
    /// The models, in the order of the file; at least one, each (prefix, name) once.
    pub models: Vec<ConfiguredModel>,
}

/// Where the proxy listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// An IP address (IPv6 without brackets) or a host name.
    pub host: String,
    /// A TCP port; 0 for any free one.
    pub port: u16,
    /// Threads that serve connections; `None` for as many as there are processors.
    pub workers: Option<NonZeroUsize>,
}

/// A key of AWS's kind that a client may sign its requests with.
#[derive(Debug, Clone)]
pub struct AwsCredential {
    /// The public half; never empty.
    pub access_key_id: String,
    /// The secret half; never empty.
    pub secret_access_key: Secret,
}

/// One model that clients can ask for, and the upstream that answers for it.
#[derive(Debug, Clone)]
pub struct ConfiguredModel {
    /// The name, or the pattern of names, that clients send.
    pub frontend_model_name: ModelPattern,
    /// The path under which clients reach it.
    pub frontend_base_url: Prefix,
    /// What to translate; `None` forwards requests as they are.
    pub dialects: Option<DialectPair>,
    /// The name that the upstream gets.
    pub backend_model_name: BackendModel,
    /// The upstream.
    pub backend_base_url: BackendUrl,
    /// How to authenticate to the upstream.
    pub backend_auth: BackendAuth,
    /// What to change in the system prompt; empty without `dialects`.
    pub system_edits: SystemPromptEdits,
    /// What happens when a translation loses something.
    pub on_loss: OnLoss,
    /// Whether reasoning state crosses foreign clients.
    pub reasoning_carriers: bool,
}

impl ConfiguredModel {
    /// The model name that the upstream gets when the client asks for `client_name`.
    #[must_use]
    pub fn backend_model_for<'n>(&'n self, client_name: &'n str) -> &'n str {
        match &self.backend_model_name {
            BackendModel::AsSent => client_name,
            BackendModel::Named(name) => name,
        }
    }
}

/// The dialects on the two sides of a model. They may be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialectPair {
    /// What clients speak.
    pub frontend: DialectName,
    /// What the upstream speaks.
    pub backend: DialectName,
}

/// What to change in the system prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemPromptEdits {
    /// Old and new text, in the order of the file. No old text is empty or there twice.
    pub replacements: Vec<(String, String)>,
    /// Text to add at the end; never empty.
    pub append: Option<String>,
    /// Whether a summary of the session so far is placed last.
    pub inject_progress: bool,
}

impl SystemPromptEdits {
    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.replacements.is_empty() && self.append.is_none() && !self.inject_progress
    }
}

/// A configuration, and what its author should know about it.
#[derive(Debug, Clone)]
pub struct LoadedConfig {
    /// The configuration.
    pub config: Config,
    /// What is valid but probably not meant, in the order of the file.
    pub warnings: Vec<Problem>,
}

/// Reads and checks a configuration file.
///
/// # Errors
/// When the file cannot be read, or with everything that is wrong in it.
pub fn load(file: &std::path::Path, environment: &Environment<'_>) -> Result<LoadedConfig, ConfigError> {
    load_with(file, environment, UnsetSecrets::Refuse)
}

/// The same for a command that uses no secret: a variable that is not set is no problem where it is part of one. The
/// secret is then a stand-in, and there are no warnings that mean anything.
///
/// # Errors
/// When the file cannot be read, or with everything else that is wrong in it.
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
/// Everything that is wrong in it, in the order of the file; at least one problem.
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

/// The problems with their lines and columns, in the order of the file.
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
