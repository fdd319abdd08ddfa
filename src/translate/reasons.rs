//! Why a translated request loses something that no dialect decides about.

use crate::canonical::reasons;

reasons! {
    /// Why a value is lost between the reader of one dialect and the writer of another.
    pub(crate) enum TranslateReason {
        /// The route is configured without carriers.
        CarriersOff => "this route accepts no reasoning state from clients of another vendor",
        /// A carrier that the client may have forged: it has no mark, or one that another secret made.
        UnmarkedState => "reasoning state without the signature of this proxy",
    }
}
