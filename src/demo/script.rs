//! The script: decides on the response to a request, independent of the dialect.

use std::time::Duration;

use serde_json::{Value, json};

use super::synth;

/// The parts of a request that the script uses.
#[derive(Debug, Default)]
pub(super) struct DemoRequest {
    pub model: String,
    pub stream: bool,
    /// The last text of the user, without the reminders that agents add.
    pub text: String,
    pub tools: Vec<DemoTool>,
    pub choice: DemoToolChoice,
    /// Tool results after that text.
    pub results: Vec<String>,
    pub max_tokens: Option<u64>,
    /// Whether the client wants a usage chunk at the end of a chat stream.
    pub stream_usage: bool,
    /// The number of messages in the history.
    pub messages: usize,
    /// The request itself, for responses that repeat its members.
    pub request: Value,
}

#[derive(Debug)]
pub(super) struct DemoTool {
    pub name: String,
    pub schema: Value,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum DemoToolChoice {
    #[default]
    Auto,
    None,
    Required,
    Named(String),
}

/// The response to a request.
#[derive(Debug)]
pub(super) struct DemoPlan {
    /// The kind of the response, for the header `x-demo-script`.
    pub name: &'static str,
    pub outcome: DemoOutcome,
}

#[derive(Debug)]
pub(super) enum DemoOutcome {
    Fail(DemoFailure),
    Respond {
        turn: DemoTurn,
        pace: Pace,
        fault: Option<DemoFault>,
    },
}

/// An error response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DemoFailure {
    pub status: u16,
    pub message: String,
    /// In seconds.
    pub retry_after: Option<u32>,
    /// Whether the prompt exceeds the model's context window. Clients compact their history after this error.
    pub context_window: bool,
}

impl DemoFailure {
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        let retry_after = matches!(status, 429 | 503 | 529).then_some(2);
        Self {
            status,
            message: message.into(),
            retry_after,
            context_window: false,
        }
    }
}

#[derive(Debug)]
pub(super) struct DemoTurn {
    pub blocks: Vec<DemoBlock>,
    pub stop: DemoStop,
    pub usage: DemoUsage,
}

#[derive(Debug, Clone)]
pub(super) enum DemoBlock {
    Thinking(Vec<String>),
    Text(Vec<String>),
    Call { name: String, arguments: Value },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DemoStop {
    End,
    Tool,
    Length,
    Refusal,
}

/// Token counts. The counts of the input do not overlap; `thinking` is a part of `output`.
#[derive(Debug, Clone, Copy)]
pub(super) struct DemoUsage {
    pub fresh: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub output: u64,
    pub thinking: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    Free,
    Every(Duration),
    Stepped,
}

/// The fault after the third piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DemoFault {
    Error,
    Cut,
}

impl DemoFault {
    pub const AFTER: usize = 3;
}

const MOST_PIECES: u64 = 1_000_000;
const LONGEST_PAUSE: u64 = 60_000;
const LONGEST_QUOTE: usize = 2_000;

/// Decides on the response. `facts` are the facts about the HTTP request that an `echo` contains.
pub(super) fn plan_response(ask: &DemoRequest, facts: Value) -> DemoPlan {
    let words = UserWords::of(&ask.text);
    if let Some(failure) = read_failure(&words) {
        return DemoPlan {
            name: "error",
            outcome: DemoOutcome::Fail(failure),
        };
    }
    let fault = if words.follows("error", "mid") {
        Some(DemoFault::Error)
    } else {
        words.has("cut").then_some(DemoFault::Cut)
    };
    let pace = match (words.has("step"), words.has("slow")) {
        (true, _) => Pace::Stepped,
        (_, true) => {
            let millis = words.number_after("slow").unwrap_or(100).min(LONGEST_PAUSE);
            Pace::Every(Duration::from_millis(millis))
        }
        _ => Pace::Free,
    };
    let mut blocks = Vec::new();
    if words.has("think") || words.has("thinking") {
        blocks.push(DemoBlock::Thinking(split_words(
            "The user wants me to think first. Let me weigh it: yes, I can answer.",
        )));
    }
    let calls = plan_calls(ask, &words);
    let name = if !calls.is_empty() {
        blocks.extend(calls);
        "tool"
    } else {
        let (name, text) = write_text(ask, &words, facts);
        blocks.push(DemoBlock::Text(text));
        name
    };
    let stop = match () {
        () if words.has("truncate") => DemoStop::Length,
        () if words.has("refuse") => DemoStop::Refusal,
        () if name == "tool" => DemoStop::Tool,
        () => DemoStop::End,
    };
    let turn = apply_token_limit(
        DemoTurn {
            usage: count_usage(ask, &blocks),
            blocks,
            stop,
        },
        ask.max_tokens,
    );
    DemoPlan {
        name,
        outcome: DemoOutcome::Respond { turn, pace, fault },
    }
}

fn read_failure(words: &UserWords) -> Option<DemoFailure> {
    if words.has("overload") || words.has("overloaded") {
        return Some(DemoFailure::new(529, "The demo upstream is overloaded, as asked"));
    }
    if words.follows("error", "context") {
        let message = "prompt is too long: 250000 tokens > 200000 maximum";
        return Some(DemoFailure {
            context_window: true,
            ..DemoFailure::new(400, message)
        });
    }
    let status = words.number_after("error")?;
    let status = u16::try_from(status)
        .ok()
        .filter(|status| (400..=599).contains(status))?;
    Some(DemoFailure::new(
        status,
        format!("The demo upstream fails with status {status}, as asked"),
    ))
}

fn plan_calls(ask: &DemoRequest, words: &UserWords) -> Vec<DemoBlock> {
    if ask.choice == DemoToolChoice::None || !ask.results.is_empty() {
        return Vec::new();
    }
    let parallel = words.has("parallel");
    let first = match &ask.choice {
        DemoToolChoice::Named(name) => ask.tools.iter().position(|tool| tool.name == *name),
        _ => ask.tools.iter().position(|tool| words.mention(&tool.name)),
    };
    let asked = first.is_some() || parallel || words.has("tool") || ask.choice == DemoToolChoice::Required;
    let Some(tool) = ask.tools.get(first.unwrap_or(0)).filter(|_| asked) else {
        return Vec::new();
    };
    let call = |tool: &DemoTool| DemoBlock::Call {
        name: tool.name.clone(),
        arguments: synth::make_arguments(&tool.schema),
    };
    let mut calls = vec![call(tool)];
    if parallel {
        let other = ask
            .tools
            .iter()
            .find(|other| other.name != tool.name)
            .unwrap_or(tool);
        calls.push(call(other));
    }
    calls
}

fn write_text(ask: &DemoRequest, words: &UserWords, facts: Value) -> (&'static str, Vec<String>) {
    if !ask.results.is_empty() {
        let quoted = quote(&ask.results.join("\n"));
        return ("result", split_words(&format!("The tool returned: {quoted}")));
    }
    if words.has("echo") {
        return ("echo", vec![describe_request(ask, facts).to_string()]);
    }
    if let Some(count) = words.number_after("long") {
        return (
            "long",
            (1..=count.min(MOST_PIECES))
                .map(|n| format!("word{n} "))
                .collect(),
        );
    }
    if words.has("tool") || words.has("parallel") {
        return (
            "text",
            split_words("I would call a tool, but the request declares none that I may use."),
        );
    }
    let quoted = quote(&ask.text);
    (
        "text",
        split_words(&format!(
            "Hello from the demo upstream – “{}” here. You said: {quoted}",
            ask.model
        )),
    )
}

fn describe_request(ask: &DemoRequest, facts: Value) -> Value {
    let mut all = json!({
        "model": ask.model,
        "stream": ask.stream,
        "messages": ask.messages,
        "max_tokens": ask.max_tokens,
        "tools": ask.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(),
    });
    if let (Value::Object(all), Value::Object(facts)) = (&mut all, facts) {
        all.extend(facts);
    }
    all
}

/// Cuts the text to `max_tokens` pieces, as if each were a token. Thinking counts; tool calls are not cut.
fn apply_token_limit(mut turn: DemoTurn, max_tokens: Option<u64>) -> DemoTurn {
    let Some(max) = max_tokens.and_then(|max| usize::try_from(max).ok()) else {
        return turn;
    };
    let mut left = max;
    for block in &mut turn.blocks {
        if let DemoBlock::Thinking(pieces) | DemoBlock::Text(pieces) = block {
            if pieces.len() > left {
                pieces.truncate(left);
                turn.stop = DemoStop::Length;
            }
            left -= pieces.len();
        }
    }
    turn.blocks
        .retain(|block| !matches!(block, DemoBlock::Thinking(p) | DemoBlock::Text(p) if p.is_empty()));
    if turn.stop == DemoStop::Length {
        turn.usage.output = turn.usage.output.min(max as u64);
        turn.usage.thinking = turn.usage.thinking.min(turn.usage.output);
    }
    turn
}

fn count_usage(ask: &DemoRequest, blocks: &[DemoBlock]) -> DemoUsage {
    let count = |block: &DemoBlock| match block {
        DemoBlock::Thinking(pieces) | DemoBlock::Text(pieces) => pieces.len() as u64,
        DemoBlock::Call { arguments, .. } => 8 + arguments.to_string().len() as u64 / 4,
    };
    let thinking = blocks
        .iter()
        .filter(|block| matches!(block, DemoBlock::Thinking(_)));
    DemoUsage {
        fresh: 12 + ask.text.len() as u64 / 4,
        cache_read: 64,
        cache_write: 16,
        output: blocks.iter().map(count).sum(),
        thinking: thinking.map(count).sum(),
    }
}

/// Splits text into words with the space after them, which is similar to a model's tokens.
fn split_words(text: &str) -> Vec<String> {
    text.split_inclusive(' ').map(str::to_owned).collect()
}

fn quote(text: &str) -> String {
    let mut chars = text.trim().chars();
    let mut quoted: String = chars.by_ref().take(LONGEST_QUOTE).collect();
    if chars.next().is_some() {
        quoted.push('…');
    }
    quoted
}

/// Removes the reminders for the model that agents add to the user's text.
pub(super) fn strip_reminders(text: &str) -> String {
    const OPEN: &str = "<system-reminder>";
    const CLOSE: &str = "</system-reminder>";
    let mut spoken = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        spoken.push_str(before);
        rest = after.split_once(CLOSE).map_or("", |(_, after)| after);
    }
    spoken.push_str(rest);
    spoken.trim().to_owned()
}

struct UserWords(Vec<String>);

impl UserWords {
    fn of(text: &str) -> Self {
        Self(
            text.split(|c: char| !c.is_alphanumeric() && c != '_')
                .filter(|word| !word.is_empty())
                .map(str::to_lowercase)
                .collect(),
        )
    }

    fn has(&self, word: &str) -> bool {
        self.0.iter().any(|other| other == word)
    }

    fn after(&self, word: &str) -> impl Iterator<Item = &str> {
        self.0.windows(2).filter_map(move |pair| match pair {
            [first, second] if first == word => Some(second.as_str()),
            _ => None,
        })
    }

    fn follows(&self, word: &str, next: &str) -> bool {
        self.after(word).any(|other| other == next)
    }

    fn number_after(&self, word: &str) -> Option<u64> {
        self.after(word).find_map(|next| next.parse().ok())
    }

    /// Whether the words contain the name of a tool, or a part of the name with at least four letters.
    fn mention(&self, tool: &str) -> bool {
        let whole = tool.to_lowercase();
        let parts = whole
            .split(|c: char| !c.is_alphanumeric())
            .filter(|part| part.len() >= 4);
        self.has(&whole) || parts.into_iter().any(|part| self.has(part))
    }
}
