//! From a path and a model's name to the upstream that answers.

use crate::config::{self, Config, DialectPair, Prefix};
use crate::dialect::{self, Dialect, DialectName};
use crate::prompt::SystemEdits;

/// The prefixes that the proxy serves.
#[derive(Debug)]
pub struct Routes {
    /// The longest first.
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
            let at = match groups.iter().position(|group| group.prefix == prefix) {
                Some(at) => at,
                None => {
                    groups.push(RouteGroup {
                        prefix,
                        entries: Vec::new(),
                        frontends: Vec::new(),
                    });
                    groups.len() - 1
                }
            };
            if let Some(group) = groups.get_mut(at) {
                group.entries.push(entry);
                if let Some(frontend) = frontend.filter(|name| !group.frontends.contains(name)) {
                    group.frontends.push(frontend);
                }
            }
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group.prefix.as_str().len()));
        Self { groups }
    }

    /// The prefix that a path lies under, with the rest of the path: empty or starting with one `/`.
    pub fn find<'p>(&self, path: &'p str) -> Option<(&RouteGroup, &'p str)> {
        self.groups.iter().find_map(|group| {
            let rest = group.prefix.strip(path)?;
            // Some clients join a base URL that ends in a slash with a path that starts with one.
            let slashes = rest.len() - rest.trim_start_matches('/').len();
            Some((group, rest.get(slashes.saturating_sub(1)..).unwrap_or_default()))
        })
    }

    /// All upstreams.
    pub fn entries(&self) -> impl Iterator<Item = &RouteEntry> {
        self.groups.iter().flat_map(|group| &group.entries)
    }
}

/// The models that share a prefix.
#[derive(Debug)]
pub struct RouteGroup {
    /// The path under which clients reach them.
    pub prefix: Prefix,
    /// The models, in the order of the file.
    pub entries: Vec<RouteEntry>,
    /// The dialects that clients of this prefix speak, each once.
    frontends: Vec<DialectName>,
}

impl RouteGroup {
    /// The model that a name stands for: an exact name first, then the pattern that says most, then the first.
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

    /// The one upstream of all models, where a request that names none can go: the same address, the same
    /// credential, and nothing to translate.
    pub fn sole_upstream(&self) -> Option<&RouteEntry> {
        let (first, others) = self.entries.split_first()?;
        let same = |entry: &RouteEntry| {
            let (a, b) = (&first.model, &entry.model);
            a.backend_base_url == b.backend_base_url
                && a.backend_auth.header == b.backend_auth.header
                && a.backend_auth.schema == b.backend_auth.schema
                && key(a) == key(b)
                && a.backend_auth.aws == b.backend_auth.aws
        };
        let passes = !self.entries.iter().any(RouteEntry::translates);
        (passes && others.iter().all(same)).then_some(first)
    }

    /// Whether no model of this prefix names its dialects.
    pub fn is_plain(&self) -> bool {
        self.entries.iter().all(|entry| entry.model.dialects.is_none())
    }

    /// Whether requests reach the upstream as they are, so that nobody has to read them.
    pub fn is_verbatim(&self) -> bool {
        self.sole_upstream().is_some()
            && self.entries.iter().all(|entry| {
                entry.model.backend_model_name == config::BackendModel::AsSent
                    && entry.model.system_edits.is_empty()
            })
    }

    /// Whether the prefix ends in `/v1`.
    pub fn is_versioned(&self) -> bool {
        self.prefix.as_str().ends_with("/v1")
    }

    /// The dialect of the first model that names one.
    pub fn dialect_name(&self) -> Option<DialectName> {
        self.frontends.first().copied()
    }

    /// Whether clients of this prefix sign their requests.
    pub fn takes_signatures(&self) -> bool {
        let mut pairs = self.entries.iter().filter_map(|entry| entry.model.dialects);
        pairs.any(|pair| pair.frontend == DialectName::Bedrock)
    }

    /// The dialects that clients of this prefix speak, as far as they are known.
    pub fn dialects(&self) -> impl Iterator<Item = &'static dyn Dialect> {
        self.frontends.iter().map(|name| dialect::find(*name))
    }

    /// The names that clients can ask for; what only a pattern stands for has none.
    pub fn names(&self) -> Vec<&str> {
        let exact = self
            .entries
            .iter()
            .map(|entry| &entry.model.frontend_model_name)
            .filter(|pattern| pattern.is_exact());
        exact.map(|pattern| pattern.as_str()).collect()
    }
}

fn key(model: &config::Model) -> Option<&str> {
    model.backend_auth.api_key.as_ref().map(config::Secret::expose)
}

/// One model of a prefix.
#[derive(Debug)]
pub struct RouteEntry {
    /// What the configuration says.
    pub model: config::Model,
    /// Edits of the system prompt.
    pub edits: SystemEdits,
}

impl RouteEntry {
    fn new(model: config::Model) -> Self {
        let edits = SystemEdits {
            replacements: model.system_edits.replacements.clone(),
            append: model.system_edits.append.clone().unwrap_or_default(),
            inject_progress: model.system_edits.inject_progress,
        };
        Self { model, edits }
    }

    /// The dialects, where requests have to be translated.
    pub fn translation(&self) -> Option<DialectPair> {
        self.model.dialects.filter(|pair| pair.frontend != pair.backend)
    }

    /// Whether requests have to be translated.
    pub fn translates(&self) -> bool {
        self.translation().is_some()
    }

    /// The client's dialect, where it is named and known.
    pub fn client(&self) -> Option<&'static dyn Dialect> {
        self.model.dialects.map(|pair| dialect::find(pair.frontend))
    }
}
