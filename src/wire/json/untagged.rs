//! Reading values that are told apart by their JSON kind.

use super::error::JsonFault;
use super::{RawJson, Scanner};

/// A type with a variant for each JSON kind that it takes. A kind without a method of its own goes to `other`.
pub trait UntaggedUnion: Sized {
    /// The kinds, for error messages.
    const EXPECTED: &'static str;

    /// Whether `other` takes anything.
    const TAKES_OTHER: bool = false;

    /// A kind that the type does not name, as its text; `None` if that is an error.
    fn other(raw: RawJson) -> Option<Self> {
        drop(raw);
        None
    }

    /// A string.
    fn string(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        refuse(scanner)
    }

    /// A number.
    fn number(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        refuse(scanner)
    }

    /// A boolean.
    fn boolean(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        refuse(scanner)
    }

    /// An array.
    fn array(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        refuse(scanner)
    }

    /// An object.
    fn object(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        refuse(scanner)
    }
}

/// Reads a [`UntaggedUnion`].
pub fn read_untagged<T: UntaggedUnion>(scanner: &mut Scanner<'_>) -> Result<T, JsonFault> {
    match scanner.peek() {
        Some(b'"') => T::string(scanner),
        Some(b'{') => T::object(scanner),
        Some(b'[') => T::array(scanner),
        Some(b'-' | b'0'..=b'9') => T::number(scanner),
        Some(b't' | b'f') => T::boolean(scanner),
        _ => refuse(scanner),
    }
}

/// A kind that the type does not name.
#[cold]
fn refuse<T: UntaggedUnion>(scanner: &mut Scanner<'_>) -> Result<T, JsonFault> {
    if T::TAKES_OTHER {
        let raw = scanner.raw()?;
        return T::other(raw).ok_or_else(|| JsonFault::data(format!("expected {}", T::EXPECTED)));
    }
    if matches!(scanner.peek(), Some(b'-' | b'0'..=b'9')) {
        scanner.number()?;
        let message = format!("invalid type: number, expected {}", T::EXPECTED);
        return Err(JsonFault::data(message));
    }
    Err(scanner.mismatch(T::EXPECTED))
}
