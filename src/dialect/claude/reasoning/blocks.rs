//! The blocks that carry thinking.
//!
//! A thinking block has to come back to Anthropic exactly as it was sent: its signature covers it. The canonical model
//! therefore keeps the block's JSON beside the text. Clients of this dialect get another vendor's reasoning state as a
//! carrier, which replaces the signature: clients send signatures back untouched.

use crate::canonical::{Family, Opaque, Reasoning, Scope};
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::types::*;
use crate::dialect::shared::carrier;
use crate::dialect::shared::raw_json::to_raw_json;
use crate::dialect::shared::unknown::drop_unknown;
use crate::wire::json::LazyStr;

/// Reads a thinking block of a request: the vendor's own with its signature, or another vendor's reasoning with a
/// carrier.
/// `None` if the carrier is of a version that this proxy does not know.
pub fn read_thinking(scope: &mut Scope<'_>, block: ThinkingBlockParam) -> Option<Reasoning> {
    let ThinkingBlockParam {
        signature,
        thinking,
        extra,
    } = block;
    drop_unknown(scope, &extra);
    let opaque = if carrier::is_carrier(&signature) {
        let Some(opaque) = carrier::decode(&signature) else {
            scope.drop(ClaudeReason::UnknownCarrier);
            return None;
        };
        opaque
    } else {
        let block = serde_json::json!({"type": "thinking", "thinking": thinking, "signature": signature});
        Opaque::new(Family::Claude, to_raw_json(&block))
    };
    Some(Reasoning {
        parts: parts_of(thinking),
        opaque: Some(opaque),
    })
}

/// Reads a redacted thinking block of a request.
pub fn read_redacted(scope: &mut Scope<'_>, block: RedactedThinkingBlockParam) -> Reasoning {
    let RedactedThinkingBlockParam { data, extra } = block;
    drop_unknown(scope, &extra);
    Reasoning {
        parts: Vec::new(),
        opaque: Some(read_response_redacted(&data)),
    }
}

/// Reads a thinking block of a response. Some servers of this dialect sign nothing; such thinking has no state.
pub fn read_response_thinking(thinking: String, signature: Option<&str>) -> Reasoning {
    let opaque = signature
        .filter(|signature| !signature.is_empty())
        .map(|signature| {
            let block = serde_json::json!({"type": "thinking", "thinking": thinking, "signature": signature});
            Opaque::new(Family::Claude, to_raw_json(&block))
        });
    Reasoning {
        parts: parts_of(thinking.into()),
        opaque,
    }
}

/// Reads the state of a redacted thinking block.
pub fn read_response_redacted(data: &str) -> Opaque {
    let block = serde_json::json!({"type": "redacted_thinking", "data": data});
    Opaque::new(Family::Claude, to_raw_json(&block))
}

/// The API has thinking without text: the client asked not to see it.
fn parts_of(thinking: LazyStr) -> Vec<LazyStr> {
    if thinking.is_empty() {
        Vec::new()
    } else {
        vec![thinking]
    }
}

/// Writes reasoning into a request as the vendor's own block. Another vendor's is never sent: the API would refuse its
/// signature.
pub fn write_request_block(scope: &mut Scope<'_>, reasoning: &Reasoning) -> Option<ContentBlockParam> {
    let Reasoning { parts: _, opaque } = reasoning;
    let own = opaque.as_ref().filter(|opaque| opaque.origin == Family::Claude);
    let block = own.and_then(|opaque| serde_json::from_str::<ContentBlockParam>(opaque.json.get()).ok());
    match block {
        Some(block @ (ContentBlockParam::Thinking(_) | ContentBlockParam::RedactedThinking(_))) => {
            Some(block)
        }
        _ => {
            scope.drop(ClaudeReason::UnsignedReasoning);
            None
        }
    }
}

/// Writes reasoning into a response: the vendor's own block, or another vendor's text with a carrier as its signature.
pub fn write_response_block(reasoning: &Reasoning) -> ContentBlock {
    let Reasoning { parts: _, opaque } = reasoning;
    if let Some(opaque) = opaque.as_ref().filter(|opaque| opaque.origin == Family::Claude)
        && let Ok(block @ (ContentBlock::Thinking(_) | ContentBlock::RedactedThinking(_))) =
            serde_json::from_str(opaque.json.get())
    {
        return block;
    }
    let signature = opaque.as_ref().map_or_else(
        || carrier::encode(&carrier::unsigned_reasoning()),
        carrier::encode,
    );
    let mut block = ThinkingBlock::new(reasoning.text());
    block.signature = Some(signature);
    block.into()
}

/// Writes the signature of a streamed thinking block: the vendor's own, or a carrier.
pub fn write_signature(opaque: &Opaque) -> String {
    if opaque.origin == Family::Claude
        && let Ok(ContentBlock::Thinking(ThinkingBlock {
            signature: Some(signature),
            ..
        })) = serde_json::from_str(opaque.json.get())
    {
        return signature;
    }
    carrier::encode(opaque)
}
