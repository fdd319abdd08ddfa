//! Why the Responses API, as client or as upstream, loses a value.

use crate::canonical::reasons;

reasons! {
    /// Why a value is lost in a mapping of the Responses API.
    pub(crate) enum ResponsesReason {
        // A client's request: state at the vendor, and members that no other vendor has.
        /// `access_programs` name contracts with OpenAI.
        AccessPrograms => "programs of the vendor's own",
        /// Conversations, stored prompts and responses in the background exist only at OpenAI; the proxy cannot load them.
        VendorState => "state that the vendor holds",
        /// Also of an `item_reference`. The response store resolves both before a request is read, if it is configured.
        NoResponseStore => "earlier answers are not kept here: `server.response_store` in the configuration keeps them",
        StoreByConfiguration => "answers are kept only where `server.response_store` says so",
        BackgroundOptions => "only for answers in the background",
        ClientMetadata => "it tells the vendor of the client",
        ContextManagement => "the context is not edited on the way",
        Truncation => "a conversation that is too long is not cut",
        ImageContext => "how the vendor keeps images in its context",
        ToolCallLimit => "calls are not counted",
        /// `prompt_cache_options.prewarm` asks to fill the cache without a response.
        Prewarm => "a request without an answer cannot be made",
        UnknownServiceTier => "a tier that is not known",

        // A client's input items.
        UnknownRole { role: String } => "the role `{role}` cannot be translated",
        InstructionsAreText => "instructions are text",
        OutputWithoutCall => "an output that answers no call of the history",
        /// The `encrypted_content` of a compaction item is readable only at OpenAI.
        Compaction => "a compacted history that only its vendor can read",
        AdditionalTools => "the tools are available from the start",
        ConfigurationUpdate => "the last update holds for the whole conversation",

        // A client's content parts.
        ImageWithoutSource => "an image needs `image_url` or `file_id`",
        FileWithoutSource => "a file needs `file_data`, `file_url` or `file_id`",
        FileDetail => "how closely pages are looked at is the model's own choice",
        /// Citations of files and containers name objects at OpenAI.
        VendorCitation => "only citations of web pages cross dialects",

        // A client's tools.
        NamespaceDescription => "a namespace becomes the beginning of its tools' names",
        IndirectCallers => "a tool that the model may not call directly",
        DeferredLoading => "every tool is defined from the start",
        OutputSchema => "results are not held to a schema",
        SchemaIsNoObject => "a schema is an object",
        VendorToolSearch => "every tool is defined from the start, so that none has to be searched for",
        StoredPagesOnly => "a search of pages that the vendor has stored already cannot be asked for",
        SearchContentTypes => "the kinds of content that are searched are the vendor's choice",

        // A client's reasoning.
        ReasoningContext => "which turns' reasoning the model sees is the vendor's rule",
        ReasoningMode => "a mode of the vendor's own models",
        /// A carrier of another version, or a damaged one.
        UnreadableCarrier => "reasoning state that this version of the proxy did not make",

        // A request to an upstream: parameters.

        // A request to an upstream: the conversation.
        /// The API refuses a reasoning item that no item of its turn follows.
        StrandedReasoning => "reasoning that nothing of its turn follows",
        ForeignReasoning => "another vendor's reasoning is not taken",
        ReasoningWithoutState => "reasoning without its state is known only where it was stored",
        SingleSystem => "this model takes one text of instructions",
        SpeakerName => "who speaks is told by the role alone",
        AssistantIsText => "the assistant's messages hold text only",

        // A request to an upstream: content parts.
        NoAudio => "audio is not taken",
        MisplacedBlock => "only text, images and documents stand here",
        DocumentContext => "a document has no context of its own",
        NoCitations => "citations cannot be asked for",
        DocumentAsText => "a document of text became text",
        DocumentAsBlocks => "a document of blocks became those blocks",

        // A request to an upstream: tools.
        NoParallelSetting => "this model takes no such setting",
        NotStrict => "arguments are not held to this schema",
        UnknownGrammarSyntax => "a grammar in a syntax that is not known",
        BlockedDomains => "domains can be allowed, not blocked",
        NoForcedTool => "this model cannot be forced to call a tool",

        // Responses.
        UnknownPart { tag: String } => "a part of the unknown type `{tag}`",
        ContentNotInResponses => "content that an answer in this dialect does not hold",
    }
}
