//! Remembers signed reasoning for clients that do not send it back.
//!
//! Chat Completions has no field for a vendor's reasoning state. Clients that return `reasoning_details` need no memory;
//! for the others the state of a turn that called tools is kept here, under the identifier of its first call and the
//! client that it was made for, and put back when that client sends the call's turn again. What was forgotten, by age,
//! size or a restart, is simply absent: the request is then translated as one without reasoning.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::canonical::{Block, Family, Message, Opaque, Reasoning, Request, Role};

/// Whose turns these are: a digest of the route and the client's credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReasoningOwner([u8; 16]);

impl ReasoningOwner {
    /// The scope of a route and a credential; the credential itself is not kept.
    pub fn new(route: &str, credential: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update((route.len() as u64).to_le_bytes());
        hash.update(route);
        hash.update(credential);
        let mut scope = [0; 16];
        scope
            .iter_mut()
            .zip(hash.finalize())
            .for_each(|(to, from)| *to = from);
        Self(scope)
    }
}

/// Reasoning state of recent turns, bounded by size; the oldest goes first.
#[derive(Debug)]
pub struct ReasoningMemory {
    turns: Mutex<Turns>,
    limit: usize,
}

#[derive(Debug, Default)]
struct Turns {
    by_call: HashMap<Key, Arc<[Opaque]>>,
    order: VecDeque<Key>,
    bytes: usize,
}

type Key = (ReasoningOwner, String);

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

    /// Keeps the reasoning state of a turn under its first call.
    pub fn remember(&self, scope: ReasoningOwner, call_id: &str, state: Vec<Opaque>) {
        let weight = weight(call_id, &state);
        if state.is_empty() || weight > self.limit {
            return;
        }
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (scope, call_id.to_owned());
        if let Some(old) = turns.by_call.insert(key.clone(), state.into()) {
            turns.bytes = turns.bytes.saturating_sub(self::weight(call_id, &old));
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

    /// Puts remembered reasoning in front of the turns that lack it.
    pub fn recall(&self, scope: ReasoningOwner, origin: Family, request: &mut Request) {
        let turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.by_call.is_empty() {
            return;
        }
        for message in &mut request.messages {
            let Some(call_id) = first_call_without_reasoning(message, origin) else {
                continue;
            };
            let Some(state) = turns.by_call.get(&(scope, call_id.to_owned())) else {
                continue;
            };
            let own = state.iter().filter(|opaque| opaque.origin == origin).cloned();
            let recalled = own.map(|opaque| {
                Block::Reasoning(Reasoning {
                    parts: Vec::new(),
                    opaque: Some(opaque),
                })
            });
            let rest = std::mem::take(&mut message.content);
            let rest = rest
                .into_iter()
                .filter(|block| !matches!(block, Block::Reasoning(_)));
            message.content = recalled.chain(rest).collect();
        }
    }
}

fn weight(call_id: &str, state: &[Opaque]) -> usize {
    // A map entry, two copies of the key and the allocations beside the text itself.
    256 + 2 * call_id.len()
        + state
            .iter()
            .map(|opaque| 64 + opaque.json.get().len())
            .sum::<usize>()
}

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

    fn kept(memory: &ReasoningMemory) -> Vec<String> {
        let turns = memory.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept: Vec<String> = turns.by_call.keys().map(|(_, id)| id.clone()).collect();
        kept.sort();
        kept
    }

    #[test]
    fn the_oldest_turn_is_forgotten_first() {
        let memory = ReasoningMemory::new(800);
        let scope = ReasoningOwner::new("/a", b"key");
        for id in ["one", "two", "three", "four"] {
            memory.remember(scope, id, state("x"));
        }
        assert_eq!(kept(&memory), ["four", "three"]);
        memory.remember(scope, "big", state(&"x".repeat(2000)));
        assert_eq!(
            kept(&memory),
            ["four", "three"],
            "what exceeds the limit alone is not kept"
        );
    }

    #[test]
    fn scopes_differ_by_route_and_credential() {
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
}
