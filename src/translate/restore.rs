//! Undoes in a response what the writer of the request had to change ([`Restoration`]): tool names, freeform tools that
//! became functions, structured output that became a tool call, stop sequences that the upstream does not accept.

use std::collections::HashMap;

use super::freeform::{self, FreeformUnwrapper};
use super::stop_sequences::{StopWatch, WatchedText};
use crate::canonical::{
    Block, BlockStart, CallKind, Delta, Event, Finish, FinishReason, OriginalTool, Response, Restoration,
    Text, ToolCall, ToolInput, Usage,
};

/// Undoes the changes in a complete response.
pub fn restore_response(restoration: &Restoration, response: &mut Response) {
    if restoration.is_empty() {
        return;
    }
    if let Some(tool) = &restoration.json_tool {
        restore_structured_output(tool, response);
    }
    for block in &mut response.content {
        if let Block::ToolCall(call) = block {
            restore_call(restoration, call);
        }
    }
    cut_at_stop(restoration, response);
}

/// Gives a call the name and the kind of input that the client knows.
fn restore_call(restoration: &Restoration, call: &mut ToolCall) {
    let Some(OriginalTool {
        name,
        namespace,
        call: kind,
    }) = restoration.tools.get(&call.name)
    else {
        return;
    };
    call.name.clone_from(name);
    call.namespace.clone_from(namespace);
    if *kind == CallKind::Freeform {
        let text = match &call.input {
            ToolInput::Object { json } => freeform::unwrap_arguments(json.get()).into(),
            ToolInput::Malformed { text } => freeform::unwrap_arguments(text).into(),
            ToolInput::Freeform { text } => text.clone(),
        };
        call.input = ToolInput::Freeform { text };
    }
}

/// Turns the call of the tool that replaces structured output into the text that the client asked for. Other text is
/// removed: the client parses the whole text as one JSON document.
fn restore_structured_output(tool: &str, response: &mut Response) {
    let is_json_call = |block: &Block| matches!(block, Block::ToolCall(call) if call.name == tool);
    if !response.content.iter().any(is_json_call) {
        return;
    }
    response.content.retain(|block| !matches!(block, Block::Text(_)));
    for block in &mut response.content {
        let text = match block {
            Block::ToolCall(call) if call.name == tool => match &call.input {
                ToolInput::Object { json } => json.get().into(),
                ToolInput::Malformed { text } | ToolInput::Freeform { text } => text.clone(),
            },
            _ => continue,
        };
        *block = Block::Text(Text::from(text));
    }
    if response.finish.reason == FinishReason::ToolUse {
        response.finish = Finish::new(FinishReason::End);
    }
}

/// Cuts the response before the first stop sequence in it.
fn cut_at_stop(restoration: &Restoration, response: &mut Response) {
    if restoration.stop.is_empty() {
        return;
    }
    for at in 0..response.content.len() {
        let Some(Block::Text(block)) = response.content.get_mut(at) else {
            continue;
        };
        let mut watch = StopWatch::new(&restoration.stop);
        let WatchedText {
            text,
            stop: Some(stop),
        } = watch.push(&block.text)
        else {
            continue;
        };
        block.text = text.into();
        let keep = if block.text.is_empty() { at } else { at + 1 };
        response.content.truncate(keep);
        response.finish = Finish {
            stop_sequence: Some(stop),
            ..Finish::new(FinishReason::StopSequence)
        };
        return;
    }
}

/// Undoes the changes in a streamed response.
#[derive(Debug)]
pub struct StreamRestorer {
    restoration: Restoration,
    /// The open blocks whose deltas have to be changed.
    blocks: HashMap<u32, RestoredBlock>,
    /// Text that may come before the call that replaces structured output. It is held back until the finish, and handed
    /// on only if there is no such call: then it is the response.
    preamble: Vec<(u32, String)>,
    /// Whether that call has begun.
    has_json_call: bool,
    /// Whether a stop sequence has ended the response. The upstream does not know and goes on.
    is_stopped: bool,
}

/// How the deltas of a block are changed.
#[derive(Debug)]
enum RestoredBlock {
    /// They are held back.
    Preamble,
    /// The input of a call becomes text.
    JsonCall,
    /// The arguments of a function become the input of a freeform tool.
    Freeform(FreeformUnwrapper),
    /// Stop sequences are looked for.
    Watched(StopWatch),
}

impl StreamRestorer {
    /// A restorer of one response; `None` if nothing has to be undone.
    pub fn new(restoration: &Restoration) -> Option<Self> {
        (!restoration.is_empty()).then(|| Self {
            restoration: restoration.clone(),
            blocks: HashMap::new(),
            preamble: Vec::new(),
            has_json_call: false,
            is_stopped: false,
        })
    }

    /// Takes one event and hands on the events that it becomes.
    pub fn push(&mut self, event: Event, emit: &mut impl FnMut(Event)) {
        if self.is_stopped {
            return;
        }
        match event {
            Event::Open { index, block } => self.restore_open(index, block, emit),
            Event::Delta { index, delta } => self.restore_delta(index, delta, emit),
            Event::Close { index } => self.restore_close(index, emit),
            Event::Finish { finish, usage } => self.restore_finish(finish, usage, emit),
            Event::Start(_) | Event::Fail(_) | Event::Ping => emit(event),
        }
    }

    fn restore_open(&mut self, index: u32, block: BlockStart, emit: &mut impl FnMut(Event)) {
        let block = match block {
            BlockStart::Text if self.restoration.json_tool.is_some() => {
                self.blocks.insert(index, RestoredBlock::Preamble);
                self.preamble.push((index, String::new()));
                return;
            }
            BlockStart::Text if !self.restoration.stop.is_empty() => {
                let watch = StopWatch::new(&self.restoration.stop);
                self.blocks.insert(index, RestoredBlock::Watched(watch));
                BlockStart::Text
            }
            BlockStart::ToolCall { name, .. } if self.restoration.json_tool.as_ref() == Some(&name) => {
                self.blocks.insert(index, RestoredBlock::JsonCall);
                self.has_json_call = true;
                BlockStart::Text
            }
            mut other => {
                self.restore_call_start(index, &mut other);
                other
            }
        };
        emit(Event::Open { index, block });
    }

    /// Gives a call the name and the kind of input that the client knows.
    fn restore_call_start(&mut self, index: u32, block: &mut BlockStart) {
        let BlockStart::ToolCall {
            id: _,
            name,
            namespace,
            call,
        } = block
        else {
            return;
        };
        let Some(original) = self.restoration.tools.get(name) else {
            return;
        };
        // A server that accepts freeform tools as such sends their input unwrapped.
        if original.call == CallKind::Freeform && *call == CallKind::Function {
            self.blocks
                .insert(index, RestoredBlock::Freeform(FreeformUnwrapper::default()));
        }
        name.clone_from(&original.name);
        namespace.clone_from(&original.namespace);
        *call = original.call;
    }

    fn restore_delta(&mut self, index: u32, delta: Delta, emit: &mut impl FnMut(Event)) {
        let delta = match (self.blocks.get_mut(&index), delta) {
            (Some(RestoredBlock::Preamble), Delta::Text { text }) => {
                if let Some((_, held)) = self.preamble.iter_mut().find(|(held, _)| *held == index) {
                    held.push_str(&text);
                }
                return;
            }
            (Some(RestoredBlock::Preamble), _) => return,
            (Some(RestoredBlock::JsonCall), Delta::Input { text }) => Delta::Text { text },
            (Some(RestoredBlock::Freeform(unwrapper)), Delta::Input { text }) => {
                let text = unwrapper.push(&text);
                if text.is_empty() {
                    return;
                }
                Delta::Input { text }
            }
            (Some(RestoredBlock::Watched(watch)), Delta::Text { text }) => {
                let WatchedText { text, stop } = watch.push(&text);
                if !text.is_empty() {
                    let delta = Delta::Text { text };
                    emit(Event::Delta { index, delta });
                }
                if let Some(stop) = stop {
                    self.is_stopped = true;
                    emit(Event::Close { index });
                    let finish = Finish {
                        stop_sequence: Some(stop),
                        ..Finish::new(FinishReason::StopSequence)
                    };
                    emit(Event::Finish { finish, usage: None });
                }
                return;
            }
            (_, delta) => delta,
        };
        emit(Event::Delta { index, delta });
    }

    fn restore_close(&mut self, index: u32, emit: &mut impl FnMut(Event)) {
        match self.blocks.remove(&index) {
            Some(RestoredBlock::Preamble) => return,
            Some(RestoredBlock::Freeform(unwrapper)) => {
                let text = unwrapper.finish();
                if !text.is_empty() {
                    let delta = Delta::Input { text };
                    emit(Event::Delta { index, delta });
                }
            }
            Some(RestoredBlock::Watched(mut watch)) => {
                let text = watch.flush();
                if !text.is_empty() {
                    let delta = Delta::Text { text };
                    emit(Event::Delta { index, delta });
                }
            }
            Some(RestoredBlock::JsonCall) | None => {}
        }
        emit(Event::Close { index });
    }

    fn restore_finish(&mut self, mut finish: Finish, usage: Option<Usage>, emit: &mut impl FnMut(Event)) {
        // An upstream may finish without closing its blocks; what is held back in them has to leave, in a fixed order.
        let mut open: Vec<u32> = self.blocks.keys().copied().collect();
        open.sort_unstable();
        for index in open {
            self.restore_close(index, emit);
        }
        if self.has_json_call {
            // The client did not ask for a tool.
            if finish.reason == FinishReason::ToolUse {
                finish = Finish::new(FinishReason::End);
            }
        } else {
            for (index, text) in std::mem::take(&mut self.preamble) {
                emit(Event::Open {
                    index,
                    block: BlockStart::Text,
                });
                let delta = Delta::Text { text };
                emit(Event::Delta { index, delta });
                emit(Event::Close { index });
            }
        }
        emit(Event::Finish { finish, usage });
    }
}
