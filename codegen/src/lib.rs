//! JSON Schema to Rust types.
