//! Reading objects member by member.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::keys::{FindSeed, KeySeed, TagSeed};
use super::number::Integer;
use super::{Extra, Key, Map, NOT_KNOWN, Raw, Tag, error};

/// How deep members that were set aside may nest. Each level starts a parser of its own, so the parser's limit
/// alone would not bound the stack.
const MAX_REPLAYS: u8 = 64;

/// A type that reads itself from the members of a JSON object.
pub trait Object: Sized {
    /// The type's name, for error messages.
    const NAME: &'static str;

    /// Reads all members.
    fn read<'de, A: MapAccess<'de>>(members: Members<A>) -> Result<Self, A::Error>;
}

impl<T: Object> Object for Box<T> {
    const NAME: &'static str = T::NAME;

    fn read<'de, A: MapAccess<'de>>(members: Members<A>) -> Result<Self, A::Error> {
        T::read(members).map(Box::new)
    }
}

/// The members of an object that are still to be read: those set aside in the search for a tag, then the rest.
#[derive(Debug)]
pub struct Members<A> {
    early: std::vec::IntoIter<(String, Raw)>,
    current: Option<Raw>,
    map: A,
}

/// Reads an [`Object`] with `deserializer`.
pub fn read_object<'de, T: Object, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(ObjectVisitor(PhantomData))
}

/// The value of a required member, or the error that it is missing.
pub fn need<T, E: Error>(value: Option<T>, name: &'static str) -> Result<T, E> {
    value.ok_or_else(|| E::custom(error::at(name, format_args!("this field is missing"))))
}

impl<'de, A: MapAccess<'de>> Members<A> {
    pub(super) fn new(map: A) -> Self {
        Self {
            early: Vec::new().into_iter(),
            current: None,
            map,
        }
    }

    /// The next member's name.
    pub fn next(&mut self, lookup: fn(&str) -> u16) -> Result<Option<Key>, A::Error> {
        if let Some((name, value)) = self.early.next() {
            self.current = Some(value);
            return Ok(Some(match lookup(&name) {
                NOT_KNOWN => Key::Other(name),
                known => Key::Known(known),
            }));
        }
        self.map.next_key_seed(KeySeed(lookup))
    }

    /// The current member's value. `name` is only for errors.
    fn value<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, A::Error> {
        match self.current.take() {
            Some(raw) => replay(name, &raw, |text| serde_json::from_slice(text)),
            None => self.map.next_value(),
        }
    }

    fn number(&mut self, name: &str, lenient: bool) -> Result<Option<i64>, A::Error> {
        match self.current.take() {
            Some(raw) => replay(name, &raw, |text| {
                Integer { lenient }.deserialize(&mut serde_json::Deserializer::from_slice(text))
            }),
            None => self.map.next_value_seed(Integer { lenient }),
        }
    }

    /// Reads a required member.
    pub fn required<T: DeserializeOwned>(
        &mut self,
        name: &str,
        field: &mut Option<T>,
    ) -> Result<(), A::Error> {
        *field = Some(self.value(name)?);
        Ok(())
    }

    /// Reads a required integer; see [`Integer`] for what `lenient` allows.
    pub fn required_integer(
        &mut self,
        name: &str,
        field: &mut Option<i64>,
        lenient: bool,
    ) -> Result<(), A::Error> {
        *field = self.number(name, lenient)?;
        match field {
            Some(_) => Ok(()),
            None => Err(A::Error::custom(error::at(
                name,
                format_args!("invalid type: null, expected an integer"),
            ))),
        }
    }

    /// Reads a member that is null or a value and is always written.
    pub fn nullable<T: DeserializeOwned>(
        &mut self,
        name: &str,
        field: &mut Option<T>,
    ) -> Result<(), A::Error> {
        *field = self.value(name)?;
        Ok(())
    }

    /// Reads an integer that can be null and is always written.
    pub fn nullable_integer(
        &mut self,
        name: &str,
        field: &mut Option<i64>,
        lenient: bool,
    ) -> Result<(), A::Error> {
        *field = self.number(name, lenient)?;
        Ok(())
    }

    /// Reads an optional member; an explicit null is noted in `extra`.
    pub fn optional<T: DeserializeOwned>(
        &mut self,
        name: &str,
        field: &mut Option<T>,
        extra: &mut Extra,
    ) -> Result<(), A::Error> {
        *field = self.value(name)?;
        if field.is_none() {
            extra.push_null(name);
        }
        Ok(())
    }

    /// Reads an optional integer; an explicit null is noted in `extra`.
    pub fn optional_integer(
        &mut self,
        name: &str,
        field: &mut Option<i64>,
        extra: &mut Extra,
        lenient: bool,
    ) -> Result<(), A::Error> {
        *field = self.number(name, lenient)?;
        if field.is_none() {
            extra.push_null(name);
        }
        Ok(())
    }

    /// Reads a member that has one possible value; another one goes to `extra`.
    pub fn constant(&mut self, name: &str, value: &str, extra: &mut Extra) -> Result<(), A::Error> {
        let raw: Raw = self.value(name)?;
        let plain = raw
            .get()
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        if plain != Some(value) && !serde_json::from_str::<String>(raw.get()).is_ok_and(|text| text == value)
        {
            extra.push(name, raw);
        }
        Ok(())
    }

    /// Keeps a member that the type does not know.
    pub fn keep(&mut self, name: String, extra: &mut Extra) -> Result<(), A::Error> {
        let raw = self.value(&name)?;
        extra.push(name, raw);
        Ok(())
    }

    /// Passes over a member.
    pub fn skip(&mut self) -> Result<(), A::Error> {
        match self.current.take() {
            Some(_) => Ok(()),
            None => self.map.next_value::<serde::de::IgnoredAny>().map(|_| ()),
        }
    }

    /// Reads up to the member `name` and returns its value with all other members still to be read.
    pub fn tag(mut self, name: &'static str, lookup: fn(&str) -> u16) -> Result<(Tag, Self), A::Error> {
        let mut early: Vec<(String, Raw)> = Vec::new();
        let mut tag = Tag::Absent;
        for (key, value) in self.early.by_ref() {
            if key == name && matches!(tag, Tag::Absent) {
                tag = replay(name, &value, |text| {
                    TagSeed(lookup).deserialize(&mut serde_json::Deserializer::from_slice(text))
                })?;
            } else {
                early.push((key, value));
            }
        }
        while matches!(tag, Tag::Absent) {
            match self.map.next_key_seed(FindSeed(name))? {
                Some(None) => tag = self.map.next_value_seed(TagSeed(lookup))?,
                Some(Some(key)) => early.push((key, self.map.next_value()?)),
                None => break,
            }
        }
        self.early = early.into_iter();
        Ok((tag, self))
    }

    /// Puts a tag back in front, for a variant that stores it (`None`: null).
    pub fn with_tag(mut self, name: &str, value: Option<&str>) -> Result<Self, A::Error> {
        let raw = serde_json::value::to_raw_value(&value).map_err(A::Error::custom)?;
        let mut early = vec![(name.to_owned(), raw)];
        early.extend(self.early);
        self.early = early.into_iter();
        Ok(self)
    }

    /// All remaining members as text.
    pub fn rest(mut self) -> Result<Vec<(String, Raw)>, A::Error> {
        let mut all: Vec<(String, Raw)> = self.early.collect();
        while let Some(member) = self.map.next_entry()? {
            all.push(member);
        }
        Ok(all)
    }
}

impl<T: DeserializeOwned> Object for Map<T> {
    const NAME: &'static str = "map";

    fn read<'de, A: MapAccess<'de>>(mut members: Members<A>) -> Result<Self, A::Error> {
        let mut map = Self::new();
        while let Some(key) = members.next(|_| NOT_KNOWN)? {
            if let Key::Other(name) = key {
                let value = members.value(&name)?;
                map.push(name, value);
            }
        }
        Ok(map)
    }
}

thread_local! {
    static REPLAYS: Cell<u8> = const { Cell::new(0) };
}

/// Reads a value that was set aside as text. An error says where below the object it is.
fn replay<T, E: Error>(
    name: &str,
    raw: &RawValue,
    read: impl FnOnce(&[u8]) -> Result<T, serde_json::Error>,
) -> Result<T, E> {
    let depth = REPLAYS.get();
    if depth >= MAX_REPLAYS {
        return Err(E::custom(error::at(
            name,
            format_args!("recursion limit exceeded"),
        )));
    }
    REPLAYS.set(depth + 1);
    let text = raw.get().as_bytes();
    let result = read(text);
    REPLAYS.set(depth);
    result.map_err(|inner| {
        let inner = error::ReadError::locate(text, &inner);
        E::custom(error::at(
            &error::join(name, &inner.path),
            format_args!("{}", inner.message),
        ))
    })
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Object> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object ({})", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::read(Members::new(map))
    }
}

#[cfg(test)]
mod tests {
    use serde::de::MapAccess;

    use super::{Key, Members, NOT_KNOWN, Object, Tag, read_object};

    /// A union of one variant that holds itself, as generated code reads it.
    #[derive(Debug)]
    struct Nested(Option<Box<Nested>>);

    impl Object for Nested {
        const NAME: &'static str = "Nested";

        fn read<'de, A: MapAccess<'de>>(members: Members<A>) -> Result<Self, A::Error> {
            let (tag, mut members) = members.tag("type", |_| 0)?;
            assert!(matches!(tag, Tag::Known(0)));
            let mut inner = None;
            while let Some(key) = members.next(|name| if name == "inner" { 0 } else { NOT_KNOWN })? {
                match key {
                    Key::Known(_) => members.required("inner", &mut inner)?,
                    Key::Other(_) => members.skip()?,
                }
            }
            Ok(Self(inner))
        }
    }

    impl<'de> serde::Deserialize<'de> for Nested {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            read_object(deserializer)
        }
    }

    fn tag_last(depth: usize) -> String {
        format!(
            "{}{{\"type\":\"n\"}}{}",
            "{\"inner\":".repeat(depth),
            ",\"type\":\"n\"}".repeat(depth)
        )
    }

    #[test]
    fn members_before_the_tag_are_not_lost() {
        let nested: Nested = serde_json::from_str(&tag_last(3)).expect("good");
        let depth = std::iter::successors(Some(&nested), |nested| nested.0.as_deref()).count();
        assert_eq!(depth, 4);
    }

    #[test]
    fn late_tags_cannot_exhaust_the_stack() {
        let error = super::super::parse::<Nested>(tag_last(5_000).as_bytes()).expect_err("too deep");
        assert_eq!(error.message, "recursion limit exceeded");
        // The limit holds for one document, not for all that follow.
        assert!(super::super::parse::<Nested>(tag_last(60).as_bytes()).is_ok());
    }
}
