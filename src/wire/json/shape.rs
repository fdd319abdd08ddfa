//! Reading values that are told apart by their JSON kind.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, Error, Expected, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde_json::Number;
use serde_json::value::to_raw_value;

use super::{Map, Members, Raw, Unknown};

/// A type with a variant for each JSON kind that it takes. A kind without a method of its own goes to `other`.
pub trait Shape: Sized {
    /// The kinds, for error messages.
    const EXPECTED: &'static str;

    /// A kind that the type does not name, as its text; `None` if that is an error.
    fn other(raw: Raw) -> Option<Self> {
        drop(raw);
        None
    }

    /// A string.
    fn string<E: Error>(value: &str) -> Result<Self, E> {
        refuse(&value, Unexpected::Str(value))
    }

    /// A number.
    fn number<E: Error>(value: Number) -> Result<Self, E> {
        refuse(&value, Unexpected::Other("number"))
    }

    /// A boolean.
    fn boolean<E: Error>(value: bool) -> Result<Self, E> {
        refuse(&value, Unexpected::Bool(value))
    }

    /// An array.
    fn array<'de, A: SeqAccess<'de>>(items: A) -> Result<Self, A::Error> {
        match Self::TAKES_OTHER {
            true => refuse(&elements::<Raw, A>(items)?, Unexpected::Seq),
            false => Err(unexpected::<Self, _>(Unexpected::Seq)),
        }
    }

    /// An object.
    fn object<'de, A: MapAccess<'de>>(members: Members<A>) -> Result<Self, A::Error> {
        match Self::TAKES_OTHER {
            true => refuse(
                &members.rest()?.into_iter().collect::<Map<Raw>>(),
                Unexpected::Map,
            ),
            false => Err(unexpected::<Self, _>(Unexpected::Map)),
        }
    }

    /// Whether `other` takes anything.
    const TAKES_OTHER: bool = false;
}

/// Reads a [`Shape`] with `deserializer`.
pub fn read_shape<'de, T: Shape, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(ShapeVisitor(PhantomData))
}

/// The items of an array.
pub fn elements<'de, T: DeserializeOwned, A: SeqAccess<'de>>(items: A) -> Result<Vec<T>, A::Error> {
    Vec::deserialize(serde::de::value::SeqAccessDeserializer::new(items))
}

/// The members of an object as the text of one.
pub fn raw_object<'de, A: MapAccess<'de>>(members: Members<A>) -> Result<Raw, A::Error> {
    to_raw_value(&Unknown::new("", members.rest()?)).map_err(A::Error::custom)
}

fn refuse<T: Shape, E: Error>(value: &impl serde::Serialize, found: Unexpected<'_>) -> Result<T, E> {
    let taken = match T::TAKES_OTHER {
        true => to_raw_value(value).ok().and_then(T::other),
        false => None,
    };
    taken.ok_or_else(|| unexpected::<T, E>(found))
}

fn unexpected<T: Shape, E: Error>(found: Unexpected<'_>) -> E {
    E::invalid_type(found, &Kinds(T::EXPECTED))
}

struct Kinds(&'static str);

impl Expected for Kinds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

struct ShapeVisitor<T>(PhantomData<T>);

impl<'de, T: Shape> Visitor<'de> for ShapeVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        T::string(value)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        T::boolean(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        T::number(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        T::number(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        match Number::from_f64(value) {
            Some(number) => T::number(number),
            None => Err(E::invalid_value(Unexpected::Float(value), &self)),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        refuse(&(), Unexpected::Unit)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T, A::Error> {
        T::array(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::object(Members::new(map))
    }
}
