//! The reasoning memory: signed reasoning for clients that do not send it back.
//!
//! Chat Completions has no field for a vendor's reasoning state. Clients that return `reasoning_details` need no
//! memory. For the others the memory keeps the state of each turn that called tools, by the identifier of the turn's
//! first call and the owner of the turn, and puts it back when that client sends the turn again. State that was
//! forgotten, because of its age, the memory's size or a restart, is absent: the request is then translated as one
//! without reasoning.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::canonical::{Block, Family, Message, Opaque, Reasoning, Request, Response, Role};

/// The owner of turns: a digest of the route and the client's credential, so that no client gets the state of another
/// that sends the same call identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReasoningOwner([u8; 16]);

impl ReasoningOwner {
    /// The owner for a route and a credential; the credential itself is not kept.
    pub fn new(route: &str, credential: &[u8]) -> Self {
        let mut hash = Sha256::new();
        // With its length: a byte moved from the credential to the route must give another owner.
        hash.update((route.len() as u64).to_le_bytes());
        hash.update(route);
        hash.update(credential);
        let mut owner = [0; 16];
        owner
            .iter_mut()
            .zip(hash.finalize())
            .for_each(|(to, from)| *to = from);
        Self(owner)
    }
}

/// Reasoning state of recent turns, bounded by size; the oldest is forgotten first. Requests of all threads share it.
#[derive(Debug)]
pub struct ReasoningMemory {
    turns: Mutex<RememberedTurns>,
    limit: usize,
}

#[derive(Debug, Default)]
struct RememberedTurns {
    by_call: HashMap<TurnKey, Arc<[Opaque]>>,
    /// The keys in the order in which the turns were first remembered.
    order: VecDeque<TurnKey>,
    /// The weight of all turns.
    bytes: usize,
}

/// The owner of a turn and the identifier of its first call.
type TurnKey = (ReasoningOwner, String);

impl Default for ReasoningMemory {
    fn default() -> Self {
        Self::new(Self::LIMIT)
    }
}

impl ReasoningMemory {
    /// Bytes of reasoning state that the proxy keeps: about ten thousand turns of a coding agent.
    pub const LIMIT: usize = 64 * 1024 * 1024;

    /// A memory of at most `limit` bytes of reasoning state.
    pub fn new(limit: usize) -> Self {
        Self {
            turns: Mutex::default(),
            limit,
        }
    }

    /// Remembers the reasoning state of a turn by its first call. State that alone exceeds the limit is not kept: it
    /// would displace every other turn.
    pub fn remember(&self, owner: ReasoningOwner, call_id: String, state: Vec<Opaque>) {
        let weight = weight(&call_id, &state);
        if state.is_empty() || weight > self.limit {
            return;
        }
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (owner, call_id);
        if let Some(old) = turns.by_call.insert(key.clone(), state.into()) {
            turns.bytes = turns.bytes.saturating_sub(self::weight(&key.1, &old));
        } else {
            turns.order.push_back(key);
        }
        turns.bytes += weight;
        while turns.bytes > self.limit {
            let Some(oldest) = turns.order.pop_front() else {
                break;
            };
            if let Some(state) = turns.by_call.remove(&oldest) {
                turns.bytes = turns.bytes.saturating_sub(self::weight(&oldest.1, &state));
            }
        }
    }

    /// Puts remembered reasoning before the content of the turns that lack it. Only state of this origin is used:
    /// another vendor cannot read it.
    pub fn recall(&self, owner: ReasoningOwner, origin: Family, request: &mut Request) {
        let turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.by_call.is_empty() {
            return;
        }
        for message in &mut request.messages {
            let Some(call_id) = first_call_without_reasoning(message, origin) else {
                continue;
            };
            let Some(state) = turns.by_call.get(&(owner, call_id.to_owned())) else {
                continue;
            };
            let own = state.iter().filter(|opaque| opaque.origin == origin).cloned();
            let recalled = own.map(|opaque| {
                Block::Reasoning(Reasoning {
                    parts: Vec::new(),
                    opaque: Some(opaque),
                })
            });
            // Reasoning text that the client sent back without its state is replaced, not repeated.
            let rest = std::mem::take(&mut message.content);
            let rest = rest
                .into_iter()
                .filter(|block| !matches!(block, Block::Reasoning(_)));
            message.content = recalled.chain(rest).collect();
        }
    }
}

/// About the bytes of memory that a turn takes.
fn weight(call_id: &str, state: &[Opaque]) -> usize {
    // The map entry, two copies of the key, and the allocations besides the text itself.
    256 + 2 * call_id.len()
        + state
            .iter()
            .map(|opaque| 64 + opaque.json.get().len())
            .sum::<usize>()
}

/// The first call of an assistant's turn that has no state of this origin.
fn first_call_without_reasoning(message: &Message, origin: Family) -> Option<&str> {
    if message.role != Role::Assistant {
        return None;
    }
    let is_own = |block: &Block| match block {
        Block::Reasoning(reasoning) => reasoning
            .opaque
            .as_ref()
            .is_some_and(|opaque| opaque.origin == origin),
        _ => false,
    };
    if message.content.iter().any(is_own) {
        return None;
    }
    message.content.iter().find_map(|block| match block {
        Block::ToolCall(call) => Some(call.id.as_str()),
        _ => None,
    })
}

/// Records the reasoning of one client's responses in the memory, and puts it back into the client's requests.
pub(super) struct ReasoningRecorder {
    memory: Arc<ReasoningMemory>,
    owner: ReasoningOwner,
}

impl ReasoningRecorder {
    pub fn new(memory: Arc<ReasoningMemory>, owner: ReasoningOwner) -> Self {
        Self { memory, owner }
    }

    /// Puts remembered reasoning of this origin into a request.
    pub fn recall(&self, origin: Family, request: &mut Request) {
        self.memory.recall(self.owner, origin, request);
    }

    /// Records a complete response.
    pub fn record_response(&self, response: &Response) {
        let mut turn = self.start_turn();
        for block in &response.content {
            match block {
                Block::Reasoning(Reasoning {
                    opaque: Some(opaque), ..
                }) => turn.record_state(opaque),
                Block::ToolCall(call) => turn.record_call(&call.id),
                _ => {}
            }
        }
        turn.finish();
    }

    /// Starts to record a response that arrives block by block.
    pub fn start_turn(&self) -> TurnRecorder {
        TurnRecorder {
            memory: Arc::clone(&self.memory),
            owner: self.owner,
            state: Vec::new(),
            first_call: None,
        }
    }
}

/// Collects the reasoning state of one response. A recorder that is dropped before [`TurnRecorder::finish`] records
/// nothing.
pub(super) struct TurnRecorder {
    memory: Arc<ReasoningMemory>,
    owner: ReasoningOwner,
    state: Vec<Opaque>,
    first_call: Option<String>,
}

impl TurnRecorder {
    pub fn record_state(&mut self, opaque: &Opaque) {
        self.state.push(opaque.clone());
    }

    pub fn record_call(&mut self, id: &str) {
        self.first_call.get_or_insert_with(|| id.to_owned());
    }

    /// Gives the turn to the memory. A turn without a call has no identifier to remember it by.
    pub fn finish(self) {
        if let Some(call_id) = self.first_call {
            self.memory.remember(self.owner, call_id, self.state);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn state(text: &str) -> Vec<Opaque> {
        let Ok(json) = RawValue::from_string(format!("\"{text}\"")) else {
            panic!("{text}")
        };
        vec![Opaque::new(Family::Claude, json)]
    }

    fn remembered_calls(memory: &ReasoningMemory) -> Vec<String> {
        let turns = memory.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let mut calls: Vec<String> = turns.by_call.keys().map(|(_, id)| id.clone()).collect();
        calls.sort();
        calls
    }

    #[test]
    fn the_oldest_turn_is_forgotten_first() {
        let memory = ReasoningMemory::new(800);
        let owner = ReasoningOwner::new("/a", b"key");
        for id in ["one", "two", "three", "four"] {
            memory.remember(owner, id.to_owned(), state("x"));
        }
        assert_eq!(remembered_calls(&memory), ["four", "three"]);
        memory.remember(owner, "big".to_owned(), state(&"x".repeat(2000)));
        assert_eq!(
            remembered_calls(&memory),
            ["four", "three"],
            "a turn that alone exceeds the limit is not kept"
        );
    }

    #[test]
    fn owners_differ_by_route_and_credential() {
        assert_eq!(
            ReasoningOwner::new("/a", b"key"),
            ReasoningOwner::new("/a", b"key")
        );
        assert_ne!(
            ReasoningOwner::new("/a", b"key"),
            ReasoningOwner::new("/a", b"other")
        );
        assert_ne!(ReasoningOwner::new("/a", b"b"), ReasoningOwner::new("/ab", b""));
    }

    #[test]
    fn a_turn_is_recorded_by_its_first_call_and_only_when_it_is_finished() {
        let memory = Arc::new(ReasoningMemory::default());
        let owner = ReasoningOwner::new("/a", b"key");
        let recorder = ReasoningRecorder::new(Arc::clone(&memory), owner);
        let record = || {
            let mut turn = recorder.start_turn();
            for state in state("x") {
                turn.record_state(&state);
            }
            turn.record_call("first");
            turn.record_call("second");
            turn
        };
        drop(record());
        assert!(remembered_calls(&memory).is_empty());
        record().finish();
        assert_eq!(remembered_calls(&memory), ["first"]);
    }
}
