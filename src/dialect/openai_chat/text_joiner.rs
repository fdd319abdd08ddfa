//! How several texts of one message become one.

/// Finds the separator between texts that are written one after another.
///
/// A model that cites splits its sentences at the citations. Such texts need no separator, which shows in the white
/// space or punctuation where they meet. Other texts are separate paragraphs. The rule uses only what is known when a
/// text begins, so that a streamed response is joined like a complete one.
#[derive(Debug, Default)]
pub struct TextJoiner {
    /// The last character so far.
    last: Option<char>,
    /// The last text has a citation.
    is_annotated: bool,
    /// A text has begun that has no character yet.
    begins: bool,
}

impl TextJoiner {
    /// Begins another text.
    pub fn begin_text(&mut self) {
        self.begins = true;
    }

    /// Records that the text has a citation, so that the next one may continue its sentence.
    pub fn mark_annotated(&mut self) {
        self.is_annotated = true;
    }

    /// The separator before this piece of the text.
    pub fn separator(&mut self, piece: &str) -> &'static str {
        let (Some(first), Some(last)) = (piece.chars().next(), piece.chars().next_back()) else {
            return "";
        };
        let before = self.last.replace(last);
        if !std::mem::take(&mut self.begins) {
            return "";
        }
        let is_annotated = std::mem::take(&mut self.is_annotated);
        let continues =
            |c: char| c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']');
        match before {
            None => "",
            Some(before) if is_annotated || before.is_whitespace() || continues(first) => "",
            Some(_) => "\n\n",
        }
    }
}

/// The joined text of a response as it grows, for the positions of citations.
#[derive(Debug, Default)]
pub struct JoinedText {
    joiner: TextJoiner,
    length: u64,
}

impl JoinedText {
    /// Begins another text.
    pub fn begin_text(&mut self) {
        self.joiner.begin_text();
    }

    /// Records that the text has a citation.
    pub fn mark_annotated(&mut self) {
        self.joiner.mark_annotated();
    }

    /// Appends a piece of the text. Returns the separator before it and its start in the joined text.
    pub fn append(&mut self, piece: &str) -> (&'static str, u64) {
        let separator = self.joiner.separator(piece);
        let start = self.length + count_scalars(separator);
        self.length = start + count_scalars(piece);
        (separator, start)
    }

    /// The length so far, in Unicode scalar values.
    pub fn length(&self) -> u64 {
        self.length
    }
}

/// The number of Unicode scalar values, in which the API counts the positions of citations.
fn count_scalars(text: &str) -> u64 {
    text.chars().count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(texts: &[&str]) -> String {
        let mut joiner = TextJoiner::default();
        let mut out = String::new();
        for text in texts {
            joiner.begin_text();
            for piece in text.split_inclusive(' ') {
                out.push_str(joiner.separator(piece));
                out.push_str(piece);
            }
        }
        out
    }

    #[test]
    fn texts_are_paragraphs_unless_the_second_continues_a_sentence() {
        assert_eq!(join(&["I look.", "Done."]), "I look.\n\nDone.");
        assert_eq!(
            join(&["As it says, ", "the sky is blue", ". So"]),
            "As it says, the sky is blue. So"
        );
    }

    #[test]
    fn an_empty_text_needs_no_separator() {
        assert_eq!(join(&["", "a b", ""]), "a b");
        assert_eq!(join(&["a", "", "b"]), "a\n\nb");
    }

    #[test]
    fn a_text_after_a_cited_one_continues_it() {
        let mut joiner = TextJoiner::default();
        joiner.begin_text();
        joiner.separator("blue");
        joiner.mark_annotated();
        joiner.begin_text();
        assert_eq!(joiner.separator("and so"), "");
        joiner.begin_text();
        assert_eq!(joiner.separator("New"), "\n\n", "a citation counts once");
    }

    #[test]
    fn positions_count_scalars_of_the_joined_text() {
        let mut text = JoinedText::default();
        text.begin_text();
        assert_eq!(text.append("🚀é"), ("", 0));
        text.begin_text();
        assert_eq!(text.append("b"), ("\n\n", 4));
        assert_eq!(text.append("c"), ("", 5));
        assert_eq!(text.length(), 6);
    }
}
