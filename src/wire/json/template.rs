//! Frames that are written again with another text and number.

use bytes::{BufMut, BytesMut};
use memchr::memmem;

use super::write_string;

/// The longest template, in bytes. Each open stream keeps one.
const MAX_LENGTH: usize = 2048;

/// The bytes of a frame with holes for its text and its number.
///
/// A writer writes one frame the normal way with [`FrameTemplate::TEXT`] and [`FrameTemplate::NUMBER`] as its values.
/// The template is that frame without the two markers. So frames from a template cannot differ from the writer's own,
/// as long as everything but the two values stays the same; the writer clears the template when that changes.
#[derive(Debug)]
pub struct FrameTemplate {
    literal: Box<[u8]>,
    /// How many bytes of `literal` come before the text.
    text_at: usize,
    /// How many bytes of `literal` come before the number, which is after the text. The length of `literal` if the
    /// frame has no number.
    number_at: usize,
}

/// Which markers a frame contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateMarks {
    /// [`FrameTemplate::TEXT`] only.
    Text,
    /// [`FrameTemplate::TEXT`] and, after it, [`FrameTemplate::NUMBER`].
    TextAndNumber,
}

impl FrameTemplate {
    /// The marker for the text. It begins and ends with noncharacters (U+FDD0, U+FDD1), which no model writes and JSON
    /// does not escape.
    pub const TEXT: &str = "\u{fdd0}text\u{fdd1}";
    /// The marker for the number: an arbitrary value that no counter reaches.
    pub const NUMBER: i64 = 8_170_615_141_312_111_001;

    /// Makes a template of a frame that contains the markers. `None` if a marker is not there exactly once (a client
    /// may send one as a name or identifier that the frame repeats), or if the frame is too long.
    pub fn from_marked(written: &[u8], marks: TemplateMarks) -> Option<Self> {
        let mark = format!("\"{}\"", Self::TEXT);
        let (before, rest) = split_at_mark(written, mark.as_bytes())?;
        let digits = Self::NUMBER.to_string();
        let (between, after) = match marks {
            TemplateMarks::TextAndNumber => split_at_mark(rest, digits.as_bytes())?,
            TemplateMarks::Text => (rest, &[][..]),
        };
        let literal = [before, between, after].concat();
        let has = |mark: &str| memmem::find(&literal, mark.as_bytes()).is_some();
        if literal.len() > MAX_LENGTH
            || has(Self::TEXT)
            || (marks == TemplateMarks::TextAndNumber && has(&digits))
        {
            return None;
        }
        Some(Self {
            literal: literal.into(),
            text_at: before.len(),
            number_at: before.len() + between.len(),
        })
    }

    /// Appends the frame with this text and number. `scratch` is a buffer that callers keep to save the allocation.
    pub fn write(&self, text: &str, number: i64, scratch: &mut Vec<u8>, out: &mut BytesMut) {
        let part = |from: usize, to: usize| self.literal.get(from..to).unwrap_or_default();
        scratch.clear();
        write_string(text, scratch);
        // 20 bytes hold any `i64`.
        out.reserve(self.literal.len() + scratch.len() + 20);
        out.put_slice(part(0, self.text_at));
        out.put_slice(scratch);
        out.put_slice(part(self.text_at, self.number_at));
        if self.number_at < self.literal.len() {
            write_integer(number, out);
            out.put_slice(part(self.number_at, self.literal.len()));
        }
    }
}

fn split_at_mark<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memmem::find(bytes, mark)?;
    Some((bytes.get(..at)?, bytes.get(at + mark.len()..)?))
}

/// Appends an integer, without the machinery of `core::fmt`.
fn write_integer(number: i64, out: &mut BytesMut) {
    let mut digits = [0; 20];
    let mut rest = number.unsigned_abs();
    let mut from = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        from -= 1;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.put_slice(b"-");
    }
    out.put_slice(digits.get(from..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str, number: i64) -> String {
        let text = serde_json::json!(text);
        format!("event: a\ndata: {{\"id\":\"x\",\"text\":{text},\"n\":{number}}}\n\n")
    }

    #[test]
    fn a_filled_template_equals_the_frame() {
        let template = FrameTemplate::from_marked(
            frame(FrameTemplate::TEXT, FrameTemplate::NUMBER).as_bytes(),
            TemplateMarks::TextAndNumber,
        )
        .expect("a template");
        for text in ["", "a", "\"\\\n é", FrameTemplate::TEXT] {
            for number in [
                0,
                7,
                10,
                1_234_567_890,
                -12,
                i64::MAX,
                i64::MIN,
                FrameTemplate::NUMBER,
            ] {
                let mut out = BytesMut::from("before");
                template.write(text, number, &mut Vec::new(), &mut out);
                assert_eq!(out, format!("before{}", frame(text, number)));
            }
        }
    }

    #[test]
    fn a_frame_may_have_no_number() {
        for number in [5, FrameTemplate::NUMBER] {
            let written = frame(FrameTemplate::TEXT, number);
            let template =
                FrameTemplate::from_marked(written.as_bytes(), TemplateMarks::Text).expect("a template");
            let mut out = BytesMut::new();
            template.write("b", 9, &mut Vec::new(), &mut out);
            assert_eq!(out, frame("b", number));
        }
    }

    #[test]
    fn a_marker_that_is_missing_or_repeated_gives_no_template() {
        let twice = format!(
            "{}{}",
            frame(FrameTemplate::TEXT, 1),
            frame(FrameTemplate::TEXT, 1)
        );
        let numbers = format!("{0}{0}", frame(FrameTemplate::TEXT, FrameTemplate::NUMBER));
        let inside = frame(&format!("a{}", FrameTemplate::TEXT), 1);
        let before = format!(
            "{}{}",
            FrameTemplate::NUMBER,
            frame(FrameTemplate::TEXT, FrameTemplate::NUMBER)
        );
        for written in [twice, numbers, inside, before, frame("none", 1)] {
            assert!(
                FrameTemplate::from_marked(written.as_bytes(), TemplateMarks::TextAndNumber).is_none(),
                "{written}"
            );
        }
    }
}
