//! The rules for authentication: upstream keys, signatures for AWS, and the keys that clients sign with.

use http::HeaderName;

use super::document::YamlPath;
use super::file::{
    AwsCredentialKeys, DEFAULT_AUTH_HEADER, DEFAULT_AUTH_SCHEMA, DEFAULT_AWS_SERVICE, ModelKeys,
};
use super::reader::{ConfigReader, ExpandedText, Located, OptionalKey};
use super::validate::{default_text, parse_value};
use super::{AwsCredential, AwsSigning, BackendAuth, ConfiguredModel, Secret};

/// Headers that cannot contain a key, because they describe the connection or the body.
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
/// Checks the keys that clients sign with, and leaves out those with problems.
pub(super) fn validate_aws_credentials(
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
                reader.report(&secret.at, "`secret_access_key` is empty");
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
            reader.report(
                &at.unwrap_or_default(),
                "duplicate access key: it is already configured above",
            );
        }
        credentials.push(AwsCredential {
            access_key_id,
            secret_access_key,
        });
    }
    credentials
}
/// Checks how requests are signed: `Some(None)` if they are not signed, `None` if there are problems.
pub(super) fn validate_aws_signing(
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
                reader.report(&text.at, format!("`{name}` requires `backend_aws_region`"));
                valid = false;
            }
        }
        return valid.then_some(None);
    };
    if !cfg!(feature = "aws") {
        reader.report(
            &region.at,
            "this program was built without the cargo feature `aws`, so it cannot sign requests",
        );
        return None;
    }
    if let Some(key) = key.filter(|key| !key.value.value.is_empty()) {
        reader.report(
            &key.at,
            "set `backend_api_key` or `backend_aws_region`, not both: a request has either a key or a signature",
        );
        return None;
    }
    let word = |text: &str| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.chars().all(fits) {
            Ok(text.to_owned())
        } else {
            Err("must be a name such as `eu-west-1`: lowercase letters, digits and hyphens")
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
pub(super) fn validate_auth(
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
            Err("cannot contain a key: this header describes the connection or the body")
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
        // A key from a file often has a line break at its end. HTTP would remove spaces around it, but the user
        // should know what is sent.
        if key.value.trim() != key.value || auth.header_value(&key.value).is_err() {
            reader.report(
                &at,
                "the key begins or ends with a space or line break, or contains a character that headers cannot contain",
            );
            return None;
        }
        auth.api_key = Some(Secret::new(key.value));
    }
    Some(auth)
}
/// How the file sets the authentication of a model. The warnings depend on it.
pub(super) struct WrittenAuth {
    key: Option<WrittenKey>,
    header: Option<YamlPath>,
}

struct WrittenKey {
    at: YamlPath,
    /// The text; `None` if it contains a variable.
    literal: Option<String>,
    /// Whether it contains a variable without an empty default.
    must_have_value: bool,
}

impl WrittenKey {
    /// The warning about a key that is not a variable. It quotes the text only if that is the name of a variable, and
    /// not the key itself.
    fn describe_literal(&self, schema: &str) -> String {
        let text = self.literal.as_deref().unwrap_or_default();
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        };
        for prefix in ["$", "os.environ/", "env."] {
            if let Some(name) = text.strip_prefix(prefix).filter(|name| is_name(name)) {
                return format!(
                    "the text `{text}` itself is sent as the key: write `${{{name}}}` for the variable"
                );
            }
        }
        let word = text.split(' ').next().unwrap_or_default();
        if !schema.is_empty() && word.eq_ignore_ascii_case(schema) {
            return format!(
                "the key begins with `{schema}`, which `backend_auth_schema` adds already: remove it here"
            );
        }
        "the key is written in the file: `${VAR}` would read it from the environment".to_owned()
    }
}

impl WrittenAuth {
    pub(super) fn of(keys: &ModelKeys) -> Self {
        let key = keys.backend_api_key.as_ref().map(|key| {
            let written = &key.value.written;
            WrittenKey {
                at: key.at.clone(),
                literal: (!written.contains("${")).then(|| written.clone()),
                must_have_value: written.contains("${") && !written.contains(":-}"),
            }
        });
        Self {
            key,
            header: keys.backend_auth_header.as_ref().map(|header| header.at.clone()),
        }
    }

    pub(super) fn warn(&self, model: &ConfiguredModel, warnings: &mut Vec<Located<String>>) {
        let mut warn = |at: &YamlPath, message: String| {
            warnings.push(Located {
                value: message,
                at: at.clone(),
            })
        };
        let (auth, url) = (&model.backend_auth, model.backend_base_url.url());
        if let Some(key) = &self.key {
            if auth.api_key.is_none() && key.must_have_value {
                let message = "the value of the variable is empty, so the clients' own keys are forwarded to the upstream";
                warn(&key.at, message.to_owned());
            }
            if auth.api_key.is_some() && key.literal.is_some() && url.scheme() == "https" {
                warn(&key.at, key.describe_literal(&auth.schema));
            }
            if auth.api_key.is_some() && !auth.header_set && url.host_str() == Some("api.anthropic.com") {
                let message = "this upstream expects API keys with `backend_auth_header: x-api-key` and \
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
                format!(
                    "the key is sent as `{sent}`; to send the key alone, set `backend_auth_schema: \"\"`"
                ),
            );
        }
    }
}
