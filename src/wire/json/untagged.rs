//! Reads unions without a tag: the JSON kind of the value decides the variant.

use super::error::JsonFault;
use super::{RawJson, Scanner};

/// A union with one variant for each JSON kind that it accepts. Generated code implements the methods of these kinds;
/// the others are refused, or kept by `from_other`.
pub trait UntaggedUnion: Sized {
    /// The accepted kinds, for error messages.
    const EXPECTED: &'static str;

    /// Whether `from_other` accepts values, which types of responses do.
    const TAKES_OTHER: bool = false;

    /// Keeps a value of a kind without a variant; `None` if that is an error.
    fn from_other(raw: RawJson) -> Option<Self> {
        drop(raw);
        None
    }

    /// Reads a string.
    fn read_string(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        refuse(scanner)
    }

    /// Reads a number.
    fn read_number(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        refuse(scanner)
    }

    /// Reads a boolean.
    fn read_boolean(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        refuse(scanner)
    }

    /// Reads an array.
    fn read_array(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        refuse(scanner)
    }

    /// Reads an object.
    fn read_object(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        refuse(scanner)
    }
}

/// Reads an untagged union.
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

/// Keeps or refuses a value of a kind without a variant.
#[cold]
fn refuse<T: UntaggedUnion>(scanner: &mut Scanner<'_>) -> Result<T, JsonFault> {
    if T::TAKES_OTHER {
        let raw = scanner.read_raw()?;
        return T::from_other(raw).ok_or_else(|| JsonFault::data(format!("expected {}", T::EXPECTED)));
    }
    // This message does not quote the number, unlike that of `mismatch`. Clients see it, so it stays.
    if matches!(scanner.peek(), Some(b'-' | b'0'..=b'9')) {
        scanner.read_number()?;
        let message = format!("invalid type: number, expected {}", T::EXPECTED);
        return Err(JsonFault::data(message));
    }
    Err(scanner.mismatch(T::EXPECTED))
}
