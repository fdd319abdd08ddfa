//! Reading objects member by member.

use std::borrow::Cow;

use super::error::JsonFault;
use super::{Extra, JsonKey, Map, NOT_KNOWN, RawJson, ReadJson, Scanner, UnionTag, number};

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
    begin: usize,
    /// The first member has been read.
    started: bool,
    /// The end has been read.
    ended: bool,
}

/// Reads an [`ReadObject`].
pub fn read_object<T: ReadObject>(scanner: &mut Scanner<'_>) -> Result<T, JsonFault> {
    if scanner.peek() != Some(b'{') {
        return Err(scanner.mismatch(&format!("an object ({})", T::NAME)));
    }
    scanner.enter()?;
    let begin = scanner.at();
    T::read(ObjectMembers {
        scanner,
        begin,
        started: false,
        ended: false,
    })
}

/// The value of a required member, or the error that it is missing.
pub fn need<T>(value: Option<T>, name: &'static str) -> Result<T, JsonFault> {
    match value {
        Some(value) => Ok(value),
        None => Err(missing(name)),
    }
}

fn key<'de>(name: Cow<'de, str>, lookup: fn(&str) -> u16) -> JsonKey<'de> {
    match lookup(&name) {
        NOT_KNOWN => JsonKey::Other(name),
        known => JsonKey::Known(known),
    }
}

#[cold]
fn missing(name: &'static str) -> JsonFault {
    JsonFault::data("this field is missing").within(name)
}

impl<'de> ObjectMembers<'_, 'de> {
    fn name(&mut self) -> Result<Option<Cow<'de, str>>, JsonFault> {
        if self.ended {
            return Ok(None);
        }
        let name = self.scanner.name(self.started)?;
        self.started = true;
        self.ended = name.is_none();
        Ok(name)
    }

    /// As [`Self::name`], for where most names are plain.
    #[inline]
    fn likely_name(&mut self) -> Result<Option<Cow<'de, str>>, JsonFault> {
        match self.scanner.plain_name(self.started) {
            Some(name) => {
                self.started = true;
                Ok(Some(Cow::Borrowed(name)))
            }
            None => self.name(),
        }
    }

    /// The next member's name.
    #[inline]
    pub fn next(&mut self, lookup: fn(&str) -> u16) -> Result<Option<JsonKey<'de>>, JsonFault> {
        if self.scanner.notes().is_some() {
            return self.noted_next(lookup);
        }
        if let Some(name) = self.scanner.plain_name(self.started) {
            self.started = true;
            let known = lookup(name);
            if known != NOT_KNOWN {
                return Ok(Some(JsonKey::Known(known)));
            }
            return Ok(Some(JsonKey::Other(Cow::Borrowed(name))));
        }
        self.any_next(lookup)
    }

    #[cold]
    fn noted_next(&mut self, lookup: fn(&str) -> u16) -> Result<Option<JsonKey<'de>>, JsonFault> {
        let end = self.scanner.at();
        if let Some(notes) = self.scanner.notes() {
            notes.end(end);
        }
        let name = self.name()?;
        if let Some(name) = &name {
            self.scanner.peek();
            let start = self.scanner.at();
            if let Some(notes) = self.scanner.notes() {
                notes.begin(name, start);
            }
        }
        Ok(name.map(|name| key(name, lookup)))
    }

    #[inline(never)]
    fn any_next(&mut self, lookup: fn(&str) -> u16) -> Result<Option<JsonKey<'de>>, JsonFault> {
        Ok(self.name()?.map(|name| key(name, lookup)))
    }

    /// The current member's value. `name` is only for errors.
    #[inline]
    fn value<T: ReadJson>(&mut self, name: &str) -> Result<T, JsonFault> {
        T::read(self.scanner).map_err(|fault| fault.within(name))
    }

    fn number(&mut self, name: &str, lenient: bool) -> Result<Option<i64>, JsonFault> {
        number::integer(self.scanner, lenient).map_err(|fault| fault.within(name))
    }

    /// Reads a required member.
    #[inline]
    pub fn required<T: ReadJson>(&mut self, name: &str, field: &mut Option<T>) -> Result<(), JsonFault> {
        *field = Some(self.value(name)?);
        Ok(())
    }

    /// Reads a required integer. `1.0` is 1; a fraction or a number out of range is an error, unless `lenient`: then it
    /// is cut off or held at the limit, because an odd counter must not fail an answer.
    pub fn required_integer(
        &mut self,
        name: &str,
        field: &mut Option<i64>,
        lenient: bool,
    ) -> Result<(), JsonFault> {
        *field = self.number(name, lenient)?;
        match field {
            Some(_) => Ok(()),
            None => Err(JsonFault::data("invalid type: null, expected an integer").within(name)),
        }
    }

    /// Reads a member that is null or a value and is always written.
    #[inline]
    pub fn nullable<T: ReadJson>(&mut self, name: &str, field: &mut Option<T>) -> Result<(), JsonFault> {
        *field = self.value(name)?;
        Ok(())
    }

    /// Reads an integer that can be null and is always written; as [`Self::required_integer`].
    pub fn nullable_integer(
        &mut self,
        name: &str,
        field: &mut Option<i64>,
        lenient: bool,
    ) -> Result<(), JsonFault> {
        *field = self.number(name, lenient)?;
        Ok(())
    }

    /// Reads an optional member; an explicit null is noted in `extra`.
    #[inline]
    pub fn optional<T: ReadJson>(
        &mut self,
        name: &'static str,
        field: &mut Option<T>,
        extra: &mut Extra,
    ) -> Result<(), JsonFault> {
        *field = self.value(name)?;
        if field.is_none() {
            extra.push_null(name);
        }
        Ok(())
    }

    /// Reads an optional integer; an explicit null is noted in `extra`. As [`Self::required_integer`].
    pub fn optional_integer(
        &mut self,
        name: &'static str,
        field: &mut Option<i64>,
        extra: &mut Extra,
        lenient: bool,
    ) -> Result<(), JsonFault> {
        *field = self.number(name, lenient)?;
        if field.is_none() {
            extra.push_null(name);
        }
        Ok(())
    }

    /// Reads a member that has one possible value; another one goes to `extra`.
    pub fn constant(&mut self, name: &'static str, value: &str, extra: &mut Extra) -> Result<(), JsonFault> {
        self.scanner.peek();
        let start = self.scanner.at();
        let span = self.scanner.span()?;
        let plain = span.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        if plain != Some(value) && !serde_json::from_str::<String>(span).is_ok_and(|text| text == value) {
            self.scanner.rewind(start);
            extra.push(name, self.scanner.raw()?);
        }
        Ok(())
    }

    /// Keeps a member that the type does not know.
    pub fn keep(&mut self, name: Cow<'de, str>, extra: &mut Extra) -> Result<(), JsonFault> {
        extra.push(name.into_owned(), self.scanner.raw()?);
        Ok(())
    }

    /// Passes over a member.
    pub fn skip(&mut self) -> Result<(), JsonFault> {
        self.scanner.skip()
    }

    /// Finds the member `name`. All others are still to be read, and it too unless it came first.
    pub fn tag(mut self, name: &'static str, lookup: fn(&str) -> u16) -> Result<(UnionTag, Self), JsonFault> {
        let mut is_first = true;
        let mut longest = (0, 0);
        while let Some(key) = self.likely_name()? {
            if key != name {
                self.scanner.peek();
                let start = self.scanner.at();
                self.scanner.skip()?;
                let end = self.scanner.at();
                if end - start > longest.1 - longest.0 {
                    longest = (start, end);
                }
                is_first = false;
                continue;
            }
            let tag = self.tag_value(lookup).map_err(|fault| fault.within(name))?;
            if is_first {
                return Ok((tag, self));
            }
            self.scanner.remember(longest);
            return Ok((tag, self.whole()));
        }
        self.scanner.remember(longest);
        Ok((UnionTag::Absent, self.whole()))
    }

    fn tag_value(&mut self, lookup: fn(&str) -> u16) -> Result<UnionTag, JsonFault> {
        if self.scanner.null()? {
            return Ok(UnionTag::Null);
        }
        let value = self.scanner.text()?;
        Ok(match lookup(&value) {
            NOT_KNOWN => UnionTag::Other(value.into_owned()),
            known => UnionTag::Known(known),
        })
    }

    /// All members are to be read, those that have been read too.
    pub fn whole(mut self) -> Self {
        if self.ended {
            self.scanner.reenter();
        }
        self.scanner.rewind(self.begin);
        self.started = false;
        self.ended = false;
        self
    }

    /// All remaining members as text.
    pub fn rest(mut self) -> Result<Vec<(String, RawJson)>, JsonFault> {
        let mut all = Vec::new();
        while let Some(name) = self.name()? {
            all.push((name.into_owned(), self.scanner.raw()?));
        }
        Ok(all)
    }
}

impl<T: ReadJson> ReadObject for Map<T> {
    const NAME: &'static str = "map";

    fn read(mut members: ObjectMembers<'_, '_>) -> Result<Self, JsonFault> {
        let mut map = Self::new();
        while let Some(name) = members.name()? {
            let value = members.value(&name)?;
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
            let (tag, mut members) = members.tag("type", |_| 0)?;
            assert!(matches!(tag, UnionTag::Known(0)));
            let mut inner = None;
            while let Some(key) = members.next(|name| if name == "inner" { 0 } else { NOT_KNOWN })? {
                match key {
                    JsonKey::Known(_) => members.required("inner", &mut inner)?,
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
