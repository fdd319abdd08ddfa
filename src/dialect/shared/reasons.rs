//! Reasons for losses that several dialects have.

use crate::canonical::reasons;

reasons! {
    /// Why a value is lost, in mappings that several dialects share.
    pub(crate) enum SharedReason {
        /// A member that the generated types do not name.
        UnknownMember => "a member that the translation does not know",
        /// A variant of a union that the generated types do not name.
        UnknownVariant { what: &'static str, tag: String } => "the {what} type `{tag}` cannot be translated",
        /// Every vendor refuses such a schema, in words that do not name the client's field.
        SchemaIsNoObject => "a schema has to be an object",
        DataUrlWithoutComma => "the data: URL has no comma",
        /// Percent-encoded data: the other dialects carry media in base64 only.
        DataUrlWithoutBase64 => "the data: URL is not in base64",
        /// Two names of tools differ only in characters that the upstream does not accept.
        ToolNameClash => "its name is the same as another tool's once both are fitted to the upstream's rules",
    }
}
