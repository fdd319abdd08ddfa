//! The types to generate, independent of the many ways in which JSON Schema can express them.

use std::collections::BTreeMap;

/// All types of one dialect.
#[derive(Debug, Default)]
pub struct Ir {
    pub(crate) defs: BTreeMap<String, Def>,
    pub(crate) roots: BTreeMap<String, String>,
    pub(crate) opaque: Vec<String>,
}

impl Ir {
    /// Maps a role (`Request`, `Response`, `Event`) to the name of its Rust type.
    pub fn roots(&self) -> &BTreeMap<String, String> {
        &self.roots
    }
}

#[derive(Debug)]
pub(crate) struct Def {
    pub(crate) kind: TypeKind,
    /// Whether the type is part of a response. Unexpected values are then accepted instead of refused, because the
    /// client gains nothing from an error; see [`crate::lenient`].
    pub(crate) lenient: bool,
}

#[derive(Debug)]
pub(crate) enum TypeKind {
    Object(ObjectType),
    Enum(OpenEnum),
    Tagged(TaggedUnion),
    KindUnion(KindUnion),
}

#[derive(Debug)]
pub(crate) struct ObjectType {
    /// By wire name, sorted.
    pub(crate) properties: BTreeMap<String, Property>,
}

#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) ty: Type,
    pub(crate) required: bool,
    pub(crate) nullable: bool,
}

impl Property {
    /// The value of a required constant. Such a member needs no field.
    pub(crate) fn constant(&self) -> Option<&str> {
        match &self.ty {
            Type::Const(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the struct's field is an `Option`.
    pub(crate) fn optional(&self) -> bool {
        !self.required || self.nullable
    }
}

/// A string enum that also accepts unknown values.
#[derive(Debug)]
pub(crate) struct OpenEnum {
    /// Rust name and value, in the order of the schema.
    pub(crate) values: Vec<(String, String)>,
}

/// A union of objects that are distinguished by the value of one property.
#[derive(Debug)]
pub(crate) struct TaggedUnion {
    pub(crate) tag: String,
    pub(crate) variants: Vec<Variant>,
    /// The index of the variant for objects without the tag.
    pub(crate) default: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
    pub(crate) object: String,
}

/// A union of values that are distinguished by their JSON kind (string, number, boolean, array, object).
#[derive(Debug, Default)]
pub(crate) struct KindUnion {
    pub(crate) string: Option<Type>,
    pub(crate) number: bool,
    pub(crate) boolean: bool,
    pub(crate) array: Option<Type>,
    pub(crate) object: Option<Type>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    String,
    /// A long text, kept as a slice of the document and decoded only on demand; see [`crate::lazy_strings`].
    Text,
    Integer,
    Number,
    Bool,
    /// Any JSON value, kept as JSON text.
    Any,
    /// A required string with only one possible value.
    Const(String),
    Array(Box<Type>),
    Map(Box<Type>),
    /// A value inside an array or a map that can be null.
    Nullable(Box<Type>),
    Ref(String),
}
