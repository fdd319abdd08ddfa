use clap::ValueEnum;

use std::path::Path;

use super::{SupportedClient, show};
use crate::cli::args::{ClientArgs, ConfigFileArgs, SettingsFormat};
use crate::config::{self, Config};

const CONFIG: &str = include_str!("tests.yaml");
/// Keys that Bedrock clients sign with.
const SIGNED: &str =
    "  aws_credentials:\n    - {access_key_id: AKIDCLIENT, secret_access_key: the-client-secret}\n";

fn config(text: &str) -> Config {
    config::parse(text, &|_| None).unwrap().config
}

fn signed() -> Config {
    config(&CONFIG.replace("models:\n", &format!("{SIGNED}models:\n")))
}

fn args(client: SupportedClient, model: Option<&str>) -> ClientArgs {
    ClientArgs {
        client,
        config_file: ConfigFileArgs::default(),
        model: model.map(str::to_owned),
        prefix: None,
        base_url: None,
        format: SettingsFormat::Text,
    }
}

fn find_settings(args: &ClientArgs, config: &Config) -> Result<super::settings::ClientSettings, String> {
    super::find_settings(args, Path::new("src/cli/client/tests.yaml"), config)
}

/// The output of the command, or its error.
fn printed(args: &ClientArgs, config: &Config) -> String {
    match find_settings(args, config) {
        Ok(settings) => show::format_settings(&settings, args.format),
        Err(message) => format!("refused: {message}\n"),
    }
}

fn all(cells: impl IntoIterator<Item = (String, String)>) -> String {
    cells
        .into_iter()
        .map(|(title, text)| format!("--- {title}\n{text}\n"))
        .collect()
}

fn snapshot(name: &str, text: String) {
    for secret in [
        "sk-upstream",
        "the-secret-of-this-configuration",
        "the-client-secret",
    ] {
        assert!(!text.contains(secret), "{text}");
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(name, text) });
}

#[test]
fn every_client_in_every_dialect() {
    let config = config(CONFIG);
    let models = [
        "claude-sonnet-5",
        "own-key",
        "gpt-5.5",
        "gpt-5",
        "anthropic.claude-sonnet-5-v1:0",
    ];
    let mut cells = Vec::new();
    for client in SupportedClient::value_variants() {
        for model in models {
            let args = args(*client, Some(model));
            if find_settings(&args, &config).is_ok() {
                cells.push((format!("{client:?} {model}"), printed(&args, &config)));
            }
        }
    }
    let text = all(cells);
    for client in SupportedClient::value_variants() {
        assert!(
            text.contains(&format!("--- {client:?} ")),
            "{client:?} is never served"
        );
    }
    snapshot("clients", text);
}

#[test]
fn clients_that_have_to_sign() {
    let config = signed();
    let clients = [
        SupportedClient::ClaudeCodeBedrock,
        SupportedClient::AnthropicBedrock,
        SupportedClient::Aws,
        SupportedClient::Vercel,
        SupportedClient::Curl,
    ];
    let model = Some("anthropic.claude-sonnet-5-v1:0");
    snapshot(
        "signed",
        all(clients.map(|client| (format!("{client:?}"), printed(&args(client, model), &config)))),
    );
}

#[test]
fn a_secret_in_a_variable_is_printed_as_the_variable() {
    let file = std::env::temp_dir().join(format!("llm-proxy-client-{}.yaml", std::process::id()));
    let credentials = SIGNED.replace("the-client-secret", "'${CLIENT_SECRET:-the-client-secret}'");
    let text = CONFIG.replace("models:\n", &format!("{credentials}models:\n"));
    std::fs::write(&file, &text).unwrap();
    let args = args(SupportedClient::ClaudeCodeBedrock, None);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    super::print_client_settings(&args, &file, &|_| None, &mut out, &mut err).unwrap();
    std::fs::remove_file(&file).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(
        out.contains("export AWS_SECRET_ACCESS_KEY=\"$CLIENT_SECRET\"\n"),
        "{out}"
    );
    assert!(!out.contains("the-client-secret") && err.is_empty());
}

#[test]
fn other_formats() {
    let config = config(CONFIG);
    let formats = [SettingsFormat::Env, SettingsFormat::File, SettingsFormat::Json];
    let config = &config;
    let cells = [
        SupportedClient::Codex,
        SupportedClient::ClaudeCode,
        SupportedClient::Vercel,
    ]
    .into_iter()
    .flat_map(|client| {
        let cell = move |format| {
            let model = if client == SupportedClient::Codex {
                None
            } else {
                Some("claude-sonnet-5")
            };
            let args = ClientArgs {
                format,
                ..args(client, model)
            };
            (format!("{client:?} {format:?}"), printed(&args, config))
        };
        formats.map(cell)
    });
    snapshot("formats", all(cells.collect::<Vec<_>>()));
}

#[test]
fn the_model_is_optional_if_only_one_fits() {
    let config = config(CONFIG);
    for (client, named) in [
        (SupportedClient::Codex, "gpt-5.5"),
        (SupportedClient::Aws, "anthropic.claude-sonnet-5-v1:0"),
        (SupportedClient::Openai, "gpt-5.5"),
    ] {
        assert_eq!(find_settings(&args(client, None), &config).unwrap().model, named);
    }
}

#[test]
fn errors_list_the_routes_that_fit() {
    let plain = config(CONFIG);
    let only_chat = config(
        "models:\n  - {frontend_model_name: gpt-*, frontend_base_url: /chat, frontend_dialect: openai-chat, \
         backend_model_name: m, backend_base_url: 'http://localhost:1', backend_dialect: claude}\n",
    );
    let twice = config(&format!(
        "{CONFIG}{}",
        CONFIG
            .split_once("models:\n")
            .unwrap()
            .1
            .replace("url: /", "url: /two/")
    ));
    let with = |client, model: Option<&str>, prefix: Option<&str>, base_url: Option<&str>| ClientArgs {
        prefix: prefix.map(str::to_owned),
        base_url: base_url.map(str::to_owned),
        ..args(client, model)
    };
    let mixed = signed();
    let mixed = {
        let mut mixed = mixed;
        let aws = mixed.models.last().unwrap().frontend_base_url.clone();
        mixed.models.first_mut().unwrap().frontend_base_url = aws;
        mixed
    };
    let cells = [
        (
            "no such dialect",
            with(SupportedClient::Codex, None, None, None),
            &only_chat,
        ),
        (
            "no such dialect there",
            with(SupportedClient::Codex, None, Some("/claude"), None),
            &plain,
        ),
        (
            "a model of others",
            with(SupportedClient::Codex, Some("claude-sonnet-5"), None, None),
            &plain,
        ),
        (
            "a name that is none",
            with(SupportedClient::Codex, Some("gpt-5.4"), None, None),
            &plain,
        ),
        (
            "a name like none",
            with(SupportedClient::ClaudeCode, Some("llama"), None, None),
            &plain,
        ),
        (
            "several models",
            with(SupportedClient::ClaudeCode, None, None, None),
            &plain,
        ),
        (
            "only patterns",
            with(SupportedClient::Opencode, None, Some("/chat/v1"), None),
            &plain,
        ),
        (
            "several prefixes",
            with(SupportedClient::ClaudeCode, Some("claude-sonnet-5"), None, None),
            &twice,
        ),
        (
            "a prefix that is none",
            with(SupportedClient::Codex, None, Some("/codecs"), None),
            &plain,
        ),
        (
            "a base URL that is none",
            with(SupportedClient::Codex, None, None, Some("localhost:80")),
            &plain,
        ),
        (
            "a base URL with a query",
            with(SupportedClient::Codex, None, None, Some("http://a/?b")),
            &plain,
        ),
        (
            "a prefix where all sign",
            with(SupportedClient::ClaudeCode, Some("claude-sonnet-5"), None, None),
            &mixed,
        ),
    ];
    let cells = cells.map(|(title, args, config)| {
        assert!(find_settings(&args, config).is_err(), "{title}");
        (title.to_owned(), printed(&args, config))
    });
    snapshot("refused", all(cells));
}

#[test]
fn a_free_port_needs_a_base_url() {
    let config = config(&CONFIG.replace("8181", "0"));
    let mut args = args(SupportedClient::Codex, None);
    assert!(find_settings(&args, &config).unwrap_err().contains("--base-url"));
    args.base_url = Some("https://llm.example.com/proxy/".to_owned());
    let base = find_settings(&args, &config).unwrap().base_url;
    assert_eq!(base, "https://llm.example.com/proxy/codex/v1");
}

#[test]
fn listen_addresses_become_urls() {
    for (host, root) in [
        ("0.0.0.0", "http://127.0.0.1:8181"),
        ("'::'", "http://[::1]:8181"),
        ("'fe80::1'", "http://[fe80::1]:8181"),
        ("llm.internal", "http://llm.internal:8181"),
    ] {
        let config = config(&CONFIG.replace("0.0.0.0", host));
        assert_eq!(super::listen_url(&config).unwrap(), root);
    }
}

#[test]
fn a_longer_prefix_that_matches_the_requests_is_reported() {
    let config = config(&CONFIG.replace("/own/v1", "/codex/v1/responses"));
    let message = find_settings(&args(SupportedClient::Codex, None), &config).unwrap_err();
    assert!(
        message.contains("belongs to the prefix /codex/v1/responses"),
        "{message}"
    );
}

#[test]
fn a_forwarding_route_fits_every_client() {
    let text = "models:\n  - {frontend_model_name: '*', frontend_base_url: /, backend_model_name: '*', \
                backend_base_url: 'https://api.anthropic.com'}\n";
    let text = printed(
        &args(SupportedClient::ClaudeCode, Some("claude-x")),
        &config(text),
    );
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("forwarded", text) });
}

#[test]
fn shell_words_are_quoted() {
    for (word, shown) in [
        ("a-b:0", "a-b:0"),
        ("", "''"),
        ("a b", "'a b'"),
        ("it's $x", r"'it'\''s $x'"),
    ] {
        assert_eq!(show::quote_for_shell(word), shown);
    }
}
