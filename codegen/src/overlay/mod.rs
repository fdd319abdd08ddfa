//! The overlay: hand-written corrections of a vendor's schema.
//!
//! An overlay is a list of operations, each with a reason, applied in order. A position is `Def` or `Def.property`;
//! `[]` after either means the items of an array (also of the array inside a union): `UserMessageParam.content[]`. An
//! operation that changes nothing is an error, because it is stale: the vendor changed the schema that it corrected.

mod edit;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::SpecError;
use crate::schema::{self, Defs};
use edit::{
    add, add_variants, define, drop_at, filter_variants, find, mark, relax, relax_roots, rename, replace,
    require, stale, take_equal,
};

/// Marks a union that stays a union even if it has only one variant.
pub(crate) const UNION: &str = "x-union";
/// Names the tag of a union: the property that distinguishes its variants.
pub(crate) const TAG: &str = "x-tag";
/// Names the variant for objects without the tag.
pub(crate) const DEFAULT: &str = "x-default";
/// Marks a position that deliberately stays raw JSON.
pub(crate) const OPAQUE: &str = "x-opaque";
/// Marks a definition that is read leniently although no response contains it.
pub(crate) const LENIENT: &str = "x-lenient";

/// An operation with its reason.
#[derive(Debug, Deserialize)]
pub(crate) struct OverlayEntry {
    reason: String,
    #[serde(flatten)]
    operation: Operation,
}

/// One position, or several with the same reason.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Positions {
    One(String),
    Many(Vec<String>),
}

impl Positions {
    fn list(&self) -> &[String] {
        match self {
            Self::One(position) => std::slice::from_ref(position),
            Self::Many(positions) => positions,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Operation {
    /// Removes properties, or definitions together with the union members that refer to them.
    Drop { at: Positions },
    /// Adds a property or a definition that does not exist yet.
    Add {
        at: Positions,
        schema: Value,
        #[serde(default)]
        required: bool,
    },
    /// Replaces the schema at a position.
    Set { at: Positions, schema: Value },
    /// Renames a definition and every reference to it.
    Rename { at: String, to: String },
    /// Adds members to a union.
    AddVariants { at: Positions, variants: Vec<String> },
    /// Removes the named definitions from a union.
    DropVariants { at: Positions, variants: Vec<String> },
    /// Removes all but the named definitions from a union.
    KeepVariants { at: Positions, variants: Vec<String> },
    /// Keeps the value at a position as raw JSON.
    Opaque { at: Positions },
    /// Makes properties required.
    Require { at: Positions },
    /// Makes properties optional: the listed ones, or all except constants in the types that only `roots` reach.
    Relax {
        #[serde(default)]
        at: Option<Positions>,
        #[serde(default)]
        roots: Vec<String>,
    },
    /// Sets the tag of a union.
    Tag { at: Positions, tag: String },
    /// Sets the definition for objects without the tag.
    Default { at: Positions, variant: String },
    /// Turns the object at each position into the union `as` with one variant.
    Union {
        at: Positions,
        #[serde(rename = "as")]
        name: String,
    },
    /// Gives the inline schema at each position the name `as`. All must be equal.
    Name {
        at: Positions,
        #[serde(rename = "as")]
        name: String,
    },
    /// Reads definitions as leniently as those of responses.
    Lenient { at: Positions },
}

/// Parses an overlay document.
pub(crate) fn parse(document: Value) -> Result<Vec<OverlayEntry>, SpecError> {
    let Value::Array(entries) = document else {
        return Err(SpecError::new("overlay: not a list of operations"));
    };
    entries
        .into_iter()
        .enumerate()
        .map(|(number, entry)| {
            let parsed: OverlayEntry = serde_json::from_value(entry)
                .map_err(|error| SpecError::new(format!("overlay: operation {}: {error}", number + 1)))?;
            if parsed.reason.trim().is_empty() {
                return Err(SpecError::new(format!(
                    "overlay: operation {}: the reason is empty",
                    number + 1
                )));
            }
            Ok(parsed)
        })
        .collect()
}

/// Applies all operations in order.
pub(crate) fn apply(document: &mut Value, entries: &[OverlayEntry]) -> Result<(), SpecError> {
    for (number, entry) in entries.iter().enumerate() {
        entry.operation.apply(document).map_err(|error| {
            error.within(&format!("overlay: operation {} ({})", number + 1, entry.reason))
        })?;
    }
    Ok(())
}

impl Operation {
    fn apply(&self, document: &mut Value) -> Result<(), SpecError> {
        match self {
            Self::Rename { at, to } => rename(document, at, to),
            Self::Relax { at: None, roots } => relax_roots(document, roots),
            _ => self.apply_to_defs(schema::defs_mut(document)?),
        }
    }

    fn apply_to_defs(&self, defs: &mut Defs) -> Result<(), SpecError> {
        match self {
            Self::Drop { at } => each(at, |position| drop_at(defs, position)),
            Self::Add { at, schema, required } => each(at, |position| add(defs, position, schema, *required)),
            Self::Set { at, schema } => each(at, |position| replace(find(defs, position)?, schema.clone())),
            Self::AddVariants { at, variants } => {
                each(at, |position| add_variants(find(defs, position)?, variants))
            }
            Self::DropVariants { at, variants } => each(at, |position| {
                let target = find(defs, position)?;
                filter_variants(target, variants, |listed| !listed)
            }),
            Self::KeepVariants { at, variants } => each(at, |position| {
                let target = find(defs, position)?;
                filter_variants(target, variants, |listed| listed)
            }),
            Self::Opaque { at } => each(at, |position| {
                replace(find(defs, position)?, json!({ OPAQUE: true }))
            }),
            Self::Require { at } => each(at, |position| require(defs, position)),
            Self::Relax { at: Some(at), .. } => each(at, |position| relax(defs, position)),
            Self::Tag { at, tag } => each(at, |position| mark(find(defs, position)?, TAG, json!(tag))),
            Self::Default { at, variant } => each(at, |position| {
                let target = find(defs, position)?;
                let member = schema::reference(variant);
                if !schema::members_mut(target).is_some_and(|members| members.contains(&member)) {
                    return Err(stale(&format!("{variant} is no member")));
                }
                mark(target, DEFAULT, json!(variant))
            }),
            Self::Lenient { at } => each(at, |position| mark(find(defs, position)?, LENIENT, json!(true))),
            Self::Union { at, name } => {
                let taken = take_equal(defs, at, name)?;
                define(defs, name, json!({ "anyOf": [taken], UNION: true }))
            }
            Self::Name { at, name } => {
                let taken = take_equal(defs, at, name)?;
                define(defs, name, taken)
            }
            Self::Rename { .. } | Self::Relax { at: None, .. } => {
                Err(SpecError::new("needs the whole document"))
            }
        }
    }
}

fn each(
    positions: &Positions,
    mut change: impl FnMut(&str) -> Result<(), SpecError>,
) -> Result<(), SpecError> {
    for position in positions.list() {
        change(position).map_err(|error| error.within(position))?;
    }
    Ok(())
}
