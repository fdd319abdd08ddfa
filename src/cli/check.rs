//! `llm-proxy check`: loads a configuration as the server does, and prints its routes as a table.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use super::table::write_table;
use crate::config::{
    self, AwsSigning, BackendModel, Config, ConfiguredModel, Environment, SystemPromptEdits,
};

const HEADER: [&str; 7] = [
    "PREFIX",
    "MODEL",
    "DIALECTS",
    "BACKEND MODEL",
    "BACKEND URL",
    "AUTHENTICATION",
    "SYSTEM PROMPT",
];

/// Checks `file`. Prints the routes to `out`, and errors and warnings to `err` as `file:line:column: message`. The
/// exit code is 0 for a valid configuration, also with warnings, and otherwise 1.
///
/// # Errors
/// If `out` or `err` cannot be written to.
pub fn check(
    file: &Path,
    environment: &Environment<'_>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<ExitCode> {
    match config::load(file, environment) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                let mut line = String::new();
                // Writing to a String cannot fail.
                let _ = config::write_problem(&mut line, &file.display().to_string(), "warning: ", warning);
                writeln!(err, "{line}")?;
            }
            write_table(out, HEADER, &list_routes(&loaded.config))?;
            writeln!(out, "{}", summarize(&loaded.config))?;
            if let Some(store) = &loaded.config.response_store {
                writeln!(out, "responses are stored {store}")?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            writeln!(err, "{error}")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The rows of the table, in the order in which routes are tried: the first that matches a request is used.
fn list_routes(config: &Config) -> Vec<[String; 7]> {
    let mut models: Vec<&ConfiguredModel> = config.models.iter().collect();
    models.sort_by(|a, b| {
        let (left, right) = (a.frontend_base_url.as_str(), b.frontend_base_url.as_str());
        (Reverse(left.len()), left)
            .cmp(&(Reverse(right.len()), right))
            .then_with(|| {
                b.frontend_model_name
                    .precedence()
                    .cmp(&a.frontend_model_name.precedence())
            })
    });
    models.into_iter().map(describe_route).collect()
}

fn describe_route(model: &ConfiguredModel) -> [String; 7] {
    let dialects = match model.dialects {
        Some(pair) => format!("{} → {}", pair.frontend, pair.backend),
        None => "forwarded".to_owned(),
    };
    let backend_model = match &model.backend_model_name {
        BackendModel::AsSent => "client's name".to_owned(),
        BackendModel::Named(name) => name.clone(),
    };
    [
        model.frontend_base_url.to_string(),
        model.frontend_model_name.to_string(),
        dialects,
        backend_model,
        model.backend_base_url.to_string(),
        describe_authentication(model),
        describe_edits(&model.system_edits),
    ]
}

fn describe_authentication(model: &ConfiguredModel) -> String {
    let auth = &model.backend_auth;
    let header = format!("{} {}", auth.header, auth.schema);
    let header = header.trim_end();
    if let Some(AwsSigning {
        region,
        profile,
        service,
    }) = &auth.aws
    {
        let profile = profile.as_ref().map(|profile| format!(", profile {profile}"));
        return format!("signed for {service} in {region}{}", profile.unwrap_or_default());
    }
    match &auth.api_key {
        Some(_) => format!("{header}: key set"),
        None if auth.header_set || auth.schema_set => format!("{header}: client's own key"),
        None => "client's own key".to_owned(),
    }
}

fn describe_edits(edits: &SystemPromptEdits) -> String {
    let mut words = Vec::new();
    match edits.replacements.len() {
        0 => {}
        1 => words.push("1 replacement".to_owned()),
        count => words.push(format!("{count} replacements")),
    }
    if edits.append.is_some() {
        words.push("append".to_owned());
    }
    if edits.inject_progress {
        words.push("progress".to_owned());
    }
    if words.is_empty() {
        "unchanged".to_owned()
    } else {
        words.join(", ")
    }
}

fn summarize(config: &Config) -> String {
    let prefixes: BTreeSet<&str> = config
        .models
        .iter()
        .map(|model| model.frontend_base_url.as_str())
        .collect();
    let count = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let prefix = if prefixes.len() == 1 { "prefix" } else { "prefixes" };
    let host = &config.server.host;
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.clone()
    };
    format!(
        "valid: {} under {} {prefix}; listens on {host}:{}",
        count(config.models.len(), "model"),
        prefixes.len(),
        config.server.port
    )
}
