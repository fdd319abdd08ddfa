//! The format of a response's text.

use serde_json::Value;

use super::write::ClaudeTools;
use crate::canonical::{OutputFormat, RawJson, Request, Scope};
use crate::capability::Capabilities;
use crate::dialect::claude::reasons::ClaudeReason;
use crate::dialect::claude::types::*;
use crate::dialect::shared::json_schema;
use crate::dialect::shared::raw_json::to_raw_json;

/// Writes the format of the response's text. If the API's structured output does not accept the schema, the model has
/// to call a tool with that schema, and the call's input becomes the text of the response.
pub fn write_format(
    scope: &mut Scope<'_>,
    request: &Request,
    capabilities: &Capabilities,
    out: &mut ClaudeTools,
) {
    let mut scope = scope.at(request.fields.output_format);
    let schema = match &request.output_format {
        None => return,
        Some(OutputFormat::JsonObject) => return scope.drop(ClaudeReason::JsonWithoutSchema),
        Some(OutputFormat::JsonSchema {
            name: _,
            description: _,
            schema,
            strict: _,
        }) => schema,
    };
    let parsed: Value = serde_json::from_str(schema.get()).unwrap_or_default();
    let native = json_schema::for_claude_output(&parsed).filter(|_| capabilities.structured_output);
    if let Some((schema, is_worded)) = native {
        if is_worded {
            scope.approximate(ClaudeReason::SchemaInWords);
        }
        out.format = Some(JsonOutputFormatParam::new(to_raw_json(&schema)));
    } else if capabilities.forced_tool {
        let (schema, _) = json_schema::for_claude_tool(&parsed);
        add_format_tool(out, to_raw_json(&schema));
        scope.approximate(ClaudeReason::FormatAsTool);
    } else {
        scope.refuse(ClaudeReason::UnsupportedSchema);
    }
}

/// Adds a tool whose input is the response's text. If the client has tools of its own, the model may still call one of
/// those instead, but it has to call one.
fn add_format_tool(out: &mut ClaudeTools, schema: RawJson) {
    let is_taken = |tools: &[ToolUnionParam], name: &str| {
        tools
            .iter()
            .any(|tool| matches!(tool, ToolUnionParam::Custom(tool) if tool.name == name))
    };
    let mut name = "json".to_owned();
    while is_taken(&out.tools, &name) {
        name.push('_');
    }
    let is_alone = out.tools.is_empty();
    let mut tool = ToolParam::new(schema, name.clone());
    tool.description = Some("Answer with the JSON that is asked for.".into());
    out.tools.push(tool.into());
    // A second call could not become a part of the text.
    out.choice = Some(if is_alone {
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
    out.json_tool = Some(name);
}
