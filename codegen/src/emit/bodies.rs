//! Struct bodies, as typify makes them.
//!
//! typify is given plain structs only: it cannot be trusted with unions, enums, constants or defaults (all of
//! them are replaced by name before). Its output is read back for field names and types.

use std::collections::BTreeMap;

use schemars::schema::Schema;
use serde_json::{Map, Value, json};
use syn::visit_mut::{self, VisitMut};
use typify::{MapType, TypeSpace, TypeSpaceSettings};

use crate::Error;
use crate::ir::{Ir, Kind, Object, Property, Type};

/// A field of a struct.
pub(super) struct Field {
    pub(super) ident: syn::Ident,
    /// Without the `Option` of an optional field.
    pub(super) ty: syn::Type,
}

/// Fields by name on the wire.
pub(super) type Body = BTreeMap<String, Field>;

/// Stand-ins for what has no schema of its own, and the Rust type that takes their place.
const STAND_INS: [(&str, &str); 3] = [
    ("AnyJson", "rt::RawJson"),
    ("AnyNumber", "rt::Number"),
    ("BulkText", "rt::LazyStr"),
];

/// The bodies of all structs that have fields, by type name.
pub(super) fn bodies(ir: &Ir) -> Result<BTreeMap<String, Body>, Error> {
    let mut settings = TypeSpaceSettings::default();
    settings
        .with_struct_builder(false)
        .with_map_type(MapType::new("rt::Map"));
    let mut definitions: BTreeMap<String, Value> = BTreeMap::new();
    for (name, replacement) in STAND_INS {
        settings.with_replacement(name, replacement, std::iter::empty());
        definitions.insert(name.to_owned(), json!({ "type": "object" }));
    }
    for (name, def) in &ir.defs {
        let schema = match &def.kind {
            Kind::Object(object) if stored(object).next().is_some() => object_schema(object),
            _ => {
                settings.with_replacement(name, name, std::iter::empty());
                json!({ "type": "object" })
            }
        };
        definitions.insert(name.clone(), schema);
    }
    let file = generate(&settings, definitions)?;
    let mut found = BTreeMap::new();
    collect(file.items, &mut found);
    ir.defs
        .iter()
        .filter_map(|(name, def)| match &def.kind {
            Kind::Object(object) => Some((name, object)),
            _ => None,
        })
        .filter(|(_, object)| stored(object).next().is_some())
        .map(|(name, object)| {
            let fields = found
                .remove(name)
                .ok_or_else(|| Error::new(format!("typify made no struct {name}")))?;
            Ok((
                name.clone(),
                body(object, fields).map_err(|error| error.within(name))?,
            ))
        })
        .collect()
}

fn generate(settings: &TypeSpaceSettings, definitions: BTreeMap<String, Value>) -> Result<syn::File, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::new(format!("typify: {error}"));
    let mut schemas = Vec::new();
    for (name, schema) in definitions {
        schemas.push((
            name,
            serde_json::from_value::<Schema>(schema).map_err(|error| failed(&error))?,
        ));
    }
    let mut space = TypeSpace::new(settings);
    space.add_ref_types(schemas).map_err(|error| failed(&error))?;
    syn::parse2(space.to_stream()).map_err(|error| failed(&error))
}

/// The properties that are fields.
fn stored(object: &Object) -> impl Iterator<Item = (&String, &Property)> {
    object
        .properties
        .iter()
        .filter(|(_, property)| property.constant().is_none())
}

fn object_schema(object: &Object) -> Value {
    let properties: Map<String, Value> = stored(object)
        .map(|(name, property)| (name.clone(), schema(&property.ty, true)))
        .collect();
    let required: Vec<&String> = stored(object)
        .filter(|(_, property)| !property.optional())
        .map(|(name, _)| name)
        .collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// Integers are `i64` where a field holds one directly, and numbers as they were written elsewhere.
fn schema(ty: &Type, direct: bool) -> Value {
    let named = |name: &str| json!({ "$ref": format!("#/definitions/{name}") });
    match ty {
        Type::String | Type::Const(_) => json!({ "type": "string" }),
        Type::Text => named("BulkText"),
        Type::Integer if direct => json!({ "type": "integer", "format": "int64" }),
        Type::Integer | Type::Number => named("AnyNumber"),
        Type::Bool => json!({ "type": "boolean" }),
        Type::Any => named("AnyJson"),
        Type::Array(inner) => json!({ "type": "array", "items": schema(inner, false) }),
        Type::Map(inner) => {
            json!({ "type": "object", "additionalProperties": schema(inner, false) })
        }
        Type::Nullable(inner) => json!({ "oneOf": [schema(inner, false), { "type": "null" }] }),
        Type::Ref(name) => named(name),
    }
}

fn collect(items: Vec<syn::Item>, found: &mut BTreeMap<String, syn::Fields>) {
    for item in items {
        match item {
            syn::Item::Struct(item) => {
                found.insert(item.ident.to_string(), item.fields);
            }
            syn::Item::Mod(module) => {
                collect(module.content.map(|(_, items)| items).unwrap_or_default(), found)
            }
            _ => {}
        }
    }
}

fn body(object: &Object, fields: syn::Fields) -> Result<Body, Error> {
    let mut body = Body::new();
    for field in fields {
        let Some(ident) = field.ident else {
            return Err(Error::new("typify made a tuple struct"));
        };
        let name = wire_name(&field.attrs)?.unwrap_or_else(|| ident.to_string());
        let property = object
            .properties
            .get(&name)
            .ok_or_else(|| Error::new(format!("typify made up {name}")))?;
        let mut ty = field.ty;
        Plain.visit_type_mut(&mut ty);
        if property.optional()
            && let Some(inner) = inner_of(&ty, "Option")
        {
            ty = inner;
        }
        if ident == "extra" {
            return Err(Error::new(
                "a property called `extra` clashes with the field for unknown members",
            ));
        }
        body.insert(name, Field { ident, ty });
    }
    if body.len() != stored(object).count() {
        return Err(Error::new("typify lost a property"));
    }
    Ok(body)
}

fn wire_name(attributes: &[syn::Attribute]) -> Result<Option<String>, Error> {
    let mut name = None;
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("serde"))
    {
        attribute
            .parse_nested_meta(|meta| {
                if meta.path.is_ident("rename") {
                    name = Some(meta.value()?.parse::<syn::LitStr>()?.value());
                } else if meta.input.peek(syn::Token![=]) {
                    meta.value()?.parse::<syn::Expr>()?;
                }
                Ok(())
            })
            .map_err(|error| Error::new(format!("typify: {error}")))?;
    }
    Ok(name)
}

/// `T` of `Outer<T>`.
fn inner_of(ty: &syn::Type, outer: &str) -> Option<syn::Type> {
    let syn::Type::Path(path) = ty else {
        return None;
    };
    let last = path
        .path
        .segments
        .last()
        .filter(|segment| segment.ident == outer)?;
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first()? {
        syn::GenericArgument::Type(inner) => Some(inner.clone()),
        _ => None,
    }
}

/// `::std::vec::Vec<T>` to `Vec<T>`, `rt::Map<String, T>` to `rt::Map<T>`.
struct Plain;

impl VisitMut for Plain {
    fn visit_type_path_mut(&mut self, path: &mut syn::TypePath) {
        visit_mut::visit_type_path_mut(self, path);
        if path.path.leading_colon.is_some()
            && let Some(last) = path.path.segments.last().cloned()
        {
            path.path = last.into();
        }
        let Some(last) = path.path.segments.last_mut().filter(|last| last.ident == "Map") else {
            return;
        };
        if let syn::PathArguments::AngleBracketed(arguments) = &mut last.arguments
            && let (Some(value), 2) = (arguments.args.last().cloned(), arguments.args.len())
        {
            arguments.args = std::iter::once(value).collect();
        }
    }
}
