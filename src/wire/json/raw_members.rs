//! Records members of the outermost object as raw JSON while the document is read.
//!
//! A response of the Responses API repeats members of its request (`tools`, `text`, `instructions` …) as the client
//! spelled them. Recording their offsets during the read saves a second pass over the request.

use std::ops::Range;

use super::serde_json_compat::raw_from_valid;
use super::{RawJson, compact};

/// Names and values of members, as the document spells them.
pub type RawMembers = Vec<(&'static str, RawJson)>;

/// The offsets of the requested members of the outermost object.
#[derive(Debug)]
pub(super) struct RawMemberSpans {
    names: &'static [&'static str],
    /// One range for each name; empty if the object has no such member.
    values: Vec<Range<usize>>,
    /// Number and start of the value that is being read, if it was requested.
    begun: Option<(usize, usize)>,
}

impl RawMemberSpans {
    pub(super) fn new(names: &'static [&'static str]) -> Self {
        Self {
            names,
            values: vec![0..0; names.len()],
            begun: None,
        }
    }

    /// Records that the value of a member begins at this offset.
    pub(super) fn begin_value(&mut self, name: &str, at: usize) {
        let index = self.names.iter().position(|known| *known == name);
        self.begun = index.map(|index| (index, at));
    }

    /// Records that the current value ends at this offset. A later member of the same name replaces an earlier one.
    pub(super) fn end_value(&mut self, at: usize) {
        if let Some((index, start)) = self.begun.take()
            && let Some(value) = self.values.get_mut(index)
        {
            *value = start..at;
        }
    }

    /// The recorded members of a document that has been read to its end, without white space between tokens.
    pub(super) fn into_members(self, document: &str) -> RawMembers {
        let values = self.names.iter().zip(self.values);
        let member = |(name, value): (&&'static str, Range<usize>)| {
            let value = document.get(value).filter(|value| !value.is_empty())?;
            Some((*name, raw_from_valid(&compact(value))?))
        };
        values.filter_map(member).collect()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{
        Extra, IntegerMode, JsonFault, JsonKey, NOT_KNOWN, ObjectMembers, ReadObject, parse_with_raw_members,
        read_as_object,
    };

    /// An object with a field for one member.
    struct Outer {
        known: Option<Option<i64>>,
        extra: Extra,
    }

    impl ReadObject for Outer {
        const NAME: &'static str = "Outer";

        fn read(mut members: ObjectMembers<'_, '_>) -> Result<Self, JsonFault> {
            let mut known = None;
            let mut extra = Extra::default();
            while let Some(key) = members.next(|name| if name == "known" { 0 } else { NOT_KNOWN })? {
                match key {
                    JsonKey::Known(_) => {
                        let mut value = None;
                        members.read_optional_integer("known", &mut value, &mut extra, IntegerMode::Exact)?;
                        known = Some(value);
                    }
                    JsonKey::Other(name) => members.keep(name, &mut extra)?,
                }
            }
            Ok(Self { known, extra })
        }
    }

    read_as_object!(Outer);

    fn recorded(document: &'static str) -> Vec<(&'static str, String)> {
        let document = Bytes::from_static(document.as_bytes());
        let (outer, members) =
            parse_with_raw_members::<Outer>(&document, &["known", "a", "b"]).expect("good");
        assert!(outer.known.is_some() || outer.extra.get("a").is_some());
        let text = |(name, json): (&'static str, super::RawJson)| (name, json.get().to_owned());
        members.into_iter().map(text).collect()
    }

    #[test]
    fn members_of_the_outermost_object_keep_their_spelling() {
        let found = recorded(
            "{ \"b\" : [ 1.0 , {\"a\":2} ] ,\n\"x\":{\"known\":4}, \"known\" : 1.0 , \"\\u0061\" : \" \\u0061\" } ",
        );
        let expected = [("known", "1.0"), ("a", "\" \\u0061\""), ("b", "[1.0,{\"a\":2}]")];
        assert_eq!(found, expected.map(|(name, json)| (name, json.to_owned())));
    }

    #[test]
    fn the_last_member_of_a_name_counts() {
        let found = recorded("{\"a\":1,\"a\":{},\"known\":null}");
        let expected = [("known", "null"), ("a", "{}")];
        assert_eq!(found, expected.map(|(name, json)| (name, json.to_owned())));
    }
}
