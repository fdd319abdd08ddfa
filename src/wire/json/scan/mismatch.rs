//! The error for a value of another JSON kind than expected.

use std::borrow::Cow;

use serde::de::{Error as _, Unexpected};
use serde_json::Number;

use super::super::error::JsonFault;
use super::Scanner;

impl Scanner<'_> {
    /// The fault that the next value is not what was expected, in serde_json's words (`invalid type: string "a",
    /// expected …`). The value is read to quote it, so that an error in its grammar is reported instead.
    #[cold]
    pub(in super::super) fn mismatch(&mut self, expected: &str) -> JsonFault {
        let found = match self.peek() {
            Some(b'"') => self.read_string_at_quote().map(FoundValue::String),
            Some(b'{') => Ok(FoundValue::Object),
            Some(b'[') => Ok(FoundValue::Array),
            Some(b'n') => self.skip_literal("null").map(|()| FoundValue::Null),
            Some(b't' | b'f') => self.read_boolean().map(FoundValue::Boolean),
            Some(b'-' | b'0'..=b'9') => self.read_number().map(FoundValue::Number),
            _ => Err(self.syntax_fault("expected value")),
        };
        match found {
            Ok(found) => JsonFault::data(serde_json::Error::invalid_type(found.unexpected(), &expected)),
            Err(fault) => fault,
        }
    }
}

/// The value that was found instead. Owns what [`Unexpected`] borrows.
enum FoundValue<'de> {
    Null,
    Boolean(bool),
    Number(Number),
    String(Cow<'de, str>),
    Array,
    Object,
}

impl FoundValue<'_> {
    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Null => Unexpected::Unit,
            Self::Boolean(value) => Unexpected::Bool(*value),
            Self::Number(number) => unexpected(number),
            Self::String(value) => Unexpected::Str(value),
            Self::Array => Unexpected::Seq,
            Self::Object => Unexpected::Map,
        }
    }
}

fn unexpected(number: &Number) -> Unexpected<'static> {
    if let Some(value) = number.as_u64() {
        Unexpected::Unsigned(value)
    } else if let Some(value) = number.as_i64() {
        Unexpected::Signed(value)
    } else {
        Unexpected::Float(number.as_f64().unwrap_or_default())
    }
}
