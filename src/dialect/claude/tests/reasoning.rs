//! Thinking: its blocks in requests, and how much of it is asked for.

use super::*;
use crate::canonical::{Effort, ReasoningControl, ReasoningDisplay, Thinking};
use crate::capability::{DisabledThinking, ThinkingSupport};
use crate::dialect::shared::carrier;

/// A model that decides itself how much it thinks.
fn adaptive(efforts: &[Effort]) -> Capabilities {
    model(|model| {
        model.thinking = ThinkingSupport {
            adaptive: true,
            budget: false,
            disabled: DisabledThinking::Always,
            between_tools: false,
        };
        model.efforts = efforts.to_vec();
    })
}

/// `thinking` and `output_config.effort` as they are written for a model, and the losses.
fn write_control(control: ReasoningControl, capabilities: &Capabilities) -> (Value, Value, Vec<String>) {
    let mut request = request(vec![user(0, vec![text("a")])]);
    request.max_output_tokens = Some(8000);
    request.reasoning = control;
    let (body, _, lost) = write(&request, capabilities);
    (
        body["thinking"].clone(),
        body["output_config"]["effort"].clone(),
        lost,
    )
}

fn of_effort(effort: Effort) -> ReasoningControl {
    ReasoningControl {
        effort: Some(effort),
        ..ReasoningControl::default()
    }
}

fn of_thinking(thinking: Thinking) -> ReasoningControl {
    ReasoningControl {
        thinking: Some(thinking),
        ..ReasoningControl::default()
    }
}

#[test]
fn settings_of_thinking_are_read_and_unknown_ones_recorded() {
    let control = |members: Value| {
        let (request, losses) = read(&with(members));
        (request.reasoning, listed(&losses))
    };
    let (budget, lost) =
        control(json!({"thinking": {"type": "enabled", "budget_tokens": 2048, "display": "omitted"}}));
    assert_eq!(budget.thinking, Some(Thinking::Enabled { budget: 2048 }));
    assert_eq!((budget.display, lost.len()), (Some(ReasoningDisplay::Omitted), 0));
    let (unknown, lost) =
        control(json!({"thinking": {"type": "dreaming"}, "output_config": {"effort": "huge"}}));
    assert_eq!(unknown, ReasoningControl::default());
    let expected = [
        "refused thinking UnknownVariant",
        "dropped output_config.effort UnknownEffort",
    ];
    assert_eq!(lost, expected);
}

#[test]
fn a_thinking_block_is_kept_as_the_exact_json_that_has_to_come_back() {
    let (blocks, _) = read_blocks(json!([{"type": "thinking", "thinking": "hm", "signature": "sig"}]));
    let opaque = match blocks.as_slice() {
        [Block::Reasoning(reasoning)] => reasoning.opaque.as_ref(),
        _ => None,
    };
    let json = r#"{"type":"thinking","thinking":"hm","signature":"sig"}"#;
    let kept = opaque.map(|opaque| (opaque.origin, opaque.json.get()));
    assert_eq!(kept, Some((Family::Claude, json)));
}

#[test]
fn a_carrier_brings_another_vendors_reasoning_back_and_one_of_another_version_is_dropped() {
    let thinking = |signature: &str| json!([{"type": "thinking", "thinking": "hm", "signature": signature}]);
    let state = Opaque::new(Family::OpenaiResponses, to_raw_json(&json!({"id": "rs_1"})));
    let (blocks, lost) = read_blocks(thinking(&carrier::encode(&state)));
    assert_eq!(to_json(&blocks)[0]["opaque"]["origin"], "openai-responses");
    assert_eq!(lost, [""; 0]);
    let (blocks, lost) = read_blocks(thinking("px9.r.e30"));
    assert!(blocks.is_empty());
    assert_eq!(lost, ["dropped messages[0].content[0] UnknownCarrier"]);
}

#[test]
fn a_budget_stays_below_the_output_limit() {
    let budget = |wanted: u64, max_tokens: u64| {
        let mut request = request(vec![user(0, vec![text("a")])]);
        request.max_output_tokens = Some(max_tokens);
        request.reasoning = of_thinking(Thinking::Enabled { budget: wanted });
        let (body, _, lost) = write(&request, &model(|_| {}));
        (body["thinking"]["budget_tokens"].as_u64(), lost)
    };
    assert_eq!(budget(2000, 2001), (Some(2000), vec![]));
    assert_eq!(
        budget(10, 4000),
        (Some(1024), vec![]),
        "the least that is accepted"
    );
    let cut = vec!["approximated output_config.effort ThinkingBudgetCut".to_owned()];
    assert_eq!(budget(4000, 4000), (Some(2976), cut));
    let no_room = vec!["dropped output_config.effort NoRoomForThinking".to_owned()];
    assert_eq!(budget(2000, 2000), (None, no_room));
}

#[test]
fn a_forced_call_and_lost_thinking_switch_a_budget_off() {
    let (mut forced, _) = read(&with(json!({
        "tools": [{"name": "f", "input_schema": {"type": "object"}}], "tool_choice": {"type": "any"}, "max_tokens": 8000,
        "thinking": {"type": "enabled", "budget_tokens": 2048},
    })));
    let (body, _, lost) = write(&forced, &model(|_| {}));
    assert_eq!(body.get("thinking"), None);
    assert_eq!(lost, ["dropped output_config.effort ForcedCallExcludesThinking"]);
    forced.tool_choice = None;
    let turn = |content: Vec<Block>| {
        vec![
            user(0, vec![text("a")]),
            assistant(1, content),
            user(2, vec![result("1", vec![])]),
        ]
    };
    forced.messages = turn(vec![call("1")]);
    let (body, _, lost) = write(&forced, &model(|_| {}));
    assert_eq!(body.get("thinking"), None);
    assert_eq!(lost, ["dropped output_config.effort LostThinking"]);
    forced.messages = turn(vec![thought(Some(Family::Claude)), call("1")]);
    let (body, _, lost) = write(&forced, &model(|_| {}));
    assert_eq!(body["thinking"]["budget_tokens"], 2048);
    assert_eq!(lost, [""; 0]);
}

#[test]
fn an_effort_becomes_a_budget_for_a_model_that_thinks_up_to_one() {
    let (thinking, effort, lost) = write_control(of_effort(Effort::Low), &model(|_| {}));
    assert_eq!(
        (&thinking["budget_tokens"], effort, lost.len()),
        (&json!(4096), Value::Null, 0)
    );
}

#[test]
fn an_effort_becomes_the_nearest_one_below_that_the_model_has() {
    let capabilities = adaptive(&[Effort::Low, Effort::High]);
    let (thinking, effort, lost) = write_control(of_effort(Effort::High), &capabilities);
    assert_eq!(
        (&thinking["type"], effort, lost.len()),
        (&json!("adaptive"), json!("high"), 0)
    );
    for (wanted, nearest) in [
        (Effort::Medium, "low"),
        (Effort::Max, "high"),
        (Effort::Minimal, "low"),
    ] {
        let (_, effort, lost) = write_control(of_effort(wanted), &capabilities);
        assert_eq!(effort, nearest);
        assert_eq!(
            lost,
            ["approximated output_config.effort NearestEffort"],
            "{wanted:?}"
        );
    }
}

#[test]
fn a_budget_becomes_an_effort_for_a_model_without_budgets() {
    let capabilities = adaptive(&[Effort::Low, Effort::Medium, Effort::High, Effort::Xhigh]);
    for (budget, effort) in [
        (4096, "low"),
        (4097, "medium"),
        (16_001, "high"),
        (32_001, "xhigh"),
    ] {
        let (_, written, _) = write_control(of_thinking(Thinking::Enabled { budget }), &capabilities);
        assert_eq!(written, effort, "{budget}");
    }
    let (thinking, effort, _) = write_control(of_thinking(Thinking::Adaptive), &capabilities);
    assert_eq!(
        (&thinking["type"], effort),
        (&json!("adaptive"), Value::Null),
        "the model's own default"
    );
}

#[test]
fn thinking_is_switched_off_only_where_it_would_be_on() {
    let (thinking, _, lost) = write_control(of_thinking(Thinking::Disabled), &model(|_| {}));
    assert_eq!((thinking, lost.len()), (Value::Null, 0), "off unless asked for");
    let (thinking, _, lost) = write_control(of_effort(Effort::None), &adaptive(&[Effort::Low]));
    assert_eq!((&thinking["type"], lost.len()), (&json!("disabled"), 0));
    let mut always = adaptive(&[Effort::Low]);
    always.thinking.disabled = DisabledThinking::Never;
    let (thinking, effort, lost) = write_control(of_thinking(Thinking::Disabled), &always);
    assert_eq!((thinking, effort), (Value::Null, json!("low")));
    assert_eq!(lost, ["approximated output_config.effort AlwaysThinks"]);
    always.thinking.between_tools = true;
    let (thinking, _, _) = write_control(of_thinking(Thinking::Disabled), &always);
    assert_eq!(
        thinking["type"], "between_tools",
        "the least that this model offers"
    );
}

#[test]
fn thinking_between_tools_becomes_low_effort_for_other_models() {
    let (thinking, effort, lost) =
        write_control(of_thinking(Thinking::BetweenTools), &adaptive(&[Effort::Low]));
    assert_eq!((&thinking["type"], effort), (&json!("adaptive"), json!("low")));
    assert_eq!(lost, ["approximated thinking NoThinkingBetweenTools"]);
}

#[test]
fn a_model_that_does_not_think_drops_the_effort() {
    let capabilities = model(|model| model.thinking.budget = false);
    let (thinking, effort, lost) = write_control(of_effort(Effort::High), &capabilities);
    assert_eq!((thinking, effort), (Value::Null, Value::Null));
    assert_eq!(lost, ["dropped output_config.effort NoThinking"]);
}

#[test]
fn only_an_adaptive_model_gets_the_setting_to_show_its_thinking() {
    let shown = ReasoningControl {
        display: Some(ReasoningDisplay::Summarized),
        ..of_effort(Effort::Low)
    };
    let (thinking, _, _) = write_control(shown.clone(), &adaptive(&[Effort::Low]));
    assert_eq!(thinking["display"], "summarized");
    let (thinking, _, _) = write_control(shown, &model(|_| {}));
    assert_eq!(thinking.get("display"), None);
}
