//! Values as raw JSON.

use crate::canonical::RawJson;

/// The JSON text of a value; `null` for a value that serde cannot write, which none of those used here is.
pub fn to_raw_json<T: serde::Serialize>(value: &T) -> RawJson {
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| serde_json::value::RawValue::NULL.to_owned())
}
