//! Strings that are decoded on first use.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use bytestring::ByteString;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::error::JsonFault;
use super::escape::write_escaped;
use super::serde_json_compat::RAW_VALUE;
use super::serializer::NoEscape;
use super::{ReadJson, Scanner, string};

/// A text that remembers its JSON spelling.
///
/// Read from a [shared document](super::parse_shared), it is a slice of that document, and it is written by copying the
/// slice. So a text that is only passed on is neither decoded nor escaped again, which saved half of the instructions
/// of a translated 120 KB request (docs/performance.md). The first use as a `str` decodes it, once; clones share the
/// result. A text that was made from a `String` is an ordinary string.
///
/// # Who may hold one
///
/// A slice keeps the whole document alive, which may be tens of megabytes for one word. Only the generated request
/// types have slices, and the canonical request and the upstream's request that are made of them. These live until the
/// upstream's request is written. Whatever lives longer (the response store, the reasoning memory, the restoration of a
/// response, a stream) holds a `String`; [`LazyStr::into_string`] makes one. Responses and events are never read as
/// shared documents.
#[derive(Clone)]
pub struct LazyStr(LazyRepr);

#[derive(Clone)]
enum LazyRepr {
    /// An ordinary string.
    Plain(String),
    /// A slice without escapes: its spelling is the text.
    Same(DocumentSlice),
    /// A slice with escapes. Shared, so that clones decode it once.
    Escaped(Arc<EscapedSlice>),
}

/// The spelling of a string in a document, without its quotes. Offsets of 32 bits keep a [`LazyStr`] as small as a
/// `String`.
#[derive(Clone)]
struct DocumentSlice {
    document: Arc<ByteString>,
    start: u32,
    end: u32,
}

/// A slice with escapes, and its text once it has been needed.
struct EscapedSlice {
    slice: DocumentSlice,
    /// The length of the decoded text, known without decoding it.
    length: usize,
    decoded: OnceLock<String>,
}

impl DocumentSlice {
    fn spelling(&self) -> &str {
        let range = self.start as usize..self.end as usize;
        self.document.get(range).unwrap_or_default()
    }

    /// The spelling with the quotes around it. Only for slices that are a whole string; [`LazyStr::skip`] makes others,
    /// but not of slices with escapes.
    fn quoted(&self) -> &str {
        let range = (self.start as usize).saturating_sub(1)..self.end as usize + 1;
        self.document.get(range).unwrap_or_default()
    }
}

impl EscapedSlice {
    fn decoded(&self) -> &str {
        self.decoded
            .get_or_init(|| string::decode(self.slice.spelling()).unwrap_or_default())
    }
}

impl LazyStr {
    /// The string at `start..end` of a document. The scanner has checked it and found that its text has `length` bytes.
    /// In a document of more than 4 GiB, whose offsets do not fit, it is decoded at once.
    pub(super) fn slice(document: &Arc<ByteString>, start: usize, end: usize, length: usize) -> Self {
        let (Ok(from), Ok(to)) = (u32::try_from(start), u32::try_from(end)) else {
            let spelling = document.get(start..end).unwrap_or_default();
            return string::decode(spelling).unwrap_or_default().into();
        };
        let slice = DocumentSlice {
            document: Arc::clone(document),
            start: from,
            end: to,
        };
        if end - start == length {
            return Self(LazyRepr::Same(slice));
        }
        Self(LazyRepr::Escaped(Arc::new(EscapedSlice {
            slice,
            length,
            decoded: OnceLock::new(),
        })))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            LazyRepr::Plain(text) => text,
            LazyRepr::Same(slice) => slice.spelling(),
            LazyRepr::Escaped(escaped) => escaped.decoded(),
        }
    }

    /// The text as a `String` that keeps no document alive.
    pub fn into_string(self) -> String {
        match self.0 {
            LazyRepr::Plain(text) => text,
            LazyRepr::Same(slice) => slice.spelling().to_owned(),
            LazyRepr::Escaped(escaped) => match Arc::try_unwrap(escaped) {
                Ok(EscapedSlice { slice, decoded, .. }) => match decoded.into_inner() {
                    Some(text) => text,
                    None => string::decode(slice.spelling()).unwrap_or_default(),
                },
                Err(shared) => shared.decoded().to_owned(),
            },
        }
    }

    /// The length of the text in bytes. Does not decode it.
    pub fn len(&self) -> usize {
        match &self.0 {
            LazyRepr::Plain(text) => text.len(),
            LazyRepr::Same(slice) => slice.spelling().len(),
            LazyRepr::Escaped(escaped) => escaped.length,
        }
    }

    /// Whether the text is empty. Does not decode it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the text is empty or white space only. Decodes at most white space, except after a `\u` escape.
    pub fn is_blank(&self) -> bool {
        let LazyRepr::Escaped(escaped) = &self.0 else {
            return self.as_str().trim_start().is_empty();
        };
        let mut rest = escaped.slice.spelling();
        loop {
            rest = rest.trim_start();
            match rest.as_bytes() {
                [] => return true,
                [b'\\', b'n' | b'r' | b't' | b'f', ..] => rest = rest.get(2..).unwrap_or_default(),
                [b'\\', b'u', ..] => return escaped.decoded().trim_start().is_empty(),
                _ => return false,
            }
        }
    }

    /// Whether the text begins with `prefix`. Decodes the text only if there is an escape within the length of the
    /// prefix.
    pub fn starts_with(&self, prefix: &str) -> bool {
        if let LazyRepr::Escaped(escaped) = &self.0 {
            let spelling = escaped.slice.spelling();
            let same = spelling.find('\\').unwrap_or(spelling.len());
            if same >= prefix.len() {
                return spelling.starts_with(prefix);
            }
        }
        self.as_str().starts_with(prefix)
    }

    /// The text without its first `at` bytes; still a slice if it has no escapes. Takes the data out of a `data:` URL.
    pub fn skip(self, at: usize) -> Self {
        match self.0 {
            LazyRepr::Same(mut slice) if slice.spelling().is_char_boundary(at) => {
                slice.start = slice.end.min(slice.start.saturating_add(at as u32));
                Self(LazyRepr::Same(slice))
            }
            repr => {
                let mut text = Self(repr).into_string();
                text.drain(..text.floor_char_boundary(at));
                text.into()
            }
        }
    }

    /// Appends to the text, which becomes an ordinary string.
    pub fn push_str(&mut self, more: &str) {
        if !matches!(self.0, LazyRepr::Plain(_)) {
            *self = std::mem::take(self).into_string().into();
        }
        if let LazyRepr::Plain(text) = &mut self.0 {
            text.push_str(more);
        }
    }

    /// Appends the JSON spelling of the text, without quotes.
    fn spell(&self, out: &mut String) {
        match &self.0 {
            LazyRepr::Plain(text) => {
                let mut spelled = Vec::with_capacity(text.len() + text.len() / 16);
                write_escaped(text, &mut spelled);
                // Always UTF-8: the text is, and escapes are ASCII.
                out.push_str(std::str::from_utf8(&spelled).unwrap_or_default());
            }
            LazyRepr::Same(slice) => out.push_str(slice.spelling()),
            LazyRepr::Escaped(escaped) => out.push_str(escaped.slice.spelling()),
        }
    }
}

/// Concatenates texts without decoding them: their spellings are joined, and the result is a slice of the joined text.
#[derive(Debug, Default)]
pub struct Concat {
    parts: Vec<LazyStr>,
}

impl Concat {
    /// Adds a text.
    pub fn push(&mut self, text: impl Into<LazyStr>) {
        let text = text.into();
        if !text.is_empty() {
            self.parts.push(text);
        }
    }

    /// Whether there is no text so far.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The concatenation. A single text is returned as it is.
    pub fn finish(mut self) -> LazyStr {
        if self.parts.len() < 2 {
            return self.parts.pop().unwrap_or_default();
        }
        let length: usize = self.parts.iter().map(LazyStr::len).sum();
        let mut out = String::with_capacity(length + length / 16 + 2);
        // A small document with one string, so that the result is a slice like all others.
        out.push('"');
        for part in &self.parts {
            part.spell(&mut out);
        }
        out.push('"');
        let end = out.len() - 1;
        LazyStr::slice(&Arc::new(ByteString::from(out)), 1, end, length)
    }
}

impl<T: Into<LazyStr>> Extend<T> for Concat {
    fn extend<I: IntoIterator<Item = T>>(&mut self, texts: I) {
        for text in texts {
            self.push(text);
        }
    }
}

/// Concatenates texts with a separator between them, without decoding them.
pub fn join<'a>(texts: impl IntoIterator<Item = &'a LazyStr>, between: &str) -> LazyStr {
    let mut all = Concat::default();
    for (index, text) in texts.into_iter().enumerate() {
        if index > 0 {
            all.push(between);
        }
        all.push(text);
    }
    all.finish()
}

impl ReadJson for LazyStr {
    #[inline]
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, JsonFault> {
        scanner.read_lazy()
    }
}

impl<'de> Deserialize<'de> for LazyStr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl Serialize for LazyStr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let quoted = match &self.0 {
            LazyRepr::Plain(text) => return serializer.serialize_str(text),
            LazyRepr::Same(slice) => return NoEscape(slice.spelling()).serialize(serializer),
            // With its quotes it is a JSON value. As a raw value, every serializer takes it unchanged.
            LazyRepr::Escaped(escaped) => escaped.slice.quoted(),
        };
        let mut raw = serializer.serialize_struct(RAW_VALUE, 1)?;
        raw.serialize_field(RAW_VALUE, quoted)?;
        raw.end()
    }
}

impl Deref for LazyStr {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for LazyStr {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Default for LazyStr {
    fn default() -> Self {
        Self(LazyRepr::Plain(String::new()))
    }
}

impl fmt::Debug for LazyStr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl fmt::Display for LazyStr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl From<String> for LazyStr {
    fn from(text: String) -> Self {
        Self(LazyRepr::Plain(text))
    }
}

impl From<LazyStr> for String {
    fn from(text: LazyStr) -> Self {
        text.into_string()
    }
}

impl From<&LazyStr> for String {
    fn from(text: &LazyStr) -> Self {
        text.as_str().to_owned()
    }
}

/// Conversions of strings that are copied.
macro_rules! from_text {
    ($($text:ty),*) => {
        $(impl From<$text> for LazyStr {
            fn from(text: $text) -> Self {
                Self(LazyRepr::Plain(text.into()))
            }
        })*
    };
}
from_text!(&str, &String, Cow<'_, str>);

impl From<&LazyStr> for LazyStr {
    fn from(text: &LazyStr) -> Self {
        text.clone()
    }
}

impl PartialEq for LazyStr {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.as_str() == other.as_str()
    }
}

impl Eq for LazyStr {}

impl PartialEq<str> for LazyStr {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for LazyStr {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

#[cfg(test)]
mod tests;
