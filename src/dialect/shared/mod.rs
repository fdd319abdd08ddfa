//! What all dialects share.

pub mod call_ids;
pub mod carrier;
pub mod data_url;
pub mod end_user;
pub mod envelope;
pub mod error_class;
pub mod fast_path;
pub mod freeform;
pub mod json_schema;
pub mod legacy;
pub mod partial_json;
pub mod rate_limits;
pub mod raw_json;
pub mod reasons;
pub mod system_edit;
pub mod tool_names;
pub mod unknown;
