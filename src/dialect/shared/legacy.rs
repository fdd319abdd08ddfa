//! Members that generated types do not name.

use crate::canonical::{Losses, Path, RawJson};
use crate::wire::json::{Extra, Unknown};

/// Records unknown members of a request's object as dropped: their meaning is not known here, and a client's next release
/// may add one to anything.
pub fn drop_unknown(extra: &Extra, at: &Path<'_>, losses: &mut Losses) {
    for (name, _) in extra.unknown() {
        losses.drop_field(at.field(name), "a member that the translation does not know");
    }
}

/// Refuses an unknown variant of a request's union: what it stands for would be missing from the conversation.
pub fn refuse_variant(unknown: &Unknown, what: &str, at: &Path<'_>, losses: &mut Losses) {
    let tag = &unknown.tag;
    losses.refuse(*at, format!("the {what} type `{tag}` cannot be translated"));
}

/// Records a member that is present as dropped.
pub fn drop_some<T>(value: Option<&T>, at: Path<'_>, reason: &'static str, losses: &mut Losses) {
    if value.is_some() {
        losses.drop_field(at, reason);
    }
}

/// Records a member that is present as ignored.
pub fn ignore_some<T>(value: Option<&T>, at: Path<'_>, reason: &'static str, losses: &mut Losses) {
    if value.is_some() {
        losses.ignore(at, reason);
    }
}

/// Refuses a member that is present.
pub fn refuse_some<T>(value: Option<&T>, at: Path<'_>, reason: &'static str, losses: &mut Losses) {
    if value.is_some() {
        losses.refuse(at, reason);
    }
}

/// Refuses a schema that is no object: every vendor does, and its words would not name the client's field.
pub fn refuse_no_object(schema: Option<&RawJson>, at: Path<'_>, losses: &mut Losses) {
    let is_object = |schema: &RawJson| matches!(schema.get().trim_start().get(..1), Some("{"));
    if schema.is_some_and(|schema| schema.get() != "null" && !is_object(schema)) {
        losses.refuse(at, "a schema has to be an object");
    }
}
