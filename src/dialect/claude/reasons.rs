//! Reasons for losses in the Messages API's dialect.

use crate::canonical::reasons;

reasons! {
    /// Why a value is lost on its way from or to the Messages API.
    pub(crate) enum ClaudeReason {
        // Members of a client's request that belong to services of the vendor.

        VendorBilling => "the vendor's own billing",
        VendorCompaction => "the vendor's own compaction",
        VendorDiagnostics => "the vendor's own diagnostics",
        /// `fallbacks` and `fallback_credit_token`.
        VendorFallback => "the vendor's own fallback",
        /// `container` and `thread`.
        VendorState => "state that the vendor holds",
        McpServers => "servers that the vendor connects to",
        /// `inference_geo`.
        DataResidency => "where data stays is a promise that another vendor does not make",
        ContextEditing => "the context is not edited on the way",
        TaskBudget => "a budget for a whole task",
        /// A `cache_control` of the whole request: automatic breakpoints.
        AutomaticCaching => "other vendors cache by themselves",
        /// A member of a `cache_control` besides `type` and `ttl`.
        CacheSetting => "a caching hint",
        /// The header `anthropic-version` is missing in a request that only changes its envelope.
        MissingVersion => "a missing version is read as the oldest",
        UnknownServiceTier => "a tier that is not known",
        UnknownEffort { effort: String } => "the effort `{effort}` is not known",

        // Instructions and messages of a client's request.

        /// Claude Code's first system block. It would defeat every prompt cache of the upstream.
        Attribution => "the client's attribution line, different in every request",
        EffortOfMessage => "effort cannot change in the middle of a conversation",
        /// An instruction with `clear_at: next_user_message`, and such a message follows it.
        ClearedInstruction => "an instruction that held until the user's next message",
        CompactionAsText => "a compacted history became a message of the user",
        EncryptedCompaction => "a compacted history that only its vendor can read",
        FallbackMarker => "a marker of the vendor's own fallback",

        // Content blocks.

        /// Other citations point into documents of the request, which no other API has.
        CitationOfNoWebPage => "only citations of web pages cross dialects",
        ImageTransformation => "images are not transformed",
        ContainerFile => "a file in the vendor's container is not portable",
        FileOfAnotherStore => "a file in one vendor's store is not known to another",
        /// The four types are those of the API's image source.
        ImageType { media_type: String } =>
            "images of type `{media_type}` are not taken, only JPEG, PNG, GIF and WebP",
        DocumentType { media_type: String } =>
            "documents of type `{media_type}` are not taken, only PDF and text",
        DocumentContent => "a document's content holds text and images only",
        ToolResultContent => "a tool's result holds text, images and documents only",
        Audio => "audio is not taken",
        ForeignServerTool => "calls and results of a vendor's own tools stay with that vendor",

        // Tools.

        ToolRemoval => "a tool cannot be taken away in the middle of a conversation",
        /// A `tool_addition` that names a tool of the list.
        AddedReference => "every declared tool is available from the start",
        AddedTool => "the tool is available from the start",
        AddedVendorTool => "a vendor's own tool cannot be added in the middle of a conversation",
        ToolReference => "a reference to a tool became its name",
        Toolset => "a member of a vendor's toolset",
        ToolSearch => "every tool is defined from the start, so that none has to be searched for",
        DeferredTool => "every tool is defined from the start",
        /// `allowed_callers` without `direct`: only code in the vendor's container may call the tool.
        IndirectTool => "a tool that the model may not call directly",
        EagerInput => "a hint for speed",
        InputExamples => "examples of inputs",
        /// `response_inclusion` of a web search.
        SearchResponseInclusion => "not known elsewhere",
        /// OpenAI's `search_context_size`.
        SearchContextSize => "a hint for cost",
        /// A request that needs a web search, for a model whose host has none.
        NoServerTools => "Bedrock runs no tools of its own",
        SearchLeftOut => "Bedrock does not search the web; the other tools remain",
        /// `strict` of a tool whose schema the API's structured output does not accept, or for a model without that output.
        UnenforcedArguments => "arguments are not held to this schema",
        SchemaInWords => "constraints of the schema that cannot be enforced became words",
        SchemaUnionInWords => "a union at the top of the schema became words",
        UndeclaredTools => "tools that the history calls were declared without a schema",
        NoForcedCall => "this model cannot be forced to call a tool",
        ToolSubset => "the tools outside of the allowed ones were left out",
        InputIsNoObject => "arguments that are no object were wrapped in one, as `value`",
        InputIsNoJson => "arguments that are no JSON were wrapped in an object, as `_raw`",

        // The conversation's shape.

        DuplicateCallId => "two tool calls have the same id",
        ResultWithoutCall => "the result of a tool call that is not in the history",
        SpeakerName => "who speaks is told by the role alone",
        InstructionAsUserText => "instructions in the middle became framed text of the user",
        InstructionAsUserMessage => "without a user's message, the last instruction became one",
        AssistantBegins => "a conversation has to begin with its user; a full stop was put there",
        NoPrefill =>
            "the conversation ends with the assistant, and this model does not continue such a prefill",

        // Reasoning.

        /// The API refuses thinking that it did not sign.
        UnsignedReasoning => "reasoning without Anthropic's signature is not taken back",
        ForeignReasoning => "another vendor's reasoning state is not taken",
        /// The signature is a carrier of another version of this proxy.
        UnknownCarrier => "reasoning state that this version of the proxy did not make",
        NoThinking => "this model does not reason",
        NoThinkingBetweenTools => "this model cannot think between tool calls only",
        AlwaysThinks => "this model cannot stop reasoning; it is asked for as little as it offers",
        NearestEffort { nearest: &'static str } => "this model takes effort `{nearest}` at nearest",
        ForcedCallExcludesThinking => "a forced tool call and thinking exclude each other on this model",
        LostThinking =>
            "the last tool call's turn came back without its thinking, which this model demands",
        NoRoomForThinking => "the output limit leaves no room for thinking",
        ThinkingBudgetCut => "the thinking budget was cut to the output limit",

        // Other members of a request that is written.

        /// `seed` and the penalties.
        ForeignSampling => "not taken by this dialect",
        NoSampling => "this model takes no sampling parameters",
        TemperatureWithThinking => "thinking allows no temperature but 1",
        TopKWithThinking => "thinking allows no top_k",
        TemperatureOrTopP => "this model takes either temperature or top_p",
        /// OpenAI's go to 2.
        TemperatureLimit => "cut to 1, the most that is taken",
        OutputLimit { limit: u64 } => "cut to the model's limit of {limit} tokens",
        BlankStop => "blank stop sequences are not taken",
        JsonWithoutSchema => "JSON without a schema cannot be asked for",
        UnsupportedSchema => "this schema cannot be expressed for this model",
        FormatAsTool => "the answer is played with a tool that the model has to call",
        PriorityTier => "the account's own tier is used",
        ForeignServiceTier => "a tier that this vendor does not have",
        Verbosity => "verbosity cannot be asked for",
        LogprobsOfRequest => "log probabilities are not given",
        CacheKey => "caching follows the content alone",
        Metadata => "nothing is stored with the answer",

        // Responses.

        UnknownStopReason => "a reason that the translation does not know",
        /// A web citation has an encrypted index.
        CitationIndex => "a citation needs an index that only Anthropic can make",
        LogprobsOfResponse => "log probabilities have no place in a message",
        ForeignItem { item: String } => "the vendor's own item `{item}`",
        ContentOfResponse => "content that an answer in this dialect does not hold",
    }
}
