//! Undoes in an answer what the request's writer had to change: tool names, freeform tools wrapped in functions,
//! structured output played with a tool, stop sequences that the upstream does not take.

use std::collections::HashMap;

use super::freeform::{self, Unwrapper};
use super::stop::{StopWatch, Watched};
use crate::canonical::{
    Block, BlockStart, CallKind, Delta, Event, Finish, FinishReason, OriginalTool, Response, Restoration,
    Text, ToolCall, ToolInput, Usage,
};

/// Undoes the changes in a complete answer.
pub fn response(restoration: &Restoration, response: &mut Response) {
    if restoration.is_empty() {
        return;
    }
    if let Some(tool) = &restoration.json_tool {
        structured_output(tool, response);
    }
    for block in &mut response.content {
        if let Block::ToolCall(call) = block {
            rename(restoration, call);
        }
    }
    cut_at_stop(restoration, response);
}

fn rename(restoration: &Restoration, call: &mut ToolCall) {
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
            ToolInput::Object { json } => freeform::unwrap(json.get()).into(),
            ToolInput::Malformed { text } => freeform::unwrap(text).into(),
            ToolInput::Freeform { text } => text.clone(),
        };
        call.input = ToolInput::Freeform { text };
    }
}

/// Makes the call of the tool that stands for the answer's text that text; what the model wrote before it goes.
fn structured_output(tool: &str, response: &mut Response) {
    let is_answer = |block: &Block| matches!(block, Block::ToolCall(call) if call.name == tool);
    if !response.content.iter().any(is_answer) {
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

fn cut_at_stop(restoration: &Restoration, response: &mut Response) {
    if restoration.stop.is_empty() {
        return;
    }
    for at in 0..response.content.len() {
        let Some(Block::Text(block)) = response.content.get_mut(at) else {
            continue;
        };
        let mut watch = StopWatch::new(&restoration.stop);
        let Watched {
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

/// Undoes the changes in a streamed answer.
#[derive(Debug)]
pub struct Restorer {
    restoration: Restoration,
    blocks: HashMap<u32, State>,
    /// Text before the call that stands for the answer; handed out only when no such call comes.
    preamble: Vec<(u32, String)>,
    answered: bool,
    stopped: bool,
}

#[derive(Debug)]
enum State {
    Preamble,
    JsonAnswer,
    Freeform(Unwrapper),
    Watched(StopWatch),
}

impl Restorer {
    /// A stage for one answer; `None` where nothing has to be undone.
    pub fn new(restoration: &Restoration) -> Option<Self> {
        (!restoration.is_empty()).then(|| Self {
            restoration: restoration.clone(),
            blocks: HashMap::new(),
            preamble: Vec::new(),
            answered: false,
            stopped: false,
        })
    }

    /// Takes one event and hands on what it amounts to.
    pub fn push(&mut self, event: Event, emit: &mut impl FnMut(Event)) {
        if self.stopped {
            return;
        }
        match event {
            Event::Open { index, block } => self.open(index, block, emit),
            Event::Delta { index, delta } => self.delta(index, delta, emit),
            Event::Close { index } => self.close(index, emit),
            Event::Finish { finish, usage } => self.finish(finish, usage, emit),
            Event::Start(_) | Event::Fail(_) | Event::Ping => emit(event),
        }
    }

    fn open(&mut self, index: u32, block: BlockStart, emit: &mut impl FnMut(Event)) {
        let block = match block {
            BlockStart::Text if self.restoration.json_tool.is_some() => {
                self.blocks.insert(index, State::Preamble);
                self.preamble.push((index, String::new()));
                return;
            }
            BlockStart::Text if !self.restoration.stop.is_empty() => {
                let watch = StopWatch::new(&self.restoration.stop);
                self.blocks.insert(index, State::Watched(watch));
                BlockStart::Text
            }
            BlockStart::ToolCall { name, .. } if self.restoration.json_tool.as_ref() == Some(&name) => {
                self.blocks.insert(index, State::JsonAnswer);
                self.answered = true;
                BlockStart::Text
            }
            BlockStart::ToolCall {
                id,
                name,
                namespace,
                call,
            } => self.open_call(index, id, name, namespace, call),
            other => other,
        };
        emit(Event::Open { index, block });
    }

    fn open_call(
        &mut self,
        index: u32,
        id: String,
        name: String,
        namespace: Option<String>,
        call: CallKind,
    ) -> BlockStart {
        let Some(original) = self.restoration.tools.get(&name).cloned() else {
            return BlockStart::ToolCall {
                id,
                name,
                namespace,
                call,
            };
        };
        if original.call == CallKind::Freeform && call == CallKind::Function {
            self.blocks.insert(index, State::Freeform(Unwrapper::default()));
        }
        BlockStart::ToolCall {
            id,
            name: original.name,
            namespace: original.namespace,
            call: original.call,
        }
    }

    fn delta(&mut self, index: u32, delta: Delta, emit: &mut impl FnMut(Event)) {
        let delta = match (self.blocks.get_mut(&index), delta) {
            (Some(State::Preamble), Delta::Text { text }) => {
                if let Some((_, held)) = self.preamble.iter_mut().find(|(held, _)| *held == index) {
                    held.push_str(&text);
                }
                return;
            }
            (Some(State::Preamble), _) => return,
            (Some(State::JsonAnswer), Delta::Input { text }) => Delta::Text { text },
            (Some(State::Freeform(unwrapper)), Delta::Input { text }) => {
                let text = unwrapper.push(&text);
                if text.is_empty() {
                    return;
                }
                Delta::Input { text }
            }
            (Some(State::Watched(watch)), Delta::Text { text }) => {
                let Watched { text, stop } = watch.push(&text);
                if !text.is_empty() {
                    let delta = Delta::Text { text };
                    emit(Event::Delta { index, delta });
                }
                if let Some(stop) = stop {
                    self.stopped = true;
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

    fn close(&mut self, index: u32, emit: &mut impl FnMut(Event)) {
        match self.blocks.remove(&index) {
            Some(State::Preamble) => return,
            Some(State::Freeform(unwrapper)) => {
                let text = unwrapper.finish();
                if !text.is_empty() {
                    let delta = Delta::Input { text };
                    emit(Event::Delta { index, delta });
                }
            }
            Some(State::Watched(mut watch)) => {
                let text = watch.flush();
                if !text.is_empty() {
                    let delta = Delta::Text { text };
                    emit(Event::Delta { index, delta });
                }
            }
            Some(State::JsonAnswer) | None => {}
        }
        emit(Event::Close { index });
    }

    fn finish(&mut self, mut finish: Finish, usage: Option<Usage>, emit: &mut impl FnMut(Event)) {
        let mut open: Vec<u32> = self.blocks.keys().copied().collect();
        open.sort_unstable();
        for index in open {
            self.close(index, emit);
        }
        if self.answered {
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
