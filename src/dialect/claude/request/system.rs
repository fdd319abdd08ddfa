//! The system prompt.

use crate::canonical::{Losses, Path, SystemBlock as CanonicalSystem, SystemOrigin, Text};
use crate::dialect::claude::content;
use crate::dialect::claude::types::*;
use crate::dialect::shared::legacy::refuse_variant;
use crate::wire::json::LazyStr;

/// How the attribution line of Claude Code begins. It differs in every request and would defeat every prompt cache.
pub const ATTRIBUTION: &str = "x-anthropic-billing-header:";

pub fn read_system(system: Option<SystemPrompt>, losses: &mut Losses) -> Vec<CanonicalSystem> {
    let at = Path::Root.field("system");
    let mut blocks = Vec::new();
    match system {
        None => {}
        Some(SystemPrompt::String(text)) => {
            let text = without_attribution(text, at, losses);
            if !text.is_blank() {
                blocks.push(CanonicalSystem {
                    text,
                    origin: SystemOrigin::Field,
                    cache: None,
                });
            }
        }
        Some(SystemPrompt::Array(list)) => {
            for (index, block) in list.into_iter().enumerate() {
                let at = at.index(index);
                match block {
                    SystemBlock::Text(mut block) => {
                        if index == 0 {
                            block.text = without_attribution(block.text, at, losses);
                        }
                        let Text {
                            text,
                            annotations: _,
                            cache,
                        } = content::read_text(block, &at, losses);
                        if !text.is_blank() {
                            blocks.push(CanonicalSystem {
                                text,
                                origin: SystemOrigin::Block,
                                cache,
                            });
                        }
                    }
                    SystemBlock::Unknown(unknown) => refuse_variant(&unknown, "system block", &at, losses),
                }
            }
        }
    }
    blocks
}

/// The leading instruction without the client's attribution line.
fn without_attribution(text: LazyStr, at: Path<'_>, losses: &mut Losses) -> LazyStr {
    if !text.starts_with(ATTRIBUTION) {
        return text;
    }
    losses.ignore(at, "the client's attribution line, different in every request");
    let (_, rest) = text.split_once('\n').unwrap_or_default();
    rest.trim_start().into()
}

pub fn write_system(system: &[CanonicalSystem], last_is_user: bool) -> Option<SystemPrompt> {
    let system = if last_is_user {
        system.split_last().map_or(system, |(_, rest)| rest)
    } else {
        system
    };
    match system {
        [] => None,
        [
            CanonicalSystem {
                text,
                origin: SystemOrigin::Field,
                cache: None,
            },
        ] => Some(SystemPrompt::String(text.clone())),
        blocks => {
            let blocks = blocks.iter().map(
                |CanonicalSystem {
                     text,
                     origin: _,
                     cache,
                 }| {
                    let cache_control = content::write_cache(*cache);
                    SystemBlock::from(TextBlockParam {
                        cache_control,
                        ..TextBlockParam::new(text)
                    })
                },
            );
            Some(SystemPrompt::Array(blocks.collect()))
        }
    }
}
