use serde_json::{Value, json};

use super::*;

#[test]
fn what_bedrock_does_not_accept_is_removed_and_recorded() {
    let body = json!({
        "model": "m",
        "max_tokens": 1,
        "speed": "fast",
        "service_tier": "auto",
        "cache_control": {"type": "ephemeral"},
        "mcp_servers": [],
        "output_config": {"effort": "low", "task_budget": {"type": "tokens", "total": 1}},
        "context_management": {"edits": [{"type": "clear_thinking_20251015"}, {"type": "compact_20260112"}]},
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cch=1"},
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "scope": "global", "ttl": "1h"}},
        ],
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "system", "content": "be kind", "clear_at": "next_user_message"},
            {"role": "system", "content": [{"type": "tool_removal"}, {"type": "text", "text": "b"}]},
        ],
        "tools": [
            {"name": "t", "input_schema": {"eager_input_streaming": 1}, "eager_input_streaming": true, "defer_loading": true},
            {"type": "computer_20250124", "name": "computer"},
        ],
    });
    let betas = ("anthropic-beta", "context-management-2025-06-27");
    let (written, losses) = wrap(MODEL, &[VERSION, betas], &body.to_string());
    let written: Value = serde_json::from_str(&text(written)).expect("JSON");
    let expected = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "anthropic_beta": [
            "compact-2026-01-12",
            "fine-grained-tool-streaming-2025-05-14",
            "tool-search-tool-2025-10-19",
            "computer-use-2025-01-24",
        ],
        "max_tokens": 1,
        "output_config": {"effort": "low"},
        "context_management": {"edits": [{"type": "compact_20260112"}]},
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
        "system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "user", "content": "<system-reminder>be kind</system-reminder>"},
            {"role": "user", "content": [{"type": "text", "text": "<system-reminder>b</system-reminder>"}]},
        ],
        "tools": [
            {"name": "t", "input_schema": {"eager_input_streaming": 1}, "defer_loading": true},
            {"type": "computer_20250124", "name": "computer"},
        ],
    });
    assert_eq!(written, expected);
    use LossKind::{Approximated, Dropped, Ignored};
    let mut recorded = listed(&losses);
    recorded.sort();
    assert_eq!(
        recorded,
        [
            (Dropped, "anthropic-beta.context-management-2025-06-27"),
            (Dropped, "context_management.edits[0]"),
            (Dropped, "messages[2].content[0]"),
            (Dropped, "output_config.task_budget"),
            (Dropped, "speed"),
            (Approximated, "messages[1]"),
            (Approximated, "messages[2]"),
            (Ignored, "cache_control"),
            (Ignored, "service_tier"),
            (Ignored, "system[1].cache_control.scope"),
            (Ignored, "system[0]"),
        ]
        .into_iter()
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
    );
}

#[test]
fn a_context_edit_and_its_beta_are_removed_together() {
    let body =
        r#"{"model":"m","messages":[],"context_management":{"edits":[{"type":"clear_thinking_20251015"}]}}"#;
    let betas = ("anthropic-beta", "context-management-2025-06-27");
    let written = text(wrap(MODEL, &[VERSION, betas], body).0);
    assert_eq!(
        written,
        r#"{"anthropic_version":"bedrock-2023-05-31","messages":[]}"#
    );
}

#[test]
fn what_the_response_depends_on_is_refused() {
    for (member, path) in [
        (r#""mcp_servers":[{"name":"s"}]"#, "mcp_servers"),
        (r#""container":"c""#, "container"),
        (r#""inference_geo":"eu""#, "inference_geo"),
        (
            r#""tools":[{"type":"web_search_20250305","name":"web_search"}]"#,
            "tools[0]",
        ),
        (
            r#""messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x"}}]}]"#,
            "messages[0].content[0].source",
        ),
        (
            r#""messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"document","source":{"type":"file","file_id":"f"}}]}]}]"#,
            "messages[0].content[0].content[0].source",
        ),
    ] {
        let (_, losses) = wrap(MODEL, &[VERSION], &format!(r#"{{"model":"m",{member}}}"#));
        let refused: Vec<&str> = losses.refused().map(|loss| loss.path.as_str()).collect();
        assert_eq!(refused, [path]);
    }
}

#[test]
fn the_betas_of_a_body_are_the_known_ones_of_the_client_and_then_those_that_it_needs() {
    let body = r#"{"model":"m","messages":[],"tools":[{"name":"t","input_schema":{},"defer_loading":true}]}"#;
    let betas = (
        "anthropic-beta",
        "effort-2025-11-24,unknown-2026-01-01,effort-2025-11-24",
    );
    let (written, losses) = wrap(MODEL, &[VERSION, betas], body);
    let written: Value = serde_json::from_str(&text(written)).expect("JSON");
    assert_eq!(
        written["anthropic_beta"],
        json!(["effort-2025-11-24", "tool-search-tool-2025-10-19"])
    );
    assert_eq!(
        listed(&losses),
        [(LossKind::Dropped, "anthropic-beta.unknown-2026-01-01")]
    );
}

#[test]
fn a_web_search_is_left_out_only_beside_other_tools_and_unless_it_is_forced() {
    const SEARCH: &str = r#"{"type":"web_search_20250305","name":"web_search"}"#;
    const OTHER: &str = r#"{"name":"t","input_schema":{}}"#;
    const FORCED: &str = r#","tool_choice":{"type":"tool","name":"web_search"}"#;
    for (tools, choice, expected) in [
        (format!("{SEARCH},{OTHER}"), "", LossKind::Dropped),
        (SEARCH.to_owned(), "", LossKind::Refused),
        (format!("{SEARCH},{OTHER}"), FORCED, LossKind::Refused),
    ] {
        let body = format!(r#"{{"model":"m","messages":[],"tools":[{tools}]{choice}}}"#);
        let (_, losses) = wrap(MODEL, &[VERSION], &body);
        assert_eq!(listed(&losses), [(expected, "tools[0]")], "{tools}{choice}");
    }
}

#[test]
fn a_format_is_kept_only_for_models_that_enforce_it() {
    let body = r#"{"model":"m","messages":[],"output_config":{"format":{"type":"json_schema"}}}"#;
    let (written, losses) = wrap(MODEL, &[VERSION], body);
    assert!(text(written).contains("json_schema"));
    assert!(losses.is_empty());
    let (written, losses) = wrap("us.anthropic.claude-opus-4-8-v1:0", &[VERSION], body);
    assert!(!text(written).contains("output_config"));
    assert_eq!(listed(&losses), [(LossKind::Dropped, "output_config.format")]);
}
