//! The messages of a conversation.

pub mod turns;
