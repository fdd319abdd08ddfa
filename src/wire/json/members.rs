//! Reads objects member by member, and finds the tag of a tagged union.
//!
//! Generated code drives it: it asks for the next name, and reads, keeps or skips the value.

use std::borrow::Cow;

use super::error::JsonFault;
use super::scan::MemberPosition;
use super::{Extra, IntegerMode, JsonKey, Map, NOT_KNOWN, RawJson, ReadJson, Scanner, UnionTag, number};

/// A type that is read from the members of a JSON object: a generated struct, or a union of them.
pub trait ReadObject: Sized {
    /// The type's name, for error messages.
    const NAME: &'static str;

    /// Reads all members, up to and with the closing brace.
    ///
    /// # Errors
    /// If the text is no valid JSON, or the object is not a `Self`.
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
    /// The offset after the opening brace, for [`Self::rewind`].
    start_of_members: usize,
    /// Of the next member.
    position: MemberPosition,
    /// The closing brace has been read.
    is_ended: bool,
}

/// Reads an object, for types that implement [`ReadObject`].
///
/// # Errors
/// As [`ReadObject::read`], and if the value is no object.
pub fn read_object<T: ReadObject>(scanner: &mut Scanner<'_>) -> Result<T, JsonFault> {
    if scanner.peek() != Some(b'{') {
        return Err(scanner.mismatch(&format!("an object ({})", T::NAME)));
    }
    scanner.enter()?;
    let start_of_members = scanner.position();
    T::read(ObjectMembers {
        scanner,
        start_of_members,
        position: MemberPosition::First,
        is_ended: false,
    })
}

/// The value of a required member.
///
/// # Errors
/// If the object does not have the member.
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
        let name = self.scanner.read_name(self.position)?;
        self.position = MemberPosition::Later;
        self.is_ended = name.is_none();
        Ok(name)
    }

    /// As [`Self::read_name`], inlined for names without escapes or white space before them.
    #[inline]
    fn read_likely_name(&mut self) -> Result<Option<Cow<'de, str>>, JsonFault> {
        match self.scanner.read_plain_name(self.position) {
            Some(name) => {
                self.position = MemberPosition::Later;
                Ok(Some(Cow::Borrowed(name)))
            }
            None => self.read_name(),
        }
    }

    /// Reads the next member's name; `None` after the last one. The value has to be read, kept or skipped next.
    ///
    /// # Errors
    /// If the text is no valid JSON here.
    #[inline]
    pub fn next(&mut self, lookup: fn(&str) -> u16) -> Result<Option<JsonKey<'de>>, JsonFault> {
        // Only the outermost object of a request whose members the response repeats; see `raw_members.rs`.
        if self.scanner.outermost_spans().is_some() {
            return self.next_with_span(lookup);
        }
        if let Some(name) = self.scanner.read_plain_name(self.position) {
            self.position = MemberPosition::Later;
            let known = lookup(name);
            if known != NOT_KNOWN {
                return Ok(Some(JsonKey::Known(known)));
            }
            return Ok(Some(JsonKey::Other(Cow::Borrowed(name))));
        }
        self.next_in_any_spelling(lookup)
    }

    /// As [`Self::next`], and records the end of the last value and the start of this one.
    #[cold]
    fn next_with_span(&mut self, lookup: fn(&str) -> u16) -> Result<Option<JsonKey<'de>>, JsonFault> {
        let end = self.scanner.position();
        if let Some(spans) = self.scanner.outermost_spans() {
            spans.end_value(end);
        }
        let name = self.read_name()?;
        if let Some(name) = &name {
            // Past the white space, so that it is not part of the value.
            self.scanner.peek();
            let start = self.scanner.position();
            if let Some(spans) = self.scanner.outermost_spans() {
                spans.begin_value(name, start);
            }
        }
        Ok(name.map(|name| to_key(name, lookup)))
    }

    /// As [`Self::next`], for names with escapes or white space around them, and for the end of the object. Not
    /// inlined, which keeps the loops of the generated types small: there are hundreds of them.
    #[inline(never)]
    fn next_in_any_spelling(&mut self, lookup: fn(&str) -> u16) -> Result<Option<JsonKey<'de>>, JsonFault> {
        Ok(self.read_name()?.map(|name| to_key(name, lookup)))
    }

    /// Reads the current member's value; the path of an error gets `name`.
    #[inline]
    fn read_value<T: ReadJson>(&mut self, name: &str) -> Result<T, JsonFault> {
        T::read(self.scanner).map_err(|fault| fault.within(name))
    }

    fn read_integer(&mut self, name: &str, mode: IntegerMode) -> Result<Option<i64>, JsonFault> {
        number::read_integer(self.scanner, mode).map_err(|fault| fault.within(name))
    }

    /// Reads a required member. The generated code checks with [`need`] that it was there.
    ///
    /// # Errors
    /// As [`ReadJson::read`]; the same for the other methods that read a member.
    #[inline]
    pub fn read_required<T: ReadJson>(&mut self, name: &str, field: &mut Option<T>) -> Result<(), JsonFault> {
        *field = Some(self.read_value(name)?);
        Ok(())
    }

    /// Reads a required integer. Unlike other required members it cannot rely on its type to refuse null.
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

    /// Reads a required member that can be null. It is always written, so that null needs no note in `extra`.
    #[inline]
    pub fn read_nullable<T: ReadJson>(&mut self, name: &str, field: &mut Option<T>) -> Result<(), JsonFault> {
        *field = self.read_value(name)?;
        Ok(())
    }

    /// Reads a required integer that can be null; see [`Self::read_nullable`].
    pub fn read_nullable_integer(
        &mut self,
        name: &str,
        field: &mut Option<i64>,
        mode: IntegerMode,
    ) -> Result<(), JsonFault> {
        *field = self.read_integer(name, mode)?;
        Ok(())
    }

    /// Reads an optional member. An explicit null is recorded in `extra`, so that it is written again.
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

    /// Reads an optional integer; see [`Self::read_optional`].
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

    /// Reads a member that has one possible value, for which structs have no field. Another value is kept in `extra`
    /// and written from there.
    pub fn read_constant(
        &mut self,
        name: &'static str,
        value: &str,
        extra: &mut Extra,
    ) -> Result<(), JsonFault> {
        self.scanner.peek();
        let start = self.scanner.position();
        let span = self.scanner.read_span()?;
        // The constant as it is nearly always spelled, else decoded.
        let plain = span.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        if plain != Some(value) && !serde_json::from_str::<String>(span).is_ok_and(|text| text == value) {
            self.scanner.rewind(start);
            extra.push(name, self.scanner.read_raw()?);
        }
        Ok(())
    }

    /// Keeps the value of a member that the type does not have.
    pub fn keep(&mut self, name: Cow<'de, str>, extra: &mut Extra) -> Result<(), JsonFault> {
        extra.push(name.into_owned(), self.scanner.read_raw()?);
        Ok(())
    }

    /// Skips the value of a member.
    pub fn skip(&mut self) -> Result<(), JsonFault> {
        self.scanner.skip_value()
    }

    /// Finds the tag of a union, the member `name`, and returns the members from which the variant is then read.
    ///
    /// No member is buffered: a variant is read from the text, once the tag is known.
    ///
    /// - If the tag comes first, which most servers and clients ensure, the variant reads the members after it: every
    ///   byte is scanned once.
    /// - If it comes later, the values before it are skipped and the scanner goes back to the first member. The variant
    ///   meets the tag again then, as a constant or a field. The longest of the skipped values is remembered: if the
    ///   variant keeps it as raw JSON (an unknown member, a schema), it is not scanned a second time.
    ///
    /// Unions that nest with the tag last at each level are scanned once more for each level above them. The limit on
    /// depth bounds that to a factor of `MAX_DEPTH` (128).
    ///
    /// # Errors
    /// If the text is no valid JSON, or the tag is neither a string nor null.
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

    /// Goes back to the first member, so that all members are read again.
    pub fn rewind(mut self) -> Self {
        // The closing brace has already been counted as the end of this level.
        if self.is_ended {
            self.scanner.reenter();
        }
        self.scanner.rewind(self.start_of_members);
        self.position = MemberPosition::First;
        self.is_ended = false;
        self
    }

    /// Keeps all remaining members as raw JSON.
    ///
    /// # Errors
    /// If the text is no valid JSON.
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

    /// A union with one variant, which contains the union again; read as generated code does it.
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
