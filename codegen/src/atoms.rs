//! Splits a schema into the kinds of values that it allows, independent of the keywords that it uses.

use serde_json::{Map, Value, json};

use crate::schema::{self, Defs};
use crate::{SpecError, overlay};

/// An object type: a definition, or an inline schema.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ObjectSource {
    Def(String),
    Inline(Value),
}

/// The values that a schema allows. References to unions, enums and other non-objects are resolved.
#[derive(Debug, Default)]
pub(crate) struct Atoms {
    pub(crate) any: bool,
    pub(crate) null: bool,
    pub(crate) plain_string: bool,
    pub(crate) strings: Vec<String>,
    pub(crate) integer: bool,
    pub(crate) number: bool,
    pub(crate) boolean: bool,
    /// The schemas of array items.
    pub(crate) arrays: Vec<Value>,
    /// The schemas of map values.
    pub(crate) maps: Vec<Value>,
    pub(crate) free_object: bool,
    pub(crate) objects: Vec<ObjectSource>,
    /// Whether it is a union even if it has only one variant, so that an unknown tag does not fail.
    pub(crate) union: bool,
    pub(crate) tag: Option<String>,
    /// The definition of an object without the tag.
    pub(crate) default: Option<String>,
    pub(crate) opaque: bool,
}

impl Atoms {
    pub(crate) fn of(defs: &Defs, schema: &Value) -> Result<Self, SpecError> {
        let mut atoms = Self::default();
        atoms.add(defs, schema, &mut Vec::new())?;
        Ok(atoms)
    }

    /// Splits a definition. An object definition is one atom, its name.
    pub(crate) fn of_def(defs: &Defs, name: &str) -> Result<Self, SpecError> {
        Self::of(defs, &schema::reference(name))
    }

    pub(crate) fn has_strings(&self) -> bool {
        self.plain_string || !self.strings.is_empty()
    }

    pub(crate) fn has_objects(&self) -> bool {
        self.free_object || !self.maps.is_empty() || !self.objects.is_empty()
    }

    /// The number of allowed JSON kinds, without null.
    pub(crate) fn kinds(&self) -> usize {
        [
            self.has_strings(),
            self.integer || self.number,
            self.boolean,
            !self.arrays.is_empty(),
            self.has_objects(),
        ]
        .into_iter()
        .filter(|allowed| *allowed)
        .count()
    }

    fn add(&mut self, defs: &Defs, schema: &Value, followed: &mut Vec<String>) -> Result<(), SpecError> {
        let Value::Object(keywords) = schema else {
            self.any |= *schema != json!(false);
            return Ok(());
        };
        self.marks(keywords);
        if self.opaque {
            self.any = true;
            return Ok(());
        }
        if keywords.get("nullable") == Some(&json!(true)) {
            self.null = true;
        }
        if keywords.contains_key("$ref") {
            let name = schema::ref_name(schema)
                .ok_or_else(|| SpecError::new(format!("reference not understood: {schema}")))?;
            return self.follow(defs, name, followed);
        }
        if let Some(members) = schema::members(schema) {
            return members
                .iter()
                .try_for_each(|member| self.add(defs, member, followed));
        }
        if let Some(parts) = keywords.get("allOf").and_then(Value::as_array) {
            return match parts.as_slice() {
                [only] => self.add(defs, only, followed),
                parts => {
                    self.push_object(ObjectSource::Inline(merge(defs, parts)?));
                    Ok(())
                }
            };
        }
        if let Some(value) = keywords.get("const") {
            return self.value(value);
        }
        if let Some(values) = keywords.get("enum").and_then(Value::as_array) {
            return values.iter().try_for_each(|value| self.value(value));
        }
        match keywords.get("type") {
            Some(Value::String(kind)) => self.kind(kind, schema),
            Some(Value::Array(kinds)) => kinds
                .iter()
                .filter_map(Value::as_str)
                .try_for_each(|kind| self.kind(kind, schema)),
            None if keywords.contains_key("properties") => self.kind("object", schema),
            _ => {
                self.any = true;
                Ok(())
            }
        }
    }

    fn marks(&mut self, keywords: &Map<String, Value>) {
        self.union |= keywords.contains_key(overlay::UNION);
        self.opaque |= keywords.contains_key(overlay::OPAQUE);
        let text = |key: &str| keywords.get(key).and_then(Value::as_str).map(str::to_owned);
        self.tag = text(overlay::TAG).or(self.tag.take());
        self.default = text(overlay::DEFAULT).or(self.default.take());
    }

    fn follow(&mut self, defs: &Defs, name: &str, followed: &mut Vec<String>) -> Result<(), SpecError> {
        let target = defs
            .get(name)
            .ok_or_else(|| SpecError::new(format!("no definition {name}")))?;
        if is_object(target) {
            self.push_object(ObjectSource::Def(name.to_owned()));
            return Ok(());
        }
        if followed.iter().any(|seen| seen == name) {
            return Ok(());
        }
        followed.push(name.to_owned());
        self.add(defs, target, followed)
    }

    fn push_object(&mut self, object: ObjectSource) {
        if !self.objects.contains(&object) {
            self.objects.push(object);
        }
    }

    fn value(&mut self, value: &Value) -> Result<(), SpecError> {
        match value {
            Value::Null => self.null = true,
            Value::Bool(_) => self.boolean = true,
            Value::Number(number) if number.is_f64() => self.number = true,
            Value::Number(_) => self.integer = true,
            Value::String(text) if self.strings.contains(text) => {}
            Value::String(text) => self.strings.push(text.clone()),
            Value::Array(_) | Value::Object(_) => {
                return Err(SpecError::new(format!("constant not understood: {value}")));
            }
        }
        Ok(())
    }

    fn kind(&mut self, kind: &str, schema: &Value) -> Result<(), SpecError> {
        match kind {
            "null" => self.null = true,
            "string" => self.plain_string = true,
            "integer" => self.integer = true,
            "number" => self.number = true,
            "boolean" => self.boolean = true,
            "array" => {
                let items = schema.get("items").cloned().unwrap_or(json!({}));
                if !self.arrays.contains(&items) {
                    self.arrays.push(items);
                }
            }
            "object" if is_object(schema) => self.push_object(ObjectSource::Inline(schema.clone())),
            "object" => match schema.get("additionalProperties") {
                Some(values @ Value::Object(keywords)) if !keywords.is_empty() => {
                    self.maps.push(values.clone())
                }
                _ => self.free_object = true,
            },
            other => return Err(SpecError::new(format!("type not understood: {other}"))),
        }
        Ok(())
    }
}

/// Whether a schema is an object with listed properties. Other objects are maps or free JSON.
fn is_object(schema: &Value) -> bool {
    schema.get(overlay::OPAQUE).is_none()
        && schema::members(schema).is_none()
        && schema
            .get("properties")
            .and_then(Value::as_object)
            .is_some_and(|properties| !properties.is_empty())
}

/// Merges the parts of an `allOf` into one object.
fn merge(defs: &Defs, parts: &[Value]) -> Result<Value, SpecError> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for part in parts {
        let mut part = part;
        while let Some(name) = schema::ref_name(part) {
            part = defs
                .get(name)
                .ok_or_else(|| SpecError::new(format!("no definition {name}")))?;
        }
        let inner;
        if let Some(parts) = part.get("allOf").and_then(Value::as_array) {
            inner = merge(defs, parts)?;
            part = &inner;
        }
        let own = part.get("properties").and_then(Value::as_object);
        properties.extend(
            own.into_iter()
                .flatten()
                .map(|(name, schema)| (name.clone(), schema.clone())),
        );
        let names = part.get("required").and_then(Value::as_array);
        required.extend(names.into_iter().flatten().cloned());
    }
    Ok(json!({ "type": "object", "properties": properties, "required": required }))
}
