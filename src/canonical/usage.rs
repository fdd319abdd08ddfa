//! Token counts.

use serde::Serialize;

/// Token counts of one response. Each token is in one count; the writers of dialects that report sums add them up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Input tokens neither read from nor written to a cache.
    pub fresh: u64,
    /// Input tokens read from a cache.
    pub cache_read: u64,
    /// Input tokens written to a cache.
    pub cache_write: u64,
    /// Of `cache_write`, those kept for one hour, if the vendor reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<u64>,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// Of `output`, those spent on reasoning, if the vendor reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
    /// Web searches that the vendor ran.
    #[serde(skip_serializing_if = "is_zero")]
    pub web_searches: u64,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Usage {
    /// Counts from a total that includes cached tokens, as OpenAI reports it.
    ///
    /// A server that reports more cached tokens than input tokens does not include them in the total: all of it is
    /// fresh.
    pub fn from_total(total: u64, cache_read: u64, cache_write: u64, output: u64) -> Self {
        let cached = cache_read.saturating_add(cache_write);
        let fresh = if cached > total { total } else { total - cached };
        Self {
            fresh,
            cache_read,
            cache_write,
            output,
            ..Self::default()
        }
    }

    /// All input tokens, cached ones included.
    pub fn input_total(&self) -> u64 {
        self.fresh
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write)
    }
}
