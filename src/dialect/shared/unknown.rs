//! Members and variants that the generated types do not name.

use super::reasons::SharedReason;
use crate::canonical::Scope;
use crate::wire::json::{Extra, Unknown};

/// Drops the unknown members of a request's object. They are not refused: a client's next release may add one to any
/// object, and its sessions must not break.
pub fn drop_unknown(scope: &mut Scope<'_>, extra: &Extra) {
    for (name, _) in extra.unknown() {
        scope.field(name).drop(SharedReason::UnknownMember);
    }
}

/// Refuses an unknown variant of a request's union: without it, the conversation would lack a part. `what` names the
/// union, such as `content block`.
pub fn refuse_variant(scope: &mut Scope<'_>, unknown: &Unknown, what: &'static str) {
    let tag = unknown.tag.clone();
    scope.refuse(SharedReason::UnknownVariant { what, tag });
}
