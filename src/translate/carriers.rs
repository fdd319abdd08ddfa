//! Whether and how vendors' reasoning state crosses foreign clients.

use crate::canonical::{Block, Family, Losses, Opaque, Reasoning, Request};
use crate::dialect::shared::carrier::CarrierKey;

/// A route's way with reasoning state in foreign clients' hands.
#[derive(Clone, Debug, Default)]
pub enum Carriers {
    /// It is not carried, and none is taken back.
    Off,
    /// It is carried as it is; a client could make some up.
    #[default]
    Plain,
    /// It is carried with a mark, and only what has one is taken back.
    Marked(CarrierKey),
}

impl Carriers {
    /// Takes carried state out of a request that this route does not admit.
    pub(super) fn admit(&self, request: &mut Request, losses: &mut Losses) {
        if matches!(self, Self::Plain) {
            return;
        }
        let list = request.fields.messages;
        for message in &mut request.messages {
            let index = message.index;
            let mut at = 0;
            message.content.retain(|block| {
                let admitted = self.admits(block);
                if !admitted {
                    let reason = match self {
                        Self::Off => "this route takes no reasoning state from foreign clients",
                        Self::Plain | Self::Marked(_) => "reasoning state without this proxy's mark",
                    };
                    losses.drop_field(format!("{list}[{index}].content[{at}]"), reason);
                }
                at += 1;
                admitted
            });
        }
    }

    fn admits(&self, block: &Block) -> bool {
        let Block::Reasoning(Reasoning {
            opaque: Some(opaque), ..
        }) = block
        else {
            return true;
        };
        match self {
            _ if carries_nothing(opaque) => true,
            Self::Plain => true,
            Self::Off => opaque.passage == crate::canonical::Passage::Plain,
            Self::Marked(key) => key.admits(opaque),
        }
    }

    /// The state as it goes to a client; `None` where it does not.
    pub(super) fn carry(&self, opaque: Opaque) -> Option<Opaque> {
        match self {
            _ if carries_nothing(&opaque) => Some(opaque),
            Self::Off => None,
            Self::Plain => Some(opaque),
            Self::Marked(key) => Some(key.mark(opaque)),
        }
    }

    /// The same for every block of an answer.
    pub(super) fn carry_all(&self, content: &mut [Block]) {
        for block in content {
            if let Block::Reasoning(Reasoning { opaque, .. }) = block {
                *opaque = opaque.take().and_then(|opaque| self.carry(opaque));
            }
        }
    }
}

/// Chat reasoning has no state: its carrier only says where it came from.
fn carries_nothing(opaque: &Opaque) -> bool {
    opaque.origin == Family::OpenaiChat
}
