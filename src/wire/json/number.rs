//! Integers as servers really write them.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, Unexpected, Visitor};

/// Reads an `i64`; `1.0` is 1. A fraction or a number out of range is an error, unless `lenient`: then it is cut
/// off or held at the limit, because an odd counter must not fail an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Integer {
    pub(super) lenient: bool,
}

/// The first `f64` above every `i64`.
const ABOVE: f64 = 9_223_372_036_854_775_808.0;

impl<'de> DeserializeSeed<'de> for Integer {
    type Value = Option<i64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Integer {
    type Value = Option<i64>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an integer")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Some(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        match i64::try_from(value) {
            Ok(value) => Ok(Some(value)),
            Err(_) if self.lenient => Ok(Some(i64::MAX)),
            Err(_) => Err(E::invalid_value(Unexpected::Unsigned(value), &self)),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        let exact = value.fract() == 0.0 && (-ABOVE..ABOVE).contains(&value);
        if exact || self.lenient {
            // `as` holds the value at the limits of the type.
            return Ok(Some(value as i64));
        }
        Err(E::invalid_value(Unexpected::Float(value), &self))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}
