//! The messages of a conversation.

pub mod read;
pub mod turns;
pub mod write;

/// Begins and ends instructions and summaries that stand in a user's text.
pub const REMINDER: [&str; 2] = ["<system-reminder>", "</system-reminder>"];
