//! The shape of a conversation that the Messages API accepts.
//!
//! The API refuses a conversation unless roles alternate, the user begins, every tool result comes first in the user's
//! turn right after its call, and no text is blank. Messages that do not fit are moved by fixed rules that look only at
//! earlier messages and at the next one. A longer history therefore keeps the shape of the shorter one, which prompt
//! caches and signed thinking depend on.

use foldhash::{HashMap, HashMapExt};
use std::borrow::Cow;

use crate::canonical::{Block, Family, Message, Path, Request, Role, Scope, Text};
use crate::capability::Capabilities;
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::request::REMINDER;

/// The user's message that is put before a conversation that the assistant begins: the shortest that is not blank.
const OPENING: &str = ".";

/// One message of the Messages API, with the blocks that it is written from.
#[derive(Debug)]
pub struct ClaudeTurn<'a> {
    /// Whose message it is.
    pub role: Role,
    /// Its blocks.
    pub blocks: Vec<ClaudeTurnBlock<'a>>,
}

/// A block with its origin.
#[derive(Debug)]
pub struct ClaudeTurnBlock<'a> {
    /// The block; owned if its text was changed.
    pub block: Cow<'a, Block>,
    /// Where it is in the client's body.
    pub path: Path<'static>,
}

/// The turns of a conversation.
#[derive(Debug)]
pub struct ClaudeTurns<'a> {
    /// The turns, in order.
    pub turns: Vec<ClaudeTurn<'a>>,
    /// Whether the last leading instruction has become the user's message because there is no other, and has to leave
    /// the system prompt.
    pub system_as_user: bool,
}

/// Shapes the conversation. A history whose calls and results do not pair is refused.
pub fn shape<'a>(
    scope: &mut Scope<'_>,
    request: &'a Request,
    capabilities: &Capabilities,
) -> ClaudeTurns<'a> {
    refuse_unpaired(scope, request);
    let mut turns = merge_neighbours(scope, request);
    place_instructions(scope, &mut turns, capabilities);
    move_results_first(&mut turns);
    let system_as_user = begin_with_user(scope, request, &mut turns);
    end_with_user(scope, &mut turns, capabilities);
    ClaudeTurns {
        turns,
        system_as_user,
    }
}

/// Refuses histories whose calls and results do not pair: the API's error would name neither by the client's path.
fn refuse_unpaired(scope: &mut Scope<'_>, request: &Request) {
    let mut calls: HashMap<&str, ()> = HashMap::new();
    for message in &request.messages {
        for (position, block) in message.content.iter().enumerate() {
            match block {
                Block::ToolCall(call) if calls.insert(&call.id, ()).is_some() => {
                    scope
                        .at(request.block_path(message, position))
                        .refuse(ClaudeReason::DuplicateCallId);
                }
                Block::ToolResult(result) if !calls.contains_key(result.call_id.as_str()) => {
                    scope
                        .at(request.block_path(message, position))
                        .refuse(ClaudeReason::ResultWithoutCall);
                }
                _ => {}
            }
        }
    }
}

/// Merges neighbours of one role. Instructions between a call and its results are delayed until after the results,
/// since the API accepts nothing between the two.
fn merge_neighbours<'a>(scope: &mut Scope<'_>, request: &'a Request) -> Vec<ClaudeTurn<'a>> {
    let mut turns: Vec<ClaudeTurn<'a>> = Vec::with_capacity(request.messages.len());
    let mut delayed: Vec<ClaudeTurnBlock<'a>> = Vec::new();
    for (position, message) in request.messages.iter().enumerate() {
        let blocks = select_blocks(scope, request, message);
        if blocks.is_empty() {
            continue;
        }
        let results_follow = request.messages[position + 1..]
            .iter()
            .find(|next| next.role != Role::System)
            .is_some_and(has_result);
        let after_call = turns
            .last()
            .is_some_and(|turn| turn.role == Role::Assistant && has_call(turn));
        if message.role == Role::System && after_call && results_follow {
            delayed.extend(blocks);
            continue;
        }
        // Results may be split over several messages of the user; the delayed instructions follow the last of them.
        let more_results = request.messages.get(position + 1).is_some_and(has_result);
        push_blocks(&mut turns, message.role, blocks);
        if !more_results && !delayed.is_empty() {
            push_blocks(&mut turns, Role::System, std::mem::take(&mut delayed));
        }
    }
    turns
}

fn push_blocks<'a>(turns: &mut Vec<ClaudeTurn<'a>>, role: Role, blocks: Vec<ClaudeTurnBlock<'a>>) {
    match turns.last_mut() {
        Some(turn) if turn.role == role => turn.blocks.extend(blocks),
        _ => turns.push(ClaudeTurn { role, blocks }),
    }
}

fn has_result(message: &Message) -> bool {
    message
        .content
        .iter()
        .any(|block| matches!(block, Block::ToolResult(_)))
}

fn has_call(turn: &ClaudeTurn<'_>) -> bool {
    turn.blocks
        .iter()
        .any(|block| matches!(*block.block, Block::ToolCall(_)))
}

/// Selects the blocks of a message that the API accepts: no blank text, no reasoning but Anthropic's own.
fn select_blocks<'a>(
    scope: &mut Scope<'_>,
    request: &'a Request,
    message: &'a Message,
) -> Vec<ClaudeTurnBlock<'a>> {
    let mut message_scope = scope.at(request.message_path(message));
    message_scope.ignore_member("name", &message.name, ClaudeReason::SpeakerName);
    // The signature covers the text beside the thinking, so that text stays even if it is blank.
    let signed = message.content.iter().any(is_own_reasoning);
    let mut out = Vec::with_capacity(message.content.len());
    for (position, block) in message.content.iter().enumerate() {
        let path = request.block_path(message, position);
        match block {
            Block::Text(text) if text.text.is_blank() && !signed => {}
            Block::Refusal { text } if text.is_blank() => {}
            Block::Reasoning(reasoning) if !is_own_reasoning(block) => {
                let origin = reasoning.opaque.as_ref().map(|opaque| opaque.origin);
                scope.at(path).drop(match origin {
                    Some(Family::OpenaiChat) | None => ClaudeReason::UnsignedReasoning,
                    Some(_) => ClaudeReason::ForeignReasoning,
                });
            }
            block => out.push(ClaudeTurnBlock {
                block: Cow::Borrowed(block),
                path,
            }),
        }
    }
    out
}

fn is_own_reasoning(block: &Block) -> bool {
    let Block::Reasoning(reasoning) = block else {
        return false;
    };
    reasoning
        .opaque
        .as_ref()
        .is_some_and(|opaque| opaque.origin == Family::Claude)
}

/// Leaves instructions in the middle of the conversation if the model accepts them there; otherwise they become framed
/// text of the user at the same position. They never move to the top: that would change the prefix that prompt caches
/// and signatures cover.
fn place_instructions(scope: &mut Scope<'_>, turns: &mut Vec<ClaudeTurn<'_>>, capabilities: &Capabilities) {
    let roles: Vec<Role> = turns.iter().map(|turn| turn.role).collect();
    // The API accepts an instruction only after the user's turn, at the end or before the assistant's.
    let is_legal = |position: usize| {
        let before = position.checked_sub(1).and_then(|before| roles.get(before));
        let after = roles.get(position + 1);
        capabilities.mid_system
            && before == Some(&Role::User)
            && matches!(after, None | Some(Role::Assistant))
    };
    let mut placed: Vec<ClaudeTurn<'_>> = Vec::with_capacity(turns.len());
    for (position, turn) in turns.drain(..).enumerate() {
        if turn.role != Role::System {
            push_blocks(&mut placed, turn.role, turn.blocks);
        } else if is_legal(position) {
            placed.push(turn);
        } else {
            let framed = turn.blocks.into_iter().map(|block| {
                scope
                    .at(block.path)
                    .approximate(ClaudeReason::InstructionAsUserText);
                frame_instruction(block)
            });
            push_blocks(&mut placed, Role::User, framed.collect());
        }
    }
    *turns = placed;
}

fn frame_instruction(instruction: ClaudeTurnBlock<'_>) -> ClaudeTurnBlock<'_> {
    let Block::Text(text) = &*instruction.block else {
        return instruction;
    };
    let [begin, end] = REMINDER;
    let block = Block::Text(Text {
        text: format!("{begin}{}{end}", text.text).into(),
        annotations: Vec::new(),
        cache: text.cache,
    });
    ClaudeTurnBlock {
        block: Cow::Owned(block),
        path: instruction.path,
    }
}

/// Moves the results of a user's turn to its beginning, in the order of their calls.
fn move_results_first(turns: &mut [ClaudeTurn<'_>]) {
    let mut order: HashMap<String, usize> = HashMap::new();
    for turn in turns {
        match turn.role {
            Role::Assistant => {
                order.clear();
                for block in &turn.blocks {
                    if let Block::ToolCall(call) = &*block.block {
                        let next = order.len();
                        order.insert(call.id.clone(), next);
                    }
                }
            }
            Role::User => turn.blocks.sort_by_key(|block| match &*block.block {
                // A result of an older call comes after those of the last turn, but before other content.
                Block::ToolResult(result) => order.get(&result.call_id).copied().unwrap_or(usize::MAX - 1),
                _ => usize::MAX,
            }),
            Role::System => {}
        }
    }
}

/// Makes the conversation begin with its user. Returns whether the last leading instruction became the user's message.
fn begin_with_user<'a>(scope: &mut Scope<'_>, request: &'a Request, turns: &mut Vec<ClaudeTurn<'a>>) -> bool {
    if turns.first().is_some_and(|turn| turn.role == Role::User) {
        return false;
    }
    let path = Path::from(request.fields.messages);
    let has_user = turns.iter().any(|turn| turn.role == Role::User);
    let (text, reason, system_as_user) = match request.system.last() {
        Some(last) if !has_user => (last.text.clone(), ClaudeReason::InstructionAsUserMessage, true),
        _ => (OPENING.into(), ClaudeReason::AssistantBegins, false),
    };
    scope.at(path).approximate(reason);
    let block = Cow::Owned(Block::Text(Text::from(text)));
    turns.insert(
        0,
        ClaudeTurn {
            role: Role::User,
            blocks: vec![ClaudeTurnBlock { block, path }],
        },
    );
    system_as_user
}

/// A last turn of the assistant is a beginning that the model continues (a prefill). Newer models refuse it, which is
/// refused here by the client's path. The text of a prefill must not end with white space.
fn end_with_user(scope: &mut Scope<'_>, turns: &mut [ClaudeTurn<'_>], capabilities: &Capabilities) {
    let Some(last) = turns
        .last_mut()
        .filter(|turn| turn.role == Role::Assistant && !has_call(turn))
    else {
        return;
    };
    let Some(last) = last.blocks.last_mut() else {
        return;
    };
    if !capabilities.prefill {
        scope.at(last.path).refuse(ClaudeReason::NoPrefill);
        return;
    }
    let Block::Text(text) = &*last.block else { return };
    let trimmed = text.text.trim_end();
    if trimmed.len() < text.text.len() {
        let text = Text {
            text: trimmed.into(),
            ..text.clone()
        };
        last.block = Cow::Owned(Block::Text(text));
    }
}

/// Whether the last turn of the assistant calls tools and does not begin with thinking. Models that think up to a
/// budget refuse such a history while thinking is on.
pub fn has_lost_thinking(turns: &[ClaudeTurn<'_>]) -> bool {
    let Some(last) = turns.iter().rfind(|turn| turn.role == Role::Assistant) else {
        return false;
    };
    let thinks = last
        .blocks
        .first()
        .is_some_and(|block| matches!(*block.block, Block::Reasoning(_)));
    has_call(last) && !thinks
}
