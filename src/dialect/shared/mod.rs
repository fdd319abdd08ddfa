//! What the dialects share.
//!
//! Identifiers and names: `call_ids` (of tool calls), `tool_names`, `end_user`. Content: `data_url`, `freeform` (tools
//! that take plain text), `json_schema`, `raw_json`, `partial_json` (JSON that broke off), `unknown` (members and
//! variants that the generated types do not name). Reasoning: `carrier`. Responses: `error_class`, `rate_limits`,
//! `fast_path` (repeated events of a stream). Between dialects of one family: `envelope`. In place: `system_edit`. The
//! texts of losses: `reasons`.

pub mod call_ids;
pub mod carrier;
pub mod end_user;
pub mod envelope;
pub mod error_class;
pub mod fast_path;
pub mod freeform;
pub mod json_schema;
pub mod partial_json;
pub mod rate_limits;
pub mod raw_json;
pub mod reasons;
pub mod system_edit;
pub mod tool_names;
pub mod unknown;
