//! Values as JSON text.

use crate::canonical::RawJson;

/// The JSON text of a value. A value that serde cannot write becomes `null`; no caller has one.
pub fn to_raw_json<T: serde::Serialize>(value: &T) -> RawJson {
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| serde_json::value::RawValue::NULL.to_owned())
}
