//! Token counts, which OpenAI's schemas declare as signed integers.

/// A count. A negative one is an upstream's mistake and counts as 0.
pub fn read_count(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

/// A count as the APIs write it.
pub fn write_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_outside_the_others_range_become_its_nearest() {
        assert_eq!((read_count(7), read_count(-7)), (7, 0));
        assert_eq!((write_count(7), write_count(u64::MAX)), (7, i64::MAX));
    }
}
