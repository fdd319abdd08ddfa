//! What a vendor's own schema says of a document.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use llm_proxy::dialect::DialectName;
use llm_proxy_codegen::Spec;
use serde_json::{Map, Value, json};

/// A kind of document of a dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    Request,
    Response,
    Event,
}

type Validators = HashMap<(DialectName, Root), &'static Validator>;

/// Whether a document is what the vendor's schema, corrected by the overlay, describes, without any member that it does
/// not know. The error names the places.
pub fn check(dialect: DialectName, root: Root, document: &Value) -> Result<(), String> {
    if dialect == DialectName::Bedrock {
        return check(DialectName::Claude, root, &out_of_envelope(root, document)?);
    }
    let errors: Vec<String> = validator(dialect, root)
        .iter_errors(document)
        .map(|error| explain(&error))
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(format!("no {root:?} of {dialect}:\n  {}", errors.join("\n  ")))
}

/// A document of Bedrock, as the Messages API has it. The envelope has other members than that of the Messages API.
fn out_of_envelope(root: Root, document: &Value) -> Result<Value, String> {
    let mut inner = document.clone();
    let Some(members) = inner.as_object_mut() else {
        return Ok(inner);
    };
    match root {
        Root::Request => {
            let version = members.remove("anthropic_version");
            if !matches!(
                version.as_ref().and_then(Value::as_str),
                Some("bedrock-2023-05-31" | "2026-10-21")
            ) {
                return Err(format!("no version that Bedrock knows: {version:?}"));
            }
            let betas = members.remove("anthropic_beta").unwrap_or_else(|| json!([]));
            if !betas
                .as_array()
                .is_some_and(|betas| betas.iter().all(Value::is_string))
            {
                return Err(format!("no list of betas: {betas}"));
            }
            if let Some(named) = ["model", "stream"]
                .into_iter()
                .find(|name| members.contains_key(*name))
            {
                return Err(format!("{named} belongs into the URL"));
            }
            members.insert("model".to_owned(), "m".into());
        }
        Root::Event => {
            members.shift_remove("amazon-bedrock-invocationMetrics");
        }
        Root::Response => {}
    }
    Ok(inner)
}

/// The same, for text.
pub fn check_text(dialect: DialectName, root: Root, text: &[u8]) -> Result<(), String> {
    let document = serde_json::from_slice(text).map_err(|error| format!("no JSON: {error}"))?;
    check(dialect, root, &document)
}

fn validator(dialect: DialectName, root: Root) -> &'static Validator {
    static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);
    let mut validators = VALIDATORS.lock().unwrap();
    validators
        .entry((dialect, root))
        .or_insert_with(|| Box::leak(Box::new(build(dialect, root))))
}

fn build(dialect: DialectName, root: Root) -> Validator {
    let folder = super::root().join("specs").join(dialect.as_str());
    let spec = Spec::load(&folder).unwrap_or_else(|error| panic!("{error}"));
    let mut schema = spec.applied().unwrap_or_else(|error| panic!("{error}"));
    let name = schema["roots"][format!("{root:?}")].as_str().unwrap().to_owned();
    let definitions = schema["$defs"].take();
    let mut schema = json!({ "$ref": format!("#/$defs/{name}"), "$defs": definitions });
    match dialect {
        DialectName::OpenAiChat => extend_chat(&mut schema["$defs"]),
        // Responses repeat it.
        DialectName::OpenAiResponses => {
            schema["$defs"]["Response"]["properties"]["store"] = json!({"type": "boolean"});
        }
        DialectName::Claude | DialectName::Bedrock => {}
    }
    close(&mut schema["$defs"]);
    jsonschema::validator_for(&schema).unwrap()
}

/// What the API itself streams and its vendor's types of chunks leave out: citations, and calls of freeform tools.
fn extend_chat(definitions: &mut Value) {
    let delta = &mut definitions["ChoiceDelta"]["properties"];
    delta["annotations"] = json!({"type": "array", "items": {"type": "object"}});
    let call = &mut definitions["ChoiceDeltaToolCall"]["properties"];
    call["type"] = json!({"enum": ["function", "custom"]});
    let text = json!({"type": "string"});
    call["custom"] = json!({"type": "object", "properties": {"name": text, "input": text}});
}

/// Lets an object have no members but those that are described, unless the vendor says otherwise.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if is_object_schema(members) && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// A schema with `properties`, and no list of properties one of which has that name.
fn is_object_schema(members: &Map<String, Value>) -> bool {
    members.get("properties").is_some_and(Value::is_object)
        && members.get("type").is_none_or(|kind| !kind.is_object())
}

/// An error in words; of a union, those of the variant that comes nearest.
fn explain(error: &ValidationError<'_>) -> String {
    if let ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } =
        error.kind()
    {
        let depth = |error: &ValidationError<'_>| error.instance_path().to_string().matches('/').count();
        let nearest = context.iter().min_by_key(|errors| {
            let tag = errors
                .iter()
                .any(|error| matches!(error.kind(), ValidationErrorKind::Constant { .. }));
            let kind = errors
                .iter()
                .any(|error| matches!(error.kind(), ValidationErrorKind::Type { .. }));
            let deepest = errors.iter().map(depth).max().unwrap_or_default();
            (tag, kind, usize::MAX - deepest, errors.len())
        });
        if let Some(errors) = nearest {
            let errors: Vec<String> = errors.iter().map(explain).collect();
            return errors.join("; ");
        }
    }
    let value: String = error.instance().to_string().chars().take(120).collect();
    let reason: String = error.masked().to_string().chars().take(200).collect();
    format!("{}: {reason}: {value}", error.instance_path())
}
