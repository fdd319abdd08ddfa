//! The system prompt.

use crate::canonical::{Scope, SystemBlock as CanonicalSystem, SystemOrigin, Text};
use crate::dialect::claude::content;
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::types::*;
use crate::dialect::shared::unknown::refuse_variant;
use crate::wire::json::LazyStr;

/// How the attribution line begins that Claude Code puts before its system prompt.
///
/// The rest of the line differs in every request: with it, no prompt cache of an upstream would ever be hit.
pub const ATTRIBUTION: &str = "x-anthropic-billing-header:";

/// The tags around instructions and summaries within a user's text, as Claude Code writes them.
pub const REMINDER: [&str; 2] = ["<system-reminder>", "</system-reminder>"];

/// Reads the system prompt. Blank texts are left out: they instruct nothing, and the Messages API refuses them.
pub fn read(scope: &mut Scope<'_>, system: Option<SystemPrompt>) -> Vec<CanonicalSystem> {
    let mut blocks = Vec::new();
    match system {
        None => {}
        Some(SystemPrompt::String(text)) => {
            let text = remove_attribution(scope, text);
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
                let scope = &mut scope.index(index);
                match block {
                    SystemBlock::Text(mut block) => {
                        if index == 0 {
                            block.text = remove_attribution(scope, block.text);
                        }
                        let Text {
                            text,
                            annotations: _,
                            cache,
                        } = content::read_text(scope, block);
                        if !text.is_blank() {
                            blocks.push(CanonicalSystem {
                                text,
                                origin: SystemOrigin::Block,
                                cache,
                            });
                        }
                    }
                    SystemBlock::Unknown(unknown) => refuse_variant(scope, &unknown, "system block"),
                }
            }
        }
    }
    blocks
}

/// The first instruction without the client's attribution line.
fn remove_attribution(scope: &mut Scope<'_>, text: LazyStr) -> LazyStr {
    if !text.starts_with(ATTRIBUTION) {
        return text;
    }
    scope.ignore(ClaudeReason::Attribution);
    let (_, rest) = text.split_once('\n').unwrap_or_default();
    rest.trim_start().into()
}

/// Writes the system prompt: as a string if the client sent one, else as blocks, one for each instruction. Joining them
/// would change the text before a cache breakpoint when one of them grows.
pub fn write(system: &[CanonicalSystem]) -> Option<SystemPrompt> {
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
