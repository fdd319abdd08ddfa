//! The serde serializer that writes generated types.
//!
//! It writes the bytes that serde_json writes, which `writes_the_same_as_serde_json` checks. serde_json checks the
//! bytes of a string one by one and calls an `io::Write` for each piece. Here strings are searched with SIMD, names and
//! constants ([`NoEscape`]) are not searched at all, and everything is appended to one vector.
//!
//! Two names carry information from a type to the serializer, since serde has no other way: a newtype struct named
//! [`NO_ESCAPE`], and the struct named [`RAW_VALUE`] as which serde_json serializes raw JSON. The second one is an
//! internal of serde_json; see `serde_json_compat.rs`.

use serde::Serialize;
use serde::ser::{
    Error as _, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple,
    SerializeTupleStruct, Serializer,
};
use serde_json::Error;

use super::escape::write_string;
use super::serde_json_compat::RAW_VALUE;
use crate::wire::find::find_special;

/// The name of the newtype struct as which [`NoEscape`] serializes itself. Other serializers write the string in it.
const NO_ESCAPE: &str = "$no_escape";

/// A string with nothing to escape, such as a member name; it is written without a search. Debug builds check it.
pub struct NoEscape<'a>(pub &'a str);

impl Serialize for NoEscape<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(NO_ESCAPE, self.0)
    }
}

/// Writes one value to the end of a vector.
pub(super) struct JsonWriter<'a> {
    out: &'a mut Vec<u8>,
    next: NextString,
}

/// How the next string is to be written.
#[derive(Clone, Copy)]
enum NextString {
    /// As a string with escapes.
    Text,
    /// As a string without escapes.
    NoEscape,
    /// Without quotes: it is JSON text.
    Raw,
}

/// Writes the items of an array or the members of an object.
pub(super) struct ItemsWriter<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
    close: u8,
}

/// Writes a struct: an object, or the struct that contains raw JSON.
pub(super) enum StructWriter<'a> {
    Object(ItemsWriter<'a>),
    Raw(JsonWriter<'a>),
}

/// Writes numbers (and, as an array of them, bytes) with serde_json.
macro_rules! numbers {
    ($($method:ident($type:ty)),*) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            serde_json::to_writer(self.out, &value)
        })*
    };
}

impl<'a> JsonWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            next: NextString::Text,
        }
    }

    fn open_container(self, open: u8, close: u8) -> ItemsWriter<'a> {
        self.out.push(open);
        ItemsWriter {
            out: self.out,
            is_first: true,
            close,
        }
    }
}

impl<'a> Serializer for JsonWriter<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = ItemsWriter<'a>;
    type SerializeTuple = ItemsWriter<'a>;
    type SerializeTupleStruct = ItemsWriter<'a>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = ItemsWriter<'a>;
    type SerializeStruct = StructWriter<'a>;
    type SerializeStructVariant = Impossible<(), Error>;

    numbers! {
        serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64), serialize_i128(i128),
        serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64), serialize_u128(u128),
        serialize_f32(f32), serialize_f64(f64), serialize_bytes(&[u8])
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        match self.next {
            NextString::Text => write_string(value, self.out),
            NextString::NoEscape => {
                debug_assert_eq!(find_special(value.as_bytes(), 0), value.len(), "{value}");
                self.out.reserve(value.len() + 2);
                self.out.push(b'"');
                self.out.extend_from_slice(value.as_bytes());
                self.out.push(b'"');
            }
            NextString::Raw => self.out.extend_from_slice(value.as_bytes()),
        }
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(match name {
            NO_ESCAPE => JsonWriter {
                next: NextString::NoEscape,
                ..self
            },
            _ => self,
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let mut map = self.serialize_map(Some(1))?;
        map.serialize_entry(variant, value)?;
        SerializeMap::end(map)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<ItemsWriter<'a>, Error> {
        Ok(self.open_container(b'[', b']'))
    }

    fn serialize_tuple(self, _: usize) -> Result<ItemsWriter<'a>, Error> {
        Ok(self.open_container(b'[', b']'))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<ItemsWriter<'a>, Error> {
        Ok(self.open_container(b'[', b']'))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(Error::custom("a variant with several values is not supported"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<ItemsWriter<'a>, Error> {
        Ok(self.open_container(b'{', b'}'))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<StructWriter<'a>, Error> {
        Ok(match name {
            RAW_VALUE => StructWriter::Raw(JsonWriter {
                next: NextString::Raw,
                ..self
            }),
            _ => StructWriter::Object(self.open_container(b'{', b'}')),
        })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Err(Error::custom("a variant with fields is not supported"))
    }
}

impl ItemsWriter<'_> {
    fn write_separator(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b',');
        }
    }

    fn write_item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.write_separator();
        value.serialize(JsonWriter::new(self.out))
    }

    fn close(self) {
        self.out.push(self.close);
    }
}

/// Sequences, tuples and tuple structs are all arrays.
macro_rules! arrays {
    ($($trait:ident::$method:ident),*) => {
        $(impl $trait for ItemsWriter<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.write_item(value)
            }

            fn end(self) -> Result<(), Error> {
                self.close();
                Ok(())
            }
        })*
    };
}
arrays!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field
);

impl SerializeMap for ItemsWriter<'_> {
    type Ok = ();
    type Error = Error;

    /// Only strings can be names. serde_json also turns numbers into strings here, which no generated type needs.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.write_separator();
        let start = self.out.len();
        key.serialize(JsonWriter::new(self.out))?;
        match self.out.get(start) {
            Some(b'"') => Ok(()),
            _ => Err(Error::custom("a member name that is not a string")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.out.push(b':');
        value.serialize(JsonWriter::new(self.out))
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl SerializeStruct for StructWriter<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        match self {
            Self::Object(items) => items.serialize_entry(name, value),
            Self::Raw(writer) => value.serialize(JsonWriter {
                out: writer.out,
                next: NextString::Raw,
            }),
        }
    }

    fn end(self) -> Result<(), Error> {
        match self {
            Self::Object(items) => SerializeMap::end(items),
            Self::Raw(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    use super::*;

    #[derive(serde::Serialize)]
    struct Inner(f32);

    #[derive(serde::Serialize)]
    struct Unit;

    #[derive(serde::Serialize)]
    enum Variants {
        Plain,
        Boxed(u8),
    }

    #[derive(serde::Serialize)]
    struct All<'a> {
        raw: &'a RawValue,
        raws: Vec<Box<RawValue>>,
        text: &'a str,
        char: char,
        numbers: (i8, u16, i64, u64, f64, f64, i128),
        inner: Inner,
        unit: Unit,
        kinds: [Variants; 2],
        none: Option<u8>,
        some: Option<bool>,
        bytes: &'a [u8],
        map: BTreeMap<&'a str, Value>,
        clean: Vec<NoEscape<'a>>,
    }

    fn written<T: Serialize>(value: &T) -> Result<String, Error> {
        let mut out = Vec::new();
        value.serialize(JsonWriter::new(&mut out))?;
        Ok(String::from_utf8(out).unwrap_or_default())
    }

    #[test]
    fn writes_the_same_as_serde_json() -> Result<(), Error> {
        let raw = RawValue::from_string(r#"{ "a" : 1.0, "b\u0065":"\/" }"#.to_owned())?;
        let all = All {
            raw: &raw,
            raws: vec![raw.clone(), raw.clone()],
            text: "a \"b\" \n ü",
            char: '"',
            numbers: (-1, 2, i64::MIN, u64::MAX, 1e300, f64::NAN, i128::MAX),
            inner: Inner(0.1),
            unit: Unit,
            kinds: [Variants::Plain, Variants::Boxed(1)],
            none: None,
            some: Some(true),
            bytes: &[1, 2],
            map: BTreeMap::from([
                ("", json!([])),
                ("a", json!({})),
                ("b\t", json!([1.5, -2, {"c": null}])),
            ]),
            clean: vec![NoEscape(""), NoEscape("é")],
        };
        assert_eq!(written(&all)?, serde_json::to_string(&all)?);
        Ok(())
    }

    #[test]
    fn a_name_has_to_be_a_string() {
        assert!(written(&BTreeMap::from([([1], 1)])).is_err());
    }
}
