//! Reasons for losses that both of OpenAI's dialects have.

use crate::canonical::reasons;

reasons! {
    /// Why a value is lost on the way from or to either of OpenAI's dialects.
    pub(crate) enum OpenAiReason {
        // Requests that are read.

        CachingHint => "a hint that affects only caching",
        SpeedHint => "a hint that affects only speed",
        /// `user` is deprecated in favor of `safety_identifier`; a request may contain both.
        SupersededUser => "`safety_identifier` is used instead",
        /// The client relies on the policy, and no other vendor has one.
        ModerationBlocks => "blocking by moderation policy is not available from other vendors",
        ModerationScores => "moderation scores are not available from other vendors",
        UnknownEffort => "unknown effort",
        UnknownVerbosity => "unknown verbosity",
        UnknownToolChoice => "unknown tool choice",
        /// The format of a freeform tool's input.
        UnknownToolFormat => "unknown format",
        /// RFC 2397: a comma separates the media type from the data.
        DataUrlWithoutComma => "the data: URL has no comma",
        /// The canonical model has media in base64 only.
        DataUrlNotBase64 => "the data: URL is not in base64",

        // Requests that are written: parameters.

        NoOutput => "a response without output tokens cannot be requested",
        OutputLimit { most: u64 } => "reduced to {most}, the output limit of this model",
        LeastOutput { least: u64 } => "raised to {least}, the smallest limit that the API accepts",
        NoSampling => "this model accepts no sampling parameters",
        TemperatureAndTopP => "this model accepts either `temperature` or `top_p`",
        /// A sampling parameter of another dialect.
        NoSuchParameter => "this API has no such parameter",
        /// The upstream does not accept stop sequences.
        StopsCutByProxy => "the upstream has no stop sequences; the proxy cuts the response at them",
        /// OpenAI's models have no thinking that is limited to the time between tool calls.
        ThinkingBetweenTools => "reasoning only between tool calls is sent as low effort",
        NoEffort => "this model has no reasoning effort",
        NearestEffort { nearest: &'static str } => "sent as `{nearest}`, the closest effort that this model accepts",
        NoStructuredOutput => "this model supports JSON output, but not a schema for it",
        /// With `strict`, OpenAI accepts only schemas in which every object is closed and requires all of its properties.
        SchemaNotEnforceable => "not strict, because the schema uses more than the subset that OpenAI can enforce",

        // Requests that are written: messages and tools.

        /// Calls and results are paired by the identifier.
        DuplicateCallId => "two tool calls have the same id",
        ResultWithoutCall => "the result of a tool call that is not in the history",
        /// Messages of the assistant are written as plain text.
        CitationsNotSent => "citations of earlier responses are not sent to this API",
        ForeignServerTool => "calls and results of tools that the vendor runs cannot be sent to another vendor",
        ForeignFile => "the file is stored at one vendor, and other vendors cannot read it",
        UnknownDetail => "unknown detail, sent as `auto`",
        SearchResultAsText => "the search result is sent as text",
        /// Neither API has a limit of its own for web searches.
        SearchesNotCounted => "the number of searches cannot be limited",

        // Responses that are written.

        VendorItem { item: String } => "`{item}` items exist only in this vendor's API",
        /// Claude's `pause_turn` and compaction.
        Interrupted => "the vendor paused the response; it is reported as completed",
        UnknownServiceTier => "unknown service tier",
        NoForcedTool => "this model cannot be forced to call a tool",
        InstructionsAreText => "instructions can only contain text",
        DocumentContext => "this API has no context of a document",
        DocumentAsText => "the document is sent as text",
    }
}
