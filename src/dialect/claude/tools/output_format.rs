//! The format of a response's text.

use serde_json::Value;

use super::write::{WORDED, Written};
use crate::canonical::{Losses, OutputFormat, Request};
use crate::capability::Capabilities;
use crate::dialect::claude::types::*;
use crate::dialect::shared::json_schema;
use crate::dialect::shared::raw_json::to_raw_json;

/// Writes the format of the answer's text; where the API cannot express the schema, a tool that the model has to call
/// stands for the answer.
pub fn write_format(request: &Request, capabilities: &Capabilities, out: &mut Written, losses: &mut Losses) {
    let schema = match &request.output_format {
        None => return,
        Some(OutputFormat::JsonObject) => {
            losses.drop_field(
                request.fields.output_format,
                "JSON without a schema cannot be asked for",
            );
            return;
        }
        Some(OutputFormat::JsonSchema {
            name: _,
            description: _,
            schema,
            strict: _,
        }) => schema,
    };
    let parsed: Value = serde_json::from_str(schema.get()).unwrap_or_default();
    let native = json_schema::for_claude_output(&parsed).filter(|_| capabilities.structured_output);
    if let Some((schema, worded)) = native {
        if worded {
            losses.approximate(request.fields.output_format, WORDED);
        }
        out.format = Some(JsonOutputFormatParam::new(to_raw_json(&schema)));
        return;
    }
    if !capabilities.forced_tool {
        losses.refuse(
            request.fields.output_format,
            "this schema cannot be expressed for this model",
        );
        return;
    }
    let (fitted, _) = json_schema::for_claude_tool(&parsed);
    let mut name = "json".to_owned();
    while out
        .tools
        .iter()
        .any(|tool| matches!(tool, ToolUnionParam::Custom(tool) if tool.name == name))
    {
        name.push('_');
    }
    let mut tool = ToolParam::new(to_raw_json(&fitted), name.clone());
    tool.description = Some("Answer with the JSON that is asked for.".into());
    let alone = out.tools.is_empty();
    out.tools.push(tool.into());
    out.choice = Some(if alone {
        let mut choice = ToolChoiceToolParam::new(name.clone());
        choice.disable_parallel_tool_use = Some(true);
        choice.into()
    } else {
        ToolChoiceAnyParam {
            disable_parallel_tool_use: Some(true),
            ..ToolChoiceAnyParam::new()
        }
        .into()
    });
    losses.approximate(
        request.fields.output_format,
        "the answer is played with a tool that the model has to call",
    );
    out.json_tool = Some(name);
}
