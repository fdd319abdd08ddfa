use super::*;
use crate::canonical::Effort::{self, High, Low, Max, Medium, Minimal, None as NoEffort, Xhigh};
use crate::capability::DisabledThinking::{Always, Never, UpToHigh};
use crate::capability::{DisabledThinking, ReasoningReplay, SamplingSupport, ThinkingSupport};

use DialectName::{Bedrock, Claude, OpenAiChat, OpenAiResponses};

#[test]
fn every_row_is_reachable() {
    let table = CapabilityTable::parse(include_str!("../models.yaml")).unwrap();
    for dialect in DialectName::ALL {
        let models = table.models_of(dialect);
        for (row, entry) in models.rows.iter().enumerate() {
            for pattern in &entry.patterns {
                // An open pattern may share its stem with an earlier row; a name that only it matches is longer than
                // the stem.
                let name = format!("{}{}", pattern.text, if pattern.open { "-99" } else { "" });
                assert_eq!(models.position(&name), Some(row), "{dialect}: {name} is shadowed");
            }
        }
    }
}

#[test]
fn a_slip_in_the_data_is_an_error() {
    let sound = include_str!("../models.yaml");
    for (from, to) in [
        ("forced_tool: false", "forced_tols: false"),
        ("models: claude", "models: cloude"),
        ("sampling: all", "sampling: some"),
        ("      stream_usage: true\n", ""),
    ] {
        assert!(sound.contains(from), "{from}");
        assert!(
            CapabilityTable::parse(&sound.replacen(from, to, 1)).is_err(),
            "{to}"
        );
    }
}

fn thinking(
    adaptive: bool,
    budget: bool,
    disabled: DisabledThinking,
    between_tools: bool,
) -> ThinkingSupport {
    ThinkingSupport {
        adaptive,
        budget,
        disabled,
        between_tools,
    }
}

#[test]
#[rustfmt::skip] // One line for each model.
fn claude_models() {
    let adaptive_only = thinking(true, false, Never, false);
    let to_high = thinking(true, false, UpToHigh, false);
    let adaptive = thinking(true, false, Always, false);
    let either = thinking(true, true, Always, false);
    let budget = thinking(false, true, Always, false);
    let none = thinking(false, false, Always, false);
    let all: &[Effort] = &[Low, Medium, High, Xhigh, Max];
    // Model, output, sampling, thinking, efforts, forced tool, prefill, schemas, instructions in the middle.
    for (model, output, sampling, thinking, efforts, forced, prefill, schemas, middle) in [
        ("claude-sonnet-5-5", 128_000, false, thinking(true, false, Never, true), all, false, false, true, true),
        ("claude-opus-5-5", 128_000, false, adaptive_only, all, false, false, true, true),
        ("claude-haiku-5-5", 128_000, false, to_high, all, true, false, true, true),
        ("claude-fable-5-1", 128_000, false, adaptive_only, all, false, false, true, true),
        ("claude-fable-5", 128_000, false, adaptive_only, all, true, false, true, true),
        ("claude-opus-5", 128_000, false, to_high, all, true, false, true, true),
        ("claude-opus-4-7", 128_000, false, adaptive, all, true, false, true, false),
        ("claude-opus-4-8", 128_000, false, adaptive, all, true, false, true, true),
        ("claude-sonnet-5", 128_000, false, adaptive, all, true, false, true, true),
        ("claude-opus-4-6", 128_000, true, either, &[Low, Medium, High, Max], true, false, true, false),
        ("claude-sonnet-4-6", 128_000, true, either, &[Low, Medium, High, Max], true, false, true, false),
        ("claude-opus-4-5-20251101", 64_000, true, budget, &[Low, Medium, High], true, true, true, false),
        ("claude-sonnet-4-5-20250929", 64_000, true, budget, &[], true, true, true, false),
        ("claude-haiku-4-5-20251001", 64_000, true, budget, &[], true, true, true, false),
        ("claude-opus-4-1-20250805", 32_000, true, budget, &[], true, true, true, false),
        ("claude-opus-4-20250514", 32_000, true, budget, &[], true, true, false, false),
        ("claude-sonnet-4-20250514", 64_000, true, budget, &[], true, true, false, false),
        ("claude-3-7-sonnet-20250219", 64_000, true, budget, &[], true, true, false, false),
        ("claude-3-5-haiku-20241022", 8_192, true, none, &[], true, true, false, false),
        ("claude-3-haiku-20240307", 4_096, true, none, &[], true, true, false, false),
        ("claude-opus-6", 128_000, false, adaptive_only, all, true, false, true, true),
    ] {
        let found = lookup(Claude, model);
        let sampling = if sampling {
            SamplingSupport::All
        } else {
            SamplingSupport::None
        };
        assert_eq!(found.max_output, Some(output), "{model}");
        assert_eq!(found.sampling, sampling, "{model}");
        assert_eq!(found.thinking, thinking, "{model}");
        assert_eq!(found.efforts, efforts, "{model}");
        assert_eq!(found.forced_tool, forced, "{model}");
        assert_eq!(found.prefill, prefill, "{model}");
        assert_eq!(
            (found.structured_output, found.strict_tools),
            (schemas, schemas),
            "{model}"
        );
        assert_eq!(found.mid_system, middle, "{model}");
        assert!(
            found.cache_breakpoints && found.stop_sequences && found.parallel_tool_calls,
            "{model}"
        );
        assert!(!found.freeform_tools, "{model}");
        assert_eq!(
            found.temperature_with_top_p,
            model.contains("-3-5") || model.contains("3-haiku"),
            "{model}"
        );
    }
}

#[test]
fn a_name_is_found_however_it_is_written() {
    let opus = lookup(Claude, "claude-opus-4-6");
    for spelling in [
        "anthropic/claude-opus-4.6",
        "us.anthropic.claude-opus-4-6-v1:0",
        "CLAUDE-OPUS-4-6",
        "claude-opus-4-6@20260205",
        "claude-opus-4-6[1m]",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.anthropic.claude-opus-4-6-v1:0",
    ] {
        assert_eq!(lookup(Claude, spelling), opus, "{spelling}");
    }
    let versions = [
        "claude-opus-4",
        "claude-opus-4-1",
        "claude-opus-4-5",
        "claude-opus-4-6",
        "claude-opus-4-7",
    ];
    for (at, version) in versions.iter().enumerate() {
        for other in versions.iter().skip(at + 1) {
            assert_ne!(
                lookup(Claude, version),
                lookup(Claude, other),
                "{version} {other}"
            );
        }
    }
}

#[test]
fn an_unknown_claude_is_of_the_current_generation() {
    let current = lookup(Claude, "claude-next");
    for model in [
        "claude-opus-4-9",
        "claude-opus-5-6",
        "anthropic/claude-sonnet-7.2-20290101",
        "fable-9",
        "opus",
    ] {
        assert_eq!(lookup(Claude, model), current, "{model}");
    }
}

#[test]
fn a_server_that_imitates_the_messages_api_gets_its_common_ground() {
    for model in ["deepseek-flash", "kimi-k3", "some-model", ""] {
        let found = lookup(Claude, model);
        assert_eq!(found.max_output, Some(8_192), "{model}");
        assert_eq!(found.sampling, SamplingSupport::All, "{model}");
        assert_eq!(found.thinking, thinking(false, true, Always, false), "{model}");
        assert!(
            found.prefill && found.forced_tool && found.temperature_with_top_p,
            "{model}"
        );
        assert!(
            !found.structured_output && !found.strict_tools && !found.mid_system,
            "{model}"
        );
    }
}

#[test]
#[rustfmt::skip] // One line for each model.
fn bedrock_takes_less() {
    for (model, schemas) in [
        ("global.anthropic.claude-sonnet-5-5-v1:0", true),
        ("us.anthropic.claude-opus-4-8-v1:0", false),
        ("us.anthropic.claude-opus-4-7-v1:0", false),
        ("us.anthropic.claude-opus-4-6-v1:0", true),
        ("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", true),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", false),
        ("anthropic.claude-next-v1:0", false),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4", false),
    ] {
        let found = lookup(Bedrock, model);
        assert_eq!(
            (found.structured_output, found.strict_tools),
            (schemas, schemas),
            "{model}"
        );
        assert!(!found.mid_system && !found.web_search, "{model}");
        let direct = lookup(Claude, model);
        if direct.max_output != Some(8_192) {
            let direct = Capabilities {
                structured_output: schemas,
                strict_tools: schemas,
                mid_system: false,
                web_search: false,
                ..direct
            };
            assert_eq!(found, direct, "{model}");
        }
    }
    let opaque = lookup(
        Bedrock,
        "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/x",
    );
    assert_eq!(opaque, lookup(Bedrock, "anthropic.claude-next-v1:0"));
}

#[test]
#[rustfmt::skip] // One line for each model.
fn openai_reasoning_models() {
    use SamplingSupport::{None, WithoutReasoning};
    for (model, sampling, efforts) in [
        ("gpt-5", None, &[Minimal, Low, Medium, High][..]),
        ("gpt-5-mini-2025-08-07", None, &[Minimal, Low, Medium, High]),
        ("openai/gpt-5-nano", None, &[Minimal, Low, Medium, High]),
        ("gpt-5-pro", None, &[High]),
        ("gpt-5-codex", None, &[Low, Medium, High]),
        ("gpt-5.1", WithoutReasoning, &[NoEffort, Low, Medium, High]),
        ("gpt-5.1-codex-max", None, &[Low, Medium, High, Xhigh]),
        ("gpt-5.2-chat-latest", None, &[Medium]),
        ("gpt-5.2-pro", None, &[Medium, High, Xhigh]),
        ("gpt-5.4-mini-2026-03-17", WithoutReasoning, &[NoEffort, Low, Medium, High, Xhigh]),
        ("gpt-5.5", WithoutReasoning, &[NoEffort, Low, Medium, High, Xhigh]),
        ("gpt-5.6-sol", WithoutReasoning, &[NoEffort, Low, Medium, High, Xhigh, Max]),
        ("gpt-6-luna", WithoutReasoning, &[NoEffort, Low, Medium, High, Xhigh, Max]),
        ("gpt-6-astra", None, &[Low, Medium, High, Xhigh, Max]),
        ("gpt-6.1-sol", None, &[Low, Medium, High, Xhigh, Max]),
        ("gpt-7", None, &[Low, Medium, High, Xhigh, Max]),
        ("o1", None, &[Low, Medium, High]),
        ("o3-mini", None, &[Low, Medium, High]),
        ("o4-mini-2025-04-16", None, &[Low, Medium, High]),
    ] {
        for dialect in [OpenAiChat, OpenAiResponses] {
            let found = lookup(dialect, model);
            assert_eq!(found.sampling, sampling, "{model}");
            assert_eq!(found.efforts, efforts, "{model}");
            assert!(found.developer_role && found.max_completion_tokens, "{model}");
            assert!(!found.stop_sequences && !found.prefill, "{model}");
            assert_eq!(
                found.parallel_tool_calls,
                model.starts_with("gpt") || model.contains('/'),
                "{model}"
            );
            assert_eq!(found.cache_breakpoints, efforts.contains(&Max), "{model}");
        }
    }
}

#[test]
#[rustfmt::skip] // One line for each model.
fn other_chat_models() {
    use ReasoningReplay::{None as NoReplay, Reasoning, ReasoningContent};
    let all: &[Effort] = &[NoEffort, Minimal, Low, Medium, High, Xhigh, Max];
    for (model, output, efforts, schemas, replay) in [
        ("gpt-4o-mini", Some(16_384), &[][..], true, NoReplay),
        ("gpt-4.1-nano", Some(32_768), &[], true, NoReplay),
        ("gpt-4-turbo-2024-04-09", Some(4_096), &[], false, NoReplay),
        ("gpt-4-0613", Some(8_192), &[], false, NoReplay),
        ("openai/gpt-oss-120b", None, &[Low, Medium, High], true, Reasoning),
        ("deepseek-v4-pro", None, all, false, ReasoningContent),
        ("moonshotai/Kimi-K2-Thinking", None, all, true, ReasoningContent),
        ("qwen3-coder", None, all, true, NoReplay),
        ("anthropic/claude-sonnet-5.5", None, all, true, NoReplay),
        ("", None, all, true, NoReplay),
    ] {
        let found = lookup(OpenAiChat, model);
        assert_eq!(found.max_output, output, "{model}");
        assert_eq!(found.sampling, SamplingSupport::All, "{model}");
        assert_eq!(found.efforts, efforts, "{model}");
        assert_eq!(
            (found.structured_output, found.strict_tools),
            (schemas, schemas),
            "{model}"
        );
        assert_eq!(found.reasoning_replay, replay, "{model}");
        assert!(
            found.stop_sequences && found.parallel_tool_calls && found.stream_usage,
            "{model}"
        );
        assert!(
            !found.developer_role && !found.max_completion_tokens && !found.freeform_tools,
            "{model}"
        );
        assert!(
            !found.single_system && !found.tool_images,
            "{model}"
        );
        assert!(!lookup(OpenAiResponses, model).stop_sequences, "{model}");
    }
}
