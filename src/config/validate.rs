//! Builds the typed configuration from the keys of the file, and checks all rules beyond the kind of a value.

use std::num::NonZeroUsize;
use std::str::FromStr;

use super::document::YamlPath;
use super::file::{DEFAULT_HOST, DEFAULT_PORT, FileKeys, ModelKeys, ServerKeys};
use super::reader::{ConfigReader, ExpandedText, Located, OptionalKey, find_closest};
use super::validate_auth::{WrittenAuth, validate_auth, validate_aws_credentials, validate_aws_signing};
use super::{
    BackendAuth, BackendModel, BackendUrl, Config, ConfiguredModel, DialectPair, ModelPattern, Prefix,
    Secret, Server, SystemPromptEdits, parse_host, response_store,
};
use crate::canonical::DialectName;
use crate::canonical::OnLoss;

/// The configuration and its warnings. `None` if there are problems, which are reported to the reader.
pub(super) fn validate(
    reader: &mut ConfigReader<'_>,
    keys: FileKeys,
) -> Option<(Config, Vec<Located<String>>)> {
    let mut warnings = Vec::new();
    let mut server_keys = keys.server;
    let credentials = server_keys
        .as_mut()
        .map(|keys| std::mem::take(&mut keys.aws_credentials));
    let aws_credentials = validate_aws_credentials(reader, credentials.unwrap_or_default());
    let secret = server_keys.as_mut().and_then(|keys| keys.secret.take());
    let secret = secret.and_then(|secret| validate_secret(reader, secret));
    let response_store = server_keys.as_mut().and_then(|keys| keys.response_store.take());
    let response_store = response_store.and_then(|keys| response_store::validate(reader, keys));
    let server = validate_server(reader, server_keys);
    let mut models: Vec<(ConfiguredModel, YamlPath)> = Vec::with_capacity(keys.models.len());
    let mut complete = true;
    for keys in keys.models {
        let at = keys
            .frontend_model_name
            .as_ref()
            .map_or_else(|| keys.at.clone(), |name| name.at.clone());
        let Some(model) = validate_model(reader, keys, &mut warnings) else {
            complete = false;
            continue;
        };
        let beside = || {
            models
                .iter()
                .map(|(model, _)| model)
                .filter(|m| m.frontend_base_url == model.frontend_base_url)
        };
        if beside().any(|other| other.frontend_model_name == model.frontend_model_name) {
            reader.report(
                &at,
                format!(
                    "duplicate model: `{}` is already configured for {} above",
                    model.frontend_model_name, model.frontend_base_url
                ),
            );
        } else if let Some(other) =
            beside().find(|other| shadows(&other.frontend_model_name, &model.frontend_model_name))
        {
            let message = format!(
                "this route is never used: `{1}` above matches every model name that `{0}` matches",
                model.frontend_model_name, other.frontend_model_name
            );
            warnings.push(Located {
                value: message,
                at: at.clone(),
            });
        }
        models.push((model, at));
    }
    let models = models.into_iter().map(|(model, _)| model).collect();
    let config = Config {
        server,
        aws_credentials,
        secret,
        response_store,
        models,
    };
    (complete && reader.problems.is_empty()).then_some((config, warnings))
}

/// The minimum length of `server.secret`, in characters.
const SECRET_LENGTH: usize = 16;

/// Checks `server.secret`. Messages do not quote it.
fn validate_secret(reader: &mut ConfigReader<'_>, secret: Located<ExpandedText>) -> Option<Secret> {
    let Located { value: text, at } = secret;
    if text.written.is_empty() {
        return None;
    }
    if text.value.chars().count() < SECRET_LENGTH {
        reader.report(
            &at,
            format!("the secret must have at least {SECRET_LENGTH} characters"),
        );
        return None;
    }
    Some(Secret::new(text.value))
}

/// Whether the earlier of two patterns is used for every name that the later one matches.
fn shadows(earlier: &ModelPattern, later: &ModelPattern) -> bool {
    earlier.precedence() >= later.precedence() && earlier.matches(later.as_str())
}

/// Parses a value. A message quotes the text of the file, not the value of a variable.
pub(super) fn parse_value<T>(
    reader: &mut ConfigReader<'_>,
    text: OptionalKey<ExpandedText>,
    parse: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Option<T> {
    let Located { value: text, at } = text?;
    match parse(&text.value) {
        Ok(value) => Some(value),
        // The text before an `@` may be a password.
        Err(problem) if text.written.is_empty() || text.written.contains('@') => {
            reader.report(&at, format!("this {problem}"));
            None
        }
        Err(problem) => {
            reader.report(&at, format!("`{}` {problem}", text.written));
            None
        }
    }
}

fn validate_server(reader: &mut ConfigReader<'_>, keys: Option<ServerKeys>) -> Server {
    let (host, port, workers) = keys.map_or((None, None, None), |keys| (keys.host, keys.port, keys.workers));
    Server {
        host: parse_value(reader, host, parse_host).unwrap_or_else(|| DEFAULT_HOST.to_owned()),
        port: port.map_or(DEFAULT_PORT, |port| port.value),
        workers: workers.and_then(|workers| NonZeroUsize::new(workers.value.into())),
    }
}

/// Checks one model. `None` if a required value is missing or wrong.
fn validate_model(
    reader: &mut ConfigReader<'_>,
    keys: ModelKeys,
    warnings: &mut Vec<Located<String>>,
) -> Option<ConfiguredModel> {
    let written = WrittenAuth::of(&keys);
    let frontend_model_name = parse_value(reader, keys.frontend_model_name, ModelPattern::parse);
    let frontend_base_url = parse_value(reader, keys.frontend_base_url, Prefix::parse);
    let backend_model_name = parse_value(reader, keys.backend_model_name, BackendModel::parse);
    let backend_base_url = parse_value(reader, keys.backend_base_url, BackendUrl::parse);
    let dialects = validate_dialects(reader, keys.frontend_dialect, keys.backend_dialect);
    let aws = validate_aws_signing(
        reader,
        keys.backend_aws_region,
        keys.backend_aws_profile,
        keys.backend_aws_service,
        keys.backend_api_key.as_ref(),
    );
    let backend_auth = validate_auth(
        reader,
        keys.backend_api_key,
        keys.backend_auth_header,
        keys.backend_auth_schema,
    );
    let system_edits = validate_system_edits(
        reader,
        matches!(dialects, DialectChoice::Neither),
        keys.system_replacements,
        keys.system_append,
        keys.inject_progress,
    );
    let on_loss = match keys.on_loss {
        None => Some(OnLoss::default()),
        name => parse_value(reader, name, OnLoss::parse),
    };
    let dialects = match dialects {
        DialectChoice::Neither => None,
        DialectChoice::Both(pair) => Some(pair),
        DialectChoice::Wrong => return None,
    };
    let model = ConfiguredModel {
        frontend_model_name: frontend_model_name?,
        frontend_base_url: frontend_base_url?,
        dialects,
        backend_model_name: backend_model_name?,
        backend_base_url: backend_base_url?,
        backend_auth: BackendAuth {
            aws: aws?,
            ..backend_auth?
        },
        system_edits,
        on_loss: on_loss?,
        reasoning_carriers: keys.reasoning_carriers.is_none_or(|carried| carried.value),
    };
    written.warn(&model, warnings);
    Some(model)
}

enum DialectChoice {
    Neither,
    Both(DialectPair),
    Wrong,
}

fn validate_dialects(
    reader: &mut ConfigReader<'_>,
    frontend: OptionalKey<ExpandedText>,
    backend: OptionalKey<ExpandedText>,
) -> DialectChoice {
    let given = |text: OptionalKey<ExpandedText>| text.filter(|text| !text.value.value.is_empty());
    match (given(frontend), given(backend)) {
        (None, None) => DialectChoice::Neither,
        (Some(frontend), Some(backend)) => {
            match (parse_dialect(reader, &frontend), parse_dialect(reader, &backend)) {
                (Some(frontend), Some(backend)) => DialectChoice::Both(DialectPair { frontend, backend }),
                _ => DialectChoice::Wrong,
            }
        }
        (Some(only), None) => report_single_dialect(reader, &only, "frontend_dialect", "backend_dialect"),
        (None, Some(only)) => report_single_dialect(reader, &only, "backend_dialect", "frontend_dialect"),
    }
}

fn report_single_dialect(
    reader: &mut ConfigReader<'_>,
    text: &Located<ExpandedText>,
    given: &str,
    missing: &str,
) -> DialectChoice {
    parse_dialect(reader, text);
    reader.report(
        &text.at,
        format!(
            "`{given}` requires `{missing}`: set both to translate, or neither to forward requests unchanged"
        ),
    );
    DialectChoice::Wrong
}

fn parse_dialect(reader: &mut ConfigReader<'_>, text: &Located<ExpandedText>) -> Option<DialectName> {
    let ExpandedText { value, written } = &text.value;
    let found = DialectName::from_str(value).ok();
    if found.is_none() {
        let names = DialectName::ALL.map(DialectName::as_str);
        let hint = match (
            written.to_lowercase().as_str(),
            find_closest(written, names.into_iter()),
        ) {
            ("openai", _) => "did you mean `openai-chat` or `openai-responses`?".to_owned(),
            ("anthropic", _) => "did you mean `claude`?".to_owned(),
            (_, Some(name)) => format!("did you mean `{name}`?"),
            (_, None) => format!("expected one of {}", names.join(", ")),
        };
        // The error's own message quotes the value, which may come from a variable.
        reader.report(&text.at, format!("`{written}` is not a dialect: {hint}"));
    }
    found
}

pub(super) fn default_text(text: &str) -> Located<ExpandedText> {
    Located {
        value: ExpandedText {
            value: text.to_owned(),
            written: text.to_owned(),
        },
        at: YamlPath::default(),
    }
}

fn validate_system_edits(
    reader: &mut ConfigReader<'_>,
    forwarding: bool,
    replacements: OptionalKey<Vec<(Located<String>, ExpandedText)>>,
    append: OptionalKey<ExpandedText>,
    progress: OptionalKey<bool>,
) -> SystemPromptEdits {
    let replacements = replacements.filter(|replacements| !replacements.value.is_empty());
    let append = append.filter(|append| !append.value.value.is_empty());
    let progress = progress.filter(|progress| progress.value);
    let places = [
        replacements.as_ref().map(|found| &found.at),
        append.as_ref().map(|found| &found.at),
        progress.as_ref().map(|found| &found.at),
    ];
    if forwarding {
        for at in places.into_iter().flatten() {
            reader.report(
                at,
                "edits of the system prompt require `frontend_dialect` and `backend_dialect`, which may be the same",
            );
        }
    }
    let mut pairs = Vec::new();
    for (old, new) in replacements.map_or_else(Vec::new, |found| found.value) {
        if old.value.is_empty() {
            reader.report(&old.at, "the text to replace is empty");
        }
        pairs.push((old.value, new.value));
    }
    SystemPromptEdits {
        replacements: pairs,
        append: append.map(|append| append.value.value),
        inject_progress: progress.is_some(),
    }
}
