//! Formats settings as text.

use serde_json::{Map, Value, json};

use super::settings::{ClientSettings, VariableValue};
use crate::cli::args::SettingsFormat;

pub fn format_settings(settings: &ClientSettings, format: SettingsFormat) -> String {
    match format {
        SettingsFormat::Text => format_text(settings),
        SettingsFormat::Env => {
            let line = |(name, word): &(&str, VariableValue)| format!("{name}={}\n", word.to_plain());
            settings.env.iter().map(line).collect()
        }
        SettingsFormat::File => settings
            .file
            .as_ref()
            .map(|file| file.text.clone())
            .unwrap_or_default(),
        SettingsFormat::Json => format_json(settings),
    }
}

fn format_text(settings: &ClientSettings) -> String {
    let mut out: String = settings.notes.iter().map(|note| format!("# {note}\n")).collect();
    for (name, word) in &settings.env {
        out.push_str(&format!("export {name}={}\n", word.to_shell_word()));
    }
    if let Some(file) = &settings.file {
        out.push_str(&format!("\n# {}\n{}", file.place, file.text));
    }
    for snippet in &settings.snippets {
        out.push_str(&format!("\n# {}\n{}", snippet.title, snippet.text));
    }
    out
}

fn format_json(settings: &ClientSettings) -> String {
    let env: Map<String, Value> = settings
        .env
        .iter()
        .map(|(name, word)| ((*name).to_owned(), word.to_plain().into()))
        .collect();
    let snippet = |title: &str, text: &str| json!({"title": title, "text": text});
    let value = json!({
        "model": settings.model,
        "dialect": settings.dialect.as_str(),
        "base_url": settings.base_url,
        "env": env,
        "file": settings.file.as_ref().map(|file| json!({"path": file.place, "text": file.text})),
        "snippets": settings.snippets.iter().map(|one| snippet(one.title, &one.text)).collect::<Vec<_>>(),
        "notes": settings.notes,
    });
    format!("{value:#}\n")
}

impl VariableValue {
    fn to_shell_word(&self) -> String {
        match self {
            Self::Text(text) => quote_for_shell(text),
            Self::Variable(name) => format!("\"${name}\""),
        }
    }

    fn to_plain(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Variable(name) => format!("${{{name}}}"),
        }
    }
}

/// Quotes a word for a POSIX shell.
pub fn quote_for_shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
