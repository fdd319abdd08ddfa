//! Places in the client's body that cost nothing until somebody asks for their text.

use std::fmt;

/// Where something stands in the client's body, such as `messages[3].content[1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    field: &'static str,
    element: Option<usize>,
    block: Option<usize>,
}

impl Place {
    /// An entry of a field that is a list.
    pub fn element(field: &'static str, number: usize) -> Self {
        Self {
            element: Some(number),
            ..Self::from(field)
        }
    }

    /// A block of a message.
    pub fn block(field: &'static str, message: usize, block: usize) -> Self {
        Self {
            block: Some(block),
            ..Self::element(field, message)
        }
    }
}

impl From<&'static str> for Place {
    /// A field of the whole body.
    fn from(field: &'static str) -> Self {
        Self {
            field,
            element: None,
            block: None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field)?;
        if let Some(number) = self.element {
            write!(f, "[{number}]")?;
        }
        if let Some(block) = self.block {
            write!(f, ".content[{block}]")?;
        }
        Ok(())
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}
