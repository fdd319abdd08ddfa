//! What the operations of an overlay do to a document.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Places, UNION};
use crate::Error;
use crate::schema::{self, Defs};

pub(super) fn stale(what: &str) -> Error {
    Error::new(format!("matches nothing: {what}"))
}

/// Splits `Def.property[]` into its definition, property and number of steps into array items.
fn split(place: &str) -> (&str, Option<&str>, usize) {
    let path = place.trim_end_matches("[]");
    let steps = (place.len() - path.len()) / 2;
    match path.split_once('.') {
        Some((def, property)) => (def, Some(property), steps),
        None => (path, None, steps),
    }
}

pub(super) fn find<'a>(defs: &'a mut Defs, place: &str) -> Result<&'a mut Value, Error> {
    let (def, property, steps) = split(place);
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
        target = items(target).ok_or_else(|| stale("no array there"))?;
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

pub(super) fn replace(target: &mut Value, with: Value) -> Result<(), Error> {
    if *target == with {
        return Err(stale("already so"));
    }
    *target = with;
    Ok(())
}

pub(super) fn mark(target: &mut Value, key: &str, value: Value) -> Result<(), Error> {
    let object = target
        .as_object_mut()
        .ok_or_else(|| stale("not an object schema"))?;
    if object.insert(key.to_owned(), value.clone()) == Some(value) {
        return Err(stale("already so"));
    }
    Ok(())
}

pub(super) fn define(defs: &mut Defs, name: &str, schema: Value) -> Result<(), Error> {
    if defs.contains_key(name) {
        return Err(Error::new(format!("there is a definition {name} already")));
    }
    defs.insert(name.to_owned(), schema);
    Ok(())
}

pub(super) fn take_equal(defs: &mut Defs, places: &Places, name: &str) -> Result<Value, Error> {
    let mut taken: Option<Value> = None;
    for place in places.list() {
        let target = find(defs, place).map_err(|error| error.within(place))?;
        let old = std::mem::replace(target, schema::reference(name));
        match &taken {
            None => taken = Some(old),
            Some(first) if *first == old => {}
            Some(_) => return Err(Error::new(format!("{place} differs from the first place"))),
        }
    }
    taken.ok_or_else(|| stale("no place given"))
}

pub(super) fn drop_place(defs: &mut Defs, place: &str) -> Result<(), Error> {
    let (def, property, _) = split(place);
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

/// Filters the members of a union, which stays a union however many are left. Returns how many went.
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

pub(super) fn add(defs: &mut Defs, place: &str, schema: &Value, required: bool) -> Result<(), Error> {
    let (def, property, _) = split(place);
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
        return Err(Error::new(format!("{def} has a property {property} already")));
    }
    properties.insert(property.to_owned(), schema.clone());
    set_required(target, property, required);
    Ok(())
}

pub(super) fn add_variants(target: &mut Value, variants: &[String]) -> Result<(), Error> {
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
) -> Result<(), Error> {
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
        0 => Err(stale("every member stays")),
        _ => Ok(()),
    }
}

/// Adds a property to the `required` list, or takes it off. Returns whether that changed it.
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

fn object_with<'a>(defs: &'a mut Defs, place: &'a str) -> Result<(&'a mut Value, &'a str), Error> {
    let (def, property, _) = split(place);
    let property = property.ok_or_else(|| stale("names no property"))?;
    find(defs, place)?;
    let target = defs
        .get_mut(def)
        .ok_or_else(|| stale(&format!("no definition {def}")))?;
    Ok((target, property))
}

pub(super) fn require(defs: &mut Defs, place: &str) -> Result<(), Error> {
    let (target, property) = object_with(defs, place)?;
    if set_required(target, property, true) {
        Ok(())
    } else {
        Err(stale("required already"))
    }
}

pub(super) fn relax(defs: &mut Defs, place: &str) -> Result<(), Error> {
    let (target, property) = object_with(defs, place)?;
    if set_required(target, property, false) {
        Ok(())
    } else {
        Err(stale("optional already"))
    }
}

pub(super) fn relax_roots(document: &mut Value, roots: &[String]) -> Result<(), Error> {
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

/// The properties of an object that can have one value only.
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

pub(super) fn rename(document: &mut Value, from: &str, to: &str) -> Result<(), Error> {
    let defs = schema::defs_mut(document)?;
    if defs.contains_key(to) {
        return Err(Error::new(format!("there is a definition {to} already")));
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
