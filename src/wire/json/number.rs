//! Integers: `1`, `1.0` and `1e0` are the same one.

use serde::de::{Error as _, Unexpected};

use super::Scanner;
use super::error::JsonFault;

/// 2^63, the least `f64` above every `i64`. `i64::MAX as f64` rounds up to it.
const ABOVE_I64: f64 = 9_223_372_036_854_775_808.0;

const EXPECTED: &str = "an integer";

/// Which numbers a member of type integer accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntegerMode {
    /// Whole numbers in the range of `i64`. `1.0` is whole.
    Exact,
    /// Any number: a fraction is cut off and the limits of `i64` replace numbers out of range. For responses, which an
    /// unusual counter must not make unreadable.
    Lenient,
}

/// Reads an integer; `None` for null.
pub(super) fn read_integer(scanner: &mut Scanner<'_>, mode: IntegerMode) -> Result<Option<i64>, JsonFault> {
    // Indices and counters of a few digits, which is what nearly every integer is.
    if let Some(value) = scanner.read_plain_integer() {
        return Ok(Some(value));
    }
    if scanner.skip_null()? {
        return Ok(None);
    }
    if !matches!(scanner.peek(), Some(b'-' | b'0'..=b'9')) {
        return Err(scanner.mismatch(EXPECTED));
    }
    let number = scanner.read_number()?;
    if let Some(value) = number.as_i64() {
        return Ok(Some(value));
    }
    if let Some(value) = number.as_u64() {
        return match mode {
            IntegerMode::Lenient => Ok(Some(i64::MAX)),
            IntegerMode::Exact => Err(refused(Unexpected::Unsigned(value))),
        };
    }
    let value = number.as_f64().unwrap_or_default();
    let exact = value.fract() == 0.0 && (-ABOVE_I64..ABOVE_I64).contains(&value);
    if exact || mode == IntegerMode::Lenient {
        // A cast with `as` saturates at the limits of the type.
        return Ok(Some(value as i64));
    }
    Err(refused(Unexpected::Float(value)))
}

#[cold]
fn refused(found: Unexpected<'_>) -> JsonFault {
    JsonFault::data(serde_json::Error::invalid_value(found, &EXPECTED))
}
