use serde_json::Value;

use super::*;
use crate::demo::{ROUTES, write_config, write_guide};

#[test]
fn the_configuration_is_valid() {
    let text = write_config("http://127.0.0.1:9", 8080);
    let nothing = |_: &str| None;
    let loaded = crate::config::parse(&text, &nothing).unwrap();
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert_eq!(loaded.config.server.port, 8080);
    for route in ROUTES {
        let mut models = loaded
            .config
            .models
            .iter()
            .filter(|m| m.frontend_base_url.as_str() == route.prefix);
        let (exact, any) = (models.next().unwrap(), models.next().unwrap());
        assert!(exact.frontend_model_name.matches(route.model) && exact.frontend_model_name.is_exact());
        assert!(any.frontend_model_name.matches("what a client insists on"));
        assert_eq!(
            any.backend_model_for("what a client insists on"),
            route.upstream_model
        );
        assert!(any.dialects.is_some());
    }
}

/// Runs the commands against the upstream itself, in the dialect of each command.
#[tokio::test]
async fn the_commands_work() {
    let demo = Demo::bind("127.0.0.1:0").await.unwrap();
    let text = write_guide("http://127.0.0.1:8080/");
    let mut seen = Vec::new();
    for command in text.split("curl -N ").skip(1) {
        let (url, rest) = command.split_once(' ').unwrap();
        let body: Value =
            serde_json::from_str(rest.split("-d '").nth(1).unwrap().split('\'').next().unwrap()).unwrap();
        let path = url.strip_prefix("http://127.0.0.1:8080").unwrap();
        let reply = post(&demo, path, &body).await;
        assert!(
            ROUTES
                .iter()
                .any(|route| path.starts_with(&format!("{}/v1/", route.prefix)))
        );
        seen.push((reply.status, reply.header("x-demo-script").unwrap().to_owned()));
    }
    let expected = [
        (200, "text"),
        (200, "tool"),
        (200, "text"),
        (200, "tool"),
        (429, "error"),
    ];
    assert_eq!(seen, expected.map(|(status, name)| (status, name.to_owned())));
    for setting in [
        "OPENAI_BASE_URL=",
        "OPENAI_API_KEY=",
        "ANTHROPIC_BASE_URL=",
        "ANTHROPIC_AUTH_TOKEN=",
    ] {
        assert!(text.contains(setting));
    }
}
