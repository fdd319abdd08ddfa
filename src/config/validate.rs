//! From the keys of the file to the typed configuration: every rule that needs more than the kind of one value.

use std::num::NonZeroUsize;
use std::str::FromStr;

use http::HeaderName;

use super::document::YamlPath;
use super::file::{
    AwsCredentialKeys, DEFAULT_AUTH_HEADER, DEFAULT_AUTH_SCHEMA, DEFAULT_AWS_SERVICE, DEFAULT_HOST,
    DEFAULT_PORT, FileKeys, ModelKeys, ServerKeys,
};
use super::reader::{ConfigReader, ExpandedText, Located, OptionalKey, find_closest};
use super::{
    AwsCredential, AwsSigning, BackendAuth, BackendModel, BackendUrl, Config, ConfiguredModel, DialectPair,
    ModelPattern, Prefix, Secret, Server, SystemPromptEdits, parse_host, response_store,
};
use crate::canonical::OnLoss;
use crate::dialect::DialectName;

/// Headers that describe the connection or the body and so can never carry a key.
const NOT_FOR_KEYS: [&str; 12] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The configuration and its warnings. `None` when something is wrong, which is then among the reader's problems.
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
                    "`{}` already stands above for {}",
                    model.frontend_model_name, model.frontend_base_url
                ),
            );
        } else if let Some(other) =
            beside().find(|other| shadows(&other.frontend_model_name, &model.frontend_model_name))
        {
            let message = format!(
                "`{}` is never reached: `{}` above matches all that it does",
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

/// Fewest characters of `server.secret`.
const SECRET_LENGTH: usize = 16;

/// The proxy's own secret. What is wrong with it is told without quoting it.
fn validate_secret(reader: &mut ConfigReader<'_>, secret: Located<ExpandedText>) -> Option<Secret> {
    let Located { value: text, at } = secret;
    if text.written.is_empty() {
        return None;
    }
    if text.value.chars().count() < SECRET_LENGTH {
        reader.report(
            &at,
            format!("the secret is shorter than {SECRET_LENGTH} characters"),
        );
        return None;
    }
    Some(Secret::new(text.value))
}

/// Whether the earlier of two patterns takes every name that the later one matches.
fn shadows(earlier: &ModelPattern, later: &ModelPattern) -> bool {
    earlier.precedence() >= later.precedence() && earlier.matches(later.as_str())
}

/// The value as the type that its rules make of it. A message quotes what the file has, not what a variable holds.
fn parse_value<T>(
    reader: &mut ConfigReader<'_>,
    text: OptionalKey<ExpandedText>,
    parse: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Option<T> {
    let Located { value: text, at } = text?;
    match parse(&text.value) {
        Ok(value) => Some(value),
        // What stands before an `@` may be a password.
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

/// The keys that clients sign with. One that is absent or wrong is among the reader's problems.
fn validate_aws_credentials(
    reader: &mut ConfigReader<'_>,
    keys: Vec<AwsCredentialKeys>,
) -> Vec<AwsCredential> {
    let mut credentials: Vec<AwsCredential> = Vec::with_capacity(keys.len());
    for AwsCredentialKeys {
        access_key_id,
        secret_access_key,
    } in keys
    {
        let at = access_key_id.as_ref().map(|id| id.at.clone());
        let access_key_id = parse_value(reader, access_key_id, |text| {
            let word = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
            if word {
                Ok(text.to_owned())
            } else {
                Err("must be one word of ASCII letters and digits")
            }
        });
        let secret_access_key = secret_access_key.and_then(|secret| {
            if secret.value.value.is_empty() {
                reader.report(&secret.at, "the secret is empty");
                return None;
            }
            Some(Secret::new(secret.value.value))
        });
        let (Some(access_key_id), Some(secret_access_key)) = (access_key_id, secret_access_key) else {
            continue;
        };
        if credentials
            .iter()
            .any(|known| known.access_key_id == access_key_id)
        {
            reader.report(&at.unwrap_or_default(), "this key already stands above");
        }
        credentials.push(AwsCredential {
            access_key_id,
            secret_access_key,
        });
    }
    credentials
}

/// How requests are signed. `Some(None)` where they are not, `None` where something is wrong.
fn validate_aws_signing(
    reader: &mut ConfigReader<'_>,
    region: OptionalKey<ExpandedText>,
    profile: OptionalKey<ExpandedText>,
    service: OptionalKey<ExpandedText>,
    key: Option<&Located<ExpandedText>>,
) -> Option<Option<AwsSigning>> {
    let given = |text: OptionalKey<ExpandedText>| text.filter(|text| !text.value.value.is_empty());
    let (region, profile, service) = (given(region), given(profile), given(service));
    let Some(region) = region else {
        let mut valid = true;
        for (text, name) in [(profile, "backend_aws_profile"), (service, "backend_aws_service")] {
            if let Some(text) = text {
                reader.report(&text.at, format!("{name} needs backend_aws_region beside it"));
                valid = false;
            }
        }
        return valid.then_some(None);
    };
    if !cfg!(feature = "aws") {
        reader.report(
            &region.at,
            "this program was built without the `aws` feature and cannot sign",
        );
        return None;
    }
    if let Some(key) = key.filter(|key| !key.value.value.is_empty()) {
        reader.report(
            &key.at,
            "backend_api_key and backend_aws_region exclude each other: a request has a key or a signature",
        );
        return None;
    }
    let word = |text: &str| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.chars().all(fits) {
            Ok(text.to_owned())
        } else {
            Err("must be a name like `eu-west-1`: small letters, digits and hyphens")
        }
    };
    let service = service.unwrap_or_else(|| default_text(DEFAULT_AWS_SERVICE));
    let (region, service) = (
        parse_value(reader, Some(region), word),
        parse_value(reader, Some(service), word),
    );
    Some(Some(AwsSigning {
        region: region?,
        profile: profile.map(|profile| profile.value.value),
        service: service?,
    }))
}

/// One model. `None` when a required value is absent or wrong.
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

/// How the file writes a model's authentication: what the warnings about it go by.
struct WrittenAuth {
    key: Option<WrittenKey>,
    header: Option<YamlPath>,
}

struct WrittenKey {
    at: YamlPath,
    /// Without a variable.
    literal: bool,
    /// From a variable that nobody said may be empty.
    must_have_value: bool,
}

impl WrittenAuth {
    fn of(keys: &ModelKeys) -> Self {
        let key = keys.backend_api_key.as_ref().map(|key| {
            let written = &key.value.written;
            WrittenKey {
                at: key.at.clone(),
                literal: !written.contains("${"),
                must_have_value: written.contains("${") && !written.contains(":-}"),
            }
        });
        Self {
            key,
            header: keys.backend_auth_header.as_ref().map(|header| header.at.clone()),
        }
    }

    fn warn(&self, model: &ConfiguredModel, warnings: &mut Vec<Located<String>>) {
        let mut warn = |at: &YamlPath, message: String| {
            warnings.push(Located {
                value: message,
                at: at.clone(),
            })
        };
        let (auth, url) = (&model.backend_auth, model.backend_base_url.url());
        if let Some(key) = &self.key {
            if auth.api_key.is_none() && key.must_have_value {
                let message = "the key comes out empty: clients' own authentication goes to the upstream";
                warn(&key.at, message.to_owned());
            }
            if auth.api_key.is_some() && key.literal && url.scheme() == "https" {
                warn(
                    &key.at,
                    "the key stands in the file: `${VAR}` keeps it in the environment".to_owned(),
                );
            }
            if auth.api_key.is_some() && !auth.header_set && url.host_str() == Some("api.anthropic.com") {
                let message = "this upstream takes API keys with `backend_auth_header: x-api-key` and \
                               `backend_auth_schema: \"\"`";
                warn(&key.at, message.to_owned());
            }
        }
        if let Some(at) = &self.header
            && auth.header_set
            && !auth.schema_set
            && auth.header != http::header::AUTHORIZATION
        {
            let sent = format!("{}: {} …", auth.header, auth.schema);
            warn(
                at,
                format!("the key is sent as `{sent}`; for the key alone set `backend_auth_schema: \"\"`"),
            );
        }
    }
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
        format!("{given} needs {missing} beside it: set both to translate, neither to forward"),
    );
    DialectChoice::Wrong
}

fn parse_dialect(reader: &mut ConfigReader<'_>, text: &Located<ExpandedText>) -> Option<DialectName> {
    let ExpandedText { value, written } = &text.value;
    let found = DialectName::from_str(value).ok();
    if found.is_none() {
        let names = DialectName::ALL.map(DialectName::as_str);
        let hint = match find_closest(written, names.into_iter()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("expected one of {}", names.join(", ")),
        };
        // Not the error's own words: they quote the value, which may come from a variable.
        reader.report(&text.at, format!("`{written}` is not a dialect: {hint}"));
    }
    found
}

fn validate_auth(
    reader: &mut ConfigReader<'_>,
    key: OptionalKey<ExpandedText>,
    header: OptionalKey<ExpandedText>,
    schema: OptionalKey<ExpandedText>,
) -> Option<BackendAuth> {
    let header = header.filter(|header| !header.value.value.is_empty());
    let header_set = header.is_some();
    let schema_set = schema.is_some();
    let header = header.unwrap_or_else(|| default_text(DEFAULT_AUTH_HEADER));
    let header = parse_value(reader, Some(header), |text| {
        let name = HeaderName::from_bytes(text.as_bytes()).map_err(|_| "is not a valid header name")?;
        if NOT_FOR_KEYS.contains(&name.as_str()) {
            Err("is not a header that can carry a key")
        } else {
            Ok(name)
        }
    });
    let schema = schema.unwrap_or_else(|| default_text(DEFAULT_AUTH_SCHEMA));
    let schema = parse_value(reader, Some(schema), |text| {
        if text.chars().all(|c| c.is_ascii_graphic()) {
            Ok(text.to_owned())
        } else {
            Err("must be one word of ASCII characters, or empty")
        }
    });
    let (header, schema) = (header?, schema?);
    let mut auth = BackendAuth {
        api_key: None,
        aws: None,
        header,
        schema,
        header_set,
        schema_set,
    };
    if let Some(Located { value: key, at }) = key.filter(|key| !key.value.value.is_empty()) {
        // A key may be pasted or read with a space or a line end around it; a header would drop that anyway, but
        // the operator should know what is sent.
        if key.value.trim() != key.value || auth.header_value(&key.value).is_err() {
            reader.report(
                &at,
                "the key has a space around it, or a character that a header cannot carry",
            );
            return None;
        }
        auth.api_key = Some(Secret::new(key.value));
    }
    Some(auth)
}

fn default_text(text: &str) -> Located<ExpandedText> {
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
                "the system prompt can only be edited when frontend_dialect and backend_dialect are set; \
                 they may be the same",
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
