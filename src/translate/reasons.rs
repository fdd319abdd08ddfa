//! Why a translated request loses something that no dialect decides about.

use crate::canonical::reasons;

reasons! {
    /// Why a value is lost between the reader of one dialect and the writer of another.
    pub(crate) enum TranslateReason {
        /// The route is configured without carriers.
        CarriersOff => "this route takes no reasoning state from foreign clients",
        /// A carrier that the client may have forged: it has no mark, or one that another secret made.
        UnmarkedState => "reasoning state without this proxy's mark",
    }
}
