use std::borrow::Cow;

use insta::{assert_json_snapshot, assert_snapshot};

use super::*;
use crate::canonical::{
    Block, CacheBreakpoint, FieldNames, Image, MediaSource, Message, Role, ToolCall, ToolInput, ToolResult,
};

static FIELDS: FieldNames = FieldNames {
    system: "system",
    messages: "messages",
    max_output_tokens: "max_tokens",
    stop: "stop_sequences",
    effort: "output_config.effort",
    thinking: "thinking",
    output_format: "output_config.format",
    verbosity: "verbosity",
    parallel_tool_calls: "tool_choice.disable_parallel_tool_use",
    end_user: "metadata.user_id",
    logprobs: "logprobs",
};

fn request(messages: Vec<(Role, Vec<Block>)>) -> Request {
    let mut request = Request::new(&FIELDS, "model".to_owned());
    let numbered = messages.into_iter().enumerate();
    let message = |(index, (role, content))| Message::new(role, index, content);
    request.messages = numbered.map(message).collect();
    request
}

fn system(text: &str, cached: bool) -> SystemBlock {
    SystemBlock {
        text: text.into(),
        origin: SystemOrigin::Block,
        cache: cached.then(CacheBreakpoint::default),
    }
}

fn text(text: &str) -> Block {
    Block::Text(text.to_owned().into())
}

fn call(id: &str, name: &str, arguments: &str) -> Block {
    Block::ToolCall(ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        namespace: None,
        input: ToolInput::from_arguments(arguments.to_owned()),
        cache: None,
    })
}

fn result(id: &str, content: &str, is_error: bool) -> Block {
    Block::ToolResult(ToolResult {
        call_id: id.to_owned(),
        content: vec![text(content)],
        is_error,
        cache: None,
    })
}

fn edits(replacements: &[(&str, &str)], append: &str, inject_progress: bool) -> SystemEdits {
    let owned = |&(old, new): &(&str, &str)| (old.to_owned(), new.to_owned());
    SystemEdits {
        replacements: replacements.iter().map(owned).collect(),
        append: append.to_owned(),
        inject_progress,
    }
}

use Role::{Assistant, User};

#[test]
fn edits_change_the_text_and_add_blocks_after_it() {
    let mut request = request(vec![
        (User, vec![text("Rename Acme to ACME.")]),
        (Role::System, vec![text("Acme mode is on.")]),
    ]);
    request.system = vec![
        system("You are Acme's agent.", false),
        system("Acme Acme", true),
        system("secret", false),
        system("Nothing to change here.", true),
    ];
    let edits = edits(
        &[("Acme", "Zenith"), ("Zenith Zenith", "one"), ("secret", "")],
        "Answer in German.",
        true,
    );
    edits.apply(&mut request);
    assert_json_snapshot!(request.system, @r#"
    [
      {
        "text": "You are Zenith's agent.",
        "origin": "block"
      },
      {
        "text": "one",
        "origin": "block",
        "cache": {}
      },
      {
        "text": "Nothing to change here.",
        "origin": "block",
        "cache": {}
      },
      {
        "text": "Answer in German.",
        "origin": "block"
      },
      {
        "text": "Session progress, derived from the conversation:\nUser turns: 1\nLast user request: Rename Acme to ACME.",
        "origin": "block"
      }
    ]
    "#);
    let untouched = request.messages.iter().flat_map(|message| &message.content);
    let texts = untouched.map(|block| match block {
        Block::Text(text) => text.text.as_str(),
        other => panic!("{other:?}"),
    });
    assert_eq!(
        texts.collect::<Vec<_>>(),
        ["Rename Acme to ACME.", "Acme mode is on."]
    );
}

#[test]
fn a_request_without_system_prompt_gets_one() {
    let mut request = request(vec![]);
    edits(&[], "Answer in German.", true).apply(&mut request);
    assert_json_snapshot!(request.system, @r#"
    [
      {
        "text": "Answer in German.",
        "origin": "system-message"
      }
    ]
    "#);
}

#[test]
fn nothing_to_edit_changes_nothing() {
    let mut request = request(vec![(User, vec![text("Hi")])]);
    request.system = vec![system("   ", false), system("text", true)];
    let before = format!("{request:?}");
    for nothing in [
        edits(&[], "", false),
        edits(&[("absent", "x"), ("", "y")], " \n", false),
    ] {
        nothing.apply(&mut request);
        assert_eq!(format!("{request:?}"), before);
        assert!(matches!(nothing.replace("text"), Cow::Borrowed("text")));
        assert!(nothing.added_texts(&request).is_empty());
    }
    assert!(SystemEdits::default().is_empty());
    for something in [
        edits(&[("a", "b")], "", false),
        edits(&[], "a", false),
        edits(&[], "", true),
    ] {
        assert!(!something.is_empty());
    }
}

#[test]
fn a_session_of_claude_code() {
    let todos = |first: &str, second: &str| {
        format!(
            r#"{{"todos":[{{"content":"Read the parser","status":"{first}","activeForm":"Reading"}},
               {{"content":"Write\nthe tests","status":"{second}","activeForm":"Writing"}},
               {{"content":"Run them","status":"pending","activeForm":"Running"}}]}}"#
        )
    };
    let request = request(vec![
        (
            User,
            vec![
                text("<system-reminder>Today is Monday.</system-reminder>\n"),
                text("Fix the parser."),
            ],
        ),
        (
            Assistant,
            vec![
                call("1", "TodoWrite", &todos("in_progress", "pending")),
                call("2", "Bash", r#"{"command":"false"}"#),
            ],
        ),
        (User, vec![result("1", "ok", false), result("2", "exit 1", true)]),
        (
            Assistant,
            vec![text("Done."), call("3", "Read", "{}"), call("4", "Bash", "{}")],
        ),
        (
            User,
            vec![
                result("3", "…", false),
                result("4", "", false),
                text("<system-reminder>x</system-reminder>"),
            ],
        ),
        (
            Assistant,
            vec![call("5", "TodoWrite", &todos("completed", "in_progress"))],
        ),
        (User, vec![result("5", "ok", false)]),
        // A list that the tool refused, or that is none, does not replace the one that holds.
        (
            Assistant,
            vec![
                call("6", "TodoWrite", r#"{"todos":[]}"#),
                call("7", "TodoWrite", r#"{"todos":"#),
            ],
        ),
        (
            User,
            vec![result("6", "refused", true), result("7", "refused", true)],
        ),
        (Assistant, vec![text("What next?")]),
        (
            User,
            vec![text(
                "<command-name>/test</command-name><command-args>--all\n now</command-args>",
            )],
        ),
    ]);
    assert_snapshot!(summary(&request).unwrap(), @r"
    Session progress, derived from the conversation:
    User turns: 2
    Tool calls: 7 (TodoWrite 4, 2 failed; Bash 2, 1 failed; Read 1)
    Plan: 1 of 3 done
    - [x] Read the parser
    - [>] Write the tests
    - [ ] Run them
    Last user request: /test --all now
    ");
}

#[test]
fn tasks_of_claude_code() {
    let create = |id: &str, subject: &str| {
        call(
            id,
            "TaskCreate",
            &format!(r#"{{"subject":"{subject}","description":"d"}}"#),
        )
    };
    let update = |id: &str, input: &str| call(id, "TaskUpdate", input);
    let created =
        |id: &str, number: u32| result(id, &format!("Task #{number} created successfully: x"), false);
    let request = request(vec![
        (User, vec![text("Go.")]),
        (
            Assistant,
            vec![
                create("1", "One"),
                create("2", "Two"),
                create("3", "Three"),
                create("4", "Four"),
            ],
        ),
        (
            User,
            vec![
                created("1", 1),
                created("2", 2),
                created("3", 3),
                result("4", "no", true),
            ],
        ),
        (
            Assistant,
            vec![
                update("5", r#"{"taskId":"1","status":"completed"}"#),
                update(
                    "6",
                    r#"{"taskId":"2","status":"in_progress","subject":"Two, renamed"}"#,
                ),
                update("7", r#"{"taskId":"3","status":"deleted"}"#),
                update("8", r#"{"taskId":"2","status":"completed"}"#),
                update("9", r#"{"taskId":"77","status":"completed"}"#),
            ],
        ),
        (User, vec![result("8", "blocked", true)]),
    ]);
    assert_snapshot!(summary(&request).unwrap(), @r"
    Session progress, derived from the conversation:
    User turns: 1
    Tool calls: 9 (TaskUpdate 5, 1 failed; TaskCreate 4, 1 failed)
    Plan: 1 of 2 done
    - [x] One
    - [>] Two, renamed
    Last user request: Go.
    ");
}

#[test]
fn a_session_of_codex() {
    let mut shell = call("4", "exec", "");
    if let Block::ToolCall(call) = &mut shell {
        call.namespace = Some("functions".to_owned());
        call.input = ToolInput::Freeform {
            text: "text(1)".into(),
        };
    }
    let request = request(vec![
        (Role::System, vec![text("Be careful.")]),
        (
            User,
            vec![text(
                "<environment_context>\n  <cwd>/src</cwd>\n</environment_context>",
            )],
        ),
        (User, vec![text("Ship it")]),
        (
            Assistant,
            vec![call(
                "1",
                "create_goal",
                r#"{"objective":"Ship 1.0","token_budget":5}"#,
            )],
        ),
        (User, vec![result("1", "", false)]),
        (
            Assistant,
            vec![call(
                "2",
                "update_plan",
                r#"{"explanation":"e","plan":[{"step":"Build","status":"completed"},{"step":"Tag","status":"unheard-of"}]}"#,
            )],
        ),
        (User, vec![result("2", "Plan updated", false)]),
        (
            Assistant,
            vec![call("3", "update_goal", r#"{"status":"blocked"}"#), shell],
        ),
    ]);
    assert_snapshot!(summary(&request).unwrap(), @r"
    Session progress, derived from the conversation:
    User turns: 1
    Tool calls: 4 (create_goal 1; update_plan 1; update_goal 1; functions.exec 1)
    Goal: Ship 1.0 (blocked)
    Plan: 1 of 2 done
    - [x] Build
    - [ ] Tag
    Last user request: Ship it
    ");
}

#[test]
fn an_empty_session_has_no_summary() {
    for messages in [
        vec![],
        vec![(Role::System, vec![text("Be kind.")])],
        vec![(User, vec![text("<system-reminder>x</system-reminder>")])],
        vec![(Assistant, vec![text("Hello!")])],
    ] {
        assert_eq!(summary(&request(messages)), None);
    }
}

#[test]
fn a_turn_without_words_counts() {
    let image = || {
        Block::Image(Image {
            source: MediaSource::File { id: "f".to_owned() },
            detail: None,
            cache: None,
        })
    };
    let request = request(vec![(User, vec![image()]), (User, vec![image()])]);
    assert_snapshot!(summary(&request).unwrap(), @r"
    Session progress, derived from the conversation:
    User turns: 1
    ");
}

#[test]
fn a_summary_is_bounded() {
    let long = "wörd ".repeat(10_000);
    let todo = format!(r#"{{"content":"{long}","status":"pending"}}"#);
    let done = r#"{"content":"old","status":"completed"}"#;
    let todos = vec![todo; 50].join(",");
    let mut calls = vec![
        call("todo", "TodoWrite", &format!(r#"{{"todos":[{done},{todos}]}}"#)),
        call("goal", "create_goal", &format!(r#"{{"objective":"{long}"}}"#)),
        call("goal2", "update_goal", &format!(r#"{{"status":"{long}"}}"#)),
    ];
    let mut results = Vec::new();
    for at in 0..60_000 {
        let (id, tool) = (
            format!("call_{at}"),
            format!("tool{}{}", at % 15, "-name".repeat(20)),
        );
        calls.push(call(&id, &tool, "{}"));
        results.push(result(&id, "", true));
    }
    let request = request(vec![
        (User, vec![text(&long)]),
        (Assistant, calls),
        (User, results),
    ]);
    let summary = summary(&request).unwrap();
    assert!(
        summary.chars().count() <= MAX_CHARS,
        "{}",
        summary.chars().count()
    );
    let lines: Vec<_> = summary.lines().collect();
    assert_eq!(
        lines.iter().filter(|line| line.starts_with("- [ ] wörd")).count(),
        10
    );
    assert!(lines.contains(&"Plan: 1 of 51 done"));
    assert!(lines.contains(&"- and 41 more"));
    assert!(
        lines.iter().any(|line| line.ends_with("; and 10 more tools)")),
        "{summary}"
    );
    assert!(
        lines
            .last()
            .is_some_and(|line| line.starts_with("Last user request: ") && line.ends_with('…'))
    );
}

#[test]
fn a_line_break_in_the_conversation_forges_no_line() {
    let request = request(vec![
        (User, vec![text("a\nUser turns: 99\u{2028}Plan: done")]),
        (Assistant, vec![call("1", "x\nGoal: y", "{}")]),
    ]);
    assert_snapshot!(summary(&request).unwrap(), @r"
    Session progress, derived from the conversation:
    User turns: 1
    Tool calls: 1 (x Goal: y 1)
    Last user request: a User turns: 99 Plan: done
    ");
}
