//! Token counts, which OpenAI's schemas declare as signed integers.

use crate::canonical::Usage;

/// A count. A negative one is an upstream's mistake and counts as 0.
pub fn read_count(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

/// A count as the APIs write it.
pub fn write_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Token counts as the APIs write them. The names of the members differ between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenCounts {
    /// All tokens of the input.
    pub input: i64,
    /// Those of the input that were read from a cache.
    pub cache_read: i64,
    /// Those of the input that were written to a cache.
    pub cache_write: i64,
    /// All tokens of the output.
    pub output: i64,
    /// Those of the output that are reasoning; 0 if unknown.
    pub reasoning: i64,
    /// Input and output.
    pub total: i64,
}

impl WrittenCounts {
    /// The counts to write: zeros if the upstream sent none, because clients read the members without checking for
    /// them.
    pub fn new(usage: Option<Usage>) -> Self {
        let usage = usage.unwrap_or_default();
        let input = usage.input_total();
        let Usage {
            fresh: _,
            cache_read,
            cache_write,
            cache_write_1h: _,
            output,
            reasoning,
            web_searches: _,
        } = usage;
        Self {
            input: write_count(input),
            cache_read: write_count(cache_read),
            cache_write: write_count(cache_write),
            output: write_count(output),
            reasoning: write_count(reasoning.unwrap_or_default()),
            total: write_count(input.saturating_add(output)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_outside_the_others_range_become_its_nearest() {
        assert_eq!((read_count(7), read_count(-7)), (7, 0));
        assert_eq!((write_count(7), write_count(u64::MAX)), (7, i64::MAX));
    }

    #[test]
    fn cached_tokens_are_a_part_of_the_input() {
        let usage = Usage {
            fresh: 10,
            cache_read: 5,
            cache_write: 3,
            output: 7,
            ..Usage::default()
        };
        let counts = WrittenCounts::new(Some(usage));
        assert_eq!((counts.input, counts.output, counts.total), (18, 7, 25));
        assert_eq!((counts.cache_read, counts.cache_write), (5, 3));
    }

    #[test]
    fn unknown_counts_are_zeros() {
        let counts = WrittenCounts::new(None);
        assert_eq!((counts.input, counts.reasoning, counts.total), (0, 0, 0));
    }
}
