//! `text.format`: the format that the text of a response has to have.

use crate::canonical::{FieldNames, OutputFormat, Scope};
use crate::capability::Capabilities;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai::request::write::{UNNAMED_SCHEMA, is_enforceable};
use crate::dialect::openai_responses::tools;
use crate::dialect::openai_responses::types::*;
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};

/// Reads a format. `None` is plain text, the default.
pub fn read_format(scope: &mut Scope<'_>, format: TextFormatParam) -> Option<OutputFormat> {
    match format {
        TextFormatParam::Text(ResponseFormatTextParam { extra }) => {
            drop_unknown(scope, &extra);
            None
        }
        TextFormatParam::JsonObject(ResponseFormatJsonObjectParam { extra }) => {
            drop_unknown(scope, &extra);
            Some(OutputFormat::JsonObject)
        }
        TextFormatParam::JsonSchema(format) => {
            let JsonSchemaFormatParam {
                description,
                name,
                schema,
                strict,
                extra,
            } = format;
            drop_unknown(scope, &extra);
            tools::refuse_schema_unless_object(&mut scope.field("schema"), &schema);
            Some(OutputFormat::JsonSchema {
                name: Some(name),
                description,
                schema,
                strict,
            })
        }
        TextFormatParam::Unknown(unknown) => {
            refuse_variant(scope, &unknown, "text format");
            None
        }
    }
}

/// Writes a format, as far as this model can be held to it.
pub(super) fn write_format(
    scope: &mut Scope<'_>,
    format: &OutputFormat,
    fields: &FieldNames,
    capabilities: &Capabilities,
) -> TextFormatParam {
    let OutputFormat::JsonSchema {
        name,
        description,
        schema,
        strict,
    } = format
    else {
        return ResponseFormatJsonObjectParam::new().into();
    };
    if !capabilities.structured_output {
        scope
            .at(fields.output_format)
            .approximate(OpenAiReason::NoStructuredOutput);
        return ResponseFormatJsonObjectParam::new().into();
    }
    let mut out = JsonSchemaFormatParam::new(name.as_deref().unwrap_or(UNNAMED_SCHEMA), schema.clone());
    out.description.clone_from(description);
    out.strict = Some(match strict {
        // Without the flag, the client's dialect always holds a response to its schema, as strict does here. The API
        // refuses a strict schema outside of its subset, so it is sent as a hint.
        Some(true) | None if !is_enforceable(schema) => {
            scope
                .at(fields.output_format)
                .approximate(OpenAiReason::SchemaNotEnforceable);
            false
        }
        Some(true) | None => true,
        Some(false) => false,
    });
    out.into()
}
