//! The settings of each client.

use serde_json::{Value, json};

use super::SupportedClient;
use super::choose::{ClientTarget, client_path};
use crate::canonical::DialectName;

/// The key for clients that require one, where the proxy replaces or ignores it.
const ANY_KEY: &str = "llm-proxy";
/// The region for AWS clients if the configuration has none. The proxy accepts any region.
const ANY_REGION: &str = "us-east-1";
/// The environment variable with the key for Codex and opencode.
const KEY_VARIABLE: &str = "LLM_PROXY_API_KEY";

/// The settings of a client.
#[derive(Debug)]
pub struct ClientSettings {
    /// The model name that the client sends.
    pub model: String,
    /// The dialect that the client uses.
    pub dialect: DialectName,
    /// The base URL in the form that this client expects.
    pub base_url: String,
    /// Notes about the settings, one per line.
    pub notes: Vec<String>,
    /// Environment variables.
    pub env: Vec<(&'static str, VariableValue)>,
    /// The client's configuration file, if it has one.
    pub file: Option<ClientFile>,
    /// Code to write or commands to run.
    pub snippets: Vec<Snippet>,
}

/// The value of an environment variable.
#[derive(Debug)]
pub enum VariableValue {
    /// A text.
    Text(String),
    /// The value of another variable.
    Variable(String),
}

/// A configuration file of a client.
#[derive(Debug)]
pub struct ClientFile {
    /// Its path.
    pub place: &'static str,
    /// Its content.
    pub text: String,
}

/// Code to write, or a command to run.
#[derive(Debug)]
pub struct Snippet {
    /// The language of the code.
    pub title: &'static str,
    /// The code.
    pub text: String,
}

/// The settings of `client` for a proxy at `root`. `secret` is the environment variable with the secret of the key
/// that requests must be signed with.
pub fn write_settings(
    client: SupportedClient,
    target: &ClientTarget<'_>,
    root: &str,
    secret: Option<&str>,
) -> ClientSettings {
    let writer = SettingsWriter {
        model: &target.name,
        base: format!("{root}{}", client_path(target.model, target.dialect)),
        target,
        secret,
    };
    let mut settings = ClientSettings {
        model: target.name.clone(),
        dialect: target.dialect,
        base_url: writer.base.clone(),
        notes: vec![writer.describe_route(client)],
        env: Vec::new(),
        file: None,
        snippets: Vec::new(),
    };
    settings.notes.extend(writer.describe_credential());
    match client {
        SupportedClient::ClaudeCode => writer.write_claude_code(&mut settings),
        SupportedClient::ClaudeCodeBedrock => writer.write_claude_code_bedrock(&mut settings),
        SupportedClient::Codex => writer.write_codex(&mut settings),
        SupportedClient::Opencode => writer.write_opencode(&mut settings),
        SupportedClient::Openai => writer.write_openai(&mut settings),
        SupportedClient::Anthropic => writer.write_anthropic(&mut settings),
        SupportedClient::AnthropicBedrock => writer.write_anthropic_bedrock(&mut settings),
        SupportedClient::Aws => writer.write_aws(&mut settings),
        SupportedClient::Vercel => writer.write_vercel(&mut settings),
        SupportedClient::Curl => writer.write_curl(&mut settings),
    }
    settings
}

/// The facts that the settings are made of.
pub(super) struct SettingsWriter<'a> {
    pub(super) model: &'a str,
    /// The base URL of the client.
    pub(super) base: String,
    pub(super) target: &'a ClientTarget<'a>,
    secret: Option<&'a str>,
}

impl SettingsWriter<'_> {
    fn describe_route(&self, client: SupportedClient) -> String {
        let model = self.target.model;
        let dialects = match model.dialects {
            Some(pair) => format!("{} → {}", pair.frontend, pair.backend),
            None => format!(
                "forwarded unchanged: the upstream must speak {}",
                self.target.dialect
            ),
        };
        format!(
            "{}: {} under {} ({dialects})",
            client.title(),
            self.model,
            model.frontend_base_url
        )
    }

    /// Whether the client's own key is forwarded to the upstream.
    fn forwards_client_key(&self) -> bool {
        let auth = &self.target.model.backend_auth;
        auth.api_key.is_none() && auth.aws.is_none()
    }

    /// The key that the client sends.
    pub(super) fn client_key(&self) -> String {
        if self.forwards_client_key() {
            "YOUR_KEY"
        } else {
            ANY_KEY
        }
        .to_owned()
    }

    fn describe_credential(&self) -> Option<String> {
        let upstream = &self.target.model.backend_base_url;
        match self.target.access_key_id {
            Some(_) if self.secret.is_some() => Some(
                "Requests must be signed. The secret is in the variable that the configuration names."
                    .to_owned(),
            ),
            Some(id) => Some(format!(
                "Requests must be signed. Replace YOUR_SECRET by the secret_access_key of {id} in the configuration."
            )),
            None if self.forwards_client_key() => Some(format!(
                "Replace YOUR_KEY by your key for {upstream}: this model has no backend_api_key in the configuration."
            )),
            None => None,
        }
    }

    pub(super) fn region(&self) -> String {
        let aws = self.target.model.backend_auth.aws.as_ref();
        aws.map_or(ANY_REGION, |aws| &aws.region).to_owned()
    }

    /// The variables with the credentials of AWS clients.
    pub(super) fn aws_credentials(&self) -> Vec<(&'static str, VariableValue)> {
        let Some(id) = self.target.access_key_id else {
            return vec![("AWS_BEARER_TOKEN_BEDROCK", VariableValue::Text(self.client_key()))];
        };
        let secret = match self.secret {
            Some(name) => VariableValue::Variable(name.to_owned()),
            None => VariableValue::Text("YOUR_SECRET".to_owned()),
        };
        vec![
            ("AWS_ACCESS_KEY_ID", VariableValue::Text(id.to_owned())),
            ("AWS_SECRET_ACCESS_KEY", secret),
        ]
    }

    fn write_claude_code(&self, settings: &mut ClientSettings) {
        // Claude Code sends ANTHROPIC_API_KEY as `x-api-key`, which Claude upstreams expect, and ANTHROPIC_AUTH_TOKEN
        // as a Bearer token.
        let speaks_claude = self
            .target
            .model
            .dialects
            .is_none_or(|pair| pair.backend == DialectName::Claude);
        let key = match self.forwards_client_key() && speaks_claude {
            true => "ANTHROPIC_API_KEY",
            false => "ANTHROPIC_AUTH_TOKEN",
        };
        settings.env = vec![
            ("ANTHROPIC_BASE_URL", VariableValue::Text(self.base.clone())),
            (key, VariableValue::Text(self.client_key())),
        ];
        self.write_claude_code_models(settings);
    }

    /// Claude Code also requests a small model, by another name. The route has only this model.
    fn write_claude_code_models(&self, settings: &mut ClientSettings) {
        let model = || VariableValue::Text(self.model.to_owned());
        settings.env.push(("ANTHROPIC_MODEL", model()));
        settings.env.push(("ANTHROPIC_DEFAULT_HAIKU_MODEL", model()));
    }

    fn write_claude_code_bedrock(&self, settings: &mut ClientSettings) {
        settings.env = vec![
            ("CLAUDE_CODE_USE_BEDROCK", VariableValue::Text("1".to_owned())),
            (
                "ANTHROPIC_BEDROCK_BASE_URL",
                VariableValue::Text(self.base.clone()),
            ),
            ("AWS_REGION", VariableValue::Text(self.region())),
        ];
        if self.target.access_key_id.is_none() && !self.forwards_client_key() {
            settings.env.push((
                "CLAUDE_CODE_SKIP_BEDROCK_AUTH",
                VariableValue::Text("1".to_owned()),
            ));
        } else {
            settings.env.extend(self.aws_credentials());
        }
        self.write_claude_code_models(settings);
    }

    fn write_codex(&self, settings: &mut ClientSettings) {
        settings.env = vec![(KEY_VARIABLE, VariableValue::Text(self.client_key()))];
        settings.file = Some(ClientFile {
            place: "~/.codex/config.toml",
            text: format!(
                "model = {}\nmodel_provider = \"llm-proxy\"\n\n[model_providers.llm-proxy]\nname = \"llm-proxy\"\n\
                 base_url = {}\nenv_key = \"{KEY_VARIABLE}\"\nwire_api = \"responses\"\n",
                quote_literal(self.model),
                quote_literal(&self.base)
            ),
        });
    }

    fn write_opencode(&self, settings: &mut ClientSettings) {
        let (package, base) = match self.target.dialect {
            DialectName::Claude => ("@ai-sdk/anthropic", format!("{}/v1", self.base)),
            _ => ("@ai-sdk/openai-compatible", self.base.clone()),
        };
        settings.env = vec![(KEY_VARIABLE, VariableValue::Text(self.client_key()))];
        let options = json!({"baseURL": base, "apiKey": format!("{{env:{KEY_VARIABLE}}}")});
        let models = json!({(self.model): {"name": self.model}});
        let provider = json!({"npm": package, "name": "llm-proxy", "options": options, "models": models});
        let config = json!({
            "$schema": "https://opencode.ai/config.json",
            "provider": {"llm-proxy": provider},
            "model": format!("llm-proxy/{}", self.model),
        });
        settings.base_url = base;
        settings.file = Some(ClientFile {
            place: "opencode.json",
            text: format!("{config:#}\n"),
        });
    }

    fn write_openai(&self, settings: &mut ClientSettings) {
        settings.env = vec![
            ("OPENAI_BASE_URL", VariableValue::Text(self.base.clone())),
            ("OPENAI_API_KEY", VariableValue::Text(self.client_key())),
        ];
        let call = match self.target.dialect {
            DialectName::OpenAiResponses => {
                format!(
                    "responses.create(model={}, input=\"Hello\")",
                    quote_literal(self.model)
                )
            }
            _ => format!(
                "chat.completions.create(model={}, messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}])",
                quote_literal(self.model)
            ),
        };
        settings.snippets = vec![Snippet {
            title: "Python",
            text: format!("import openai\n\nprint(openai.OpenAI().{call})\n"),
        }];
    }

    fn write_anthropic(&self, settings: &mut ClientSettings) {
        let speaks_claude = self
            .target
            .model
            .dialects
            .is_none_or(|pair| pair.backend == DialectName::Claude);
        let key = match self.forwards_client_key() && !speaks_claude {
            true => "ANTHROPIC_AUTH_TOKEN",
            false => "ANTHROPIC_API_KEY",
        };
        settings.env = vec![
            ("ANTHROPIC_BASE_URL", VariableValue::Text(self.base.clone())),
            (key, VariableValue::Text(self.client_key())),
        ];
        settings.snippets = vec![self.write_anthropic_snippet("Anthropic")];
    }

    fn write_anthropic_snippet(&self, class: &str) -> Snippet {
        Snippet {
            title: "Python",
            text: format!(
                "import anthropic\n\nprint(anthropic.{class}().messages.create(\n    model={}, max_tokens=1024, \
                 messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}]))\n",
                quote_literal(self.model)
            ),
        }
    }

    fn write_anthropic_bedrock(&self, settings: &mut ClientSettings) {
        settings.env = vec![
            (
                "ANTHROPIC_BEDROCK_BASE_URL",
                VariableValue::Text(self.base.clone()),
            ),
            ("AWS_REGION", VariableValue::Text(self.region())),
        ];
        settings.env.extend(self.aws_credentials());
        settings.snippets = vec![self.write_anthropic_snippet("AnthropicBedrock")];
    }

    fn write_aws(&self, settings: &mut ClientSettings) {
        settings.env = vec![
            (
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
                VariableValue::Text(self.base.clone()),
            ),
            ("AWS_REGION", VariableValue::Text(self.region())),
            ("AWS_DEFAULT_REGION", VariableValue::Text(self.region())),
        ];
        match (self.target.access_key_id, self.base.starts_with("https:")) {
            // AWS SDKs refuse to send a token over plain HTTP, so they must sign. The proxy does not check the
            // signature.
            (None, false) if !self.forwards_client_key() => settings.env.extend([
                ("AWS_ACCESS_KEY_ID", VariableValue::Text(ANY_KEY.to_owned())),
                ("AWS_SECRET_ACCESS_KEY", VariableValue::Text(ANY_KEY.to_owned())),
            ]),
            (None, false) => {
                settings.env.extend(self.aws_credentials());
                let note = "These clients send tokens over https only: set --base-url to an https address of the proxy.";
                settings.notes.push(note.to_owned());
            }
            _ => settings.env.extend(self.aws_credentials()),
        }
        settings.notes.push(
            "The Converse API is not supported, only InvokeModel and InvokeModelWithResponseStream."
                .to_owned(),
        );
        let body = json!({
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 1024,
            "messages": [{"role": "user", "content": "Hello"}],
        });
        settings.snippets = vec![Snippet {
            title: "Python",
            text: format!(
                "import boto3, json\n\nresponse = boto3.client(\"bedrock-runtime\").invoke_model(\n    modelId={}, \
                 body=json.dumps({body}))\nprint(response[\"body\"].read().decode())\n",
                quote_literal(self.model)
            ),
        }];
    }
}

/// A quoted string in the form of JSON, which is the same in Python, JavaScript and TOML.
pub(super) fn quote_literal(text: &str) -> String {
    Value::from(text).to_string()
}
