//! The trait of types that are read from JSON, and its implementation for basic types.

use serde_json::Number;
use serde_json::value::RawValue;

use super::error::JsonFault;
use super::{Map, Scanner, read_object};

/// A type that is read from JSON. Generated types implement it by [`super::read_as_object`],
/// [`super::read_as_untagged`] or [`super::open_enum`].
pub trait ReadJson: Sized {
    /// Reads one value; the scanner is after it then.
    ///
    /// # Errors
    /// If the text is no valid JSON, or the value is not a `Self`.
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault>;
}

impl ReadJson for String {
    #[inline]
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        scanner.read_string().map(Into::into)
    }
}

impl ReadJson for bool {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        scanner.read_boolean()
    }
}

impl ReadJson for Number {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        scanner.read_number()
    }
}

impl ReadJson for Box<RawValue> {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        scanner.read_raw()
    }
}

impl<T: ReadJson> ReadJson for Box<T> {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        T::read(scanner).map(Self::new)
    }
}

impl<T: ReadJson> ReadJson for Option<T> {
    #[inline]
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        match scanner.skip_null()? {
            true => Ok(None),
            false => T::read(scanner).map(Some),
        }
    }
}

impl<T: ReadJson> ReadJson for Vec<T> {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        if scanner.peek() != Some(b'[') {
            return Err(scanner.mismatch("a sequence"));
        }
        let mut items = Self::new();
        scanner.read_items(|scanner, index| {
            let item = T::read(scanner).map_err(|fault| fault.within(&format!("[{index}]")))?;
            items.push(item);
            Ok(())
        })?;
        Ok(items)
    }
}

impl<T: ReadJson> ReadJson for Map<T> {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        read_object(scanner)
    }
}
