//! The summary of a session.

use std::collections::HashMap;

use super::plan::AgentPlan;
use super::user_text::{one_line, strip_agent_notes};
use crate::canonical::{Block, Message, Request, Role, ToolCall, ToolResult};

/// The most characters of a summary. The limits of its parts add up to less.
pub const MAX_CHARS: usize = 2_000;

/// The most tools that are named.
const MAX_TOOLS: usize = 8;

/// The most characters of a tool's name.
const NAME_CHARS: usize = 40;

/// The most characters of the last user request.
const REQUEST_CHARS: usize = 240;

/// A short summary of the session, made from the conversation alone: the user's turns, the tool calls by name with
/// their failures, the plan that the agent keeps, the last user request in one line. At most [`MAX_CHARS`] characters;
/// `None` if the user wrote nothing and no tool was called.
///
/// A pure function of the request: the same conversation gives the same text, which prompt caches depend on.
pub fn summary(request: &Request) -> Option<String> {
    let (turns, last_request) = count_user_turns(&request.messages);
    let results = tool_results(&request.messages);
    let failed = |call: &ToolCall| {
        results
            .get(call.id.as_str())
            .is_some_and(|result| result.is_error)
    };

    let mut plan = AgentPlan::default();
    let mut tools = ToolCounts::default();
    for call in tool_calls(&request.messages) {
        let failed = failed(call);
        tools.count(call, failed);
        if !failed {
            plan.record(call, results.get(call.id.as_str()).copied());
        }
    }
    if turns == 0 && tools.total == 0 {
        return None;
    }

    let mut lines = vec![
        "Session progress, derived from the conversation:".to_owned(),
        format!("User turns: {turns}"),
    ];
    tools.render(&mut lines);
    plan.render(&mut lines);
    if let Some(last_request) = last_request {
        lines.push(format!("Last user request: {last_request}"));
    }
    Some(lines.join("\n"))
}

/// The number of the user's turns, and the user's last words. Consecutive messages are one turn; tool results and notes
/// of the agent are none.
fn count_user_turns(messages: &[Message]) -> (usize, Option<String>) {
    let (mut turns, mut last, mut same_turn) = (0_usize, None, false);
    for message in messages {
        match message.role {
            Role::System => {}
            Role::Assistant => same_turn = false,
            Role::User => {
                let (words, has_media) = read_user_words(message);
                if words.is_empty() && !has_media {
                    continue;
                }
                turns += usize::from(!same_turn);
                same_turn = true;
                if !words.is_empty() {
                    last = Some(words);
                }
            }
        }
    }
    (turns, last)
}

/// The user's own words in a message, on one line, and whether the message contains media, too.
fn read_user_words(message: &Message) -> (String, bool) {
    let (mut words, mut has_media) = (String::new(), false);
    for block in &message.content {
        match block {
            Block::Text(text) => {
                // One character more than the summary shows: the final cut then adds its ellipsis.
                let line = one_line(&strip_agent_notes(&text.text), REQUEST_CHARS + 1);
                if !words.is_empty() && !line.is_empty() {
                    words.push(' ');
                }
                words.push_str(&line);
            }
            Block::Image(_) | Block::Document(_) | Block::Audio(_) | Block::SearchResult(_) => {
                has_media = true
            }
            Block::Refusal { .. }
            | Block::Reasoning(_)
            | Block::ToolCall(_)
            | Block::ToolResult(_)
            | Block::ServerTool(_) => {}
        }
    }
    (one_line(&words, REQUEST_CHARS), has_media)
}

fn tool_calls(messages: &[Message]) -> impl Iterator<Item = &ToolCall> {
    let blocks = messages.iter().flat_map(|message| &message.content);
    blocks.filter_map(|block| match block {
        Block::ToolCall(call) => Some(call),
        _ => None,
    })
}

fn tool_results(messages: &[Message]) -> HashMap<&str, &ToolResult> {
    let blocks = messages.iter().flat_map(|message| &message.content);
    let results = blocks.filter_map(|block| match block {
        Block::ToolResult(result) => Some((result.call_id.as_str(), result)),
        _ => None,
    });
    results.collect()
}

/// Tool calls by name, in the order in which the tools were first called.
#[derive(Default)]
struct ToolCounts<'a> {
    total: usize,
    tools: Vec<ToolCount<'a>>,
    positions: HashMap<(Option<&'a str>, &'a str), usize>,
}

struct ToolCount<'a> {
    namespace: Option<&'a str>,
    name: &'a str,
    calls: usize,
    failures: usize,
}

impl<'a> ToolCounts<'a> {
    fn count(&mut self, call: &'a ToolCall, failed: bool) {
        let (namespace, name) = (call.namespace.as_deref(), call.name.as_str());
        let position = *self.positions.entry((namespace, name)).or_insert_with(|| {
            self.tools.push(ToolCount {
                namespace,
                name,
                calls: 0,
                failures: 0,
            });
            self.tools.len() - 1
        });
        if let Some(tool) = self.tools.get_mut(position) {
            tool.calls += 1;
            tool.failures += usize::from(failed);
        }
        self.total += 1;
    }

    /// Adds a line with the tools that were called most often.
    fn render(mut self, lines: &mut Vec<String>) {
        if self.total == 0 {
            return;
        }
        self.tools.sort_by_key(|tool| std::cmp::Reverse(tool.calls));
        let mut named: Vec<String> = self.tools.iter().take(MAX_TOOLS).map(ToolCount::render).collect();
        let hidden = self.tools.len().saturating_sub(MAX_TOOLS);
        if hidden > 0 {
            named.push(format!("and {hidden} more tools"));
        }
        lines.push(format!("Tool calls: {} ({})", self.total, named.join("; ")));
    }
}

impl ToolCount<'_> {
    fn render(&self) -> String {
        let name = match self.namespace {
            Some(namespace) => one_line(&format!("{namespace}.{}", self.name), NAME_CHARS),
            None => one_line(self.name, NAME_CHARS),
        };
        match self.failures {
            0 => format!("{name} {}", self.calls),
            failures => format!("{name} {}, {failures} failed", self.calls),
        }
    }
}
