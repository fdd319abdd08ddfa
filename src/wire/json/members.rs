//! Reading objects member by member.

use std::borrow::Cow;

use super::error::JsonFault;
use super::{Extra, IntegerMode, JsonKey, Map, NOT_KNOWN, RawJson, ReadJson, Scanner, UnionTag, number};

/// A type that reads itself from the members of a JSON object.
pub trait ReadObject: Sized {
    /// The type's name, for error messages.
    const NAME: &'static str;

    /// Reads all members.
    fn read(members: ObjectMembers<'_, '_>) -> Result<Self, JsonFault>;
}

impl<T: ReadObject> ReadObject for Box<T> {
    const NAME: &'static str = T::NAME;

    fn read(members: ObjectMembers<'_, '_>) -> Result<Self, JsonFault> {
        T::read(members).map(Box::new)
    }
}

/// The members of an object that are still to be read.
#[derive(Debug)]
pub struct ObjectMembers<'s, 'de> {
    scanner: &'s mut Scanner<'de>,
    /// Where the first member begins.
    start_of_members: usize,
    /// The first member has been read.
    is_started: bool,
    /// The end has been read.
    is_ended: bool,
}

/// Reads an [`ReadObject`].
pub fn read_object<T: ReadObject>(scanner: &mut Scanner<'_>) -> Result<T, JsonFault> {
    if scanner.peek() != Some(b'{') {
        return Err(scanner.mismatch(&format!("an object ({})", T::NAME)));
    }
    scanner.enter()?;
    let start_of_members = scanner.position();
    T::read(ObjectMembers {
        scanner,
        start_of_members,
        is_started: false,
        is_ended: false,
    })
}

/// The value of a required member, or the error that it is missing.
pub fn need<T>(value: Option<T>, name: &'static str) -> Result<T, JsonFault> {
    match value {
        Some(value) => Ok(value),
        None => Err(missing_fault(name)),
    }
}

fn to_key<'de>(name: Cow<'de, str>, lookup: fn(&str) -> u16) -> JsonKey<'de> {
    match lookup(&name) {
        NOT_KNOWN => JsonKey::Other(name),
        known => JsonKey::Known(known),
    }
}

#[cold]
fn missing_fault(name: &'static str) -> JsonFault {
    JsonFault::data("this field is missing").within(name)
}

impl<'de> ObjectMembers<'_, 'de> {
    fn read_name(&mut self) -> Result<Option<Cow<'de, str>>, JsonFault> {
        if self.is_ended {
            return Ok(None);
        }
        let name = self.scanner.read_name(self.is_started)?;
        self.is_started = true;
        self.is_ended = name.is_none();
        Ok(name)
    }

    /// As [`Self::read_name`], for where most names are plain.
    #[inline]
    fn read_likely_name(&mut self) -> Result<Option<Cow<'de, str>>, JsonFault> {
        match self.scanner.read_plain_name(self.is_started) {
            Some(name) => {
                self.is_started = true;
                Ok(Some(Cow::Borrowed(name)))
            }
            None => self.read_name(),
        }
    }

    /// The next member's name.
    #[inline]
    pub fn next(&mut self, lookup: fn(&str) -> u16) -> Result<Option<JsonKey<'de>>, JsonFault> {
        if self.scanner.outermost_spans().is_some() {
            return self.next_with_span(lookup);
        }
        if let Some(name) = self.scanner.read_plain_name(self.is_started) {
            self.is_started = true;
            let known = lookup(name);
            if known != NOT_KNOWN {
                return Ok(Some(JsonKey::Known(known)));
            }
            return Ok(Some(JsonKey::Other(Cow::Borrowed(name))));
        }
        self.next_in_any_spelling(lookup)
    }

    #[cold]
    fn next_with_span(&mut self, lookup: fn(&str) -> u16) -> Result<Option<JsonKey<'de>>, JsonFault> {
        let end = self.scanner.position();
        if let Some(spans) = self.scanner.outermost_spans() {
            spans.end_value(end);
        }
        let name = self.read_name()?;
        if let Some(name) = &name {
            self.scanner.peek();
            let start = self.scanner.position();
            if let Some(spans) = self.scanner.outermost_spans() {
                spans.begin_value(name, start);
            }
        }
        Ok(name.map(|name| to_key(name, lookup)))
    }

    #[inline(never)]
    fn next_in_any_spelling(&mut self, lookup: fn(&str) -> u16) -> Result<Option<JsonKey<'de>>, JsonFault> {
        Ok(self.read_name()?.map(|name| to_key(name, lookup)))
    }

    /// The current member's value. `name` is only for errors.
    #[inline]
    fn read_value<T: ReadJson>(&mut self, name: &str) -> Result<T, JsonFault> {
        T::read(self.scanner).map_err(|fault| fault.within(name))
    }

    fn read_integer(&mut self, name: &str, mode: IntegerMode) -> Result<Option<i64>, JsonFault> {
        number::read_integer(self.scanner, mode).map_err(|fault| fault.within(name))
    }

    /// Reads a required member.
    #[inline]
    pub fn read_required<T: ReadJson>(&mut self, name: &str, field: &mut Option<T>) -> Result<(), JsonFault> {
        *field = Some(self.read_value(name)?);
        Ok(())
    }

    /// Reads a required integer; [`IntegerMode`] says which numbers are accepted.
    pub fn read_required_integer(
        &mut self,
        name: &str,
        field: &mut Option<i64>,
        mode: IntegerMode,
    ) -> Result<(), JsonFault> {
        *field = self.read_integer(name, mode)?;
        match field {
            Some(_) => Ok(()),
            None => Err(JsonFault::data("invalid type: null, expected an integer").within(name)),
        }
    }

    /// Reads a member that is null or a value and is always written.
    #[inline]
    pub fn read_nullable<T: ReadJson>(&mut self, name: &str, field: &mut Option<T>) -> Result<(), JsonFault> {
        *field = self.read_value(name)?;
        Ok(())
    }

    /// Reads an integer that can be null and is always written; as [`Self::read_required_integer`].
    pub fn read_nullable_integer(
        &mut self,
        name: &str,
        field: &mut Option<i64>,
        mode: IntegerMode,
    ) -> Result<(), JsonFault> {
        *field = self.read_integer(name, mode)?;
        Ok(())
    }

    /// Reads an optional member; an explicit null is noted in `extra`.
    #[inline]
    pub fn read_optional<T: ReadJson>(
        &mut self,
        name: &'static str,
        field: &mut Option<T>,
        extra: &mut Extra,
    ) -> Result<(), JsonFault> {
        *field = self.read_value(name)?;
        if field.is_none() {
            extra.push_null(name);
        }
        Ok(())
    }

    /// Reads an optional integer; an explicit null is noted in `extra`. As [`Self::read_required_integer`].
    pub fn read_optional_integer(
        &mut self,
        name: &'static str,
        field: &mut Option<i64>,
        extra: &mut Extra,
        mode: IntegerMode,
    ) -> Result<(), JsonFault> {
        *field = self.read_integer(name, mode)?;
        if field.is_none() {
            extra.push_null(name);
        }
        Ok(())
    }

    /// Reads a member that has one possible value; another one goes to `extra`.
    pub fn read_constant(
        &mut self,
        name: &'static str,
        value: &str,
        extra: &mut Extra,
    ) -> Result<(), JsonFault> {
        self.scanner.peek();
        let start = self.scanner.position();
        let span = self.scanner.read_span()?;
        let plain = span.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        if plain != Some(value) && !serde_json::from_str::<String>(span).is_ok_and(|text| text == value) {
            self.scanner.rewind(start);
            extra.push(name, self.scanner.read_raw()?);
        }
        Ok(())
    }

    /// Keeps a member that the type does not know.
    pub fn keep(&mut self, name: Cow<'de, str>, extra: &mut Extra) -> Result<(), JsonFault> {
        extra.push(name.into_owned(), self.scanner.read_raw()?);
        Ok(())
    }

    /// Passes over a member.
    pub fn skip(&mut self) -> Result<(), JsonFault> {
        self.scanner.skip_value()
    }

    /// Finds the member `name`. All others are still to be read, and it too unless it came first.
    pub fn find_tag(
        mut self,
        name: &'static str,
        lookup: fn(&str) -> u16,
    ) -> Result<(UnionTag, Self), JsonFault> {
        let mut is_first = true;
        let mut longest = (0, 0);
        while let Some(key) = self.read_likely_name()? {
            if key != name {
                self.scanner.peek();
                let start = self.scanner.position();
                self.scanner.skip_value()?;
                let end = self.scanner.position();
                if end - start > longest.1 - longest.0 {
                    longest = (start, end);
                }
                is_first = false;
                continue;
            }
            let tag = self.read_tag_value(lookup).map_err(|fault| fault.within(name))?;
            if is_first {
                return Ok((tag, self));
            }
            self.scanner.remember_span(longest);
            return Ok((tag, self.rewind()));
        }
        self.scanner.remember_span(longest);
        Ok((UnionTag::Absent, self.rewind()))
    }

    fn read_tag_value(&mut self, lookup: fn(&str) -> u16) -> Result<UnionTag, JsonFault> {
        if self.scanner.skip_null()? {
            return Ok(UnionTag::Null);
        }
        let value = self.scanner.read_string()?;
        Ok(match lookup(&value) {
            NOT_KNOWN => UnionTag::Other(value.into_owned()),
            known => UnionTag::Known(known),
        })
    }

    /// All members are to be read, those that have been read too.
    pub fn rewind(mut self) -> Self {
        if self.is_ended {
            self.scanner.reenter();
        }
        self.scanner.rewind(self.start_of_members);
        self.is_started = false;
        self.is_ended = false;
        self
    }

    /// All remaining members as text.
    pub fn read_rest(mut self) -> Result<Vec<(String, RawJson)>, JsonFault> {
        let mut all = Vec::new();
        while let Some(name) = self.read_name()? {
            all.push((name.into_owned(), self.scanner.read_raw()?));
        }
        Ok(all)
    }
}

impl<T: ReadJson> ReadObject for Map<T> {
    const NAME: &'static str = "map";

    fn read(mut members: ObjectMembers<'_, '_>) -> Result<Self, JsonFault> {
        let mut map = Self::new();
        while let Some(name) = members.read_name()? {
            let value = members.read_value(&name)?;
            map.push(name, value);
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scanner;
    use super::super::error::JsonFault;
    use super::{JsonKey, NOT_KNOWN, ObjectMembers, ReadObject, UnionTag, read_object};

    /// A union of one variant that holds itself, as generated code reads it.
    #[derive(Debug)]
    struct Nested(Option<Box<Nested>>);

    impl ReadObject for Nested {
        const NAME: &'static str = "Nested";

        fn read(members: ObjectMembers<'_, '_>) -> Result<Self, JsonFault> {
            let (tag, mut members) = members.find_tag("type", |_| 0)?;
            assert!(matches!(tag, UnionTag::Known(0)));
            let mut inner = None;
            while let Some(key) = members.next(|name| if name == "inner" { 0 } else { NOT_KNOWN })? {
                match key {
                    JsonKey::Known(_) => members.read_required("inner", &mut inner)?,
                    JsonKey::Other(_) => members.skip()?,
                }
            }
            Ok(Self(inner))
        }
    }

    impl super::ReadJson for Nested {
        fn read(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
            read_object(scanner)
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
        let nested: Nested = super::super::parse(tag_last(3).as_bytes()).expect("good");
        let depth = std::iter::successors(Some(&nested), |nested| nested.0.as_deref()).count();
        assert_eq!(depth, 4);
    }

    #[test]
    fn late_tags_cannot_exhaust_the_stack() {
        let error = super::super::parse::<Nested>(tag_last(5_000).as_bytes()).expect_err("too deep");
        assert!(error.message.starts_with("recursion limit exceeded"), "{error}");
        assert!(super::super::parse::<Nested>(tag_last(60).as_bytes()).is_ok());
    }
}
