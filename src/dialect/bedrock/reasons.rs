//! Why a request loses something on its way to or from Bedrock.

use crate::canonical::reasons;

reasons! {
    /// Why a value of a request is lost in this dialect.
    pub(crate) enum BedrockReason {
        // Headers of the service.

        /// The tier of a request that only changes its envelope: the Messages API has other tiers.
        ServiceTierHeader => "a service tier that only this service has",
        /// A value of the tier's header that this mapping does not name.
        UnknownTier => "unknown service tier",
        /// A tier that OpenAI or Anthropic has and Bedrock does not.
        TierOfAnotherVendor => "this vendor has no such service tier",
        Guardrail => "guardrails are a service of Bedrock, and other vendors do not apply them",
        /// Tracing, latency and metadata settings.
        ServiceSetting => "a setting of the service, not of the model",

        // Members of the envelope.

        /// A beta in a request that is translated: its effect on the body is not known to other dialects.
        VendorBeta => "a feature that only this vendor's API has",
        /// A beta that is not in the list of the service's documentation; the service rejects it.
        UnknownBeta => "Bedrock does not support this beta",
        UserProfile => "user profiles are stored by their vendor only",

        // Members of the body.

        /// The service rejects unknown members.
        UnknownMember => "Bedrock does not accept this member",
        /// `container`, `mcp_servers` and `thread`.
        ServiceState => "needs state or servers that only Anthropic has",
        /// `inference_geo`.
        InferenceGeo => "the region of the upstream determines where data is processed",
        /// A `cache_control` of the whole request.
        RequestCache => "Bedrock caches only by the breakpoints of blocks",
        /// A member of a block's `cache_control` besides `type` and `ttl`.
        CacheSetting => "Bedrock's caches have no such setting",
        /// `service_tier`.
        TierMember => "Bedrock has the service tier in a header",
        NoContextEdits => "Bedrock supports none of these edits",
        UnknownContextEdit => "Bedrock does not support this edit",
        ParallelToolLimit => "Bedrock has no such limit",
        /// `output_config.format` for a model without structured output.
        UnenforcedFormat => "this model does not support a schema for its responses",

        // Instructions, messages and tools.

        /// Claude Code's first system block. It would change the prefix that the prompt cache is keyed by.
        Attribution => "Claude Code's attribution line is left out; it changes with every request and would prevent prompt caching",
        InstructionsAsUserText => "sent as user text in <system-reminder> tags, because this model accepts no instructions within the conversation",
        /// `tool_addition` and `tool_removal` blocks of a system message.
        ToolChange => "tools cannot be changed within a conversation",
        UrlSource => "Bedrock fetches no URLs: send the content itself",
        FileSource => "the file is stored at Anthropic, and Bedrock cannot read it",
        UnenforcedArguments => "the upstream does not enforce the schema for arguments",
        /// `allowed_callers` of a tool.
        AllowedCallers => "Bedrock runs no code that can call tools",
    }
}
