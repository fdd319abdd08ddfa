//! The ledger of what a translation could not carry over.

use std::fmt;

use serde::Serialize;

use super::Reason;

/// What became of a value that the target cannot express exactly.
///
/// The names are stable: they are metric labels and appear in the loss header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LossKind {
    /// The response depends on it, so the request is refused with a 400.
    Refused,
    /// Left out; the response is valid without it.
    Dropped,
    /// Sent as the nearest equivalent that the target has.
    Approximated,
    /// Left out, and the client cannot observe that: it was a hint for caching or speed.
    Ignored,
}

impl LossKind {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Dropped => "dropped",
            Self::Approximated => "approximated",
            Self::Ignored => "ignored",
        }
    }
}

/// What a route does about the losses of a request that is not refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLoss {
    /// Dropped and approximated values are logged.
    Ignore,
    /// They are also listed in a header of the response.
    #[default]
    Warn,
    /// The request is refused with a 400 that lists them all.
    Error,
}

impl OnLoss {
    /// All policies.
    pub const ALL: [Self; 3] = [Self::Ignore, Self::Warn, Self::Error];

    /// Its name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// The policy of a name.
    ///
    /// # Errors
    /// An unknown name; the message lists the known ones.
    pub fn parse(name: &str) -> Result<Self, &'static str> {
        let found = Self::ALL.into_iter().find(|policy| policy.as_str() == name);
        found.ok_or("is not one of ignore, warn, error")
    }
}

/// One entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// What became of it.
    pub kind: LossKind,
    /// JSON path of the value in the document that was read, such as `messages[3].content[0].source`.
    pub path: String,
    /// Why it could not be carried over.
    pub reason: Reason,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.kind.as_str(), self.path, self.reason)
    }
}

/// The ledger in which every reader and writer records its losses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Losses {
    entries: Vec<Loss>,
}

impl Losses {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records an entry; the same path, kind and reason are recorded once.
    pub fn record(&mut self, kind: LossKind, path: impl Into<String>, reason: impl Into<Reason>) {
        let loss = Loss {
            kind,
            path: path.into(),
            reason: reason.into(),
        };
        if !self.entries.contains(&loss) {
            self.entries.push(loss);
        }
    }

    /// All entries, in the order of discovery.
    pub fn entries(&self) -> &[Loss] {
        &self.entries
    }

    /// The entries that forbid sending the request.
    pub fn refused(&self) -> impl Iterator<Item = &Loss> {
        self.entries.iter().filter(|loss| loss.kind == LossKind::Refused)
    }

    /// The entries that are reported to clients: dropped and approximated values.
    pub fn notable(&self) -> impl Iterator<Item = &Loss> {
        self.entries
            .iter()
            .filter(|loss| matches!(loss.kind, LossKind::Dropped | LossKind::Approximated))
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
