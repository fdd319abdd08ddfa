//! The keys of the configuration file. Their documentation here is also the text of the JSON Schema.

use schemars::JsonSchema;

use super::document::{YamlNode, YamlPath, YamlStep};
use super::reader::{ConfigReader, ExpandedText, Located, MappingKeys, OptionalKey};
use super::response_store::{DEFAULT_MAX_AGE, DEFAULT_MAX_BYTES};
use super::schema;

/// The address that the proxy listens on when the file does not say.
pub(super) const DEFAULT_HOST: &str = "127.0.0.1";
/// The port that the proxy listens on when the file does not say.
pub(super) const DEFAULT_PORT: u16 = 8080;
/// The most threads that may serve connections.
pub(super) const MAX_WORKERS: u16 = 1024;
/// The header that carries the upstream's key when the file does not say.
pub(super) const DEFAULT_AUTH_HEADER: &str = "Authorization";
/// In place of a secret whose variable is not set, where that is no problem; long enough for every secret.
const STAND_IN: &str = "a-variable-that-is-not-set";
/// The service that requests are signed for when the file does not say.
pub(super) const DEFAULT_AWS_SERVICE: &str = "bedrock";
/// What stands before the key in that header when the file does not say.
pub(super) const DEFAULT_AUTH_SCHEMA: &str = "Bearer";

/// Configuration of llm-proxy.
///
/// `${VAR}` and `${VAR:-default}` in any value are replaced from the environment; `$${` stands for the text `${`.
#[derive(Debug, JsonSchema)]
#[schemars(title = "llm-proxy configuration", deny_unknown_fields)]
pub(super) struct FileKeys {
    /// Where the proxy listens.
    pub(super) server: Option<ServerKeys>,
    /// The models that clients can ask for, and the upstream that answers for each. At least one.
    #[schemars(length(min = 1))]
    pub(super) models: Vec<ModelKeys>,
}

/// Where the proxy listens.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ServerKeys {
    /// The IP address or host name to listen on; `--host` overrides it. `0.0.0.0` is every IPv4 interface, `::`
    /// every interface.
    #[schemars(with = "Option<String>", extend("default" = DEFAULT_HOST))]
    pub(super) host: OptionalKey<ExpandedText>,
    /// The TCP port to listen on; `--port` overrides it. 0 takes any free port.
    #[schemars(with = "Option<schema::OrVariable<u16>>", extend("default" = DEFAULT_PORT))]
    pub(super) port: OptionalKey<u16>,
    /// How many threads serve connections, from 1 to 1024. Each has its own connections to upstreams. Absent: as many as there are processors.
    #[schemars(with = "Option<schema::OrVariable<schema::WorkersSchema>>")]
    pub(super) workers: OptionalKey<u16>,
    /// A secret, at least 16 characters, that marks the reasoning state that clients of other vendors carry back and
    /// forth. Set: state without the mark is not taken back. The same on every replica. Empty: it is not marked.
    #[schemars(with = "Option<String>", extend("default" = ""))]
    pub(super) secret: OptionalKey<ExpandedText>,
    /// AWS keys that clients of the `bedrock` dialect sign their requests with. Set: a request to such a model that is
    /// not signed with one of them (Signature Version 4) is refused. Empty: signatures are not looked at.
    #[schemars(with = "Option<Vec<AwsCredentialKeys>>", extend("default" = []))]
    pub(super) aws_credentials: Vec<AwsCredentialKeys>,
    /// Keeps the answers to clients of the Responses API whose upstream speaks another dialect, so that
    /// `previous_response_id`, `item_reference` and the stored objects' own paths work. Absent: nothing is kept.
    pub(super) response_store: Option<ResponseStoreKeys>,
}

/// Where answers are kept, and for how long.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ResponseStoreKeys {
    /// `memory`: in this process. `disk`: in a file, over restarts. `redis`: in a Redis or Valkey server that several
    /// proxies share.
    #[schemars(with = "schema::OrVariable<schema::StoreKindSchema>")]
    pub(super) kind: OptionalKey<ExpandedText>,
    /// The database file of a `disk` store, which one proxy alone uses. Made where it is not there.
    #[schemars(with = "Option<String>")]
    pub(super) path: OptionalKey<ExpandedText>,
    /// The address of a `redis` store: `redis://`, `rediss://` (TLS) or `unix://`.
    #[schemars(with = "Option<String>")]
    pub(super) url: OptionalKey<ExpandedText>,
    /// Most bytes that `memory` and `disk` keep: a number, or one with `KiB`, `MiB` or `GiB`. What was not used for
    /// longest goes first. Redis has a limit of its own.
    #[schemars(with = "Option<schema::MeasureSchema>", extend("default" = DEFAULT_MAX_BYTES))]
    pub(super) max_bytes: OptionalKey<ExpandedText>,
    /// How long after its last use an answer is kept: a number of days (`d`), hours (`h`), minutes (`m`) or seconds (`s`).
    #[schemars(with = "Option<String>", extend("default" = DEFAULT_MAX_AGE))]
    pub(super) max_age: OptionalKey<ExpandedText>,
}

/// An AWS key that clients sign with. It need not be known to AWS.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct AwsCredentialKeys {
    /// The access key's identifier, which stands in every signature.
    #[schemars(with = "String", length(min = 1))]
    pub(super) access_key_id: OptionalKey<ExpandedText>,
    /// The access key's secret.
    #[schemars(with = "String", length(min = 1))]
    pub(super) secret_access_key: OptionalKey<ExpandedText>,
}

/// One model that clients can ask for.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct ModelKeys {
    #[schemars(skip)]
    pub(super) at: YamlPath,
    /// The model name that clients send. `*` in it stands for any text (`claude-*`, `*`). Of the models that share a
    /// `frontend_base_url`, an exact name wins, then the pattern with the most characters besides `*`, then the
    /// first in the file.
    #[schemars(with = "String", length(min = 1))]
    pub(super) frontend_model_name: OptionalKey<ExpandedText>,
    /// The path under which clients reach this model, such as `/anthropic`: every request below it is routed here.
    /// Several models may share it; of two that both fit a request, the longer wins. `/` is every path.
    #[schemars(with = "String", regex(pattern = r"^/|\$\{"))]
    pub(super) frontend_base_url: OptionalKey<ExpandedText>,
    /// The API that clients of this model speak. With `backend_dialect` the two are translated; when both are the
    /// same the traffic is only routed and its system prompt can be edited. Empty, and `backend_dialect` too: every
    /// request is forwarded as it is, with only the model name and the key replaced.
    #[schemars(with = "Option<schema::OrVariable<schema::DialectSchema>>", extend("default" = ""))]
    pub(super) frontend_dialect: OptionalKey<ExpandedText>,
    /// The model name that is sent to the upstream. `*` keeps the name that the client sent.
    #[schemars(with = "String", length(min = 1))]
    pub(super) backend_model_name: OptionalKey<ExpandedText>,
    /// The upstream's base URL, `http` or `https`; a trailing slash does not matter. Without a query.
    #[schemars(with = "String", regex(pattern = r"^[hH][tT][tT][pP][sS]?://.|\$\{"))]
    pub(super) backend_base_url: OptionalKey<ExpandedText>,
    /// The upstream's key. Set: all authentication headers of the client are removed and this key is sent. Empty:
    /// the client's own headers go to the upstream unchanged.
    #[schemars(with = "Option<String>", extend("default" = ""))]
    pub(super) backend_api_key: OptionalKey<ExpandedText>,
    /// The header that carries the key to the upstream, such as `x-api-key`.
    #[schemars(with = "Option<String>", extend("default" = DEFAULT_AUTH_HEADER))]
    pub(super) backend_auth_header: OptionalKey<ExpandedText>,
    /// The word before the key in that header. Empty: the key stands alone, as `x-api-key` wants it.
    #[schemars(with = "Option<String>", extend("default" = DEFAULT_AUTH_SCHEMA))]
    pub(super) backend_auth_schema: OptionalKey<ExpandedText>,
    /// The AWS region of the upstream, such as `eu-west-1`. Set: requests are signed (Signature Version 4) with
    /// credentials that are looked for where every AWS client looks: environment variables, the shared configuration
    /// files, web identity, the container's and the machine's metadata. Instead of `backend_api_key`.
    #[schemars(with = "Option<String>", extend("default" = ""))]
    pub(super) backend_aws_region: OptionalKey<ExpandedText>,
    /// The profile of the shared AWS configuration files to take credentials from. Needs `backend_aws_region`.
    #[schemars(with = "Option<String>", extend("default" = ""))]
    pub(super) backend_aws_profile: OptionalKey<ExpandedText>,
    /// The service that requests are signed for. Needs `backend_aws_region`.
    #[schemars(with = "Option<String>", extend("default" = DEFAULT_AWS_SERVICE))]
    pub(super) backend_aws_service: OptionalKey<ExpandedText>,
    /// The API that the upstream speaks; see `frontend_dialect`.
    #[schemars(with = "Option<schema::OrVariable<schema::DialectSchema>>", extend("default" = ""))]
    pub(super) backend_dialect: OptionalKey<ExpandedText>,
    /// Texts to replace in the system prompt, old to new, one after the other in the order of the file. Needs both
    /// dialects.
    #[schemars(with = "Option<std::collections::BTreeMap<String, String>>", extend("default" = {}))]
    pub(super) system_replacements: OptionalKey<Vec<(Located<String>, ExpandedText)>>,
    /// Text to add at the end of the system prompt, after the replacements. Needs both dialects.
    #[schemars(with = "Option<String>", extend("default" = ""))]
    pub(super) system_append: OptionalKey<ExpandedText>,
    /// Whether a short summary of the session so far is placed last in the system prompt. It changes with every
    /// request, so an upstream's prompt cache no longer holds what follows it. Needs both dialects.
    #[schemars(with = "Option<schema::OrVariable<bool>>", extend("default" = false))]
    pub(super) inject_progress: OptionalKey<bool>,
    /// What happens when a translation cannot carry a field over whose loss leaves a valid answer. `ignore`: only the
    /// log tells. `warn`: the answer's header `x-llm-proxy-loss` tells, too. `error`: the request is refused with a
    /// 400 that names every such field.
    #[schemars(with = "Option<schema::OrVariable<schema::OnLossSchema>>", extend("default" = "warn"))]
    pub(super) on_loss: OptionalKey<ExpandedText>,
    /// Whether reasoning state of the upstream's vendor crosses clients of another vendor, in fields that they send
    /// back. `false`: it ends here, and the next turn goes out without it.
    #[schemars(with = "Option<schema::OrVariable<bool>>", extend("default" = true))]
    pub(super) reasoning_carriers: OptionalKey<bool>,
}

impl FileKeys {
    /// Reads the keys of the whole file. Problems go to `reader`; what could not be read is absent.
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
