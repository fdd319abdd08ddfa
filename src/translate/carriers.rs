//! Whether and how a vendor's reasoning state crosses clients of another vendor.

use super::reasons::TranslateReason;
use crate::canonical::{Authenticity, Block, Family, Opaque, Path, Reasoning, Request, Scope};
use crate::dialect::shared::carrier::CarrierKey;

/// What a route does with carriers: strings in which a client of one vendor keeps the reasoning state of another.
#[derive(Clone, Debug, Default)]
pub enum Carriers {
    /// No state is sent to clients, and none is accepted from them.
    Off,
    /// State is sent as it is, and all of it is accepted. A client could forge some.
    #[default]
    Plain,
    /// State is sent with a mark that is made with this key, and only state with a valid mark is accepted.
    Marked(CarrierKey),
}

impl Carriers {
    /// Drops the carried state of a request that this route does not accept. This happens before the request is
    /// written, because to the vendor a forged state would look like its own.
    pub(super) fn drop_unaccepted(&self, scope: &mut Scope<'_>, request: &mut Request) {
        if matches!(self, Self::Plain) {
            return;
        }
        let list = request.fields.messages;
        for message in &mut request.messages {
            let mut position = 0;
            message.content.retain(|block| {
                let is_accepted = self.accepts(block);
                if !is_accepted {
                    let reason = match self {
                        Self::Off => TranslateReason::CarriersOff,
                        Self::Plain | Self::Marked(_) => TranslateReason::UnmarkedState,
                    };
                    // The path counts the blocks that were dropped, too: it is that of the client's body.
                    scope.at(Path::block(list, message.index, position)).drop(reason);
                }
                position += 1;
                is_accepted
            });
        }
    }

    fn accepts(&self, block: &Block) -> bool {
        let Block::Reasoning(Reasoning {
            opaque: Some(opaque), ..
        }) = block
        else {
            return true;
        };
        match self {
            _ if is_stateless(opaque) => true,
            Self::Plain => true,
            Self::Off => opaque.authenticity == Authenticity::FromVendor,
            Self::Marked(key) => key.accepts(opaque),
        }
    }

    /// The state as it is sent to a client; `None` if it is not sent.
    pub(super) fn prepare(&self, opaque: Opaque) -> Option<Opaque> {
        match self {
            _ if is_stateless(&opaque) => Some(opaque),
            Self::Off => None,
            Self::Plain => Some(opaque),
            Self::Marked(key) => Some(key.mark(opaque)),
        }
    }

    /// Prepares the state in every block of a response.
    pub(super) fn prepare_all(&self, content: &mut [Block]) {
        for block in content {
            if let Block::Reasoning(Reasoning { opaque, .. }) = block {
                *opaque = opaque.take().and_then(|opaque| self.prepare(opaque));
            }
        }
    }
}

/// Reasoning of Chat Completions has no state. Its carrier only records the origin, and there is nothing to forge.
fn is_stateless(opaque: &Opaque) -> bool {
    opaque.origin == Family::OpenaiChat
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::canonical::{FieldNames, Losses, Message, Role};

    static FIELDS: FieldNames = FieldNames {
        system: "system",
        messages: "messages",
        max_output_tokens: "max_tokens",
        stop: "stop",
        effort: "reasoning_effort",
        thinking: "thinking",
        output_format: "response_format",
        verbosity: "verbosity",
        parallel_tool_calls: "parallel_tool_calls",
        end_user: "user",
        logprobs: "logprobs",
    };

    fn state(origin: Family, authenticity: Authenticity) -> Opaque {
        Opaque {
            authenticity,
            ..Opaque::new(origin, RawValue::TRUE.to_owned())
        }
    }

    /// The losses of a request whose only message, at position 2, has reasoning with these states.
    fn drop_unaccepted(carriers: &Carriers, states: &[Opaque]) -> Vec<String> {
        let mut request = Request::new(&FIELDS, "m".to_owned());
        let reasoning = states.iter().map(|state| {
            Block::Reasoning(Reasoning {
                parts: Vec::new(),
                opaque: Some(state.clone()),
            })
        });
        request
            .messages
            .push(Message::new(Role::Assistant, 2, reasoning.collect()));
        let mut losses = Losses::new();
        carriers.drop_unaccepted(&mut Scope::root(&mut losses), &mut request);
        let kept = request
            .messages
            .iter()
            .map(|message| message.content.len())
            .sum::<usize>();
        assert_eq!(kept + losses.entries().len(), states.len());
        losses.entries().iter().map(|loss| loss.path.clone()).collect()
    }

    #[test]
    fn each_policy_accepts_other_state() {
        let key = CarrierKey::new("a secret");
        let marked = key.mark(state(Family::Claude, Authenticity::Unmarked));
        let states = [
            state(Family::Claude, Authenticity::Unmarked),
            state(Family::Claude, Authenticity::FromVendor),
            marked,
            state(Family::Claude, Authenticity::Marked([0; 16])),
            state(Family::OpenaiChat, Authenticity::Unmarked),
        ];
        let path = |block: usize| format!("messages[2].content[{block}]");
        let dropped = |carriers: &Carriers| drop_unaccepted(carriers, &states);
        assert_eq!(dropped(&Carriers::Plain), Vec::<String>::new());
        assert_eq!(dropped(&Carriers::Off), [path(0), path(2), path(3)]);
        assert_eq!(dropped(&Carriers::Marked(key)), [path(0), path(3)]);
    }

    #[test]
    fn state_is_sent_to_clients_as_the_policy_says() {
        let authenticity = |carriers: &Carriers, origin: Family| {
            let prepared = carriers.prepare(state(origin, Authenticity::FromVendor));
            prepared.map(|opaque| opaque.authenticity)
        };
        let key = Carriers::Marked(CarrierKey::new("a secret"));
        assert_eq!(authenticity(&Carriers::Off, Family::Claude), None);
        assert_eq!(
            authenticity(&Carriers::Plain, Family::Claude),
            Some(Authenticity::FromVendor)
        );
        assert!(matches!(
            authenticity(&key, Family::Claude),
            Some(Authenticity::Marked(_))
        ));
        for carriers in [Carriers::Off, Carriers::Plain, key] {
            let stateless = authenticity(&carriers, Family::OpenaiChat);
            assert_eq!(stateless, Some(Authenticity::FromVendor));
        }
    }
}
