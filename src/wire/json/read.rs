//! Values of every kind.

use serde_json::Number;
use serde_json::value::RawValue;

use super::error::Fault;
use super::{Map, Scanner, read_object};

/// A type that reads itself from JSON.
pub trait Read: Sized {
    /// Reads a value.
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, Fault>;
}

impl Read for String {
    #[inline]
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, Fault> {
        scanner.text().map(Into::into)
    }
}

impl Read for bool {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, Fault> {
        scanner.boolean()
    }
}

impl Read for Number {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, Fault> {
        scanner.number()
    }
}

impl Read for Box<RawValue> {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, Fault> {
        scanner.raw()
    }
}

impl<T: Read> Read for Box<T> {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, Fault> {
        T::read(scanner).map(Self::new)
    }
}

impl<T: Read> Read for Option<T> {
    #[inline]
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, Fault> {
        match scanner.null()? {
            true => Ok(None),
            false => T::read(scanner).map(Some),
        }
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, Fault> {
        if scanner.peek() != Some(b'[') {
            return Err(scanner.mismatch("a sequence"));
        }
        let mut items = Self::new();
        scanner.items(|scanner, index| {
            let item = T::read(scanner).map_err(|fault| fault.within(&format!("[{index}]")))?;
            items.push(item);
            Ok(())
        })?;
        Ok(items)
    }
}

impl<T: Read> Read for Map<T> {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, Fault> {
        read_object(scanner)
    }
}
