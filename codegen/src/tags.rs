//! Finds the property that distinguishes the objects of a union.
//!
//! The search uses the constants in the variants. It ignores `discriminator`, because vendors omit it or use it for
//! unions where it is wrong.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::SpecError;
use crate::atoms::{Atoms, ObjectSource};
use crate::schema::{self, Defs};

/// Properties that are tried first, in this order.
const USUAL: [&str; 4] = ["type", "role", "object", "status"];

/// The tag and the variants of a union, before the variants have names.
#[derive(Debug)]
pub(crate) struct Dispatch {
    pub(crate) tag: String,
    pub(crate) variants: Vec<Candidate>,
    pub(crate) default: Option<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) object: ObjectSource,
    pub(crate) values: Vec<String>,
    required: bool,
}

/// Finds the tag of a union. `None` if no property distinguishes the objects; an error if `forced` does not.
pub(crate) fn detect(
    defs: &Defs,
    objects: &[ObjectSource],
    forced: Option<&str>,
) -> Result<Option<Dispatch>, SpecError> {
    if let Some(tag) = forced {
        return dispatch(defs, objects, tag, true);
    }
    let common = common_properties(defs, objects)?;
    let usual = USUAL.iter().map(|name| (*name).to_owned());
    let candidates: Vec<String> = usual
        .chain(common.into_iter().filter(|name| !USUAL.contains(&name.as_str())))
        .collect();
    for merge in [false, true] {
        for tag in &candidates {
            if let Some(found) = dispatch(defs, objects, tag, merge)? {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

fn body<'a>(defs: &'a Defs, object: &'a ObjectSource) -> Result<&'a Value, SpecError> {
    match object {
        ObjectSource::Inline(schema) => Ok(schema),
        ObjectSource::Def(name) => defs
            .get(name)
            .ok_or_else(|| SpecError::new(format!("no definition {name}"))),
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

fn common_properties(defs: &Defs, objects: &[ObjectSource]) -> Result<BTreeSet<String>, SpecError> {
    let mut common: Option<BTreeSet<String>> = None;
    for object in objects {
        let names: BTreeSet<String> = properties(body(defs, object)?)
            .map(|(name, _)| name.clone())
            .collect();
        common = Some(match common {
            None => names,
            Some(before) => before.intersection(&names).cloned().collect(),
        });
    }
    Ok(common.unwrap_or_default())
}

/// The possible values of `tag` in an object; empty if `tag` is any string or absent.
fn candidate(defs: &Defs, object: &ObjectSource, tag: &str) -> Result<Candidate, SpecError> {
    let schema = body(defs, object)?;
    let mut candidate = Candidate {
        object: object.clone(),
        values: Vec::new(),
        required: false,
    };
    let Some(property) = schema
        .get("properties")
        .and_then(|properties| properties.get(tag))
    else {
        return Ok(candidate);
    };
    let atoms = Atoms::of(defs, property)?;
    if !atoms.any && !atoms.plain_string && atoms.kinds() == 1 {
        candidate.values = atoms.strings;
        candidate.required = is_required(schema, tag) && !atoms.null;
    }
    Ok(candidate)
}

fn is_required(schema: &Value, property: &str) -> bool {
    let names = schema.get("required").and_then(Value::as_array);
    names.into_iter().flatten().any(|name| name == property)
}

fn dispatch(
    defs: &Defs,
    objects: &[ObjectSource],
    tag: &str,
    merge: bool,
) -> Result<Option<Dispatch>, SpecError> {
    let mut variants: Vec<Candidate> = Vec::new();
    for object in objects {
        let new = candidate(defs, object, tag)?;
        let shared = variants
            .iter()
            .position(|known| known.values.iter().any(|value| new.values.contains(value)));
        match shared.and_then(|index| variants.get_mut(index)) {
            None => variants.push(new),
            Some(_) if !merge => return Ok(None),
            Some(known) => *known = merged(defs, known, &new)?,
        }
    }
    if merge && !disjoint(&variants) {
        return Ok(None);
    }
    let untagged: Vec<usize> = positions(&variants, |variant| variant.values.is_empty());
    let optional: Vec<usize> = positions(&variants, |variant| {
        !variant.required && !variant.values.is_empty()
    });
    let default = match (untagged.as_slice(), optional.first()) {
        ([], None) => None,
        ([], Some(first)) => Some(*first),
        ([only], _) if variants.len() > 1 => Some(*only),
        _ => return Ok(None),
    };
    Ok(Some(Dispatch {
        tag: tag.to_owned(),
        variants,
        default,
    }))
}

fn positions(variants: &[Candidate], wanted: impl Fn(&Candidate) -> bool) -> Vec<usize> {
    variants
        .iter()
        .enumerate()
        .filter(|(_, variant)| wanted(variant))
        .map(|(index, _)| index)
        .collect()
}

fn disjoint(variants: &[Candidate]) -> bool {
    let mut seen = BTreeSet::new();
    variants
        .iter()
        .flat_map(|variant| &variant.values)
        .all(|value| seen.insert(value))
}

/// Merges two variants into one that accepts the values of both. Needed for variants that share a tag value.
fn merged(defs: &Defs, left: &Candidate, right: &Candidate) -> Result<Candidate, SpecError> {
    let (first, second) = (body(defs, &left.object)?, body(defs, &right.object)?);
    let mut all: Map<String, Value> = properties(first)
        .map(|(name, schema)| (name.clone(), schema.clone()))
        .collect();
    for (name, schema) in properties(second) {
        match all.get_mut(name) {
            None => {
                all.insert(name.clone(), schema.clone());
            }
            Some(known) if known == schema => {}
            Some(known) => *known = json!({ "anyOf": [known.take(), schema] }),
        }
    }
    let required: Vec<&String> = all
        .keys()
        .filter(|name| is_required(first, name) && is_required(second, name))
        .collect();
    let object = ObjectSource::Inline(json!({ "type": "object", "properties": all, "required": required }));
    let mut values = left.values.clone();
    values.extend(
        right
            .values
            .iter()
            .filter(|value| !left.values.contains(value))
            .cloned(),
    );
    Ok(Candidate {
        object,
        values,
        required: left.required && right.required,
    })
}

/// The name of the definition of an object; `None` for an inline schema.
pub(crate) fn def_name(object: &ObjectSource) -> Option<&str> {
    match object {
        ObjectSource::Def(name) => Some(name),
        ObjectSource::Inline(schema) => schema::ref_name(schema),
    }
}
