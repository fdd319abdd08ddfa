//! Why a translation does not carry a value over. Each dialect lists its reasons in one enum, with their texts.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// Why a value was refused, dropped, approximated or ignored.
///
/// Made from a variant of an enum that [`reasons!`] declares.
#[derive(Clone, Debug)]
pub struct Reason {
    name: &'static str,
    text: Cow<'static, str>,
}

impl Reason {
    /// A reason of this name. A text without arguments is not copied.
    pub(crate) fn new(name: &'static str, text: fmt::Arguments<'_>) -> Self {
        Self {
            name,
            text: text
                .as_str()
                .map_or_else(|| Cow::Owned(text.to_string()), Cow::Borrowed),
        }
    }

    /// The name of the variant that it was made from, such as `UnknownMember`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// One short sentence that does not contain the value itself.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Reasons with the same text are equal, even if two dialects declare them: the ledger records a loss once.
impl PartialEq for Reason {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Reason {}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// For tests that need a reason of no dialect.
#[cfg(test)]
impl From<&'static str> for Reason {
    fn from(text: &'static str) -> Self {
        Self {
            name: "",
            text: Cow::Borrowed(text),
        }
    }
}

/// Declares an enum of reasons, each with its text. A variant's fields are values that the text names in braces:
///
/// ```ignore
/// reasons! {
///     /// Why …
///     pub(crate) enum Reason {
///         /// Only four are accepted.
///         TooManyStops => "only four stop sequences are taken",
///         OutputLimit { limit: u64 } => "cut to the model's limit of {limit} tokens",
///     }
/// }
/// ```
///
/// The enum converts into [`Reason`], and `ALL` lists the name and the text of each variant for documentation. It is
/// no wider than the crate, so that the compiler reports a variant that nothing uses.
macro_rules! reasons {
    (
        $(#[$meta:meta])*
        pub(crate) enum $enum:ident {
            $( $(#[$doc:meta])* $variant:ident $({ $($field:ident: $type:ty),+ $(,)? })? => $text:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub(crate) enum $enum {
            $( $(#[$doc])* $variant $({ $($field: $type),+ })?, )+
        }

        impl $enum {
            /// Name and text of each reason; the text has names in braces where values are filled in.
            pub(crate) const ALL: &'static [(&'static str, &'static str)] = &[
                $( (stringify!($variant), $text), )+
            ];
        }

        impl From<$enum> for $crate::canonical::Reason {
            fn from(reason: $enum) -> Self {
                match reason {
                    $( $enum::$variant $({ $($field),+ })? => {
                        Self::new(stringify!($variant), format_args!($text))
                    } )+
                }
            }
        }
    };
}

pub(crate) use reasons;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    reasons! {
        pub(crate) enum ExampleReason {
            Fixed => "not taken",
            Filled { limit: u64, what: &'static str } => "at most {limit} {what}",
        }
    }

    #[test]
    fn a_reason_has_the_name_and_the_text_of_its_variant() {
        let fixed = Reason::from(ExampleReason::Fixed);
        assert_eq!((fixed.name(), fixed.text()), ("Fixed", "not taken"));
        assert!(
            matches!(fixed.text, Cow::Borrowed(_)),
            "a fixed text is not copied"
        );
        let filled = Reason::from(ExampleReason::Filled {
            limit: 4,
            what: "stops",
        });
        assert_eq!((filled.name(), filled.text()), ("Filled", "at most 4 stops"));
    }

    #[test]
    fn all_lists_every_variant_with_its_template() {
        let expected = [("Fixed", "not taken"), ("Filled", "at most {limit} {what}")];
        assert_eq!(ExampleReason::ALL, expected);
    }
}
