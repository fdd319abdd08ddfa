//! The tokenizer: the only place that knows the crate behind it.

use tiktoken::CoreBpe;

/// The most bytes that are handed to the tokenizer at once. Its time grows a little faster than the length of a run
/// without a break (one letter, repeated), so that long runs are cut; a cut costs at most a token or two.
const PIECE: usize = 32 * 1024;
/// The most bytes of a request that are really counted, 8 MiB: two million tokens, more than any context window. What
/// lies behind is taken to be like what lies before it, so that no request keeps a thread busy for long.
const LIMIT: usize = 8 * 1024 * 1024;
/// Bytes of text that make about one token, where the vocabulary cannot be loaded.
const BYTES_PER_TOKEN: usize = 4;

/// What has been counted of a request's text.
#[derive(Debug, Default)]
pub struct Tally {
    /// Tokens of OpenAI's `o200k_base`, which all their models since GPT-4o use.
    tokens: u64,
    /// ASCII punctuation characters.
    punctuation: u64,
    /// Uppercase ASCII letters.
    uppercase: u64,
    counted: usize,
    skipped: usize,
}

impl Tally {
    /// Adds a text. The first one of the process loads the vocabulary, which takes about a tenth of a second and 25 MB.
    pub fn add(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            if self.counted >= LIMIT {
                self.skipped += rest.len();
                return;
            }
            let (piece, tail) = rest.split_at(rest.floor_char_boundary(PIECE));
            self.tokens += tokens(piece);
            for byte in piece.bytes() {
                self.punctuation += u64::from(byte.is_ascii_punctuation());
                self.uppercase += u64::from(byte.is_ascii_uppercase());
            }
            self.counted += piece.len();
            rest = tail;
        }
    }

    /// The weighted sum of what has been counted, what was skipped included. Weights are in thousandths.
    pub fn weighted(&self, weights: Weights) -> u64 {
        let Weights {
            token,
            punctuation,
            uppercase,
        } = weights;
        let sum = self.tokens * token + self.punctuation * punctuation + self.uppercase * uppercase;
        let whole = u128::try_from(self.counted + self.skipped).unwrap_or_default();
        let counted = u128::try_from(self.counted.max(1)).unwrap_or(1);
        let scaled = u128::from(sum) * whole / counted;
        u64::try_from(scaled.div_ceil(1000)).unwrap_or(u64::MAX)
    }
}

/// How many thousandths of a token each of what is counted makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// For a token of `o200k_base`.
    pub token: u64,
    /// On top, for a punctuation character.
    pub punctuation: u64,
    /// On top, for an uppercase letter.
    pub uppercase: u64,
}

fn tokens(text: &str) -> u64 {
    let encoding: Option<&'static CoreBpe> = tiktoken::get_encoding("o200k_base");
    let tokens = encoding.map_or(text.len() / BYTES_PER_TOKEN, |encoding| encoding.count(text));
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Weights = Weights {
        token: 1000,
        punctuation: 0,
        uppercase: 0,
    };

    fn count(text: &str) -> u64 {
        let mut tally = Tally::default();
        tally.add(text);
        tally.weighted(PLAIN)
    }

    #[test]
    fn texts_have_as_many_tokens_as_openais_own_tokenizer_says() {
        // The counts are those of OpenAI's vocabulary in `js-tiktoken`.
        for (text, expected) in [
            ("", 0),
            ("hello world", 2),
            ("The quick brown fox jumps over the lazy dog.", 10),
            ("漢漢漢", 3),
            ("    if x == 1:\n        return\n", 10),
            ("naïve café 🎉\r\n", 7),
            (r#"{"a": [1, 22, 333, 4444]}"#, 16),
        ] {
            assert_eq!(count(text), expected, "{text:?}");
        }
    }

    #[test]
    fn long_runs_are_cut_at_characters_and_count_the_same() {
        for text in ["a".repeat(PIECE), "é".repeat(PIECE), "word ".repeat(PIECE)] {
            let whole = tokens(&text);
            assert!(count(&text).abs_diff(whole) <= 8, "{whole}");
        }
    }

    #[test]
    fn what_lies_behind_the_limit_counts_like_the_rest() {
        let text = "1".repeat(PIECE);
        let mut tally = Tally::default();
        for _ in 0..(2 * LIMIT / PIECE) {
            tally.add(&text);
        }
        assert_eq!((tally.counted, tally.skipped), (LIMIT, LIMIT));
        assert_eq!(tally.weighted(PLAIN), 2 * tally.tokens);
    }

    #[test]
    fn weights_add_up() {
        let mut tally = Tally::default();
        tally.add("Hello, World!");
        let weights = Weights {
            token: 0,
            punctuation: 500,
            uppercase: 2000,
        };
        assert_eq!(tally.weighted(weights), 5);
    }
}
