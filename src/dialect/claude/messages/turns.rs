//! The shape of a conversation that the Messages API takes.
//!
//! Roles alternate, the user begins, every result stands first in the user turn right after its call, no text is blank.
//! What does not fit is moved by fixed rules that look only backwards and at the next message, so that a longer history
//! keeps the shape of the shorter one.

use foldhash::{HashMap, HashMapExt};
use std::borrow::Cow;

use crate::canonical::{Block, Family, Losses, Message, Path, Request, Role, Text};
use crate::capability::Capabilities;

/// Stands where a conversation does not begin with its user.
const OPENING: &str = ".";

/// One message of the Messages API, with the blocks it is written from.
#[derive(Debug)]
pub struct Turn<'a> {
    /// Who speaks.
    pub role: Role,
    /// Its blocks.
    pub pieces: Vec<Piece<'a>>,
}

/// A block and where it came from.
#[derive(Debug)]
pub struct Piece<'a> {
    /// The block.
    pub block: Cow<'a, Block>,
    /// Its place in the client's body.
    pub path: Path<'static>,
}

/// The turns of a conversation.
#[derive(Debug)]
pub struct Turns<'a> {
    /// The turns, in order.
    pub turns: Vec<Turn<'a>>,
    /// Whether the last leading instruction has become the user's message, for want of any other.
    pub system_as_user: bool,
}

/// Shapes the conversation. Refused losses say what cannot be shaped.
pub fn shape<'a>(request: &'a Request, capabilities: &Capabilities, losses: &mut Losses) -> Turns<'a> {
    check_calls(request, losses);
    let mut turns = collect(request, losses);
    settle_instructions(&mut turns, capabilities, losses);
    results_first(&mut turns);
    let system_as_user = begin_with_user(request, &mut turns, losses);
    end_with_user(&mut turns, capabilities, losses);
    Turns {
        turns,
        system_as_user,
    }
}

/// Refuses histories whose calls and results do not pair.
fn check_calls(request: &Request, losses: &mut Losses) {
    let mut calls: HashMap<&str, ()> = HashMap::new();
    for message in &request.messages {
        for (at, block) in message.content.iter().enumerate() {
            match block {
                Block::ToolCall(call) if calls.insert(&call.id, ()).is_some() => {
                    losses.refuse(request.block_path(message, at), "two tool calls have the same id");
                }
                Block::ToolResult(result) if !calls.contains_key(result.call_id.as_str()) => {
                    losses.refuse(
                        request.block_path(message, at),
                        "the result of a tool call that is not in the history",
                    );
                }
                _ => {}
            }
        }
    }
}

/// Merges neighbours of one role, with instructions out of the way of results.
fn collect<'a>(request: &'a Request, losses: &mut Losses) -> Vec<Turn<'a>> {
    let mut turns: Vec<Turn<'a>> = Vec::with_capacity(request.messages.len());
    let mut delayed: Vec<Piece<'a>> = Vec::new();
    for (at, message) in request.messages.iter().enumerate() {
        let pieces = pieces(request, message, losses);
        if pieces.is_empty() {
            continue;
        }
        let results_follow = request.messages[at + 1..]
            .iter()
            .find(|next| next.role != Role::System)
            .is_some_and(has_result);
        let after_call = turns
            .last()
            .is_some_and(|turn| turn.role == Role::Assistant && has_call(turn));
        if message.role == Role::System && after_call && results_follow {
            delayed.extend(pieces);
            continue;
        }
        let more_results = request.messages.get(at + 1).is_some_and(has_result);
        push(&mut turns, message.role, pieces);
        if !more_results && !delayed.is_empty() {
            push(&mut turns, Role::System, std::mem::take(&mut delayed));
        }
    }
    turns
}

fn push<'a>(turns: &mut Vec<Turn<'a>>, role: Role, pieces: Vec<Piece<'a>>) {
    match turns.last_mut() {
        Some(turn) if turn.role == role => turn.pieces.extend(pieces),
        _ => turns.push(Turn { role, pieces }),
    }
}

fn has_result(message: &Message) -> bool {
    message
        .content
        .iter()
        .any(|block| matches!(block, Block::ToolResult(_)))
}

fn has_call(turn: &Turn<'_>) -> bool {
    turn.pieces
        .iter()
        .any(|piece| matches!(*piece.block, Block::ToolCall(_)))
}

/// The blocks of a message that the API takes: no blank text, no reasoning but Anthropic's own.
fn pieces<'a>(request: &'a Request, message: &'a Message, losses: &mut Losses) -> Vec<Piece<'a>> {
    if message.name.is_some() {
        let path = format!("{}.name", request.message_path(message));
        losses.ignore(path, "who speaks is told by the role alone");
    }
    // Text beside signed thinking is covered by the signature, blank or not.
    let signed = message.content.iter().any(is_own_reasoning);
    let mut out = Vec::with_capacity(message.content.len());
    for (at, block) in message.content.iter().enumerate() {
        match block {
            Block::Text(text) if text.text.is_blank() && !signed => {}
            Block::Refusal { text } if text.is_blank() => {}
            Block::Reasoning(reasoning) if !is_own_reasoning(block) => {
                let origin = reasoning.opaque.as_ref().map(|opaque| opaque.origin);
                let reason = match origin {
                    Some(Family::OpenaiChat) | None => {
                        "reasoning without Anthropic's signature is not taken back"
                    }
                    Some(_) => "another vendor's reasoning state is not taken",
                };
                losses.drop_field(request.block_path(message, at), reason);
            }
            block => out.push(Piece {
                block: Cow::Borrowed(block),
                path: request.block_path(message, at),
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

/// Leaves instructions in the middle where the model takes them there; else they become framed text of the user at the
/// same place. Never moved to the top, which would change what caches and signatures cover.
fn settle_instructions(turns: &mut Vec<Turn<'_>>, capabilities: &Capabilities, losses: &mut Losses) {
    let roles: Vec<Role> = turns.iter().map(|turn| turn.role).collect();
    let is_legal = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| roles.get(at));
        let after = roles.get(at + 1);
        capabilities.mid_system
            && before == Some(&Role::User)
            && matches!(after, None | Some(Role::Assistant))
    };
    let mut settled: Vec<Turn<'_>> = Vec::with_capacity(turns.len());
    for (at, turn) in turns.drain(..).enumerate() {
        if turn.role != Role::System {
            push(&mut settled, turn.role, turn.pieces);
        } else if is_legal(at) {
            settled.push(turn);
        } else {
            let framed = turn.pieces.into_iter().map(|piece| {
                let reason = "instructions in the middle became framed text of the user";
                losses.approximate(piece.path, reason);
                frame(piece)
            });
            push(&mut settled, Role::User, framed.collect());
        }
    }
    *turns = settled;
}

fn frame(piece: Piece<'_>) -> Piece<'_> {
    let Block::Text(text) = &*piece.block else {
        return piece;
    };
    let framed = format!("<system-reminder>{}</system-reminder>", text.text);
    let block = Block::Text(Text {
        text: framed.into(),
        annotations: Vec::new(),
        cache: text.cache,
    });
    Piece {
        block: Cow::Owned(block),
        path: piece.path,
    }
}

/// Puts the results of a user turn first, in the order of their calls.
fn results_first(turns: &mut [Turn<'_>]) {
    let mut order: HashMap<String, usize> = HashMap::new();
    for turn in turns {
        match turn.role {
            Role::Assistant => {
                order.clear();
                for piece in &turn.pieces {
                    if let Block::ToolCall(call) = &*piece.block {
                        let next = order.len();
                        order.insert(call.id.clone(), next);
                    }
                }
            }
            Role::User => turn.pieces.sort_by_key(|piece| match &*piece.block {
                Block::ToolResult(result) => order.get(&result.call_id).copied().unwrap_or(usize::MAX - 1),
                _ => usize::MAX,
            }),
            Role::System => {}
        }
    }
}

/// Makes the conversation begin with its user. `true` where the last leading instruction has to stand in.
fn begin_with_user<'a>(request: &'a Request, turns: &mut Vec<Turn<'a>>, losses: &mut Losses) -> bool {
    if turns.first().is_some_and(|turn| turn.role == Role::User) {
        return false;
    }
    let path = Path::from(request.fields.messages);
    let has_user = turns.iter().any(|turn| turn.role == Role::User);
    let (text, reason, from_system) = match request.system.last() {
        Some(last) if !has_user => (
            last.text.clone(),
            "without a user's message, the last instruction became one",
            true,
        ),
        _ => (
            OPENING.into(),
            "a conversation has to begin with its user; a full stop was put there",
            false,
        ),
    };
    losses.approximate(path, reason);
    let block = Cow::Owned(Block::Text(Text::from(text)));
    turns.insert(
        0,
        Turn {
            role: Role::User,
            pieces: vec![Piece { block, path }],
        },
    );
    from_system
}

/// A trailing turn of the assistant is a beginning that the model continues; where it does not, that is refused.
fn end_with_user(turns: &mut [Turn<'_>], capabilities: &Capabilities, losses: &mut Losses) {
    let Some(last) = turns
        .last_mut()
        .filter(|turn| turn.role == Role::Assistant && !has_call(turn))
    else {
        return;
    };
    let Some(piece) = last.pieces.last_mut() else {
        return;
    };
    if !capabilities.prefill {
        let reason =
            "the conversation ends with the assistant, and this model does not continue such a prefill";
        losses.refuse(piece.path, reason);
        return;
    }
    let Block::Text(text) = &*piece.block else { return };
    let trimmed = text.text.trim_end();
    if trimmed.len() < text.text.len() {
        let text = Text {
            text: trimmed.into(),
            ..text.clone()
        };
        piece.block = Cow::Owned(Block::Text(text));
    }
}
