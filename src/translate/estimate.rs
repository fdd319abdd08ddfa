//! A rough number of input tokens.

use crate::canonical::{Block, Request, Tool, ToolInput};

/// Bytes of text that make about one token of English or code.
const BYTES_PER_TOKEN: usize = 4;

/// About as many input tokens as the request's text has. Media count nothing: their price depends on the vendor.
pub fn input_tokens(request: &Request) -> u64 {
    let system: usize = request.system.iter().map(|block| block.text.len()).sum();
    let messages: usize = request
        .messages
        .iter()
        .flat_map(|message| &message.content)
        .map(bytes)
        .sum();
    let tools: usize = request.tools.iter().map(tool_bytes).sum();
    ((system + messages + tools) / BYTES_PER_TOKEN) as u64 + 1
}

fn bytes(block: &Block) -> usize {
    match block {
        Block::Text(text) => text.text.len(),
        Block::Refusal { text } => text.len(),
        Block::Reasoning(reasoning) => reasoning.parts.iter().map(String::len).sum(),
        Block::ToolCall(call) => match &call.input {
            ToolInput::Object { json } => json.get().len(),
            ToolInput::Malformed { text } | ToolInput::Freeform { text } => text.len(),
        },
        Block::ToolResult(result) => result.content.iter().map(bytes).sum(),
        Block::SearchResult(result) => result.content.iter().map(String::len).sum(),
        Block::Image(_) | Block::Document(_) | Block::Audio(_) | Block::ServerTool(_) => 0,
    }
}

fn tool_bytes(tool: &Tool) -> usize {
    match tool {
        Tool::Function(tool) => {
            let schema = tool.parameters.as_ref().map_or(0, |schema| schema.get().len());
            tool.description.as_ref().map_or(0, String::len) + schema
        }
        Tool::Freeform(tool) => tool.description.as_ref().map_or(0, String::len),
        Tool::WebSearch(_) => 0,
    }
}
