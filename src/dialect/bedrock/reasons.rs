//! Why a request loses something on its way to or from Bedrock.

use crate::canonical::reasons;

reasons! {
    /// Why a value of a request is lost in this dialect.
    pub(crate) enum BedrockReason {
        // Headers of the service.

        /// The tier of a request that only changes its envelope: the Messages API has other tiers.
        ServiceTierHeader => "a tier of this service's own",
        /// A value of the tier's header that this mapping does not name.
        UnknownTier => "a tier that is not known",
        /// A tier that OpenAI or Anthropic has and Bedrock does not.
        TierOfAnotherVendor => "a tier that this vendor does not have",
        Guardrail => "a guardrail is a promise that another vendor does not make",
        /// Tracing, latency and metadata settings.
        ServiceSetting => "a setting of the service",

        // Members of the envelope.

        /// A beta in a request that is translated: its effect on the body is not known to other dialects.
        VendorBeta => "a feature of the vendor's own API",
        /// A beta that is not in the list of the service's documentation; the service rejects it.
        UnknownBeta => "a beta that Bedrock does not know",
        UserProfile => "a profile that only its own vendor keeps",

        // Members of the body.

        /// The service rejects unknown members.
        UnknownMember => "Bedrock takes no member of this name",
        /// `container`, `mcp_servers` and `thread`.
        ServiceState => "state or servers that only Anthropic's own service has",
        /// `inference_geo`.
        InferenceGeo => "where data stays is decided by the region of the upstream",
        /// A `cache_control` of the whole request.
        RequestCache => "Bedrock caches by the breakpoints of blocks only",
        /// A member of a block's `cache_control` besides `type` and `ttl`.
        CacheSetting => "Bedrock's caches have no such setting",
        /// `service_tier`.
        TierMember => "the tier is a header here",
        NoContextEdits => "no edit that Bedrock knows",
        UnknownContextEdit => "an edit that Bedrock does not know",
        ParallelToolLimit => "Bedrock takes no such limit",
        /// `output_config.format` for a model without structured output.
        UnenforcedFormat => "this model's answers are not held to a schema",

        // Instructions, messages and tools.

        /// Claude Code's first system block. It would change the prefix that the prompt cache is keyed by.
        Attribution => "the client's attribution line, different in every request",
        InstructionsAsUserText => "instructions in the middle became framed text of the user",
        /// `tool_addition` and `tool_removal` blocks of a system message.
        ToolChange => "tools do not change in the middle of a conversation",
        UrlSource => "Bedrock fetches nothing: the content itself has to be sent",
        FileSource => "a file in Anthropic's store is not known to Bedrock",
        ServerTool => "Bedrock runs no tools of its own",
        WebSearchLeftOut => "Bedrock does not search the web; the other tools remain",
        UnenforcedArguments => "arguments are not held to the schema",
        /// `allowed_callers` of a tool.
        AllowedCallers => "Bedrock runs no code that could call tools",
    }
}
