//! The configuration of the demo, and commands to try it.

use serde_json::{Value, json};

/// The Claude model name in the demo.
pub const CLAUDE_MODEL: &str = "claude-demo";
/// The OpenAI model name in the demo.
pub const OPENAI_MODEL: &str = "gpt-demo";

/// A route of the demo.
#[derive(Debug, Clone, Copy)]
pub struct DemoRoute {
    /// The path prefix.
    pub prefix: &'static str,
    /// The client's dialect.
    pub frontend: &'static str,
    /// The upstream's dialect.
    pub backend: &'static str,
    /// The client's model name.
    pub model: &'static str,
    /// The upstream's model name.
    pub upstream_model: &'static str,
}

/// The routes in [`write_config`].
pub const ROUTES: [DemoRoute; 4] = [
    DemoRoute {
        prefix: "/claude-on-openai",
        frontend: "claude",
        backend: "openai-chat",
        model: CLAUDE_MODEL,
        upstream_model: OPENAI_MODEL,
    },
    DemoRoute {
        prefix: "/openai-on-claude",
        frontend: "openai-chat",
        backend: "claude",
        model: OPENAI_MODEL,
        upstream_model: CLAUDE_MODEL,
    },
    DemoRoute {
        prefix: "/openai",
        frontend: "openai-chat",
        backend: "openai-chat",
        model: OPENAI_MODEL,
        upstream_model: OPENAI_MODEL,
    },
    DemoRoute {
        prefix: "/claude",
        frontend: "claude",
        backend: "claude",
        model: CLAUDE_MODEL,
        upstream_model: CLAUDE_MODEL,
    },
];

/// The configuration of a proxy that listens on `port` and uses the scripted upstream with the base URL `upstream`.
///
/// Every route accepts any model name, because some clients send only names that they know.
pub fn write_config(upstream: &str, port: u16) -> String {
    let mut text = format!("server:\n  port: {port}\nmodels:\n");
    for DemoRoute {
        prefix,
        frontend,
        backend,
        model,
        upstream_model,
    } in ROUTES
    {
        for name in [model, "*"] {
            text.push_str(&format!(
                "  - frontend_model_name: \"{name}\"\n    frontend_base_url: {prefix}\n    frontend_dialect: {frontend}\n    \
                 backend_model_name: {upstream_model}\n    backend_base_url: {upstream}\n    backend_dialect: {backend}\n",
            ));
        }
    }
    text
}

/// Shell commands and settings to try the proxy at `base_url` that uses [`write_config`].
pub fn write_guide(base_url: &str) -> String {
    let base = base_url.trim_end_matches('/');
    let hello = "Say hello, slow";
    let weather = "Think first: how is the weather in Paris?";
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
    let chat_tools = json!([{"type": "function", "function": {"name": "get_weather", "parameters": schema}}]);
    let claude_tools = json!([{"name": "get_weather", "input_schema": schema}]);
    let chat = |body: Value| write_curl(base, "/openai-on-claude/v1/chat/completions", "", &body);
    let claude = |body: Value| {
        let version = " -H 'anthropic-version: 2023-06-01'";
        write_curl(base, "/claude-on-openai/v1/messages", version, &body)
    };
    [
        "# An OpenAI Chat Completions client, a Claude upstream\n".to_owned(),
        chat(json!({"model": OPENAI_MODEL, "stream": true, "messages": make_user_messages(hello)})),
        chat(json!({"model": OPENAI_MODEL, "messages": make_user_messages(weather), "tools": chat_tools})),
        "\n# A Claude client, an OpenAI Chat Completions upstream\n".to_owned(),
        claude(json!({
            "model": CLAUDE_MODEL, "max_tokens": 1024, "stream": true, "messages": make_user_messages(hello),
        })),
        claude(json!({
            "model": CLAUDE_MODEL, "max_tokens": 1024, "messages": make_user_messages(weather), "tools": claude_tools,
        })),
        "\n# An error of the upstream, in the client's dialect\n".to_owned(),
        claude(json!({
            "model": CLAUDE_MODEL, "max_tokens": 1024, "messages": make_user_messages("Please fail with error 429"),
        })),
        write_settings(base),
    ]
    .concat()
}

fn make_user_messages(text: &str) -> Value {
    json!([{"role": "user", "content": text}])
}

/// A curl command. The bodies contain no single quotes, so they need no escapes.
fn write_curl(base: &str, path: &str, more_headers: &str, body: &Value) -> String {
    format!("curl -N {base}{path} -H 'content-type: application/json'{more_headers} \\\n  -d '{body}'\n")
}

fn write_settings(base: &str) -> String {
    format!(
        "\n# Client settings. No key is needed, but clients require a value.\n\
         # OpenAI SDKs with the Claude upstream:\n\
         export OPENAI_BASE_URL={base}/openai-on-claude/v1 OPENAI_API_KEY=demo\n\
         # Claude Code and Anthropic SDKs with the OpenAI upstream:\n\
         export ANTHROPIC_BASE_URL={base}/claude-on-openai ANTHROPIC_AUTH_TOKEN=demo\n\
         # Without translation: {base}/openai/v1 and {base}/claude\n\
         \n# The built-in upstream reacts to these words in the prompt:\n\
         # tool, think, long 50, slow, parallel, echo, error 429, error mid, overload, cut\n"
    )
}
