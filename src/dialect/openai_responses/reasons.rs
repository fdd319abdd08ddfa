//! Why the Responses API, as client or as upstream, loses a value.

use crate::canonical::reasons;

reasons! {
    /// Why a value is lost in a mapping of the Responses API.
    pub(crate) enum ResponsesReason {
        // A client's request: state at the vendor, and members that no other vendor has.
        /// `access_programs` name contracts with OpenAI.
        AccessPrograms => "programs that only this vendor has",
        /// Conversations, stored prompts and responses in the background exist only at OpenAI; the proxy cannot load them.
        VendorState => "refers to state that only this vendor stores",
        /// Also of an `item_reference`. The response store resolves both before a request is read, if it is configured.
        NoResponseStore => "earlier responses are not stored: `server.response_store` is not configured",
        StoreByConfiguration => "responses are stored only if `server.response_store` is configured",
        BackgroundOptions => "applies only to responses in the background",
        ClientMetadata => "metadata about the client, for its vendor only",
        ContextManagement => "context management is not translated",
        Truncation => "a conversation that is too long is not truncated",
        ImageContext => "a setting of how the vendor keeps images in its context",
        ToolCallLimit => "the number of tool calls cannot be limited",
        /// `prompt_cache_options.prewarm` asks to fill the cache without a response.
        Prewarm => "a request without a response is not supported",

        // A client's input items.
        UnknownRole { role: String } => "the role `{role}` cannot be translated",
        OutputWithoutCall => "the result of a tool call that is not in the history",
        /// The `encrypted_content` of a compaction item is readable only at OpenAI.
        Compaction => "the compacted history is encrypted and only its vendor can read it",
        AdditionalTools => "all tools are sent in full from the start",
        ConfigurationUpdate => "the last setting applies to the whole conversation",

        // A client's content parts.
        ImageWithoutSource => "an image needs `image_url` or `file_id`",
        FileWithoutSource => "a file needs `file_data`, `file_url` or `file_id`",
        FileDetail => "the model decides in which detail it reads pages",
        /// Citations of files and containers name objects at OpenAI.
        VendorCitation => "only citations of web pages can be translated",

        // A client's tools.
        NamespaceDescription => "the namespace is sent as the first part of its tools' names",
        IndirectCallers => "the model must not call this tool directly",
        DeferredLoading => "all tools are sent in full from the start",
        OutputSchema => "tool results have no schema in this API",
        SchemaIsNoObject => "a schema must be an object",
        VendorToolSearch => "all tools are sent in full, so no tool search is needed",
        StoredPagesOnly => "a search of stored pages only is not supported",
        SearchContentTypes => "the vendor determines which kinds of content are searched",

        // A client's reasoning.
        ReasoningContext => "the vendor decides which earlier reasoning the model sees",
        ReasoningMode => "a mode that only this vendor's models have",
        /// A carrier of another version, or a damaged one.
        UnreadableCarrier => "reasoning state in a format of another version of the proxy",

        // A request to an upstream: parameters.

        // A request to an upstream: the conversation.
        /// The API refuses a reasoning item that no item of its turn follows.
        StrandedReasoning => "reasoning without a later item in its turn",
        ForeignReasoning => "this API accepts no reasoning of another vendor",
        ReasoningWithoutState => "reasoning without its encrypted content can only be used by the API that stored it",
        SingleSystem => "this model accepts only one block of instructions",
        SpeakerName => "this API identifies speakers only by their role",
        AssistantIsText => "messages of the assistant can only contain text",

        // A request to an upstream: content parts.
        NoAudio => "audio is not supported",
        MisplacedBlock => "only text, images and documents are allowed here",
        NoCitations => "this API has no citations",
        DocumentAsBlocks => "the blocks of the document are sent in its place",

        // A request to an upstream: tools.
        NoParallelSetting => "this model has no such setting",
        NotStrict => "the upstream does not enforce this schema for arguments",
        UnknownGrammarSyntax => "unknown syntax of a grammar",
        BlockedDomains => "domains can only be allowed, not blocked",

        // Responses.
        UnknownPart { tag: String } => "unknown type `{tag}`",
        ContentNotInResponses => "a response of this API cannot contain this content",
    }
}
