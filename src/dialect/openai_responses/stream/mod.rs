//! Streamed answers: server-sent events that build an answer item by item.

mod reader;
mod writer;

#[cfg(test)]
mod tests;

pub use reader::Reader;
pub use writer::Writer;
