//! The blocks that carry thinking, in requests and responses.

use crate::canonical::{Family, Losses, Opaque, Path, Reasoning};
use crate::dialect::claude::types::*;
use crate::dialect::shared::carrier;
use crate::dialect::shared::legacy::drop_unknown;
use crate::dialect::shared::raw_json::to_raw_json;

/// Reads a thinking block: the vendor's own with its signature, or another vendor's reasoning that a carrier brings back.
pub fn read_thinking(block: ThinkingBlockParam, at: &Path<'_>, losses: &mut Losses) -> Option<Reasoning> {
    let ThinkingBlockParam {
        signature,
        thinking,
        extra,
    } = block;
    drop_unknown(&extra, at, losses);
    let opaque = if carrier::is_carrier(&signature) {
        let Some(opaque) = carrier::decode(&signature) else {
            losses.drop_field(*at, "reasoning state that this version of the proxy did not make");
            return None;
        };
        opaque
    } else {
        let block = serde_json::json!({"type": "thinking", "thinking": thinking, "signature": signature});
        Opaque::new(Family::Claude, to_raw_json(&block))
    };
    let parts = if thinking.is_empty() {
        Vec::new()
    } else {
        vec![thinking]
    };
    Some(Reasoning {
        parts,
        opaque: Some(opaque),
    })
}

/// Reads a redacted thinking block.
pub fn read_redacted(block: RedactedThinkingBlockParam, at: &Path<'_>, losses: &mut Losses) -> Reasoning {
    let RedactedThinkingBlockParam { data, extra } = block;
    drop_unknown(&extra, at, losses);
    let block = serde_json::json!({"type": "redacted_thinking", "data": data});
    Reasoning {
        parts: Vec::new(),
        opaque: Some(Opaque::new(Family::Claude, to_raw_json(&block))),
    }
}

/// Writes reasoning as the vendor's own block. Another vendor's is never sent: its signature would be refused.
pub fn write_block(
    reasoning: &Reasoning,
    path: Path<'static>,
    losses: &mut Losses,
) -> Option<ContentBlockParam> {
    let Reasoning { parts: _, opaque } = reasoning;
    let own = opaque.as_ref().filter(|opaque| opaque.origin == Family::Claude);
    let block = own.and_then(|opaque| serde_json::from_str::<ContentBlockParam>(opaque.json.get()).ok());
    match block {
        Some(block @ (ContentBlockParam::Thinking(_) | ContentBlockParam::RedactedThinking(_))) => {
            Some(block)
        }
        _ => {
            losses.drop_field(path, "reasoning without Anthropic's signature is not taken back");
            None
        }
    }
}

/// Thinking as the vendor sent it, with the exact block that has to come back.
pub fn thinking_block(thinking: String, signature: Option<&str>) -> Reasoning {
    let opaque = signature
        .filter(|signature| !signature.is_empty())
        .map(|signature| {
            let block = serde_json::json!({"type": "thinking", "thinking": thinking, "signature": signature});
            Opaque::new(Family::Claude, to_raw_json(&block))
        });
    let parts = if thinking.is_empty() {
        Vec::new()
    } else {
        vec![thinking.into()]
    };
    Reasoning { parts, opaque }
}

/// The state of a redacted thinking block.
pub fn redacted(data: &str) -> Opaque {
    let block = serde_json::json!({"type": "redacted_thinking", "data": data});
    Opaque::new(Family::Claude, to_raw_json(&block))
}

pub fn write_reasoning(reasoning: &Reasoning) -> ContentBlock {
    let Reasoning { parts: _, opaque } = reasoning;
    if let Some(opaque) = opaque.as_ref().filter(|opaque| opaque.origin == Family::Claude)
        && let Ok(block @ (ContentBlock::Thinking(_) | ContentBlock::RedactedThinking(_))) =
            serde_json::from_str(opaque.json.get())
    {
        return block;
    }
    let signature = opaque
        .as_ref()
        .map_or_else(|| carrier::encode(&carrier::unsigned()), carrier::encode);
    let mut block = ThinkingBlock::new(reasoning.text());
    block.signature = Some(signature);
    block.into()
}

/// What stands for the vendor's state in a thinking block: its own signature, or a carrier.
pub fn signature(opaque: &Opaque) -> String {
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
