//! The changes between two schemas, as a report for reviewers.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The contents of a schema as entries that can be compared one by one.
#[derive(Default)]
struct SchemaFacts {
    /// Types by name, each with a short description.
    types: BTreeMap<String, String>,
    /// Maps `Type.field` to its type.
    fields: BTreeMap<String, String>,
    /// `Type` or `Type.field`, and one member of its union.
    variants: BTreeSet<(String, String)>,
    /// `Type` or `Type.field`, and one value of its enumeration.
    values: BTreeSet<(String, String)>,
    roots: BTreeMap<String, String>,
}

/// The changes between two schemas, one line each.
#[derive(Default)]
pub struct Changes {
    removed: Vec<String>,
    changed: Vec<String>,
    added: Vec<String>,
}

impl Changes {
    /// Compares the contents of two schemas, not their text.
    pub fn between(old: &Value, new: &Value) -> Self {
        let renamed = renamed(old, new);
        let (old, new) = (SchemaFacts::of(&with_names(old, &renamed)), SchemaFacts::of(new));
        let mut changes = Changes {
            removed: lost(&old, &new, '-'),
            changed: renamed
                .iter()
                .map(|(before, after)| format!("~ type `{before}` is called `{after}`"))
                .collect(),
            added: lost(&new, &old, '+'),
        };
        let pairs = [
            ("type ", &old.types, &new.types),
            ("", &old.fields, &new.fields),
            ("root ", &old.roots, &new.roots),
        ];
        for (kind, old, new) in pairs {
            for (name, before) in old {
                if let Some(after) = new.get(name).filter(|after| *after != before) {
                    changes
                        .changed
                        .push(format!("~ {kind}`{name}`: {before} -> {after}"));
                }
            }
        }
        for (lines, sign, from, to) in [
            (&mut changes.removed, '-', &old.roots, &new.roots),
            (&mut changes.added, '+', &new.roots, &old.roots),
        ] {
            let only = from.iter().filter(|(root, _)| !to.contains_key(*root));
            lines.extend(only.map(|(root, name)| format!("{sign} root `{root}`: {name}")));
        }
        changes
    }

    /// The names of types with a removed or changed part. Code that mentions them may not compile, or may need a
    /// decision.
    pub fn touched(&self) -> BTreeSet<&str> {
        let lines = self
            .removed
            .iter()
            .chain(&self.changed)
            .filter(|line| !line.contains(" root "));
        let quoted = lines.flat_map(|line| line.split('`').skip(1).step_by(2));
        quoted
            .filter_map(|position| position.split(['.', '[', '{']).next())
            .filter(|name| !name.is_empty())
            .collect()
    }
}

/// Prints Markdown: removals first, because they break code, then changes, then additions. Prints nothing without
/// changes.
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, lines) in [
            ("Removed", &self.removed),
            ("Changed", &self.changed),
            ("Added", &self.added),
        ] {
            if !lines.is_empty() {
                write!(
                    f,
                    "{title} ({}):\n\n```diff\n{}\n```\n\n",
                    lines.len(),
                    lines.join("\n")
                )?;
            }
        }
        Ok(())
    }
}

/// Pairs of types with different names and the same contents. Ambiguous ones are omitted.
fn renamed(old: &Value, new: &Value) -> BTreeMap<String, String> {
    let only = |from: &Value, to: &Value| {
        let known = |name: &String| to.get("$defs").is_some_and(|defs| defs.get(name).is_some());
        let mut by_content: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, definition) in object(from, "$defs").filter(|(name, _)| !known(name)) {
            by_content
                .entry(definition.to_string())
                .or_default()
                .push(name.clone());
        }
        by_content
    };
    let come = only(new, old);
    let mut pairs = BTreeMap::new();
    for (content, before) in only(old, new) {
        if let ([before], Some([after])) = (before.as_slice(), come.get(&content).map(Vec::as_slice)) {
            pairs.insert(before.clone(), after.clone());
        }
    }
    pairs
}

/// Renames definitions of a schema.
fn with_names(schema: &Value, renamed: &BTreeMap<String, String>) -> Value {
    let new = |name: &str| renamed.get(name).cloned().unwrap_or_else(|| name.to_owned());
    let in_value = |value: &Value| {
        value
            .as_str()
            .map_or(Value::Null, |value| Value::String(new(value)))
    };
    match schema {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| {
                let value = match (key.as_str(), value) {
                    ("$ref", Value::String(target)) => {
                        Value::String(new(target.rsplit('/').next().unwrap_or(target)))
                    }
                    ("roots", Value::Object(roots)) => roots
                        .iter()
                        .map(|(root, name)| (root.clone(), in_value(name)))
                        .collect(),
                    ("$defs", Value::Object(defs)) => defs
                        .iter()
                        .map(|(name, schema)| (new(name), with_names(schema, renamed)))
                        .collect(),
                    _ => with_names(value, renamed),
                };
                (key.clone(), value)
            })
            .collect(),
        Value::Array(items) => items.iter().map(|item| with_names(item, renamed)).collect(),
        other => other.clone(),
    }
}

/// Lists the contents of `from` that `to` does not have. For a missing type, only the type itself is listed.
fn lost(from: &SchemaFacts, to: &SchemaFacts, sign: char) -> Vec<String> {
    let gone = |name: &str| {
        let name = name.split(['.', '[', '{']).next().unwrap_or(name);
        from.types.contains_key(name) && !to.types.contains_key(name)
    };
    let preposition = if sign == '+' { "to" } else { "from" };
    let mut lines = Vec::new();
    for (name, what) in from.types.iter().filter(|(name, _)| gone(name)) {
        let prefix = format!("{name}.");
        let fields: Vec<&str> = from
            .fields
            .keys()
            .filter_map(|field| field.strip_prefix(&prefix))
            .collect();
        let fields = if fields.is_empty() {
            String::new()
        } else {
            format!(": {}", fields.join(", "))
        };
        lines.push(format!("{sign} type `{name}` ({what}{fields})"));
    }
    for (name, what) in from
        .fields
        .iter()
        .filter(|(name, _)| !gone(name) && !to.fields.contains_key(*name))
    {
        lines.push(format!("{sign} field `{name}`: {what}"));
    }
    for (member, positions) in grouped(
        from.variants
            .difference(&to.variants)
            .filter(|(position, _)| !gone(position)),
    ) {
        lines.push(format!("{sign} variant `{member}` {preposition} {positions}"));
    }
    for (value, positions) in grouped(
        from.values
            .difference(&to.values)
            .filter(|(position, _)| !gone(position)),
    ) {
        lines.push(format!("{sign} value {value} {preposition} {positions}"));
    }
    lines
}

/// Groups positions by member, one line per member. A new model name, for example, is added at a dozen positions.
fn grouped<'a>(facts: impl Iterator<Item = &'a (String, String)>) -> BTreeMap<&'a str, String> {
    let mut groups: BTreeMap<&str, String> = BTreeMap::new();
    for (position, member) in facts {
        let positions = groups.entry(member).or_default();
        positions.push_str(if positions.is_empty() { "`" } else { ", `" });
        positions.push_str(position);
        positions.push('`');
    }
    groups
}

impl SchemaFacts {
    fn of(schema: &Value) -> Self {
        let mut facts = SchemaFacts::default();
        for (name, definition) in object(schema, "$defs") {
            let what = facts.describe(definition, name);
            facts.types.insert(name.clone(), what);
        }
        for (root, name) in object(schema, "roots") {
            facts
                .roots
                .insert(root.clone(), name.as_str().unwrap_or_default().to_owned());
        }
        facts
    }

    /// Describes the type of a schema in short, and records its parts under `position`.
    fn describe(&mut self, schema: &Value, position: &str) -> String {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            return name.rsplit('/').next().unwrap_or(name).to_owned();
        }
        if let Some(members) = schema.get("anyOf").and_then(Value::as_array) {
            return self.describe_union(members, position);
        }
        if let Some(value) = schema.get("const") {
            return value.to_string();
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            self.values.extend(
                values
                    .iter()
                    .map(|value| (position.to_owned(), value.to_string())),
            );
            return "enumeration".to_owned();
        }
        if let Some(items) = schema.get("items") {
            return format!("[{}]", self.describe(items, &format!("{position}[]")));
        }
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if schema.get("properties").is_some() {
            for (field, schema) in object(schema, "properties") {
                let path = format!("{position}.{field}");
                let mut what = self.describe(schema, &path);
                if required.contains(&field.as_str()) {
                    what.push_str(", required");
                }
                self.fields.insert(path, what);
            }
            return "object".to_owned();
        }
        if let Some(values @ Value::Object(_)) = schema.get("additionalProperties") {
            return format!("{{{}}}", self.describe(values, &format!("{position}{{}}")));
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            let parts: Vec<String> = parts.iter().map(|part| self.describe(part, position)).collect();
            return parts.join(" & ");
        }
        match schema.get("type") {
            Some(Value::String(name)) => name.clone(),
            Some(names) => names.to_string(),
            None => "any".to_owned(),
        }
    }

    /// Describes a union as `union` and records its members as separate entries, so that a new member appears as an
    /// addition. `null` becomes a question mark.
    fn describe_union(&mut self, members: &[Value], position: &str) -> String {
        let is_null = |schema: &&Value| schema.get("type").is_some_and(|kind| kind == "null");
        let nullable = if members.iter().any(|member| is_null(&member)) {
            "?"
        } else {
            ""
        };
        let rest: Vec<&Value> = members.iter().filter(|member| !is_null(member)).collect();
        if let [only] = rest.as_slice() {
            return format!("{}{nullable}", self.describe(only, position));
        }
        for member in &rest {
            let what = self.describe(member, position);
            self.variants.insert((position.to_owned(), what));
        }
        format!("union{nullable}")
    }
}

fn object<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    schema
        .get(key)
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::iter)
}

#[cfg(test)]
mod tests;
