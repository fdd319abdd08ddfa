//! The hand-written corrections of a vendor's schema.
//!
//! An overlay is a list of operations, applied in order, each with the reason for it. Places are written
//! `Def`, `Def.property`, and `[]` after either for the items of an array (also of the array inside a union):
//! `UserMessageParam.content[]`. An operation that changes nothing is an error, so that a regenerated schema
//! makes stale corrections visible.

mod edit;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;
use crate::schema::{self, Defs};
use edit::{
    add, add_variants, define, drop_place, filter_variants, find, mark, relax, relax_roots, rename, replace,
    require, stale, take_equal,
};

/// Marks a union that stays one when a single variant is left.
pub(crate) const UNION: &str = "x-union";
/// Names the property that tells a union's variants apart.
pub(crate) const TAG: &str = "x-tag";
/// Names the variant of a union for objects without the tag.
pub(crate) const DEFAULT: &str = "x-default";
/// Marks a place that is deliberately left as raw JSON.
pub(crate) const OPAQUE: &str = "x-opaque";
/// Marks a definition that is read leniently although no answer contains it.
pub(crate) const LENIENT: &str = "x-lenient";

/// One operation with its reason.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    reason: String,
    #[serde(flatten)]
    operation: Operation,
}

/// One place, or several that share a reason.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Places {
    One(String),
    Many(Vec<String>),
}

impl Places {
    fn list(&self) -> &[String] {
        match self {
            Self::One(place) => std::slice::from_ref(place),
            Self::Many(places) => places,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Operation {
    /// Removes properties, or definitions together with every union member that refers to them.
    Drop { at: Places },
    /// Adds a property or a definition that is not there yet.
    Add {
        at: Places,
        schema: Value,
        #[serde(default)]
        required: bool,
    },
    /// Replaces the schema of a place.
    Set { at: Places, schema: Value },
    /// Renames a definition and every reference to it.
    Rename { at: String, to: String },
    /// Adds members to a union.
    AddVariants { at: Places, variants: Vec<String> },
    /// Removes the named definitions from a union.
    DropVariants { at: Places, variants: Vec<String> },
    /// Removes all but the named definitions from a union.
    KeepVariants { at: Places, variants: Vec<String> },
    /// Leaves a place as raw JSON.
    Opaque { at: Places },
    /// Makes properties required.
    Require { at: Places },
    /// Makes properties optional: the listed ones, or all (but constants) of what only `roots` reach.
    Relax {
        #[serde(default)]
        at: Option<Places>,
        #[serde(default)]
        roots: Vec<String>,
    },
    /// Fixes the property that tells a union's variants apart.
    Tag { at: Places, tag: String },
    /// Names the definition that an object without the tag is read as.
    Default { at: Places, variant: String },
    /// Makes a one-variant union `as` out of the object at each place.
    Union {
        at: Places,
        #[serde(rename = "as")]
        name: String,
    },
    /// Gives the inline schema at each place (all equal) the name `as`.
    Name {
        at: Places,
        #[serde(rename = "as")]
        name: String,
    },
    /// Reads definitions as leniently as those of answers.
    Lenient { at: Places },
}

/// Reads an overlay document.
pub(crate) fn parse(document: Value) -> Result<Vec<Entry>, Error> {
    let Value::Array(entries) = document else {
        return Err(Error::new("overlay: not a list of operations"));
    };
    entries
        .into_iter()
        .enumerate()
        .map(|(number, entry)| {
            let parsed: Entry = serde_json::from_value(entry)
                .map_err(|error| Error::new(format!("overlay: operation {}: {error}", number + 1)))?;
            if parsed.reason.trim().is_empty() {
                return Err(Error::new(format!(
                    "overlay: operation {}: no reason given",
                    number + 1
                )));
            }
            Ok(parsed)
        })
        .collect()
}

/// Applies all operations in order.
pub(crate) fn apply(document: &mut Value, entries: &[Entry]) -> Result<(), Error> {
    for (number, entry) in entries.iter().enumerate() {
        entry.operation.apply(document).map_err(|error| {
            error.within(&format!("overlay: operation {} ({})", number + 1, entry.reason))
        })?;
    }
    Ok(())
}

impl Operation {
    fn apply(&self, document: &mut Value) -> Result<(), Error> {
        match self {
            Self::Rename { at, to } => rename(document, at, to),
            Self::Relax { at: None, roots } => relax_roots(document, roots),
            _ => self.apply_to_defs(schema::defs_mut(document)?),
        }
    }

    fn apply_to_defs(&self, defs: &mut Defs) -> Result<(), Error> {
        match self {
            Self::Drop { at } => each(at, |place| drop_place(defs, place)),
            Self::Add { at, schema, required } => each(at, |place| add(defs, place, schema, *required)),
            Self::Set { at, schema } => each(at, |place| replace(find(defs, place)?, schema.clone())),
            Self::AddVariants { at, variants } => {
                each(at, |place| add_variants(find(defs, place)?, variants))
            }
            Self::DropVariants { at, variants } => each(at, |place| {
                let target = find(defs, place)?;
                filter_variants(target, variants, |listed| !listed)
            }),
            Self::KeepVariants { at, variants } => each(at, |place| {
                let target = find(defs, place)?;
                filter_variants(target, variants, |listed| listed)
            }),
            Self::Opaque { at } => each(at, |place| replace(find(defs, place)?, json!({ OPAQUE: true }))),
            Self::Require { at } => each(at, |place| require(defs, place)),
            Self::Relax { at: Some(at), .. } => each(at, |place| relax(defs, place)),
            Self::Tag { at, tag } => each(at, |place| mark(find(defs, place)?, TAG, json!(tag))),
            Self::Default { at, variant } => each(at, |place| {
                let target = find(defs, place)?;
                let member = schema::reference(variant);
                if !schema::members_mut(target).is_some_and(|members| members.contains(&member)) {
                    return Err(stale(&format!("{variant} is no member")));
                }
                mark(target, DEFAULT, json!(variant))
            }),
            Self::Lenient { at } => each(at, |place| mark(find(defs, place)?, LENIENT, json!(true))),
            Self::Union { at, name } => {
                let taken = take_equal(defs, at, name)?;
                define(defs, name, json!({ "anyOf": [taken], UNION: true }))
            }
            Self::Name { at, name } => {
                let taken = take_equal(defs, at, name)?;
                define(defs, name, taken)
            }
            Self::Rename { .. } | Self::Relax { at: None, .. } => Err(Error::new("needs the whole document")),
        }
    }
}

fn each(places: &Places, mut change: impl FnMut(&str) -> Result<(), Error>) -> Result<(), Error> {
    for place in places.list() {
        change(place).map_err(|error| error.within(place))?;
    }
    Ok(())
}
