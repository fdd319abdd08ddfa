//! `response_format`: the form that a response's text must have.

use crate::canonical::{OutputFormat, Scope};
use crate::capability::Capabilities;
use crate::dialect::openai::reasons::OpenAiReason;
use crate::dialect::openai::request::write::{UNNAMED_SCHEMA, is_enforceable};
use crate::dialect::openai_chat::reasons::ChatReason;
use crate::dialect::openai_chat::types::*;
use crate::dialect::shared::json_schema::refuse_unless_object;
use crate::dialect::shared::unknown::{drop_unknown, refuse_variant};

/// Reads a format; `None` for plain text.
pub fn read(scope: &mut Scope<'_>, format: ResponseFormat) -> Option<OutputFormat> {
    match format {
        ResponseFormat::Text(ResponseFormatText { extra }) => {
            drop_unknown(scope, &extra);
            None
        }
        ResponseFormat::JsonObject(ResponseFormatJsonObject { extra }) => {
            drop_unknown(scope, &extra);
            Some(OutputFormat::JsonObject)
        }
        ResponseFormat::JsonSchema(ResponseFormatJsonSchema { json_schema, extra }) => {
            drop_unknown(scope, &extra);
            Some(read_schema(&mut scope.field("json_schema"), json_schema))
        }
        ResponseFormat::Unknown(unknown) => {
            refuse_variant(scope, &unknown, "format");
            None
        }
    }
}

fn read_schema(scope: &mut Scope<'_>, format: JsonSchema) -> OutputFormat {
    let JsonSchema {
        description,
        name,
        schema,
        strict,
        extra,
    } = format;
    drop_unknown(scope, &extra);
    let Some(schema) = schema else {
        scope.approximate(ChatReason::FormatWithoutSchema);
        return OutputFormat::JsonObject;
    };
    refuse_unless_object(&mut scope.field("schema"), Some(&schema));
    OutputFormat::JsonSchema {
        name: Some(name),
        description,
        schema,
        strict,
    }
}

/// Writes a format, as far as this model can be held to it. `scope` is that of the client's field.
pub fn write(scope: &mut Scope<'_>, format: &OutputFormat, capabilities: &Capabilities) -> ResponseFormat {
    let OutputFormat::JsonSchema {
        name,
        description,
        schema,
        strict,
    } = format
    else {
        return ResponseFormatJsonObject::new().into();
    };
    if !capabilities.structured_output {
        scope.approximate(OpenAiReason::NoStructuredOutput);
        return ResponseFormatJsonObject::new().into();
    }
    let mut out = JsonSchema::new(name.as_deref().unwrap_or(UNNAMED_SCHEMA));
    out.description.clone_from(description);
    out.strict = *strict;
    if *strict == Some(true) && !is_enforceable(schema) {
        scope.approximate(OpenAiReason::SchemaNotEnforceable);
        out.strict = Some(false);
    }
    out.schema = Some(schema.clone());
    ResponseFormatJsonSchema::new(out).into()
}
