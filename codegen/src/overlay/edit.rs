//! The effect of overlay operations on a schema document.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Positions, UNION};
use crate::SpecError;
use crate::schema::{self, Defs};

pub(super) fn stale(what: &str) -> SpecError {
    SpecError::new(format!("matches nothing: {what}"))
}

/// Splits `Def.property[]` into definition, property and the number of `[]`.
fn split(position: &str) -> (&str, Option<&str>, usize) {
    let path = position.trim_end_matches("[]");
    let steps = (position.len() - path.len()) / 2;
    match path.split_once('.') {
        Some((def, property)) => (def, Some(property), steps),
        None => (path, None, steps),
    }
}

pub(super) fn find<'a>(defs: &'a mut Defs, position: &str) -> Result<&'a mut Value, SpecError> {
    let (def, property, steps) = split(position);
    let mut target = defs
        .get_mut(def)
        .ok_or_else(|| stale(&format!("no definition {def}")))?;
    if let Some(property) = property {
        target = target
            .get_mut("properties")
            .and_then(|properties| properties.get_mut(property))
            .ok_or_else(|| stale(&format!("{def} has no property {property}")))?;
    }
    for _ in 0..steps {
        target = items(target).ok_or_else(|| stale("no array at this position"))?;
    }
    Ok(target)
}

fn items(schema: &mut Value) -> Option<&mut Value> {
    if schema.get("items").is_some() {
        return schema.get_mut("items");
    }
    schema::members_mut(schema)?
        .iter_mut()
        .find_map(|member| member.get_mut("items"))
}

pub(super) fn replace(target: &mut Value, with: Value) -> Result<(), SpecError> {
    if *target == with {
        return Err(stale("it has this value already"));
    }
    *target = with;
    Ok(())
}

pub(super) fn mark(target: &mut Value, key: &str, value: Value) -> Result<(), SpecError> {
    let object = target
        .as_object_mut()
        .ok_or_else(|| stale("not an object schema"))?;
    if object.insert(key.to_owned(), value.clone()) == Some(value) {
        return Err(stale("it has this value already"));
    }
    Ok(())
}

pub(super) fn define(defs: &mut Defs, name: &str, schema: Value) -> Result<(), SpecError> {
    if defs.contains_key(name) {
        return Err(SpecError::new(format!("there is a definition {name} already")));
    }
    defs.insert(name.to_owned(), schema);
    Ok(())
}

pub(super) fn take_equal(defs: &mut Defs, positions: &Positions, name: &str) -> Result<Value, SpecError> {
    let mut taken: Option<Value> = None;
    for position in positions.list() {
        let target = find(defs, position).map_err(|error| error.within(position))?;
        let old = std::mem::replace(target, schema::reference(name));
        match &taken {
            None => taken = Some(old),
            Some(first) if *first == old => {}
            Some(_) => {
                return Err(SpecError::new(format!(
                    "{position} differs from the first position"
                )));
            }
        }
    }
    taken.ok_or_else(|| stale("the list of positions is empty"))
}

pub(super) fn drop_at(defs: &mut Defs, position: &str) -> Result<(), SpecError> {
    let (def, property, _) = split(position);
    if let Some(property) = property {
        let target = defs
            .get_mut(def)
            .ok_or_else(|| stale(&format!("no definition {def}")))?;
        target
            .get_mut("properties")
            .and_then(Value::as_object_mut)
            .and_then(|properties| properties.shift_remove(property))
            .ok_or_else(|| stale(&format!("{def} has no property {property}")))?;
        set_required(target, property, false);
        return Ok(());
    }
    defs.shift_remove(def)
        .ok_or_else(|| stale(&format!("no definition {def}")))?;
    for schema in defs.values_mut() {
        schema::visit_mut(schema, &mut |schema| {
            retain_members(schema, |member| schema::ref_name(member) != Some(def));
        });
    }
    Ok(())
}

/// Filters the members of a union and returns how many were removed. The union stays a union even if one member
/// remains, because clients may still send the others.
fn retain_members(schema: &mut Value, keep: impl Fn(&Value) -> bool) -> usize {
    let Some(members) = schema::members_mut(schema) else {
        return 0;
    };
    let before = members.len();
    members.retain(keep);
    let gone = before - members.len();
    if gone > 0
        && let Some(object) = schema.as_object_mut()
    {
        object.insert(UNION.to_owned(), json!(true));
    }
    gone
}

pub(super) fn add(defs: &mut Defs, position: &str, schema: &Value, required: bool) -> Result<(), SpecError> {
    let (def, property, _) = split(position);
    let Some(property) = property else {
        return define(defs, def, schema.clone());
    };
    let target = defs
        .get_mut(def)
        .ok_or_else(|| stale(&format!("no definition {def}")))?;
    let object = target
        .as_object_mut()
        .ok_or_else(|| stale("not an object schema"))?;
    let properties = object.entry("properties").or_insert_with(|| json!({}));
    let properties = properties
        .as_object_mut()
        .ok_or_else(|| stale("not an object schema"))?;
    if properties.contains_key(property) {
        return Err(SpecError::new(format!("{def} has a property {property} already")));
    }
    properties.insert(property.to_owned(), schema.clone());
    set_required(target, property, required);
    Ok(())
}

pub(super) fn add_variants(target: &mut Value, variants: &[String]) -> Result<(), SpecError> {
    let members = schema::members_mut(target).ok_or_else(|| stale("not a union"))?;
    for variant in variants {
        let member = schema::reference(variant);
        if members.contains(&member) {
            return Err(stale(&format!("{variant} is a member already")));
        }
        members.push(member);
    }
    Ok(())
}

pub(super) fn filter_variants(
    target: &mut Value,
    variants: &[String],
    keep: fn(bool) -> bool,
) -> Result<(), SpecError> {
    let members = schema::members_mut(target).ok_or_else(|| stale("not a union"))?;
    for variant in variants {
        if !members
            .iter()
            .any(|member| schema::ref_name(member) == Some(variant))
        {
            return Err(stale(&format!("{variant} is no member")));
        }
    }
    let listed = |name: &str| variants.iter().any(|variant| variant == name);
    match retain_members(target, |member| {
        schema::ref_name(member).is_none_or(|name| keep(listed(name)))
    }) {
        0 => Err(stale("no member is removed")),
        _ => Ok(()),
    }
}

/// Adds a property to the `required` list or removes it. Returns whether the list changed.
fn set_required(schema: &mut Value, property: &str, required: bool) -> bool {
    let Some(object) = schema.as_object_mut() else {
        return false;
    };
    let list = object.entry("required").or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else {
        return false;
    };
    let before = list.len();
    list.retain(|name| name != property);
    let was_required = list.len() != before;
    if required {
        list.push(json!(property));
    }
    was_required != required
}

fn object_with<'a>(defs: &'a mut Defs, position: &'a str) -> Result<(&'a mut Value, &'a str), SpecError> {
    let (def, property, _) = split(position);
    let property = property.ok_or_else(|| stale("names no property"))?;
    find(defs, position)?;
    let target = defs
        .get_mut(def)
        .ok_or_else(|| stale(&format!("no definition {def}")))?;
    Ok((target, property))
}

pub(super) fn require(defs: &mut Defs, position: &str) -> Result<(), SpecError> {
    let (target, property) = object_with(defs, position)?;
    if set_required(target, property, true) {
        Ok(())
    } else {
        Err(stale("required already"))
    }
}

pub(super) fn relax(defs: &mut Defs, position: &str) -> Result<(), SpecError> {
    let (target, property) = object_with(defs, position)?;
    if set_required(target, property, false) {
        Ok(())
    } else {
        Err(stale("optional already"))
    }
}

pub(super) fn relax_roots(document: &mut Value, roots: &[String]) -> Result<(), SpecError> {
    let all = schema::roots(document)?;
    let mut inside = BTreeSet::new();
    let mut outside = BTreeSet::new();
    for (role, def) in &all {
        let reached = if roots.contains(role) {
            &mut inside
        } else {
            &mut outside
        };
        schema::closure(document, def, reached)?;
    }
    if let Some(missing) = roots.iter().find(|role| !all.contains_key(*role)) {
        return Err(stale(&format!("no root {missing}")));
    }
    let mut changed = false;
    let defs = schema::defs_mut(document)?;
    for name in inside.difference(&outside) {
        let Some(Value::Object(def)) = defs.get_mut(name.as_str()) else {
            continue;
        };
        let constants: BTreeSet<String> = constants(def);
        if let Some(Value::Array(required)) = def.get_mut("required") {
            let before = required.len();
            required.retain(|name| name.as_str().is_some_and(|name| constants.contains(name)));
            changed |= required.len() != before;
        }
    }
    if changed {
        Ok(())
    } else {
        Err(stale("nothing to relax"))
    }
}

/// The properties of an object with only one possible value.
fn constants(object: &Map<String, Value>) -> BTreeSet<String> {
    let properties = object.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .filter(|(_, schema)| {
            schema.get("const").is_some()
                || schema
                    .get("enum")
                    .and_then(Value::as_array)
                    .is_some_and(|values| values.len() == 1)
        })
        .map(|(name, _)| name.clone())
        .collect()
}

pub(super) fn rename(document: &mut Value, from: &str, to: &str) -> Result<(), SpecError> {
    let defs = schema::defs_mut(document)?;
    if defs.contains_key(to) {
        return Err(SpecError::new(format!("there is a definition {to} already")));
    }
    let schema = defs
        .shift_remove(from)
        .ok_or_else(|| stale(&format!("no definition {from}")))?;
    defs.insert(to.to_owned(), schema);
    for schema in defs.values_mut() {
        schema::visit_mut(schema, &mut |schema| {
            if schema::ref_name(schema) == Some(from) {
                *schema = schema::reference(to);
            }
        });
    }
    if let Some(roots) = document.get_mut("roots").and_then(Value::as_object_mut) {
        for root in roots.values_mut().filter(|root| *root == from) {
            *root = json!(to);
        }
    }
    Ok(())
}
