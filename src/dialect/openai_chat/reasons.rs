//! Reasons for losses on the way from or to Chat Completions.

use crate::canonical::reasons;

reasons! {
    /// Why Chat Completions, or a server that speaks it, does not carry a value over.
    pub(crate) enum ChatReason {
        // Parameters that are read.

        /// No other dialect produces sound.
        TextOnly => "answers are text",
        /// `n` above 1, or more than one choice in a response.
        OneResponse => "one answer to a request",
        /// `logit_bias` names tokens by their number, which depends on the vendor's tokenizer.
        TokenNumbers => "no token has the same number elsewhere",
        /// The client asks with `store` to keep the response.
        NotStored => "answers are stored by nobody else",
        /// `max_tokens` is deprecated in favor of `max_completion_tokens`; a request may contain both.
        SupersededLimit => "`max_completion_tokens` stands for it",
        /// `functions` and `function_call` are deprecated in favor of `tools` and `tool_choice`.
        SupersededFunctions => "`tools` stands for it",
        LogprobsNotRequested => "without `logprobs` it asks for nothing",
        FormatWithoutSchema => "a format without a schema is any JSON object",
        UnknownTier => "a tier that the translation does not know",
        /// Padding against eavesdroppers who measure the length of chunks.
        NoPadding => "chunks are not padded",

        // Parameters that are written.

        /// OpenAI's API reference: up to 4 sequences.
        TooManyStops => "only four stop sequences are taken",
        NoVerbosity => "this model has no verbosity",
        /// The vendor accepts metadata only for responses that it stores.
        MetadataNotStored => "answers are not stored",
        SeedRange => "a seed is a whole number of 64 bits",
        FastestTier => "the fastest tier here is `fast`",

        // Tools.

        AllowedToolWithoutName => "a tool without a name",
        CannotForceCalls => "this model cannot be made to call a tool",
        /// Servers other than OpenAI's do not accept `allowed_tools`.
        DisallowedToolsLeftOut => "tools that may not be called were left out",
        ParallelCalls => "this model may call several tools at once",
        NoBreakpointOnTool => "a definition takes no cache breakpoint here",
        ToolNotStrict => "this model does not hold arguments to their schema",
        NoWebSearch => "this model does not search the web",
        SearchOfAllDomains => "a search is not confined to domains",

        // Messages that are read.

        /// Calls of the deprecated `function_call` have no identifier, so a result is paired by the function's name.
        ResultWithoutFunctionCall => "the result of a function call that is not in the history",
        InstructionsWithMedia => "instructions hold nothing but text",
        InstructionsWithName => "instructions have no author",
        EarlierAudio => "an earlier answer's sound stays with its vendor",
        SupersededReasoning => "`reasoning_content` stands for it",
        /// Only carriers can be traced to the vendor whose state they contain.
        ForeignReasoningState => "reasoning state that this proxy did not make",
        RepeatedFromResponse => "repeated from an answer",
        FileNotDataUrl => "file data has to be a data: URL",
        FileWithoutData => "a file without data",

        // Messages that are written.

        MidInstructionsAsUser => "instructions in the middle became framed text of the user",
        PhaseHint => "a hint of what the message is for",
        /// A trailing message of the assistant, which other vendors continue.
        PrefillAsTurn => "the beginning of an answer is taken for a finished turn",
        ReasoningNotSent => "this model takes no reasoning back",
        AssistantTextOnly => "messages of the assistant hold text and calls only",
        ResultOfAssistant => "a tool result in a message of the assistant",
        SecondResult => "the second result of a tool call",
        ResultMediaAsUser => "what a tool returned besides text became a message of the user",
        /// A tool message has no member for it.
        FailureInWords => "a failure is told in words only",
        ReasoningOfUser => "reasoning is the assistant's",
        CallOfUser => "a tool call is the assistant's",
        NestedResult => "a tool result inside another block",
        NoBreakpoints => "this model takes no cache breakpoints",
        DocumentContext => "a document has no context here",
        DocumentCitations => "citations of documents cannot be asked for",
        DocumentAtUrl => "a document at an address is not fetched",
        DocumentAsText => "a text document became text",
        DocumentAsParts => "a document's blocks became parts of the message",
        SearchResultCitations => "citations of search results cannot be asked for",

        // Responses that are read.

        /// Entries of `reasoning_details`, in which routers such as OpenRouter send a vendor's state. `reasoning` contains
        /// their text as well.
        RouterReasoning => "a router's state of the reasoning is not carried",
        UnknownCall => "a kind of call that the translation does not know",
        /// A streamed call for which no chunk contained a name.
        CallWithoutName => "a call without a name",
        UnknownFinish => "a reason that the translation does not know",

        // Responses that are written.

        OneFunctionCall => "`function_call` holds one call",
        ResponseTextOnly => "an answer holds text and calls only",
    }
}
