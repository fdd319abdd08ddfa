//! Reasons for losses on the way from or to Chat Completions.

use crate::canonical::reasons;

reasons! {
    /// Why Chat Completions, or a server that speaks it, does not carry a value over.
    pub(crate) enum ChatReason {
        // Parameters that are read.

        /// No other dialect produces sound.
        TextOnly => "only text responses are supported",
        /// `n` above 1, or more than one choice in a response.
        OneResponse => "only one choice per request is supported",
        /// `logit_bias` names tokens by their number, which depends on the vendor's tokenizer.
        TokenNumbers => "token numbers differ between vendors",
        /// The client asks with `store` to keep the response.
        NotStored => "other vendors do not store responses",
        /// `max_tokens` is deprecated in favor of `max_completion_tokens`; a request may contain both.
        SupersededLimit => "`max_completion_tokens` is used instead",
        /// `functions` and `function_call` are deprecated in favor of `tools` and `tool_choice`.
        SupersededFunctions => "`tools` is used instead",
        LogprobsNotRequested => "has no effect without `logprobs`",
        FormatWithoutSchema => "a format without a schema is sent as any JSON object",
        /// Padding against eavesdroppers who measure the length of chunks.
        NoPadding => "the proxy does not pad stream events",

        // Parameters that are written.

        /// OpenAI's API reference: up to 4 sequences.
        TooManyStops => "only the first four stop sequences are sent; the API accepts no more",
        NoVerbosity => "this model has no verbosity setting",
        /// The vendor accepts metadata only for responses that it stores.
        MetadataNotStored => "responses are not stored",
        SeedRange => "a seed must be an integer of 64 bits",
        FastestTier => "sent as `fast`, the fastest tier of this API",

        // Tools.

        AllowedToolWithoutName => "the tool has no name",
        /// Servers other than OpenAI's do not accept `allowed_tools`.
        DisallowedToolsLeftOut => "tools outside the allowed ones are not sent",
        ParallelCalls => "this model cannot be limited to one tool call at a time",
        NoBreakpointOnTool => "tool definitions cannot have a cache breakpoint in this API",
        ToolNotStrict => "this model does not enforce the schema of arguments",
        NoWebSearch => "this model does not search the web",
        SearchOfAllDomains => "a search cannot be limited to domains",

        // Messages that are read.

        /// Calls of the deprecated `function_call` have no identifier, so a result is paired by the function's name.
        ResultWithoutFunctionCall => "the result of a function call that is not in the history",
        InstructionsWithName => "instructions cannot have a name",
        EarlierAudio => "audio of an earlier response can only be used by its vendor",
        SupersededReasoning => "`reasoning_content` is used instead",
        /// Only carriers can be traced to the vendor whose state they contain.
        ForeignReasoningState => "reasoning state that this proxy did not make",
        RepeatedFromResponse => "an output-only field that was copied from a response",
        FileNotDataUrl => "file data must be a data: URL",
        FileWithoutData => "the file has no data",

        // Messages that are written.

        MidInstructionsAsUser => "sent as user text in <system-reminder> tags, because this model accepts no instructions within the conversation",
        PhaseHint => "a hint about the purpose of the message",
        /// A trailing message of the assistant, which other vendors continue.
        PrefillAsTurn => "this model does not continue the last message of the assistant (prefill); it responds after it",
        ReasoningNotSent => "this model accepts no reasoning of earlier responses",
        AssistantTextOnly => "messages of the assistant can only contain text and tool calls",
        ResultOfAssistant => "a tool result in a message of the assistant",
        SecondResult => "the tool call has another result already",
        ResultMediaAsUser => "images and documents of the tool result are sent in a user message",
        /// A tool message has no member for it.
        FailureInWords => "this API cannot mark a tool result as failed; the failure is visible only in the text",
        ReasoningOfUser => "only messages of the assistant can contain reasoning",
        CallOfUser => "only messages of the assistant can contain tool calls",
        NestedResult => "a tool result inside another block",
        NoBreakpoints => "this model has no cache breakpoints",
        DocumentCitations => "this API has no citations of documents",
        DocumentAtUrl => "the URL of a document is not fetched",
        DocumentAsParts => "the blocks of the document are sent as parts of the message",
        SearchResultCitations => "this API has no citations of search results",

        // Responses that are read.

        /// Entries of `reasoning_details`, in which routers such as OpenRouter send a vendor's state. `reasoning` contains
        /// their text as well.
        RouterReasoning => "reasoning state of a router is not translated",
        UnknownCall => "unknown kind of tool call",
        /// A streamed call for which no chunk contained a name.
        CallWithoutName => "the tool call has no name",
        UnknownFinish => "unknown finish reason",

        // Responses that are written.

        OneFunctionCall => "`function_call` can only contain one call",
        ResponseTextOnly => "a response of this API can only contain text and tool calls",
    }
}
