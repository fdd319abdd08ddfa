//! Reading values that are told apart by their JSON kind.

use super::error::JsonFault;
use super::{RawJson, Scanner};

/// A type with a variant for each JSON kind that it takes. A kind without a method of its own goes to `from_other`.
pub trait UntaggedUnion: Sized {
    /// The kinds, for error messages.
    const EXPECTED: &'static str;

    /// Whether `from_other` takes anything.
    const TAKES_OTHER: bool = false;

    /// A kind that the type does not name, as its text; `None` if that is an error.
    fn from_other(raw: RawJson) -> Option<Self> {
        drop(raw);
        None
    }

    /// A string.
    fn read_string(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        refuse(scanner)
    }

    /// A number.
    fn read_number(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        refuse(scanner)
    }

    /// A boolean.
    fn read_boolean(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        refuse(scanner)
    }

    /// An array.
    fn read_array(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        refuse(scanner)
    }

    /// An object.
    fn read_object(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        refuse(scanner)
    }
}

/// Reads a [`UntaggedUnion`].
pub fn read_untagged<T: UntaggedUnion>(scanner: &mut Scanner<'_>) -> Result<T, JsonFault> {
    match scanner.peek() {
        Some(b'"') => T::read_string(scanner),
        Some(b'{') => T::read_object(scanner),
        Some(b'[') => T::read_array(scanner),
        Some(b'-' | b'0'..=b'9') => T::read_number(scanner),
        Some(b't' | b'f') => T::read_boolean(scanner),
        _ => refuse(scanner),
    }
}

/// A kind that the type does not name.
#[cold]
fn refuse<T: UntaggedUnion>(scanner: &mut Scanner<'_>) -> Result<T, JsonFault> {
    if T::TAKES_OTHER {
        let raw = scanner.read_raw()?;
        return T::from_other(raw).ok_or_else(|| JsonFault::data(format!("expected {}", T::EXPECTED)));
    }
    if matches!(scanner.peek(), Some(b'-' | b'0'..=b'9')) {
        scanner.read_number()?;
        let message = format!("invalid type: number, expected {}", T::EXPECTED);
        return Err(JsonFault::data(message));
    }
    Err(scanner.mismatch(T::EXPECTED))
}
