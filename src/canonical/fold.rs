//! Folds a stream into a complete response.

use super::{
    Block, BlockStart, CallKind, Delta, Error, ErrorClass, Event, Finish, RawJson, Reasoning, Response,
    Start, Text, ToolCall, ToolInput, Usage,
};
use crate::wire::json::LazyStr;

/// Collects events into a [`Response`].
#[derive(Debug, Default)]
pub struct Fold {
    start: Start,
    blocks: Vec<FoldedBlock>,
    logprobs: Vec<RawJson>,
    end: Option<Result<(Finish, Option<Usage>), Error>>,
}

/// A block that has begun.
#[derive(Debug)]
struct FoldedBlock {
    index: u32,
    block: Block,
    /// The input of a tool call so far. It is read when the stream has ended: half of a JSON text is none.
    input: String,
}

impl Fold {
    /// Takes the next event.
    pub fn push(&mut self, event: Event) {
        match event {
            Event::Start(start) => self.start = start,
            Event::Open { index, block } => {
                self.blocks.push(FoldedBlock {
                    index,
                    block: start_block(block),
                    input: String::new(),
                });
            }
            Event::Delta { index, delta } => {
                if let Delta::Logprobs { json } = delta {
                    // Each piece is a list; anything else adds nothing.
                    let more: Vec<RawJson> = serde_json::from_str(json.get()).unwrap_or_default();
                    self.logprobs.extend(more);
                } else if let Some(block) = self.blocks.iter_mut().find(|block| block.index == index) {
                    block.add(delta);
                }
            }
            Event::Close { .. } | Event::Ping => {}
            Event::Finish { finish, usage } => self.end = Some(Ok((finish, usage))),
            Event::Fail(error) => self.end = Some(Err(error)),
        }
    }

    /// The response.
    ///
    /// # Errors
    /// The failure of the stream; an upstream error if it had no end.
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
        let content = self.blocks.into_iter().map(FoldedBlock::finish).collect();
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

fn start_block(block: BlockStart) -> Block {
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

impl FoldedBlock {
    fn add(&mut self, delta: Delta) {
        match (&mut self.block, delta) {
            (Block::Text(block), Delta::Text { text }) => block.text.push_str(&text),
            (Block::Text(block), Delta::Annotation(annotation)) => block.annotations.push(annotation),
            (Block::Refusal { text }, Delta::Text { text: more }) => text.push_str(&more),
            (Block::Reasoning(block), Delta::Reasoning { part, text }) => {
                let part = part as usize;
                // A part number far ahead of the last comes from a broken upstream; it must not make this allocate.
                if part >= block.parts.len() && !text.is_empty() {
                    block.parts.push(text.into());
                } else if let Some(existing) = block.parts.get_mut(part) {
                    existing.push_str(&text);
                }
            }
            (Block::Reasoning(block), Delta::Opaque(opaque)) => block.opaque = Some(opaque),
            (Block::ToolCall(_), Delta::Input { text }) => self.input.push_str(&text),
            // A delta of another kind than its block: the block has no place for it.
            _ => {}
        }
    }

    fn finish(self) -> Block {
        let Self {
            index: _,
            block,
            input,
        } = self;
        match block {
            Block::ToolCall(call) => {
                let input = match call.input {
                    ToolInput::Freeform { .. } => ToolInput::Freeform { text: input.into() },
                    ToolInput::Malformed { .. } | ToolInput::Object { .. } => {
                        ToolInput::from_arguments(input)
                    }
                };
                Block::ToolCall(ToolCall { input, ..call })
            }
            other => other,
        }
    }
}
