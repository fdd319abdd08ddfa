//! Reasons for losses that several dialects have.

use crate::canonical::reasons;

reasons! {
    /// Why a value is lost, in mappings that several dialects share.
    pub(crate) enum SharedReason {
        /// A member that the generated types do not name.
        UnknownMember => "unknown member",
        /// A variant of a union that the generated types do not name.
        UnknownVariant { what: &'static str, tag: String } => "the {what} type `{tag}` cannot be translated",
        /// Every vendor refuses such a schema, in words that do not name the client's field.
        SchemaIsNoObject => "a schema must be an object",
        /// Two names of tools differ only in characters that the upstream does not accept.
        ToolNameClash => "its name equals another tool's name after both are changed to characters that the upstream accepts",
    }
}
