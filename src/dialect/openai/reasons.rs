//! Reasons for losses that both of OpenAI's dialects have.

use crate::canonical::reasons;

reasons! {
    /// Why a value is lost on the way from or to either of OpenAI's dialects.
    pub(crate) enum OpenAiReason {
        // Requests that are read.

        CachingHint => "a caching hint",
        SpeedHint => "a hint for speed",
        /// `user` is deprecated in favor of `safety_identifier`; a request may contain both.
        SupersededUser => "`safety_identifier` stands for it",
        /// The client relies on the policy, and no other vendor has one.
        ModerationBlocks => "no other vendor blocks by this policy",
        ModerationScores => "no other vendor scores by this policy",
        UnknownEffort => "an effort that the translation does not know",
        UnknownVerbosity => "a verbosity that the translation does not know",
        UnknownToolChoice => "a choice that the translation does not know",
        /// The format of a freeform tool's input.
        UnknownToolFormat => "a format that the translation does not know",
        /// RFC 2397: a comma separates the media type from the data.
        DataUrlWithoutComma => "the data: URL has no comma",
        /// The canonical model has media in base64 only.
        DataUrlNotBase64 => "the data: URL is not in base64",

        // Requests that are written: parameters.

        NoOutput => "an answer without any token cannot be asked for",
        OutputLimit { most: u64 } => "this model writes at most {most} tokens",
        LeastOutput { least: u64 } => "the limit is at least {least} tokens",
        NoSampling => "this model takes no sampling parameters",
        TemperatureAndTopP => "this model takes `temperature` or `top_p`, not both",
        /// A sampling parameter of another dialect.
        NoSuchParameter => "the API has no such parameter",
        /// The upstream does not accept stop sequences.
        StopsCutByProxy => "the proxy cuts the answer at stop sequences itself",
        /// OpenAI's models have no thinking that is limited to the time between tool calls.
        ThinkingBetweenTools => "reasoning between tool calls only became low effort",
        NoEffort => "this model takes no reasoning effort",
        NearestEffort { nearest: &'static str } => "this model takes effort `{nearest}` at nearest",
        NoStructuredOutput => "this model is held to JSON, not to a schema",
        /// With `strict`, OpenAI accepts only schemas in which every object is closed and requires all of its properties.
        SchemaNotEnforceable => "the schema is outside the subset that can be enforced",

        // Requests that are written: messages and tools.

        /// Calls and results are paired by the identifier.
        DuplicateCallId => "two tool calls have the same id",
        ResultWithoutCall => "the result of a tool call that is not in the history",
        /// Messages of the assistant are written as plain text.
        CitationsNotSent => "citations are not sent back",
        ForeignServerTool => "calls and results of a vendor's own tools stay with that vendor",
        ForeignFile => "a file in one vendor's store is not known to another",
        UnknownDetail => "a detail that is not known became `auto`",
        SearchResultAsText => "a search result became text",
        /// Neither API has a limit of its own for web searches.
        SearchesNotCounted => "searches are not counted",

        // Responses that are written.

        VendorItem { item: String } => "the vendor's own item `{item}`",
        /// Claude's `pause_turn` and compaction.
        Interrupted => "the vendor interrupted the answer; here that is an end",
    }
}
