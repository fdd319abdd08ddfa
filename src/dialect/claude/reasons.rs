//! Reasons for losses in the Messages API's dialect.

use crate::canonical::reasons;

reasons! {
    /// Why a value is lost on its way from or to the Messages API.
    pub(crate) enum ClaudeReason {
        // Members of a client's request that belong to services of the vendor.

        VendorBilling => "billing settings apply only to Anthropic",
        VendorCompaction => "compaction is a service of Anthropic",
        VendorDiagnostics => "diagnostics are a service of Anthropic",
        /// `fallbacks` and `fallback_credit_token`.
        VendorFallback => "model fallback is a service of Anthropic",
        /// `container` and `thread`.
        VendorState => "refers to state that only this vendor stores",
        McpServers => "MCP servers are called by the vendor, and the proxy cannot do that",
        /// `inference_geo`.
        DataResidency => "other vendors cannot guarantee where data is processed",
        ContextEditing => "context management is not translated",
        TaskBudget => "other vendors have no budget for a whole task",
        /// A `cache_control` of the whole request: automatic breakpoints.
        AutomaticCaching => "other vendors cache without being asked",
        /// A member of a `cache_control` besides `type` and `ttl`.
        CacheSetting => "a hint that affects only caching",
        /// The header `anthropic-version` is missing in a request that only changes its envelope.
        MissingVersion => "the missing version is sent as the oldest one",
        UnknownServiceTier => "unknown service tier",
        UnknownEffort { effort: String } => "unknown effort `{effort}`",

        // Instructions and messages of a client's request.

        /// Claude Code's first system block. It would defeat every prompt cache of the upstream.
        Attribution => "Claude Code's attribution line is left out; it changes with every request and would prevent prompt caching",
        EffortOfMessage => "the effort cannot change within a conversation",
        /// An instruction with `clear_at: next_user_message`, and such a message follows it.
        ClearedInstruction => "the instruction applied only until the next message of the user, which is in the history",
        CompactionAsText => "the compacted history is sent as a user message",
        EncryptedCompaction => "the compacted history is encrypted and only its vendor can read it",
        FallbackMarker => "a marker of Anthropic's model fallback",

        // Content blocks.

        /// Other citations point into documents of the request, which no other API has.
        CitationOfNoWebPage => "only citations of web pages can be translated",
        ImageTransformation => "image transformations are not supported",
        ContainerFile => "the file is in the vendor's container, and other vendors cannot read it",
        FileOfAnotherStore => "the file is stored at one vendor, and other vendors cannot read it",
        /// The four types are those of the API's image source.
        ImageType { media_type: String } =>
            "images of type `{media_type}` are not supported; only JPEG, PNG, GIF and WebP are",
        DocumentType { media_type: String } =>
            "documents of type `{media_type}` are not supported; only PDF and text are",
        DocumentContent => "the content of a document can only contain text and images",
        ToolResultContent => "a tool result can only contain text, images and documents",
        Audio => "audio is not supported",
        ForeignServerTool => "calls and results of tools that the vendor runs cannot be sent to another vendor",

        // Tools.

        ToolRemoval => "a tool cannot be removed within a conversation",
        /// A `tool_addition` that names a tool of the list.
        AddedReference => "all tools are sent in full from the start",
        AddedTool => "the tool is sent in full from the start",
        AddedVendorTool => "a tool that the vendor runs cannot be added within a conversation",
        ToolReference => "sent as the name of the tool",
        Toolset => "members of a vendor's toolset cannot be translated",
        ToolSearch => "all tools are sent in full, so no tool search is needed",
        DeferredTool => "all tools are sent in full from the start",
        /// `allowed_callers` without `direct`: only code in the vendor's container may call the tool.
        IndirectTool => "the model must not call this tool directly",
        EagerInput => "a hint that affects only speed",
        InputExamples => "other APIs have no examples of tool inputs",
        /// `response_inclusion` of a web search.
        SearchResponseInclusion => "other vendors have no such setting",
        /// OpenAI's `search_context_size`.
        SearchContextSize => "a hint that affects only cost",
        /// A request that needs a web search, for a model whose host has none.
        NoServerTools => "Bedrock runs no tools on its servers",
        SearchLeftOut => "Bedrock does not search the web; the other tools remain",
        /// `strict` of a tool whose schema the API's structured output does not accept, or for a model without that output.
        UnenforcedArguments => "the upstream does not enforce this schema for arguments",
        SchemaInWords => "constraints that this model cannot enforce are moved into the description",
        SchemaUnionInWords => "a union at the top of the schema is moved into the description",
        UndeclaredTools => "tools that appear only in the history are declared without a schema",
        NoForcedCall => "this model cannot be forced to call a tool",
        ToolSubset => "tools outside the allowed ones are not sent",
        InputIsNoObject => "arguments that are not an object are sent as the member `value` of one",
        InputIsNoJson => "arguments that are not JSON are sent as the member `_raw` of an object",

        // The conversation's shape.

        DuplicateCallId => "two tool calls have the same id",
        ResultWithoutCall => "the result of a tool call that is not in the history",
        SpeakerName => "this API identifies speakers only by their role",
        InstructionAsUserText => "sent as user text in <system-reminder> tags, because this model accepts no instructions within the conversation",
        InstructionAsUserMessage => "sent as a user message, because the conversation has none",
        AssistantBegins => "a user message with a full stop is sent first, because the conversation must begin with the user",
        NoPrefill =>
            "the conversation ends with a message of the assistant, and this model does not continue it (prefill)",

        // Reasoning.

        /// The API refuses thinking that it did not sign.
        UnsignedReasoning => "Anthropic accepts no reasoning without its signature",
        ForeignReasoning => "this API accepts no reasoning state of another vendor",
        /// The signature is a carrier of another version of this proxy.
        UnknownCarrier => "reasoning state in a format of another version of the proxy",
        NoThinking => "this model does not reason",
        NoThinkingBetweenTools => "this model cannot think between tool calls only",
        AlwaysThinks => "this model cannot turn reasoning off; sent as its lowest level of reasoning",
        NearestEffort { nearest: &'static str } => "sent as `{nearest}`, the closest effort that this model accepts",
        ForcedCallExcludesThinking => "this model cannot think and be forced to call a tool in the same request",
        LostThinking =>
            "thinking is turned off, because this model requires the thinking of the last tool call and the client did not send it back",
        NoRoomForThinking => "the output limit leaves no room for thinking",
        ThinkingBudgetCut => "the thinking budget is reduced to the output limit",

        // Other members of a request that is written.

        /// `seed` and the penalties.
        ForeignSampling => "this API has no such parameter",
        NoSampling => "this model accepts no sampling parameters",
        TemperatureWithThinking => "only the temperature 1 is allowed while thinking is on",
        TopKWithThinking => "`top_k` is not allowed while thinking is on",
        TemperatureOrTopP => "this model accepts either `temperature` or `top_p`",
        /// OpenAI's go to 2.
        TemperatureLimit => "reduced to 1, the highest value that this API accepts",
        OutputLimit { limit: u64 } => "reduced to {limit}, the output limit of this model",
        BlankStop => "this API accepts no blank stop sequences",
        JsonWithoutSchema => "this API has no JSON output without a schema",
        UnsupportedSchema => "this model cannot enforce this schema",
        FormatAsTool => "the schema is sent as a tool that the model must call, and its input becomes the response",
        PriorityTier => "sent as the default tier of the account",
        ForeignServiceTier => "this vendor has no such service tier",
        Verbosity => "this API has no verbosity setting",
        LogprobsOfRequest => "this API has no log probabilities",
        CacheKey => "this API caches by content alone",
        Metadata => "metadata is not stored with the response",

        // Responses.

        UnknownStopReason => "unknown finish reason",
        /// A web citation has an encrypted index.
        CitationIndex => "the citation needs an encrypted index that only Anthropic can create",
        LogprobsOfResponse => "a message of this API cannot contain log probabilities",
        ForeignItem { item: String } => "`{item}` items exist only in this vendor's API",
        ContentOfResponse => "a response of this API cannot contain this content",
    }
}
