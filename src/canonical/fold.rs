//! Folds a stream into the answer that it amounts to.

use super::{
    Block, BlockStart, CallKind, Delta, Error, ErrorClass, Event, Finish, RawJson, Reasoning, Response,
    Start, Text, ToolCall, ToolInput, Usage,
};
use crate::wire::json::LazyStr;

/// Collects events into a [`Response`].
#[derive(Debug, Default)]
pub struct Fold {
    start: Start,
    blocks: Vec<Open>,
    logprobs: Vec<RawJson>,
    end: Option<Result<(Finish, Option<Usage>), Error>>,
}

#[derive(Debug)]
struct Open {
    index: u32,
    block: Block,
    input: String,
}

impl Fold {
    /// Takes the next event.
    pub fn push(&mut self, event: Event) {
        match event {
            Event::Start(start) => self.start = start,
            Event::Open { index, block } => {
                self.blocks.push(Open {
                    index,
                    block: opened(block),
                    input: String::new(),
                });
            }
            Event::Delta { index, delta } => {
                if let Delta::Logprobs { json } = delta {
                    // Each piece is a list; what is none has nothing to add.
                    let more: Vec<RawJson> = serde_json::from_str(json.get()).unwrap_or_default();
                    self.logprobs.extend(more);
                } else if let Some(open) = self.blocks.iter_mut().find(|open| open.index == index) {
                    grow(open, delta);
                }
            }
            Event::Close { .. } | Event::Ping => {}
            Event::Finish { finish, usage } => self.end = Some(Ok((finish, usage))),
            Event::Fail(error) => self.end = Some(Err(error)),
        }
    }

    /// The answer.
    ///
    /// # Errors
    /// What the stream failed with; an upstream error where it had no end.
    pub fn finish(self) -> Result<Response, Error> {
        let missing = || {
            Err(Error::new(
                ErrorClass::Upstream,
                "the upstream's stream ended before its last event",
            ))
        };
        let (finish, usage) = self.end.unwrap_or_else(missing)?;
        let logprobs = (!self.logprobs.is_empty())
            .then(|| serde_json::value::to_raw_value(&self.logprobs).ok())
            .flatten();
        let content = self.blocks.into_iter().map(closed).collect();
        let Start {
            id,
            model,
            usage: hint,
            service_tier,
        } = self.start;
        Ok(Response {
            id,
            model,
            content,
            finish,
            usage: usage.or(hint),
            service_tier,
            logprobs,
        })
    }
}

fn opened(block: BlockStart) -> Block {
    match block {
        BlockStart::Text => Block::Text(Text::default()),
        BlockStart::Refusal => Block::Refusal {
            text: LazyStr::default(),
        },
        BlockStart::Reasoning => Block::Reasoning(Reasoning::default()),
        BlockStart::ToolCall {
            id,
            name,
            namespace,
            call,
        } => {
            let input = match call {
                CallKind::Function => ToolInput::Malformed {
                    text: LazyStr::default(),
                },
                CallKind::Freeform => ToolInput::Freeform {
                    text: LazyStr::default(),
                },
            };
            Block::ToolCall(ToolCall {
                id,
                name,
                namespace,
                input,
                cache: None,
            })
        }
        BlockStart::ServerTool(tool) => Block::ServerTool(tool),
    }
}

fn grow(open: &mut Open, delta: Delta) {
    match (&mut open.block, delta) {
        (Block::Text(block), Delta::Text { text }) => block.text.push_str(&text),
        (Block::Text(block), Delta::Annotation(annotation)) => block.annotations.push(annotation),
        (Block::Refusal { text }, Delta::Text { text: more }) => text.push_str(&more),
        (Block::Reasoning(block), Delta::Reasoning { part, text }) => {
            let part = part as usize;
            // A part number far ahead of the last is a broken upstream's, not a reason to allocate.
            if part >= block.parts.len() && !text.is_empty() {
                block.parts.push(text.into());
            } else if let Some(existing) = block.parts.get_mut(part) {
                existing.push_str(&text);
            }
        }
        (Block::Reasoning(block), Delta::Opaque(opaque)) => block.opaque = Some(opaque),
        (Block::ToolCall(_), Delta::Input { text }) => open.input.push_str(&text),
        // A delta of another kind than its block carries nothing that the block could hold.
        _ => {}
    }
}

fn closed(open: Open) -> Block {
    let Open { block, input, .. } = open;
    match block {
        Block::ToolCall(call) => {
            let input = match call.input {
                ToolInput::Freeform { .. } => ToolInput::Freeform { text: input.into() },
                ToolInput::Malformed { .. } | ToolInput::Object { .. } => ToolInput::from_arguments(input),
            };
            Block::ToolCall(ToolCall { input, ..call })
        }
        other => other,
    }
}
