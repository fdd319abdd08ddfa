//! The members of the body, `context_management` and `output_config`.

use super::super::reasons::BedrockReason;
use super::{CLEARING, COMPACTION, Sanitizer, Verdict, has_elements, type_of};
use crate::canonical::Scope;
use crate::wire::splice::{JsonKind, ScanError, SpliceNode};

/// Members of the body that Bedrock accepts.
const ACCEPTED: [&str; 14] = [
    "context_management",
    "max_tokens",
    "messages",
    "metadata",
    "output_config",
    "safeguards",
    "stop_sequences",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];

/// Edits of the context that Bedrock accepts, each with the beta that it needs.
const CONTEXT_EDITS: [(&str, &str); 2] = [
    ("compact_20260112", COMPACTION),
    ("clear_tool_uses_20250919", CLEARING),
];

impl Sanitizer<'_> {
    /// Sanitizes a member of the body.
    pub(super) fn sanitize_member(
        &mut self,
        scope: &mut Scope<'_>,
        key: &str,
        value: &SpliceNode<'_>,
    ) -> Result<Verdict, ScanError> {
        match key {
            // They are in the URL.
            "model" | "stream" => return Ok(Verdict::Remove),
            "container" | "mcp_servers" | "thread" => {
                if value.kind() == JsonKind::Object
                    || value.kind() == JsonKind::String
                    || has_elements(value)?
                {
                    scope.refuse(BedrockReason::ServiceState);
                }
                return Ok(Verdict::Remove);
            }
            "inference_geo" => {
                if value.kind() != JsonKind::Null {
                    scope.refuse(BedrockReason::InferenceGeo);
                }
                return Ok(Verdict::Remove);
            }
            "cache_control" => {
                scope.ignore(BedrockReason::RequestCache);
                return Ok(Verdict::Remove);
            }
            "service_tier" => {
                scope.ignore(BedrockReason::TierMember);
                return Ok(Verdict::Remove);
            }
            _ if !ACCEPTED.contains(&key) => {
                if value.kind() != JsonKind::Null {
                    scope.drop(BedrockReason::UnknownMember);
                }
                return Ok(Verdict::Remove);
            }
            "context_management" => return self.sanitize_context_management(scope, value),
            "output_config" => return self.sanitize_output_config(scope, value),
            "system" if value.kind() == JsonKind::Array => self.sanitize_system(scope, value)?,
            "messages" if value.kind() == JsonKind::Array => self.sanitize_messages(scope, value)?,
            "tools" if value.kind() == JsonKind::Array => self.sanitize_tools(scope, value)?,
            "tool_choice" if value.kind() == JsonKind::Object && !self.capabilities.parallel_tool_calls => {
                let name = "disable_parallel_tool_use";
                if value.get(name)?.is_some_and(|set| set.raw() == b"true") {
                    scope.field(name).drop(BedrockReason::ParallelToolLimit);
                }
                self.splices.retain_members(value, |key, _| key != name)?;
            }
            _ => {}
        }
        Ok(Verdict::Keep)
    }

    /// Keeps the edits that Bedrock knows. Without any of them, the member is removed, and its beta with it.
    fn sanitize_context_management(
        &mut self,
        scope: &mut Scope<'_>,
        value: &SpliceNode<'_>,
    ) -> Result<Verdict, ScanError> {
        if value.kind() != JsonKind::Object {
            return Ok(Verdict::Remove);
        }
        let edits = value
            .get("edits")?
            .filter(|edits| edits.kind() == JsonKind::Array);
        let Some(edits) = edits else {
            scope.drop(BedrockReason::NoContextEdits);
            return Ok(Verdict::Remove);
        };
        let mut is_known = Vec::new();
        let mut list = scope.field("edits");
        for (index, edit) in edits.elements()?.enumerate() {
            let kind = type_of(&edit?)?;
            let known = CONTEXT_EDITS.iter().find(|(name, _)| *name == kind);
            match known {
                Some((_, beta)) => self.require_beta(beta),
                None => list.index(index).drop(BedrockReason::UnknownContextEdit),
            }
            is_known.push(known.is_some());
        }
        if !is_known.contains(&true) {
            return Ok(Verdict::Remove);
        }
        let stays = |index: usize| is_known.get(index).copied().unwrap_or_default();
        self.splices.retain_elements(&edits, |index, _| stays(index))?;
        Ok(Verdict::Keep)
    }

    /// Keeps the effort, and the format if the model enforces it.
    fn sanitize_output_config(
        &mut self,
        scope: &mut Scope<'_>,
        value: &SpliceNode<'_>,
    ) -> Result<Verdict, ScanError> {
        if value.kind() != JsonKind::Object {
            return Ok(Verdict::Remove);
        }
        let has_formats = self.capabilities.structured_output;
        let mut kept = 0;
        for member in value.members()? {
            let member = member?;
            let key = member.key.text()?;
            match &*key {
                "effort" => kept += 1,
                "format" if has_formats => kept += 1,
                "format" => scope.field(&key).drop(BedrockReason::UnenforcedFormat),
                _ => scope.field(&key).drop(BedrockReason::UnknownMember),
            }
        }
        if kept == 0 {
            return Ok(Verdict::Remove);
        }
        self.splices.retain_members(value, |key, _| {
            key == "effort" || (key == "format" && has_formats)
        })?;
        Ok(Verdict::Keep)
    }
}
