//! Chooses the route for a client.

use std::fmt::Write as _;

use super::SupportedClient;
use super::show::quote_for_shell;
use crate::canonical::DialectName;
use crate::config::{Config, ConfiguredModel, find_closest};

/// The route that a client is configured for.
#[derive(Debug)]
pub struct ClientTarget<'a> {
    /// The route.
    pub model: &'a ConfiguredModel,
    /// The model name that the client sends.
    pub name: String,
    /// The dialect that the client uses on this route.
    pub dialect: DialectName,
    /// The identifier of the first key in `server.aws_credentials`, if requests must be signed.
    pub access_key_id: Option<&'a str>,
}

/// Chooses the route by the options `--model` and `--prefix`, where they are given.
///
/// # Errors
/// A message for the user if no route fits the client, or more than one does.
pub fn choose_route<'a>(
    client: SupportedClient,
    name: Option<&str>,
    prefix: Option<&str>,
    config: &'a Config,
) -> Result<ClientTarget<'a>, String> {
    let models: Vec<&ConfiguredModel> = match prefix {
        Some(prefix) => filter_by_prefix(prefix, config)?,
        None => config.models.iter().collect(),
    };
    let speaks = |model: &&ConfiguredModel| find_dialect(client, model).is_some();
    let served: Vec<&ConfiguredModel> = models.iter().copied().filter(speaks).collect();
    if served.is_empty() {
        return Err(describe_wrong_dialect(client, prefix, config));
    }
    let found = match name {
        Some(name) => find_by_name(client, name, &models)?,
        None => find_only_model(client, &served)?,
    };
    check_reachable(client, found, config)
}

fn filter_by_prefix<'a>(prefix: &str, config: &'a Config) -> Result<Vec<&'a ConfiguredModel>, String> {
    let wanted = match prefix.trim_end_matches('/') {
        "" => "/",
        wanted => wanted,
    };
    let models: Vec<&ConfiguredModel> = config
        .models
        .iter()
        .filter(|model| model.frontend_base_url.as_str() == wanted)
        .collect();
    if models.is_empty() {
        let mut prefixes: Vec<&str> = config
            .models
            .iter()
            .map(|model| model.frontend_base_url.as_str())
            .collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        let hint = find_closest(wanted, prefixes.iter().copied()).map_or_else(
            || format!("the prefixes are {}", prefixes.join(", ")),
            |name| format!("did you mean {name}?"),
        );
        return Err(format!("no model has the frontend_base_url {wanted}: {hint}"));
    }
    Ok(models)
}

/// The dialect that a client uses on a route; `None` if the client cannot use the route.
fn find_dialect(client: SupportedClient, model: &ConfiguredModel) -> Option<DialectName> {
    let dialects = client.dialects();
    match model.dialects {
        Some(pair) => dialects.iter().copied().find(|dialect| *dialect == pair.frontend),
        None => dialects.first().copied(),
    }
}

/// Finds the route for a model name. Each prefix has one route for the name; the client must be able to use it.
fn find_by_name<'a>(
    client: SupportedClient,
    name: &str,
    models: &[&'a ConfiguredModel],
) -> Result<ClientTarget<'a>, String> {
    let mut winners: Vec<&ConfiguredModel> = Vec::new();
    for model in models
        .iter()
        .copied()
        .filter(|model| model.frontend_model_name.matches(name))
    {
        let rank = |model: &ConfiguredModel| model.frontend_model_name.precedence();
        match winners
            .iter_mut()
            .find(|known| known.frontend_base_url == model.frontend_base_url)
        {
            // For equal ranks, the first in the file is used.
            Some(known) if rank(model) > rank(known) => *known = model,
            Some(_) => {}
            None => winners.push(model),
        }
    }
    let mut served: Vec<&ConfiguredModel> = winners
        .iter()
        .copied()
        .filter(|model| find_dialect(client, model).is_some())
        .collect();
    // Prefer a route with dialects to one that only forwards, and an exact name to a pattern.
    let rules: [fn(&ConfiguredModel) -> bool; 2] = [
        |model| model.dialects.is_some(),
        |model| model.frontend_model_name.is_exact(),
    ];
    for rule in rules {
        if served.iter().any(|model| rule(model)) {
            served.retain(|model| rule(model));
        }
    }
    match served.as_slice() {
        [one] => make_target(client, one, name).ok_or_else(|| describe_unknown_model(client, name, models)),
        [] if !winners.is_empty() => Err(format!(
            "{} {}, but `{name}` is configured for other dialects only:\n{}\n{}",
            client.title(),
            describe_dialects(client),
            list_routes(&winners, None),
            describe_unknown_model(client, name, models)
        )),
        [] => Err(describe_unknown_model(client, name, models)),
        several => Err(format!(
            "`{name}` is configured under several prefixes; choose one with --prefix:\n{}",
            list_routes(several, Some(name))
        )),
    }
}

/// The model for a client without `--model`: the only one with an exact name.
fn find_only_model<'a>(
    client: SupportedClient,
    served: &[&'a ConfiguredModel],
) -> Result<ClientTarget<'a>, String> {
    let exact: Vec<&ConfiguredModel> = served
        .iter()
        .copied()
        .filter(|model| model.frontend_model_name.is_exact())
        .collect();
    match exact.as_slice() {
        [one] => {
            let name = one.frontend_model_name.as_str();
            make_target(client, one, name).ok_or_else(|| describe_unknown_model(client, name, served))
        }
        [] => Err(format!(
            "choose a model name with --model that one of these patterns matches:\n{}",
            list_routes(served, None)
        )),
        _ => Err(format!(
            "several models are configured for this client; choose one with --model:\n{}",
            list_routes(served, None)
        )),
    }
}

fn make_target<'a>(
    client: SupportedClient,
    model: &'a ConfiguredModel,
    name: &str,
) -> Option<ClientTarget<'a>> {
    Some(ClientTarget {
        model,
        name: name.to_owned(),
        dialect: find_dialect(client, model)?,
        access_key_id: None,
    })
}

/// Checks that the client's requests will reach the route: a longer prefix may match them, too, and they must be
/// signed if the prefix has a Bedrock model and the configuration has `server.aws_credentials`.
fn check_reachable<'a>(
    client: SupportedClient,
    found: ClientTarget<'a>,
    config: &'a Config,
) -> Result<ClientTarget<'a>, String> {
    let prefix = &found.model.frontend_base_url;
    let path = format!(
        "{}{}",
        client_path(found.model, found.dialect),
        endpoint_path(found.dialect)
    );
    let taken = config
        .models
        .iter()
        .map(|model| &model.frontend_base_url)
        .filter(|other| other.strip(&path).is_some())
        .max_by_key(|other| other.as_str().len());
    if let Some(other) = taken.filter(|other| *other != prefix) {
        return Err(format!(
            "requests of {} go to {path}, which belongs to the prefix {other}, not to {prefix}: change one of the prefixes",
            client.title()
        ));
    }
    let signs = |model: &ConfiguredModel| {
        let pair = model
            .dialects
            .filter(|pair| pair.frontend == DialectName::Bedrock);
        &model.frontend_base_url == prefix && pair.is_some()
    };
    let key = config
        .aws_credentials
        .first()
        .filter(|_| config.models.iter().any(signs));
    match key {
        Some(_) if found.dialect != DialectName::Bedrock => Err(format!(
            "requests under {prefix} must be signed with one of server.aws_credentials, because a model with \
             `frontend_dialect: bedrock` has the same prefix, and {} cannot sign: move the model to another prefix",
            client.title()
        )),
        key => Ok(ClientTarget {
            access_key_id: key.map(|key| key.access_key_id.as_str()),
            ..found
        }),
    }
}

/// The path of the client's base URL, without a trailing slash. OpenAI clients expect the version (`/v1`) in the base
/// URL; Anthropic clients add it.
pub fn client_path(model: &ConfiguredModel, dialect: DialectName) -> String {
    let prefix = model.frontend_base_url.as_str().trim_end_matches('/');
    match dialect {
        DialectName::OpenAiChat | DialectName::OpenAiResponses if prefix.ends_with("/v1") => {
            prefix.to_owned()
        }
        DialectName::OpenAiChat | DialectName::OpenAiResponses => format!("{prefix}/v1"),
        DialectName::Claude => prefix.strip_suffix("/v1").unwrap_or(prefix).to_owned(),
        DialectName::Bedrock => prefix.to_owned(),
    }
}

/// The path that the client appends to its base URL.
pub fn endpoint_path(dialect: DialectName) -> &'static str {
    match dialect {
        DialectName::OpenAiChat => "/chat/completions",
        DialectName::OpenAiResponses => "/responses",
        DialectName::Claude => "/v1/messages",
        DialectName::Bedrock => "/model",
    }
}

fn describe_dialects(client: SupportedClient) -> String {
    let names: Vec<&str> = client.dialects().iter().map(|dialect| dialect.as_str()).collect();
    format!(
        "speak{} {}",
        if client.is_singular() { "s" } else { "" },
        names.join(" or ")
    )
}

fn describe_wrong_dialect(client: SupportedClient, prefix: Option<&str>, config: &Config) -> String {
    let all: Vec<&ConfiguredModel> = config.models.iter().collect();
    let served: Vec<&ConfiguredModel> = all
        .iter()
        .copied()
        .filter(|model| find_dialect(client, model).is_some())
        .collect();
    let first = client
        .dialects()
        .first()
        .copied()
        .unwrap_or(DialectName::OpenAiChat);
    let (title, speaks) = (client.title(), describe_dialects(client));
    match prefix {
        Some(prefix) if !served.is_empty() => format!(
            "{title} {speaks}, but no model under {prefix} has this frontend_dialect. Models for this client:\n{}",
            list_routes(&served, None)
        ),
        _ => format!(
            "{title} {speaks}, but no model has this frontend_dialect: add a model with `frontend_dialect: {first}` and \
             any backend_dialect. The configured models:\n{}",
            list_routes(&all, None)
        ),
    }
}

fn describe_unknown_model(client: SupportedClient, name: &str, models: &[&ConfiguredModel]) -> String {
    let served: Vec<&ConfiguredModel> = models
        .iter()
        .copied()
        .filter(|model| find_dialect(client, model).is_some())
        .collect();
    let names = served.iter().map(|model| model.frontend_model_name.as_str());
    let hint = find_closest(name, names)
        .map(|near| format!(": did you mean `{near}`?"))
        .unwrap_or_default();
    format!(
        "no model for {} is named `{name}`{hint}\n{}",
        client.title(),
        list_routes(&served, None)
    )
}

/// Lists routes, one per line, as the options that choose them.
fn list_routes(models: &[&ConfiguredModel], name: Option<&str>) -> String {
    let mut out = String::new();
    for (index, model) in models.iter().enumerate() {
        let dialect = match model.dialects {
            Some(pair) => pair.frontend.as_str(),
            None => "no dialects, forwarded unchanged",
        };
        let name = name.unwrap_or(model.frontend_model_name.as_str());
        let end = if index + 1 == models.len() { "" } else { "\n" };
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "  --model {} --prefix {} ({dialect}){end}",
            quote_for_shell(name),
            model.frontend_base_url
        );
    }
    out
}
