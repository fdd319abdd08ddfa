//! The tool calls of a streamed answer, whose fragments may interleave.

use crate::canonical::{BlockStart, CallKind, Delta, Event, Losses};
use crate::dialect::openai_chat::types::*;
use crate::dialect::openai_chat::{response, usage};

/// The calls of one answer.
#[derive(Debug, Default)]
pub struct Calls {
    list: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    /// The upstream's number of the call.
    index: Option<i64>,
    id: Option<String>,
    name: String,
    kind: CallKind,
    /// The number of its block, once its name is known.
    block: Option<u32>,
    closed: bool,
    /// Input that came before the name.
    early: String,
    progress: Progress,
}

/// A piece of a call, as a chunk holds it.
#[derive(Debug)]
pub struct Piece {
    index: Option<i64>,
    id: Option<String>,
    name: Option<String>,
    input: Option<String>,
    kind: CallKind,
}

impl From<ChoiceDeltaToolCall> for Piece {
    fn from(call: ChoiceDeltaToolCall) -> Self {
        let ChoiceDeltaToolCall {
            function,
            id,
            index,
            type_,
            extra,
        } = call;
        let (mut name, mut input) = match function {
            Some(ChoiceDeltaToolCallFunction {
                arguments,
                name,
                extra: _,
            }) => (name, Some(response::read_arguments(arguments))),
            None => (None, None),
        };
        let mut kind = CallKind::Function;
        // Calls of freeform tools, which the vendor's types of chunks do not name.
        let custom = extra.get("custom");
        if custom.is_some() || matches!(type_, Some(ChoiceDeltaToolCallType::Other(kind)) if kind == "custom")
        {
            kind = CallKind::Freeform;
            let custom: Custom = custom
                .and_then(|custom| serde_json::from_str(custom.get()).ok())
                .unwrap_or_default();
            name = custom.name.or(name);
            input = custom.input.or(input);
        }
        Self {
            index,
            id,
            name,
            input,
            kind,
        }
    }
}

impl From<ChoiceDeltaFunctionCall> for Piece {
    fn from(call: ChoiceDeltaFunctionCall) -> Self {
        let ChoiceDeltaFunctionCall {
            arguments,
            name,
            extra: _,
        } = call;
        Self {
            index: Some(0),
            id: None,
            name,
            input: arguments,
            kind: CallKind::Function,
        }
    }
}

#[derive(Default, serde::Deserialize)]
struct Custom {
    name: Option<String>,
    input: Option<String>,
}

impl Calls {
    /// Whether a call has begun that has not ended.
    pub fn any_open(&self) -> bool {
        self.list.iter().any(|call| !call.closed)
    }

    /// Whether there has been a call.
    pub fn any(&self) -> bool {
        !self.list.is_empty()
    }

    /// Takes a piece. `answer` is the upstream's identifier of the answer, `next` the number of the next block.
    pub fn push(&mut self, piece: Piece, answer: Option<&str>, next: &mut u32, out: &mut Vec<Event>) {
        let Piece {
            index,
            id,
            name,
            input,
            kind,
        } = piece;
        let id = id.filter(|id| !id.is_empty());
        let at = match self.find(index, id.as_deref()) {
            Some(at) => at,
            None => {
                self.close_complete(out);
                self.list.push(Call {
                    index,
                    id: None,
                    name: String::new(),
                    kind,
                    block: None,
                    closed: false,
                    early: String::new(),
                    progress: Progress::default(),
                });
                self.list.len() - 1
            }
        };
        let Some(call) = self.list.get_mut(at) else {
            return;
        };
        // Servers that repeat a call's identifier and name mean nothing by it.
        if call.id.is_none() {
            call.id = id;
        }
        let input = input.unwrap_or_default();
        call.progress.push(&input);
        let Some(block) = call.block else {
            call.name.push_str(&name.unwrap_or_default());
            call.kind = if kind == CallKind::Freeform {
                kind
            } else {
                call.kind
            };
            call.early.push_str(&input);
            if !call.name.is_empty() {
                call.open(at, answer, next, out);
            }
            return;
        };
        if !input.is_empty() && !call.closed {
            let delta = Delta::Input { text: input };
            out.push(Event::Delta { index: block, delta });
        }
    }

    /// Takes notice of another piece of the call that the last piece belonged to.
    pub fn again(&mut self, block: u32, input: &str) {
        let mut calls = self.list.iter_mut().rev();
        if let Some(call) = calls.find(|call| call.block == Some(block)) {
            call.progress.push(input);
        }
    }

    /// The call that a piece belongs to: the last of its index, unless the identifier says that it is another one. A
    /// piece without index belongs to the call of its identifier, or to the last call.
    fn find(&self, index: Option<i64>, id: Option<&str>) -> Option<usize> {
        let Some(index) = index else {
            return match id {
                Some(id) => self.list.iter().rposition(|call| call.id.as_deref() == Some(id)),
                None => self.list.len().checked_sub(1),
            };
        };
        let at = self.list.iter().rposition(|call| call.index == Some(index))?;
        let known = self.list.get(at)?.id.as_deref();
        match (known, id) {
            (Some(known), Some(id)) if known != id => self
                .list
                .iter()
                .rposition(|call| call.index == Some(index) && call.id.as_deref() == Some(id)),
            _ => Some(at),
        }
    }

    /// Ends the calls whose input is a complete JSON object: the API does not mark the end of a call, and fragments of
    /// a call that is still incomplete may follow those of the next one.
    pub fn close_complete(&mut self, out: &mut Vec<Event>) {
        for call in &mut self.list {
            // The text of a freeform call says nothing about its end.
            if call.kind == CallKind::Function && call.progress.is_complete() {
                call.close(out);
            }
        }
    }

    /// Ends all calls. One whose name never came is lost.
    pub fn close_all(&mut self, losses: &mut Losses, out: &mut Vec<Event>) {
        for (at, call) in self.list.iter_mut().enumerate() {
            if call.block.is_none() {
                let path = format!("choices[0].delta.tool_calls[{at}]");
                losses.drop_field(path, "a call without a name");
            }
            call.close(out);
        }
    }
}

impl Call {
    fn open(&mut self, at: usize, answer: Option<&str>, next: &mut u32, out: &mut Vec<Event>) {
        let index = *next;
        *next += 1;
        self.block = Some(index);
        let id = self.id.clone().unwrap_or_else(|| usage::call_id(answer, at));
        out.push(Event::Open {
            index,
            block: BlockStart::ToolCall {
                id,
                name: std::mem::take(&mut self.name),
                namespace: None,
                call: self.kind,
            },
        });
        if !self.early.is_empty() {
            let text = std::mem::take(&mut self.early);
            out.push(Event::Delta {
                index,
                delta: Delta::Input { text },
            });
        }
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        if let Some(index) = self.block
            && !self.closed
        {
            out.push(Event::Close { index });
        }
        self.closed = true;
    }
}

/// Follows JSON text far enough to see where its first object ends.
#[derive(Debug, Default)]
struct Progress {
    depth: usize,
    begun: bool,
    in_string: bool,
    escaped: bool,
}

impl Progress {
    fn push(&mut self, piece: &str) {
        for byte in piece.bytes() {
            match (self.in_string, byte) {
                (true, _) if self.escaped => self.escaped = false,
                (true, b'\\') => self.escaped = true,
                (true, b'"') => self.in_string = false,
                (true, _) => {}
                (false, b'"') => self.in_string = true,
                (false, b'{' | b'[') => {
                    self.depth += 1;
                    self.begun = true;
                }
                (false, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
                (false, _) => {}
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.begun && self.depth == 0 && !self.in_string
    }
}
