//! Counts the tokens of texts. Only this file uses the tokenizer's crate.

use tiktoken::CoreBpe;

/// The most bytes that are tokenized at once. For a run without a break, such as one letter repeated, the tokenizer's
/// time grows faster than its length. A cut changes the count by at most a token or two.
const PIECE: usize = 32 * 1024;
/// The most bytes of a request that are tokenized, 8 MiB: two million tokens, more than any context window. The rest is
/// assumed to have as many tokens for its length, so that no request keeps a thread busy for long.
const LIMIT: usize = 8 * 1024 * 1024;
/// About so many bytes of text are one token; used if the vocabulary cannot be loaded.
const BYTES_PER_TOKEN: usize = 4;

/// The counts of a request's text.
#[derive(Debug, Default)]
pub struct TokenTally {
    /// Tokens of OpenAI's `o200k_base`, which all their models since GPT-4o use.
    tokens: u64,
    /// ASCII punctuation characters.
    punctuation: u64,
    /// Uppercase ASCII letters.
    uppercase: u64,
    /// Bytes that have been tokenized.
    counted: usize,
    /// Bytes beyond the limit.
    skipped: usize,
}

impl TokenTally {
    /// Adds a text. The first call of the process loads the vocabulary, which takes about 0.1 seconds and 25 MB.
    pub fn add(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            if self.counted >= LIMIT {
                self.skipped += rest.len();
                return;
            }
            let (piece, tail) = rest.split_at(rest.floor_char_boundary(PIECE));
            self.tokens += count_tokens(piece);
            for byte in piece.bytes() {
                self.punctuation += u64::from(byte.is_ascii_punctuation());
                self.uppercase += u64::from(byte.is_ascii_uppercase());
            }
            self.counted += piece.len();
            rest = tail;
        }
    }

    /// The weighted sum of the counts, extended to the skipped text.
    pub fn weigh(&self, weights: TokenWeights) -> u64 {
        let TokenWeights {
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

/// The weights of what is counted, in thousandths of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenWeights {
    /// For a token of `o200k_base`.
    pub token: u64,
    /// For a punctuation character, in addition.
    pub punctuation: u64,
    /// For an uppercase letter, in addition.
    pub uppercase: u64,
}

fn count_tokens(text: &str) -> u64 {
    let encoding: Option<&'static CoreBpe> = tiktoken::get_encoding("o200k_base");
    let tokens = encoding.map_or(text.len() / BYTES_PER_TOKEN, |encoding| encoding.count(text));
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: TokenWeights = TokenWeights {
        token: 1000,
        punctuation: 0,
        uppercase: 0,
    };

    fn count(text: &str) -> u64 {
        let mut tally = TokenTally::default();
        tally.add(text);
        tally.weigh(PLAIN)
    }

    #[test]
    fn texts_have_as_many_tokens_as_in_openais_own_tokenizer() {
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
            let whole = count_tokens(&text);
            assert!(count(&text).abs_diff(whole) <= 8, "{whole}");
        }
    }

    #[test]
    fn text_beyond_the_limit_counts_like_the_rest() {
        let text = "1".repeat(PIECE);
        let mut tally = TokenTally::default();
        for _ in 0..(2 * LIMIT / PIECE) {
            tally.add(&text);
        }
        assert_eq!((tally.counted, tally.skipped), (LIMIT, LIMIT));
        assert_eq!(tally.weigh(PLAIN), 2 * tally.tokens);
    }

    #[test]
    fn weights_add_up() {
        let mut tally = TokenTally::default();
        tally.add("Hello, World!");
        let weights = TokenWeights {
            token: 0,
            punctuation: 500,
            uppercase: 2000,
        };
        assert_eq!(tally.weigh(weights), 5);
    }
}
