//! How several texts of one answer become one.

/// Finds what stands between texts that are written one after another.
///
/// A model that cites splits its sentences at the citations; such pieces fit without anything between them, which shows
/// in the white space or punctuation where they meet. Other texts are paragraphs of their own. The rule asks only for
/// what is known when a text begins, so that a streamed answer is joined like a complete one.
#[derive(Debug, Default)]
pub struct Joiner {
    last: Option<char>,
    annotated: bool,
    opens: bool,
}

impl Joiner {
    /// Says that another text begins.
    pub fn open(&mut self) {
        self.opens = true;
    }

    /// Says that the text has a citation, so that the next one may continue its sentence.
    pub fn annotated(&mut self) {
        self.annotated = true;
    }

    /// What stands before this piece.
    pub fn before(&mut self, piece: &str) -> &'static str {
        let (Some(first), Some(last)) = (piece.chars().next(), piece.chars().next_back()) else {
            return "";
        };
        let before = self.last.replace(last);
        if !std::mem::take(&mut self.opens) {
            return "";
        }
        let annotated = std::mem::take(&mut self.annotated);
        let continues =
            |c: char| c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']');
        match before {
            None => "",
            Some(before) if annotated || before.is_whitespace() || continues(first) => "",
            Some(_) => "\n\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(texts: &[&str]) -> String {
        let mut joiner = Joiner::default();
        let mut out = String::new();
        for text in texts {
            joiner.open();
            for piece in text.split_inclusive(' ') {
                out.push_str(joiner.before(piece));
                out.push_str(piece);
            }
        }
        out
    }

    #[test]
    fn paragraphs_are_parted_and_sentences_are_not() {
        assert_eq!(join(&["I look.", "Done."]), "I look.\n\nDone.");
        assert_eq!(
            join(&["As it says, ", "the sky is blue", ". So"]),
            "As it says, the sky is blue. So"
        );
        assert_eq!(join(&["", "a b", ""]), "a b");
    }
}
