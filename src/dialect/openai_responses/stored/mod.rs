//! Answers that are kept for their client, as the API has them: what requests and paths ask of a store, and how it
//! answers. Nothing here keeps anything.

mod answer;
mod error;
mod list;
mod path;
mod request;

#[cfg(test)]
mod tests;

pub use answer::{LastEvent, deleted, last_event, unkept};
pub use error::StoredError;
pub use list::{id as item_id, page};
pub use path::{Action, StoredPath, classify};
pub use request::{Asked, identified};
