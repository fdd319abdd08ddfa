//! `cargo xtask completeness`: checks that the compiler finds additions of a vendor.
//!
//! Mappings destructure generated types in full, so a new field or variant stops the build at each place that needs a
//! decision. One `..` in a mapping would break this without any test noticing. This task adds a field and a variant to
//! every type in a copy of `specs/`, builds the library, and checks that the compiler's errors name the type of each
//! document (request, response).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// The name of the added field and tag; no vendor uses it.
const PROBE: &str = "zz_probe";

/// An addition to the schemas, and the compiler's error code for it.
struct Probe {
    what: &'static str,
    add: fn(&mut Value),
    code: &'static str,
}

const PROBES: [Probe; 2] = [
    Probe {
        what: "field",
        add: add_fields,
        code: "E0027",
    },
    Probe {
        what: "variant",
        add: add_variants,
        code: "E0004",
    },
];

/// Runs the task.
///
/// # Errors
/// The compiler missed an addition, or the build could not run.
pub fn run(specs: &Path) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("no workspace")?;
    let scratch = root.join("target/completeness");
    let mut missed = Vec::new();
    for dialect in dialects(specs)? {
        for probe in &PROBES {
            let copy = copy_with(specs, &scratch, &dialect, probe.add)?;
            let found = compiler_errors(root, &scratch, &copy, probe.code)?;
            let folder = format!("src/dialect/{}/", dialect.replace('-', "_"));
            let stops: usize = found
                .iter()
                .filter(|(file, _)| file.starts_with(&folder))
                .map(|(_, t)| t.len())
                .sum();
            println!(
                "{dialect}: a new {} stops the compiler at {stops} places",
                probe.what
            );
            for (file, types) in &found {
                println!(
                    "  {file}: {}",
                    types.iter().cloned().collect::<Vec<_>>().join(", ")
                );
            }
            if stops == 0 {
                missed.push(format!("{dialect}: no mapping finds a new {}", probe.what));
            }
            if probe.code == "E0027" {
                let caught: BTreeSet<&String> = found.values().flatten().collect();
                let absent = documents(specs, &dialect)?
                    .into_iter()
                    .filter(|name| !caught.contains(name));
                missed.extend(absent.map(|name| {
                    format!(
                        "{dialect}: no mapping finds a new field of {name}: is it destructured with `..`?"
                    )
                }));
            }
        }
    }
    if missed.is_empty() {
        Ok(())
    } else {
        Err(missed.join("\n"))
    }
}

fn dialects(specs: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(specs).map_err(|error| format!("{}: {error}", specs.display()))?;
    let folders = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("schema.json").exists());
    let mut names: Vec<String> = folders
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

fn read(file: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// The types of complete documents that are objects. A union of events is omitted: it has no fields.
fn documents(specs: &Path, dialect: &str) -> Result<Vec<String>, String> {
    let schema = read(&specs.join(dialect).join("schema.json"))?;
    let roots = schema["roots"].as_object().ok_or("a schema without roots")?;
    let names = roots.values().filter_map(Value::as_str);
    Ok(names
        .filter(|name| schema["$defs"][*name]["properties"].is_object())
        .map(str::to_owned)
        .collect())
}

/// Copies all specs and applies an addition to the schema of one dialect.
fn copy_with(specs: &Path, scratch: &Path, dialect: &str, add: fn(&mut Value)) -> Result<PathBuf, String> {
    let copy = scratch.join("specs");
    for name in dialects(specs)? {
        let folder = copy.join(&name);
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let overlay = specs.join(&name).join("overlay.json");
        fs::copy(&overlay, folder.join("overlay.json")).map_err(|error| error.to_string())?;
        let mut schema = read(&specs.join(&name).join("schema.json"))?;
        if name == dialect {
            add(&mut schema);
        }
        fs::write(folder.join("schema.json"), schema.to_string()).map_err(|error| error.to_string())?;
    }
    Ok(copy)
}

fn add_fields(schema: &mut Value) {
    let Some(types) = schema["$defs"].as_object_mut() else {
        return;
    };
    for body in types.values_mut() {
        if let Some(properties) = body["properties"].as_object_mut() {
            properties.insert(PROBE.to_owned(), json!({"type": "string"}));
        }
    }
}

fn add_variants(schema: &mut Value) {
    let tagged: BTreeSet<String> = {
        let Some(types) = schema["$defs"].as_object() else {
            return;
        };
        let has_tag = |name: &str| {
            !types
                .get(name)
                .is_none_or(|body| body["properties"]["type"]["const"].is_null())
        };
        types
            .iter()
            .filter(|(_, body)| is_union_of(body, &has_tag))
            .map(|(name, _)| name.clone())
            .collect()
    };
    for name in tagged {
        if let Some(variants) = schema["$defs"][&name]["anyOf"].as_array_mut() {
            variants.push(json!({"$ref": "#/$defs/ZzProbe"}));
        }
    }
    schema["$defs"]["ZzProbe"] = json!({
        "type": "object",
        "properties": {"type": {"const": PROBE, "type": "string"}},
        "required": ["type"]
    });
}

fn is_union_of(body: &Value, fits: &impl Fn(&str) -> bool) -> bool {
    let Some(variants) = body["anyOf"].as_array() else {
        return false;
    };
    let reference = |variant: &Value| {
        variant["$ref"]
            .as_str()
            .and_then(|r| r.strip_prefix("#/$defs/"))
            .map(fits)
    };
    variants.len() > 1 && variants.iter().all(|variant| reference(variant) == Some(true))
}

/// Builds the library with other specs. Returns the files with an error of this code, each with the types in the
/// errors.
fn compiler_errors(
    root: &Path,
    target: &Path,
    specs: &Path,
    code: &str,
) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args([
            "check",
            "--quiet",
            "--lib",
            "--package",
            "llm-proxy",
            "--message-format",
            "json",
        ])
        .env("LLM_PROXY_SPECS", specs)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .map_err(|error| error.to_string())?;
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let message = &message["message"];
        if message["code"]["code"] != code {
            continue;
        }
        let Some(span) = message["spans"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|span| span["is_primary"] == true)
        else {
            continue;
        };
        let file = span["file_name"].as_str().unwrap_or_default().to_owned();
        found
            .entry(file)
            .or_default()
            .insert(type_in_message(message, span));
    }
    if found.is_empty() && !output.status.success() {
        return Err(format!(
            "the scratch build failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    Ok(found)
}

/// The type in a compiler message: in a pattern, the name before the brace; otherwise the first text in backticks.
fn type_in_message(message: &Value, span: &Value) -> String {
    let line = span["text"][0]["text"].as_str().unwrap_or_default();
    let start = span["column_start"]
        .as_u64()
        .and_then(|column| usize::try_from(column).ok())
        .unwrap_or(1)
        - 1;
    let pattern: String = line.chars().skip(start).collect();
    if let Some((name, _)) = pattern.split_once(" {")
        && !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':')
    {
        return name.to_owned();
    }
    let quoted = message["message"].as_str().unwrap_or_default();
    quoted.split('`').nth(1).unwrap_or(quoted).to_owned()
}
