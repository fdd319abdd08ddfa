//! Every configuration of the corpus: the routes of the valid ones, and the messages about the invalid ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use llm_proxy::cli;
use llm_proxy::config::{self, BackendModel, Secret};
use llm_proxy::dialect::DialectName;
use proptest::prelude::*;
use serde_json::Value;

const EXAMPLE: &str = "config/config.example.yaml";

/// The environment variables of the corpus.
fn environment(name: &str) -> Option<String> {
    let value = match name {
        "PORT" => "9090",
        "KEY" => "sk-from-the-environment",
        "PROGRESS" => "true",
        "EMPTY" => "",
        "NOT_A_NUMBER" => "sk-not-a-number",
        "BROKEN_KEY" => "sk-with-line-end\n",
        "HOSTILE" => "x\nmodels: [] # }",
        _ => return None,
    };
    Some(value.to_owned())
}

fn corpus(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(Path::new("tests/config").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(
        files
            .iter()
            .all(|file| { file.extension().is_some_and(|extension| extension == "yaml") })
    );
    files.sort();
    files
}

/// The exit code, standard output and standard error of `check`.
fn check(file: &Path, environment: &config::Environment<'_>) -> (ExitCode, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = cli::check(file, environment, &mut out, &mut err).unwrap();
    (
        code,
        String::from_utf8(out).unwrap(),
        String::from_utf8(err).unwrap(),
    )
}

fn snapshot(file: &Path, text: &str) {
    let stem = file.file_stem().unwrap().to_str().unwrap();
    let folder = file.parent().unwrap().file_name().unwrap().to_str().unwrap();
    insta::with_settings!({
        snapshot_path => "config/snapshots",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(format!("{folder}-{stem}"), text);
    });
}

fn as_json(file: &Path) -> Value {
    serde_yaml::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn schema() -> jsonschema::Validator {
    jsonschema::draft202012::new(&config::json_schema()).unwrap()
}

#[test]
fn valid_configurations_show_their_routes() {
    let files = corpus("valid");
    assert!(!files.is_empty());
    for file in files {
        let (code, out, err) = check(&file, &environment);
        assert!(code == ExitCode::SUCCESS, "{}: {err}", file.display());
        snapshot(&file, &format!("{out}---\n{err}"));
    }
}

#[test]
fn invalid_configurations_are_refused_with_all_errors() {
    let files = corpus("invalid");
    assert!(!files.is_empty());
    for file in files {
        let (code, out, err) = check(&file, &environment);
        assert!(
            code == ExitCode::FAILURE && out.is_empty(),
            "{}: {out}",
            file.display()
        );
        snapshot(&file, &err);
    }
}

#[test]
fn no_output_contains_a_secret() {
    for file in corpus("valid").into_iter().chain(corpus("invalid")) {
        let (_, out, err) = check(&file, &environment);
        assert!(
            !out.contains("sk-") && !err.contains("sk-"),
            "{}: {out}{err}",
            file.display()
        );
        if let Ok(loaded) = config::load(&file, &environment) {
            assert!(!format!("{loaded:?}").contains("sk-"), "{}", file.display());
        }
    }
}

#[test]
fn the_schema_accepts_what_check_accepts() {
    let schema = schema();
    for file in corpus("valid").into_iter().chain([EXAMPLE.into()]) {
        let errors: Vec<String> = schema
            .iter_errors(&as_json(&file))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", file.display());
    }
}

#[test]
fn the_schema_refuses_unknown_missing_and_mistyped_keys() {
    let schema = schema();
    for name in ["unknown-keys", "missing-keys", "wrong-kinds", "empty-models"] {
        let file = PathBuf::from(format!("tests/config/invalid/{name}.yaml"));
        assert!(!schema.is_valid(&as_json(&file)), "{name}");
    }
    // One unknown key at each level, in a file that is valid without it.
    let example = as_json(Path::new(EXAMPLE));
    for level in ["", "/server", "/models/0"] {
        let mut changed = example.clone();
        assert!(schema.is_valid(&changed));
        changed
            .pointer_mut(level)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .insert("surprise".to_owned(), Value::Null);
        assert!(!schema.is_valid(&changed), "{level}");
    }
}

#[test]
fn the_schema_is_what_the_command_prints() {
    let mut out = Vec::new();
    assert!(cli::print_schema(&mut out).unwrap() == ExitCode::SUCCESS);
    let printed: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(printed, config::json_schema());
    assert_eq!(printed["$schema"], "https://json-schema.org/draft/2020-12/schema");
    insta::with_settings!({ snapshot_path => "config/snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("schema", String::from_utf8(out).unwrap());
    });
}

/// Users copy the example. It must load on a machine without any of its variables, and have the routes that its
/// comments describe.
#[test]
fn the_example_loads_with_and_without_keys() {
    let (code, out, err) = check(Path::new(EXAMPLE), &|_| None);
    assert!(code == ExitCode::SUCCESS && err.is_empty(), "{err}");
    // The local upstream has a default key.
    assert_eq!(out.matches("key set").count(), 1, "{out}");
    let (code, out, err) = check(Path::new(EXAMPLE), &|name| {
        name.ends_with("_KEY").then(|| "sk-1".to_owned())
    });
    assert!(code == ExitCode::SUCCESS && err.is_empty(), "{err}");
    snapshot(Path::new(EXAMPLE), &out);
}

/// `docs/configuration.md` has a section for each key of the schema, and no other sections.
#[test]
fn every_key_is_documented() {
    let page = fs::read_to_string("docs/configuration.md").unwrap();
    let headings: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'))
        .collect();
    let schema = config::json_schema();
    let mut keys: Vec<&str> = Vec::new();
    for (definition, prefix) in [
        ("ServerKeys", "server."),
        ("ResponseStoreKeys", "server.response_store."),
        ("ModelKeys", ""),
    ] {
        for name in schema["$defs"][definition]["properties"]
            .as_object()
            .unwrap()
            .keys()
        {
            let heading = headings
                .iter()
                .find(|heading| heading.strip_prefix(prefix) == Some(name));
            keys.push(heading.unwrap_or_else(|| panic!("{name} is not documented")));
        }
    }
    assert_eq!(headings.len(), keys.len(), "{headings:?}");
}

#[test]
fn a_full_configuration_is_read() {
    let loaded = config::load(Path::new("tests/config/valid/full.yaml"), &environment).unwrap();
    let config = loaded.config;
    assert_eq!(
        (config.server.host.as_str(), config.server.port),
        ("0.0.0.0", 9090)
    );
    assert_eq!(config.server.workers.map(usize::from), Some(3));
    let store = config.response_store.unwrap();
    assert_eq!(store.max_age.as_secs(), 7 * 24 * 60 * 60);
    let config::StorePlace::Disk { path, max_bytes } = store.place else {
        panic!("{store:?}");
    };
    assert_eq!(path, Path::new("/var/lib/llm-proxy/responses.redb"));
    assert_eq!(max_bytes, 2 << 30);
    let model = &config.models[0];
    assert_eq!(model.frontend_model_name.as_str(), "claude-*");
    assert_eq!(model.frontend_base_url.as_str(), "/anthropic");
    let pair = model.dialects.unwrap();
    assert_eq!(
        (pair.frontend, pair.backend),
        (DialectName::Claude, DialectName::OpenAiChat)
    );
    assert_eq!(
        model.backend_model_name,
        BackendModel::Named("gpt-5.2".to_owned())
    );
    assert_eq!(model.backend_model_for("claude-x"), "gpt-5.2");
    assert_eq!(model.backend_base_url.as_str(), "https://api.openai.com/v1");
    let auth = &model.backend_auth;
    assert_eq!(
        auth.api_key.as_ref().map(Secret::expose),
        Some("sk-from-the-environment")
    );
    assert_eq!(
        (auth.header.as_str(), auth.schema.as_str()),
        ("x-api-key", "Token")
    );
    assert!(auth.header_set && auth.schema_set);
    let header = auth.header_value("t").unwrap();
    assert!(header == "Token t" && header.is_sensitive());
    let edits = &model.system_edits;
    let pairs: Vec<(&str, &str)> = edits
        .replacements
        .iter()
        .map(|(old, new)| (&**old, &**new))
        .collect();
    assert_eq!(
        pairs,
        [
            ("Zebra", "horse"),
            ("Apple", ""),
            ("price: $5", "costs ${5} or $$")
        ]
    );
    assert_eq!(edits.append.as_deref(), Some("Be brief.\nBe kind.\n"));
    assert!(edits.inject_progress && !edits.is_empty());

    let model = &config.models[1];
    assert!(model.dialects.is_none() && model.system_edits.is_empty());
    assert_eq!(model.backend_model_name, BackendModel::AsSent);
    assert_eq!(model.backend_model_for("any"), "any");
    let auth = &model.backend_auth;
    assert!(auth.api_key.is_none() && !auth.header_set && !auth.schema_set);
    assert_eq!(
        (auth.header.as_str(), auth.schema.as_str()),
        ("authorization", "Bearer")
    );
}

/// The value of a variable is only text, even if it looks like YAML.
#[test]
fn a_variable_cannot_add_yaml() {
    let text = "models:\n  - frontend_model_name: a\n    frontend_base_url: /\n    backend_model_name: '*'\n    \
                backend_base_url: http://h\n    frontend_dialect: claude\n    backend_dialect: claude\n    \
                system_append: ${HOSTILE} # ${NOT_EVEN_LOOKED_AT}\n";
    let loaded = config::parse(text, &environment).unwrap();
    assert_eq!(
        loaded.config.models[0].system_edits.append.as_deref(),
        Some("x\nmodels: [] # }")
    );
}

proptest! {
    /// Any text gives a configuration, or problems with positions in the file.
    #[test]
    fn no_text_panics_and_every_problem_has_a_position_in_the_file(
        at in any::<prop::sample::Index>(),
        removed in 0..40usize,
        typed in r#"[-a-z0-9*&!$?%@`#:{}\[\]"'|><,. \n\t\u{0}é]{0,12}"#,
    ) {
        let text: Vec<char> = fs::read_to_string("tests/config/valid/full.yaml").unwrap().chars().collect();
        let at = at.index(text.len());
        let kept = (at + removed).min(text.len());
        let text: String =
            text[..at].iter().copied().chain(typed.chars()).chain(text[kept..].iter().copied()).collect();
        if let Err(problems) = config::parse(&text, &environment) {
            prop_assert!(!problems.is_empty());
            let lines = text.lines().count() + 1;
            for problem in problems {
                prop_assert!(!problem.message.is_empty());
                if let Some((line, column)) = problem.position {
                    prop_assert!((1..=lines).contains(&line) && column >= 1, "{problem:?}");
                }
            }
        }
    }
}
