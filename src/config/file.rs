//! The keys of the configuration file. Their documentation here is also the text of the JSON Schema.

use schemars::JsonSchema;

use super::document::{YamlNode, YamlPath, YamlStep};
use super::reader::{ConfigReader, ExpandedText, Located, MappingKeys, OptionalKey};
use super::response_store::{DEFAULT_MAX_AGE, DEFAULT_MAX_BYTES};
use super::schema;

/// The default of `server.host`.
pub(super) const DEFAULT_HOST: &str = "127.0.0.1";
/// The default of `server.port`.
pub(super) const DEFAULT_PORT: u16 = 8080;
/// The maximum of `server.workers`.
pub(super) const MAX_WORKERS: u16 = 1024;
/// The default of `backend_auth_header`.
pub(super) const DEFAULT_AUTH_HEADER: &str = "Authorization";
/// Replaces a secret whose variable is not set, for commands that do not use secrets. It passes the checks of every
/// secret, also that of the minimum length.
const STAND_IN: &str = "a-variable-that-is-not-set";
/// The default of `backend_aws_service`.
pub(super) const DEFAULT_AWS_SERVICE: &str = "bedrock";
/// The default of `backend_auth_schema`.
pub(super) const DEFAULT_AUTH_SCHEMA: &str = "Bearer";

/// Configuration of llm-proxy.
///
/// `${VAR}` and `${VAR:-default}` in any value are replaced by environment variables; `$${` is the literal text `${`.
#[derive(Debug, JsonSchema)]
#[schemars(title = "llm-proxy configuration", deny_unknown_fields)]
pub(super) struct FileKeys {
    /// Settings of the proxy as a whole.
    pub(super) server: Option<ServerKeys>,
    /// The models that clients can request, each with its upstream. At least one.
    #[schemars(length(min = 1))]
    pub(super) models: Vec<ModelKeys>,
}

/// Settings of the proxy as a whole.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ServerKeys {
    /// The IP address or host name to listen on; `--host` overrides it. `0.0.0.0` means all IPv4 interfaces, `::` all
    /// interfaces.
    #[schemars(with = "Option<String>", extend("default" = DEFAULT_HOST))]
    pub(super) host: OptionalKey<ExpandedText>,
    /// The TCP port to listen on; `--port` overrides it. 0 means any free port.
    #[schemars(with = "Option<schema::OrVariable<u16>>", extend("default" = DEFAULT_PORT))]
    pub(super) port: OptionalKey<u16>,
    /// The number of threads that serve connections, from 1 to 1024. Each thread has separate connections to the
    /// upstreams. Default: one per processor.
    #[schemars(with = "Option<schema::OrVariable<schema::WorkersSchema>>")]
    pub(super) workers: OptionalKey<u16>,
    /// A secret of at least 16 characters that signs the reasoning state which clients of other vendors receive and send
    /// back. If it is set, unsigned reasoning state is dropped. All replicas need the same secret. Empty: reasoning state
    /// is not signed.
    #[schemars(with = "Option<String>", extend("default" = ""))]
    pub(super) secret: OptionalKey<ExpandedText>,
    /// AWS keys that clients of the `bedrock` dialect sign their requests with. If it is set, requests to such models
    /// without a valid signature (Signature Version 4) of one of these keys are refused. Empty: signatures are not
    /// checked.
    #[schemars(with = "Option<Vec<AwsCredentialKeys>>", extend("default" = []))]
    pub(super) aws_credentials: Vec<AwsCredentialKeys>,
    /// Stores responses to clients of the Responses API whose upstream speaks another dialect, so that they can use
    /// `previous_response_id`, `item_reference` and the endpoints of stored responses. Absent: nothing is stored.
    pub(super) response_store: Option<ResponseStoreKeys>,
}

/// Where responses are stored, and for how long.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ResponseStoreKeys {
    /// `memory`: in the memory of this process. `disk`: in a file that survives restarts. `redis`: in a Redis or Valkey
    /// server that several proxies share.
    #[schemars(with = "schema::OrVariable<schema::StoreKindSchema>")]
    pub(super) kind: OptionalKey<ExpandedText>,
    /// The database file of a `disk` store. Only one proxy can use it. It is created if it does not exist.
    #[schemars(with = "Option<String>")]
    pub(super) path: OptionalKey<ExpandedText>,
    /// The address of a `redis` store: `redis://`, `rediss://` (TLS) or `unix://`.
    #[schemars(with = "Option<String>")]
    pub(super) url: OptionalKey<ExpandedText>,
    /// The maximum size of a `memory` or `disk` store: a number of bytes, or a number with `KiB`, `MiB` or `GiB`. The
    /// least recently used responses are removed first. A `redis` store has its own limit.
    #[schemars(with = "Option<schema::MeasureSchema>", extend("default" = DEFAULT_MAX_BYTES))]
    pub(super) max_bytes: OptionalKey<ExpandedText>,
    /// How long a response is stored after its last use: a number of days (`d`), hours (`h`), minutes (`m`) or seconds
    /// (`s`).
    #[schemars(with = "Option<String>", extend("default" = DEFAULT_MAX_AGE))]
    pub(super) max_age: OptionalKey<ExpandedText>,
}

/// An AWS key that clients sign with. AWS does not need to know it.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct AwsCredentialKeys {
    /// The identifier of the access key, which is part of every signature.
    #[schemars(with = "String", length(min = 1))]
    pub(super) access_key_id: OptionalKey<ExpandedText>,
    /// The secret of the access key.
    #[schemars(with = "String", length(min = 1))]
    pub(super) secret_access_key: OptionalKey<ExpandedText>,
}

/// One model that clients can request.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ModelKeys {
    #[schemars(skip)]
    pub(super) at: YamlPath,
    /// The model name that clients send. `*` matches any text (`claude-*`, `*`). Among the models with the same
    /// `frontend_base_url`, an exact name has priority, then the pattern with the most characters other than `*`, then
    /// the first in the file.
    #[schemars(with = "String", length(min = 1))]
    pub(super) frontend_model_name: OptionalKey<ExpandedText>,
    /// The path prefix under which clients reach this model, such as `/anthropic`. All requests below it use this route.
    /// Several models may have the same prefix. If two prefixes match a request, the longer one is used. `/` matches
    /// every path.
    #[schemars(with = "String", regex(pattern = r"^/|\$\{"))]
    pub(super) frontend_base_url: OptionalKey<ExpandedText>,
    /// The API that clients of this model speak. If it differs from `backend_dialect`, the proxy translates. If both are
    /// the same, requests are only routed, and their system prompt can be edited. If both are empty, requests are
    /// forwarded unchanged, except for the model name and the key.
    #[schemars(with = "Option<schema::OrVariable<schema::DialectSchema>>", extend("default" = ""))]
    pub(super) frontend_dialect: OptionalKey<ExpandedText>,
    /// The model name that is sent to the upstream. `*` keeps the client's model name.
    #[schemars(with = "String", length(min = 1))]
    pub(super) backend_model_name: OptionalKey<ExpandedText>,
    /// The base URL of the upstream, `http` or `https`, without a query. A trailing slash has no effect.
    #[schemars(with = "String", regex(pattern = r"^[hH][tT][tT][pP][sS]?://.|\$\{"))]
    pub(super) backend_base_url: OptionalKey<ExpandedText>,
    /// The key for the upstream. If it is set, it replaces all authentication headers of the client. Empty: the headers
    /// of the client are forwarded.
    #[schemars(with = "Option<String>", extend("default" = ""))]
    pub(super) backend_api_key: OptionalKey<ExpandedText>,
    /// The header that contains the key for the upstream, such as `x-api-key`.
    #[schemars(with = "Option<String>", extend("default" = DEFAULT_AUTH_HEADER))]
    pub(super) backend_auth_header: OptionalKey<ExpandedText>,
    /// The word before the key in that header. Empty: the header contains only the key, as `x-api-key` requires.
    #[schemars(with = "Option<String>", extend("default" = DEFAULT_AUTH_SCHEMA))]
    pub(super) backend_auth_schema: OptionalKey<ExpandedText>,
    /// The AWS region of the upstream, such as `eu-west-1`. If it is set, requests are signed (Signature Version 4) with
    /// credentials from the AWS default chain: environment variables, the shared configuration files, web identity, and
    /// the metadata of the container or machine. Excludes `backend_api_key`.
    #[schemars(with = "Option<String>", extend("default" = ""))]
    pub(super) backend_aws_region: OptionalKey<ExpandedText>,
    /// The profile of the shared AWS configuration files that contains the credentials. Requires `backend_aws_region`.
    #[schemars(with = "Option<String>", extend("default" = ""))]
    pub(super) backend_aws_profile: OptionalKey<ExpandedText>,
    /// The AWS service that requests are signed for. Requires `backend_aws_region`.
    #[schemars(with = "Option<String>", extend("default" = DEFAULT_AWS_SERVICE))]
    pub(super) backend_aws_service: OptionalKey<ExpandedText>,
    /// The API that the upstream speaks; see `frontend_dialect`.
    #[schemars(with = "Option<schema::OrVariable<schema::DialectSchema>>", extend("default" = ""))]
    pub(super) backend_dialect: OptionalKey<ExpandedText>,
    /// Texts to replace in the system prompt, old to new, in the order of the file. Requires both dialects.
    #[schemars(with = "Option<std::collections::BTreeMap<String, String>>", extend("default" = {}))]
    pub(super) system_replacements: OptionalKey<Vec<(Located<String>, ExpandedText)>>,
    /// Text to append to the system prompt, after the replacements. Requires both dialects.
    #[schemars(with = "Option<String>", extend("default" = ""))]
    pub(super) system_append: OptionalKey<ExpandedText>,
    /// Whether to append a short summary of the session to the system prompt. The summary changes with every request, so
    /// the upstream's prompt cache misses everything after it. Requires both dialects.
    #[schemars(with = "Option<schema::OrVariable<bool>>", extend("default" = false))]
    pub(super) inject_progress: OptionalKey<bool>,
    /// What to do if a field cannot be translated and the response is valid without it. `ignore`: only log the loss.
    /// `warn`: also list it in the response header `x-llm-proxy-loss`. `error`: refuse the request with a 400 that names
    /// every such field.
    #[schemars(with = "Option<schema::OrVariable<schema::OnLossSchema>>", extend("default" = "warn"))]
    pub(super) on_loss: OptionalKey<ExpandedText>,
    /// Whether clients of another vendor receive the upstream's reasoning state in a field that they send back. `false`:
    /// they do not receive it, and the next request to the upstream does not contain it.
    #[schemars(with = "Option<schema::OrVariable<bool>>", extend("default" = true))]
    pub(super) reasoning_carriers: OptionalKey<bool>,
}

impl FileKeys {
    /// Reads the keys of the whole file. Problems are reported to `reader`; a key with a problem is absent.
    pub(super) fn read(reader: &mut ConfigReader<'_>, document: &YamlNode) -> Option<Self> {
        let mut keys = MappingKeys::of(reader, document, YamlPath::default())?;
        let server = keys.take_node("server");
        let models = keys.take_required_node("models");
        keys.finish(reader);
        let server = server.and_then(|(node, at)| {
            let mut keys = MappingKeys::of(reader, node, at)?;
            let server = ServerKeys::take(reader, &mut keys);
            keys.finish(reader);
            Some(server)
        });
        let models = models.map_or_else(Vec::new, |(node, at)| read_models(reader, node, &at));
        Some(Self { server, models })
    }
}

fn read_models(reader: &mut ConfigReader<'_>, node: &YamlNode, at: &YamlPath) -> Vec<ModelKeys> {
    let YamlNode::List(items) = node else {
        reader.report(
            at,
            format!("`models`: expected a list of models, found {}", node.kind()),
        );
        return Vec::new();
    };
    if items.is_empty() {
        reader.report(at, "the list of models is empty: there is nothing to serve");
    }
    let mut models = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let at = at.child(YamlStep::Item(index));
        if let Some(mut keys) = MappingKeys::of(reader, item, at.clone()) {
            models.push(ModelKeys::take(reader, &mut keys, at));
            keys.finish(reader);
        }
    }
    models
}

impl ServerKeys {
    pub(super) fn take(reader: &mut ConfigReader<'_>, keys: &mut MappingKeys<'_>) -> Self {
        Self {
            host: keys.read_text(reader, "host"),
            port: keys.read_port(reader, "port"),
            workers: keys.read_number(reader, "workers", "number of threads", 1..=MAX_WORKERS),
            secret: keys.read_secret_text(reader, "secret", STAND_IN),
            aws_credentials: read_credentials(reader, keys.take_node("aws_credentials")),
            response_store: keys.take_node("response_store").and_then(|(node, at)| {
                let mut keys = MappingKeys::of(reader, node, at)?;
                let store = ResponseStoreKeys::take(reader, &mut keys);
                keys.finish(reader);
                Some(store)
            }),
        }
    }
}

impl ResponseStoreKeys {
    pub(super) fn take(reader: &mut ConfigReader<'_>, keys: &mut MappingKeys<'_>) -> Self {
        Self {
            kind: keys.read_required_text(reader, "kind"),
            path: keys.read_text(reader, "path"),
            url: keys.read_secret_text(reader, "url", "redis://localhost"),
            max_bytes: keys.read_quantity(reader, "max_bytes"),
            max_age: keys.read_text(reader, "max_age"),
        }
    }
}

fn read_credentials(
    reader: &mut ConfigReader<'_>,
    found: Option<(&YamlNode, YamlPath)>,
) -> Vec<AwsCredentialKeys> {
    let Some((node, at)) = found else {
        return Vec::new();
    };
    let YamlNode::List(items) = node else {
        reader.report(
            &at,
            format!(
                "`aws_credentials`: expected a list of keys, found {}",
                node.kind()
            ),
        );
        return Vec::new();
    };
    let mut credentials = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        if let Some(mut keys) = MappingKeys::of(reader, item, at.child(YamlStep::Item(index))) {
            credentials.push(AwsCredentialKeys::take(reader, &mut keys));
            keys.finish(reader);
        }
    }
    credentials
}

impl AwsCredentialKeys {
    pub(super) fn take(reader: &mut ConfigReader<'_>, keys: &mut MappingKeys<'_>) -> Self {
        Self {
            access_key_id: keys.read_required_text(reader, "access_key_id"),
            secret_access_key: keys.read_required_secret_text(reader, "secret_access_key", STAND_IN),
        }
    }
}

impl ModelKeys {
    pub(super) fn take(reader: &mut ConfigReader<'_>, keys: &mut MappingKeys<'_>, at: YamlPath) -> Self {
        Self {
            at,
            frontend_model_name: keys.read_required_text(reader, "frontend_model_name"),
            frontend_base_url: keys.read_required_text(reader, "frontend_base_url"),
            frontend_dialect: keys.read_text(reader, "frontend_dialect"),
            backend_model_name: keys.read_required_text(reader, "backend_model_name"),
            backend_base_url: keys.read_required_text(reader, "backend_base_url"),
            backend_api_key: keys.read_secret_text(reader, "backend_api_key", STAND_IN),
            backend_auth_header: keys.read_text(reader, "backend_auth_header"),
            backend_auth_schema: keys.read_text(reader, "backend_auth_schema"),
            backend_aws_region: keys.read_text(reader, "backend_aws_region"),
            backend_aws_profile: keys.read_text(reader, "backend_aws_profile"),
            backend_aws_service: keys.read_text(reader, "backend_aws_service"),
            backend_dialect: keys.read_text(reader, "backend_dialect"),
            system_replacements: keys.read_pairs(reader, "system_replacements"),
            system_append: keys.read_text(reader, "system_append"),
            inject_progress: keys.read_flag(reader, "inject_progress"),
            on_loss: keys.read_text(reader, "on_loss"),
            reasoning_carriers: keys.read_flag(reader, "reasoning_carriers"),
        }
    }
}
