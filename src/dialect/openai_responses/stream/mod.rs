//! Streamed answers: server-sent events that build an answer item by item.

mod read;
mod write;

#[cfg(test)]
mod tests;

pub use read::Reader;
pub use write::Writer;
