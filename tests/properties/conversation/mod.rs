//! Random conversations as no dialect's own, and how each dialect's clients send them.

mod render;

use std::ops::Range;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

pub use render::request;

/// The messages that a client has sent and received until now.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub system: Vec<String>,
    pub tools: Vec<Tool>,
    pub turns: Vec<Turn>,
    /// Whether the client asks the model to reason.
    pub reasons: bool,
}

#[derive(Clone, Debug)]
pub struct Tool {
    pub name: &'static str,
    pub description: String,
    pub schema: Value,
}

#[derive(Clone, Debug)]
pub enum Turn {
    User(Vec<Part>),
    /// Instructions in the middle.
    System(String),
    Assistant {
        /// What the model thought first, and the vendor's state of it.
        thinking: Option<(String, Signed)>,
        text: Vec<String>,
        calls: Vec<Call>,
    },
    /// The results of all calls of the turn before, in this order, and what the user says beside them.
    Results {
        results: Vec<ToolOutcome>,
        then: Option<String>,
    },
}

#[derive(Clone, Debug)]
pub enum Part {
    Text(String),
    Image { media_type: &'static str, data: String },
}

/// Whose state a turn's reasoning has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signed {
    Claude,
    ClaudeRedacted,
    Unsigned,
}

#[derive(Clone, Debug)]
pub struct Call {
    pub id: String,
    pub name: &'static str,
    pub input: Value,
}

#[derive(Clone, Debug)]
pub struct ToolOutcome {
    pub call: String,
    pub content: Vec<Part>,
    pub is_error: bool,
}

impl Conversation {
    /// The histories, by length, that a client sends on the way: up to what the user or the tools say last.
    /// Instructions that come last are among them where the assistant speaks next. A lone instruction whose follower
    /// is the user is not: whether the Messages API takes it there depends on that follower, so that its place
    /// cannot be settled before.
    pub fn cuts(&self) -> Vec<usize> {
        let speaks = |range: Range<usize>| {
            let mut rest = self.turns[range].iter();
            rest.find(|turn| !matches!(turn, Turn::System(_)))
        };
        (1..=self.turns.len())
            .filter(|&end| match &self.turns[end - 1] {
                Turn::User(_) | Turn::Results { .. } => true,
                Turn::System(_) => {
                    matches!(speaks(end..self.turns.len()), None | Some(Turn::Assistant { .. }))
                        && self.turns[..end]
                            .iter()
                            .any(|turn| !matches!(turn, Turn::System(_)))
                }
                Turn::Assistant { .. } => false,
            })
            .collect()
    }

    pub fn first(&self, turns: usize) -> Self {
        Self {
            turns: self.turns[..turns].to_vec(),
            ..self.clone()
        }
    }
}

/// Names that one dialect or the other takes only when they are fitted.
const NAMES: [&str; 5] = [
    "read",
    "write-file",
    "list_of_all_the_things_that_a_very_long_tool_name_may_still_hold_up_to_90",
    "mcp__server__do",
    "b2",
];

pub fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z ]{1,16}",
        2 => "[ \n\t]{0,2}",
        2 => "[a-zé\u{1F600}\"\\\\<&\u{2028}]{1,8}",
    ]
}

/// An object as models write them.
pub fn object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        words().prop_map(Value::from),
        Just(Value::Null),
    ];
    let inner = leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec(("[a-z]{1,4}", inner), 0..3).prop_map(|members| members.into_iter().collect()),
        ]
    });
    vec(("[a-z_]{1,6}", inner), 0..3).prop_map(|members| members.into_iter().collect())
}

fn part() -> impl Strategy<Value = Part> {
    let types = prop::sample::select(vec!["image/png", "image/jpeg"]);
    let image = (types, "[A-Za-z0-9+/]{8}");
    prop_oneof![
        5 => words().prop_map(Part::Text),
        1 => image.prop_map(|(media_type, data)| Part::Image { media_type, data }),
    ]
}

fn tool() -> impl Strategy<Value = (String, Value)> {
    let property = prop::sample::select(vec![
        json!({"type": "string", "description": "x"}),
        json!({"type": "integer", "minimum": 0}),
        json!({"type": "array", "items": {"type": "number"}}),
        json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
    ]);
    (words(), vec(("[a-z]{1,5}", property), 0..3)).prop_map(|(description, properties)| {
        let properties: Value = properties.into_iter().collect();
        (description, json!({"type": "object", "properties": properties}))
    })
}

/// One exchange of turns: the user, the steps of the assistant with their tools, perhaps a last text.
#[derive(Clone, Debug)]
struct Round {
    before: Option<String>,
    user: Vec<Part>,
    after: Option<String>,
    steps: Vec<Step>,
    last_text: Option<String>,
}

#[derive(Clone, Debug)]
struct Step {
    thinking: Option<(String, Signed)>,
    text: Vec<String>,
    /// Kind of identifier, number of the tool, input, result, whether it failed.
    calls: Vec<(u8, usize, Value, Vec<Part>, bool)>,
    /// Whether the results come in another order than the calls.
    reversed: bool,
    then: Option<String>,
    system: Option<String>,
}

fn step() -> impl Strategy<Value = Step> {
    let signed = prop::sample::select(vec![Signed::Claude, Signed::ClaudeRedacted, Signed::Unsigned]);
    let call = (
        0_u8..4,
        0_usize..NAMES.len(),
        object(),
        vec(part(), 0..3),
        any::<bool>(),
    );
    let rare = |strategy| option::weighted(0.15, strategy);
    (
        option::of((words(), signed)),
        vec(words(), 0..3),
        vec(call, 1..4),
        any::<bool>(),
        rare(words()),
        rare(words()),
    )
        .prop_map(|(thinking, text, calls, reversed, then, system)| Step {
            thinking,
            text,
            calls,
            reversed,
            then,
            system,
        })
}

fn round() -> impl Strategy<Value = Round> {
    (
        option::weighted(0.15, words()),
        vec(part(), 0..3),
        option::weighted(0.15, words()),
        vec(step(), 0..3),
        option::weighted(0.8, words()),
    )
        .prop_map(|(before, user, after, steps, last_text)| Round {
            before,
            user,
            after,
            steps,
            last_text: last_text.filter(|last_text| !last_text.trim().is_empty()),
        })
}

pub fn conversation() -> impl Strategy<Value = Conversation> {
    let tools = (0..NAMES.len()).map(|_| tool()).collect::<Vec<_>>();
    (vec(words(), 0..3), tools, vec(round(), 1..4), any::<bool>()).prop_map(
        |(system, tools, rounds, reasons)| Conversation {
            system,
            tools: NAMES
                .into_iter()
                .zip(tools)
                .map(|(name, (description, schema))| Tool {
                    name,
                    description,
                    schema,
                })
                .collect(),
            turns: turns(rounds),
            reasons,
        },
    )
}

fn turns(rounds: Vec<Round>) -> Vec<Turn> {
    let mut turns = Vec::new();
    let mut calls_so_far = 0;
    for Round {
        before,
        user,
        after,
        steps,
        last_text,
    } in rounds
    {
        turns.extend(before.map(Turn::System));
        turns.push(Turn::User(with_text(user)));
        turns.extend(after.map(Turn::System));
        for step in steps {
            let mut calls = Vec::new();
            let mut results = Vec::new();
            for (kind, tool, input, content, is_error) in step.calls {
                calls_so_far += 1;
                let id = identifier(kind, calls_so_far);
                results.push(ToolOutcome {
                    call: id.clone(),
                    content,
                    is_error,
                });
                let name = NAMES[tool];
                calls.push(Call { id, name, input });
            }
            if step.reversed {
                results.reverse();
            }
            let (thinking, text, then) = (step.thinking, step.text, step.then);
            turns.push(Turn::Assistant {
                thinking,
                text,
                calls,
            });
            turns.push(Turn::Results { results, then });
            turns.extend(step.system.map(Turn::System));
        }
        turns.extend(last_text.map(|last_text| Turn::Assistant {
            thinking: None,
            text: vec![last_text],
            calls: Vec::new(),
        }));
    }
    turns
}

/// The parts with at least one text that is not blank: a message of blanks alone is refused by every vendor.
fn with_text(mut parts: Vec<Part>) -> Vec<Part> {
    let blank = |part: &Part| matches!(part, Part::Text(text) if text.trim().is_empty());
    if parts.iter().all(blank) {
        parts.push(Part::Text("go on".to_owned()));
    }
    parts
}

fn identifier(kind: u8, number: usize) -> String {
    match kind {
        0 => format!("toolu_{number}"),
        1 => format!("call_{number}"),
        2 => format!("functions.read:{number}"),
        _ => format!("{}{number}", "long".repeat(24)),
    }
}
