//! From a path and a model's name to the upstream that serves the request.

use crate::config::{self, Config, DialectPair, Prefix};
use crate::dialect::{self, Dialect, DialectName};
use crate::prompt::SystemEdits;

/// The prefixes that the proxy serves.
#[derive(Debug)]
pub struct Routes {
    /// One group for each prefix. The longest prefix is first, so that the first one that matches is the right one.
    groups: Vec<RouteGroup>,
}

impl Routes {
    /// The routes of a configuration.
    pub fn new(config: Config) -> Self {
        let mut groups: Vec<RouteGroup> = Vec::new();
        for model in config.models {
            let prefix = model.frontend_base_url.clone();
            let entry = RouteEntry::new(model);
            let frontend = entry.model.dialects.map(|pair| pair.frontend);
            let index = match groups.iter().position(|group| group.prefix == prefix) {
                Some(index) => index,
                None => {
                    groups.push(RouteGroup {
                        prefix,
                        entries: Vec::new(),
                        frontends: Vec::new(),
                    });
                    groups.len() - 1
                }
            };
            if let Some(group) = groups.get_mut(index) {
                group.entries.push(entry);
                if let Some(frontend) = frontend.filter(|name| !group.frontends.contains(name)) {
                    group.frontends.push(frontend);
                }
            }
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group.prefix.as_str().len()));
        Self { groups }
    }

    /// The group of the prefix that a path begins with, and the rest of the path, which is empty or begins with one
    /// `/`.
    pub fn find<'p>(&self, path: &'p str) -> Option<(&RouteGroup, &'p str)> {
        self.groups.iter().find_map(|group| {
            let rest = group.prefix.strip(path)?;
            // Some clients append a path that begins with a slash to a base URL that ends in one.
            let slashes = rest.len() - rest.trim_start_matches('/').len();
            Some((group, rest.get(slashes.saturating_sub(1)..).unwrap_or_default()))
        })
    }

    /// The entries of all groups.
    pub fn entries(&self) -> impl Iterator<Item = &RouteEntry> {
        self.groups.iter().flat_map(|group| &group.entries)
    }
}

/// The models that share a prefix. Together they are what a client sees under its base URL.
#[derive(Debug)]
pub struct RouteGroup {
    /// The prefix of the paths that clients request.
    pub prefix: Prefix,
    /// The models, in the order of the configuration file.
    pub entries: Vec<RouteEntry>,
    /// The dialects that clients of this prefix speak, as far as they are configured, each once.
    frontends: Vec<DialectName>,
}

impl RouteGroup {
    /// The entry of a model: that of the exact name, otherwise that of the most specific pattern, otherwise the first
    /// of several.
    pub fn lookup(&self, name: &str) -> Option<&RouteEntry> {
        let mut best: Option<&RouteEntry> = None;
        for entry in &self.entries {
            let pattern = &entry.model.frontend_model_name;
            let better =
                |best: &RouteEntry| pattern.precedence() > best.model.frontend_model_name.precedence();
            if pattern.matches(name) && best.is_none_or(better) {
                best = Some(entry);
            }
        }
        best
    }

    /// The upstream that all models of this prefix share, which a request without a model can be sent to. `None` if the
    /// models differ in URL or credential, or if one is translated.
    pub fn sole_upstream(&self) -> Option<&RouteEntry> {
        let (first, others) = self.entries.split_first()?;
        let same = |entry: &RouteEntry| {
            let (a, b) = (&first.model, &entry.model);
            a.backend_base_url == b.backend_base_url
                && a.backend_auth.header == b.backend_auth.header
                && a.backend_auth.schema == b.backend_auth.schema
                && api_key(a) == api_key(b)
                && a.backend_auth.aws == b.backend_auth.aws
        };
        let is_plain = !self.entries.iter().any(RouteEntry::translates);
        (is_plain && others.iter().all(same)).then_some(first)
    }

    /// Whether no model of this prefix has dialects: then the proxy knows nothing about the API of this prefix.
    pub fn has_no_dialects(&self) -> bool {
        self.entries.iter().all(|entry| entry.model.dialects.is_none())
    }

    /// Whether every request reaches the same upstream with an unchanged body, so that the proxy does not have to
    /// read it.
    pub fn is_verbatim(&self) -> bool {
        self.sole_upstream().is_some()
            && self.entries.iter().all(|entry| {
                entry.model.backend_model_name == config::BackendModel::AsSent
                    && entry.model.system_edits.is_empty()
            })
    }

    /// Whether the prefix ends in `/v1`, so that a client's path begins after it.
    pub fn is_versioned(&self) -> bool {
        self.prefix.as_str().ends_with("/v1")
    }

    /// The first configured dialect of the clients: the best guess for a request whose model is not known.
    pub fn dialect_name(&self) -> Option<DialectName> {
        self.frontends.first().copied()
    }

    /// Whether clients of this prefix sign their requests, as those of Bedrock do.
    pub fn takes_signatures(&self) -> bool {
        let mut pairs = self.entries.iter().filter_map(|entry| entry.model.dialects);
        pairs.any(|pair| pair.frontend == DialectName::Bedrock)
    }

    /// The dialects that clients of this prefix speak, as far as they are configured, each once.
    pub fn dialects(&self) -> impl Iterator<Item = &'static dyn Dialect> {
        self.frontends.iter().map(|name| dialect::find(*name))
    }

    /// The names of the models that a list can contain. A pattern matches any number of names, and so it is left out.
    pub fn model_names(&self) -> Vec<&str> {
        let exact = self
            .entries
            .iter()
            .map(|entry| &entry.model.frontend_model_name)
            .filter(|pattern| pattern.is_exact());
        exact.map(|pattern| pattern.as_str()).collect()
    }
}

fn api_key(model: &config::ConfiguredModel) -> Option<&str> {
    model.backend_auth.api_key.as_ref().map(config::Secret::expose)
}

/// One entry of the configuration: a model of a prefix, or a pattern of names, and its upstream.
#[derive(Debug)]
pub struct RouteEntry {
    /// The configuration of the model.
    pub model: config::ConfiguredModel,
    /// The edits of the system prompt.
    pub edits: SystemEdits,
}

impl RouteEntry {
    fn new(model: config::ConfiguredModel) -> Self {
        let edits = SystemEdits {
            replacements: model.system_edits.replacements.clone(),
            append: model.system_edits.append.clone().unwrap_or_default(),
            inject_progress: model.system_edits.inject_progress,
        };
        Self { model, edits }
    }

    /// The dialects to translate between; `None` if requests stay in their dialect.
    pub fn translation(&self) -> Option<RouteDialects> {
        let pair = self.model.dialects.filter(|pair| pair.frontend != pair.backend);
        pair.map(RouteDialects::from)
    }

    /// Whether requests have to be translated.
    pub fn translates(&self) -> bool {
        self.translation().is_some()
    }

    /// The client's dialect, if it is configured.
    pub fn client_dialect(&self) -> Option<&'static dyn Dialect> {
        self.model.dialects.map(|pair| dialect::find(pair.frontend))
    }
}

/// The dialects that a request is translated between.
#[derive(Clone, Copy)]
pub struct RouteDialects {
    /// The client's dialect.
    pub client: &'static dyn Dialect,
    /// The upstream's dialect.
    pub upstream: &'static dyn Dialect,
}

impl From<DialectPair> for RouteDialects {
    fn from(pair: DialectPair) -> Self {
        Self {
            client: dialect::find(pair.frontend),
            upstream: dialect::find(pair.backend),
        }
    }
}
