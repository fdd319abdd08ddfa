//! Formats on the wire, free of any dialect.

pub mod json;
