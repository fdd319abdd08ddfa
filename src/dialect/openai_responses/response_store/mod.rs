//! What the API's documents contain about responses that a server keeps: what a request wants of the response store,
//! and the documents that it returns. Nothing here keeps anything; `proxy` and `store` do.
//!
//! - `path`: the paths of a stored response
//! - `request`: references to stored responses and items in a request, and the request without them
//! - `response`: the response object before it is stored, and the end of a stream
//! - `item_list`: the list of a stored response's input items
//! - `error`: the errors of all of these

mod error;
mod item_list;
mod path;
mod request;
mod response;

#[cfg(test)]
mod tests;

pub use error::StoredResponseError;
pub use item_list::{id as item_id, page};
pub use path::{StoredResponseAction, StoredResponsePath, classify};
pub use request::{StoreRequest, identified};
pub use response::{LastEvent, deleted, last_event, unkept};
