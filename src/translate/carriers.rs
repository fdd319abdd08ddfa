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
