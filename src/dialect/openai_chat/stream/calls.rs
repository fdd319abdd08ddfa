//! The tool calls of a streamed response.

use crate::canonical::{BlockStart, CallKind, Delta, Event, Scope};
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::response::calls::{make_call_id, read_arguments};
use crate::dialect::openai_chat::types::*;

/// The calls of one response.
///
/// The API marks the start of a call by its identifier and name, but not its end, and servers send fragments of several
/// calls in turn. Each fragment is matched to its call, and a call ends as soon as its input is complete.
#[derive(Debug, Default)]
pub struct StreamedCalls {
    list: Vec<StreamedCall>,
}

#[derive(Debug)]
struct StreamedCall {
    /// The upstream's number of the call.
    index: Option<i64>,
    id: Option<String>,
    name: String,
    kind: CallKind,
    /// The number of its block. A block is opened when the name is known.
    block: Option<u32>,
    is_closed: bool,
    /// Input that came before the name.
    early_input: String,
    progress: ObjectProgress,
}

/// A fragment of a call, as a chunk contains it.
#[derive(Debug)]
pub struct CallFragment {
    index: Option<i64>,
    id: Option<String>,
    name: Option<String>,
    input: Option<String>,
    kind: CallKind,
}

impl From<ChoiceDeltaToolCall> for CallFragment {
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
            }) => (name, Some(read_arguments(arguments))),
            None => (None, None),
        };
        let mut kind = CallKind::Function;
        // The vendor's types of chunks do not name freeform calls, but servers send them.
        let custom = extra.get("custom");
        if custom.is_some() || matches!(type_, Some(ChoiceDeltaToolCallType::Other(kind)) if kind == "custom")
        {
            kind = CallKind::Freeform;
            let custom: CustomCallFragment = custom
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

impl From<ChoiceDeltaFunctionCall> for CallFragment {
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

/// The `custom` member of a freeform call's fragment.
#[derive(Default, serde::Deserialize)]
struct CustomCallFragment {
    name: Option<String>,
    input: Option<String>,
}

impl StreamedCalls {
    /// Whether a call has begun that has not ended.
    pub fn has_open(&self) -> bool {
        self.list.iter().any(|call| !call.is_closed)
    }

    /// Whether there has been a call.
    pub fn has_any(&self) -> bool {
        !self.list.is_empty()
    }

    /// Adds a fragment to its call, or begins a call with it. `response_id` is the upstream's identifier of the
    /// response, `next_block` the number of the next block.
    pub fn push(
        &mut self,
        fragment: CallFragment,
        response_id: Option<&str>,
        next_block: &mut u32,
        out: &mut Vec<Event>,
    ) {
        let CallFragment {
            index,
            id,
            name,
            input,
            kind,
        } = fragment;
        let id = id.filter(|id| !id.is_empty());
        let position = match self.find(index, id.as_deref()) {
            Some(position) => position,
            None => {
                self.close_complete(out);
                self.list.push(StreamedCall {
                    index,
                    id: None,
                    name: String::new(),
                    kind,
                    block: None,
                    is_closed: false,
                    early_input: String::new(),
                    progress: ObjectProgress::default(),
                });
                self.list.len() - 1
            }
        };
        let Some(call) = self.list.get_mut(position) else {
            return;
        };
        // Some servers repeat the identifier and the name in each fragment. The first ones count.
        if call.id.is_none() {
            call.id = id;
        }
        let input = input.unwrap_or_default();
        call.progress.push(&input);
        let Some(block) = call.block else {
            call.name.push_str(&name.unwrap_or_default());
            if kind == CallKind::Freeform {
                call.kind = kind;
            }
            call.early_input.push_str(&input);
            if !call.name.is_empty() {
                call.open(position, response_id, next_block, out);
            }
            return;
        };
        if !input.is_empty() && !call.is_closed {
            let delta = Delta::Input { text: input };
            out.push(Event::Delta { index: block, delta });
        }
    }

    /// Records input of the call with this block that was read by the fast path.
    pub fn push_repeated(&mut self, block: u32, input: &str) {
        let mut calls = self.list.iter_mut().rev();
        if let Some(call) = calls.find(|call| call.block == Some(block)) {
            call.progress.push(input);
        }
    }

    /// The call that a fragment belongs to: the last of its index, unless the identifier is that of another one.
    /// Without an index it is the call of its identifier, or the last call.
    fn find(&self, index: Option<i64>, id: Option<&str>) -> Option<usize> {
        let Some(index) = index else {
            return match id {
                Some(id) => self.list.iter().rposition(|call| call.id.as_deref() == Some(id)),
                None => self.list.len().checked_sub(1),
            };
        };
        let position = self.list.iter().rposition(|call| call.index == Some(index))?;
        let known = self.list.get(position)?.id.as_deref();
        match (known, id) {
            // Some servers number every call 0.
            (Some(known), Some(id)) if known != id => self
                .list
                .iter()
                .rposition(|call| call.index == Some(index) && call.id.as_deref() == Some(id)),
            _ => Some(position),
        }
    }

    /// Ends the calls whose input is a complete JSON object. Others stay open, because fragments of a call may come
    /// after those of the next one.
    pub fn close_complete(&mut self, out: &mut Vec<Event>) {
        for call in &mut self.list {
            // The text of a freeform call may look like JSON, which does not make it complete.
            if call.kind == CallKind::Function && call.progress.is_complete() {
                call.close(out);
            }
        }
    }

    /// Ends all calls; `scope` is that of the list in a chunk. A call whose name never came is lost.
    pub fn close_all(&mut self, scope: &mut Scope<'_>, out: &mut Vec<Event>) {
        for (index, call) in self.list.iter_mut().enumerate() {
            if call.block.is_none() {
                scope.index(index).drop(ChatReason::CallWithoutName);
            }
            call.close(out);
        }
    }
}

impl StreamedCall {
    fn open(
        &mut self,
        position: usize,
        response_id: Option<&str>,
        next_block: &mut u32,
        out: &mut Vec<Event>,
    ) {
        let index = *next_block;
        *next_block += 1;
        self.block = Some(index);
        let id = self
            .id
            .clone()
            .unwrap_or_else(|| make_call_id(response_id, position));
        out.push(Event::Open {
            index,
            block: BlockStart::ToolCall {
                id,
                name: std::mem::take(&mut self.name),
                namespace: None,
                call: self.kind,
            },
        });
        if !self.early_input.is_empty() {
            let text = std::mem::take(&mut self.early_input);
            out.push(Event::Delta {
                index,
                delta: Delta::Input { text },
            });
        }
    }

    fn close(&mut self, out: &mut Vec<Event>) {
        if let Some(index) = self.block
            && !self.is_closed
        {
            out.push(Event::Close { index });
        }
        self.is_closed = true;
    }
}

/// Scans JSON text far enough to find the end of its first object.
#[derive(Debug, Default)]
struct ObjectProgress {
    depth: usize,
    has_begun: bool,
    in_string: bool,
    is_escaped: bool,
}

impl ObjectProgress {
    fn push(&mut self, piece: &str) {
        for byte in piece.bytes() {
            match (self.in_string, byte) {
                (true, _) if self.is_escaped => self.is_escaped = false,
                (true, b'\\') => self.is_escaped = true,
                (true, b'"') => self.in_string = false,
                (true, _) => {}
                (false, b'"') => self.in_string = true,
                (false, b'{' | b'[') => {
                    self.depth += 1;
                    self.has_begun = true;
                }
                (false, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
                (false, _) => {}
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.has_begun && self.depth == 0 && !self.in_string
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_complete(pieces: &[&str]) -> bool {
        let mut progress = ObjectProgress::default();
        pieces.iter().for_each(|piece| progress.push(piece));
        progress.is_complete()
    }

    #[test]
    fn an_object_is_complete_at_its_last_brace() {
        assert!(is_complete(&["{}"]));
        assert!(is_complete(&[r#"{"a":[1,{"b""#, ":2}]}"]));
        assert!(!is_complete(&[r#"{"a":{}"#]));
        assert!(!is_complete(&[""]), "nothing has begun");
    }

    #[test]
    fn braces_and_quotes_inside_of_strings_do_not_count() {
        assert!(!is_complete(&[r#"{"a":"}"#]));
        assert!(!is_complete(&[r#"{"a":"\"}"#]));
        assert!(is_complete(&[r#"{"a":"\"#, r#""}"}"#]), "an escape across pieces");
    }
}
