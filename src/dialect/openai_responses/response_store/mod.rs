//! Answers that are kept for their client, as the API has them: what requests and paths ask of a store, and how it
//! answers. Nothing here keeps anything.

mod error;
mod item_list;
mod path;
mod request;
mod response;

#[cfg(test)]
mod tests;

pub use error::StoredError;
pub use item_list::{id as item_id, page};
pub use path::{Action, StoredPath, classify};
pub use request::{Asked, identified};
pub use response::{LastEvent, deleted, last_event, unkept};
