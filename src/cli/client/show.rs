//! Settings as text.

use serde_json::{Map, Value, json};

use super::settings::{Settings, Word};
use crate::cli::args::Format;

pub fn show(settings: &Settings, format: Format) -> String {
    match format {
        Format::Text => text(settings),
        Format::Env => {
            let line = |(name, word): &(&str, Word)| format!("{name}={}\n", word.in_file());
            settings.env.iter().map(line).collect()
        }
        Format::File => settings
            .file
            .as_ref()
            .map(|file| file.text.clone())
            .unwrap_or_default(),
        Format::Json => json(settings),
    }
}

fn text(settings: &Settings) -> String {
    let mut out: String = settings.notes.iter().map(|note| format!("# {note}\n")).collect();
    for (name, word) in &settings.env {
        out.push_str(&format!("export {name}={}\n", word.in_shell()));
    }
    if let Some(file) = &settings.file {
        out.push_str(&format!("\n# {}\n{}", file.place, file.text));
    }
    for snippet in &settings.snippets {
        out.push_str(&format!("\n# {}\n{}", snippet.title, snippet.text));
    }
    out
}

fn json(settings: &Settings) -> String {
    let env: Map<String, Value> = settings
        .env
        .iter()
        .map(|(name, word)| ((*name).to_owned(), word.in_file().into()))
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

impl Word {
    fn in_shell(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Variable(name) => format!("\"${name}\""),
        }
    }

    fn in_file(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Variable(name) => format!("${{{name}}}"),
        }
    }
}

/// A word as a shell of POSIX's kind takes it.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
