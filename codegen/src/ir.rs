//! What is generated, free of JSON Schema's many spellings.

use std::collections::BTreeMap;

/// All types of one dialect.
#[derive(Debug, Default)]
pub struct Ir {
    pub(crate) defs: BTreeMap<String, Def>,
    pub(crate) roots: BTreeMap<String, String>,
    pub(crate) opaque: Vec<String>,
}

impl Ir {
    /// Role (`Request`, `Response`, `Event`) to the name of its Rust type.
    pub fn roots(&self) -> &BTreeMap<String, String> {
        &self.roots
    }
}

#[derive(Debug)]
pub(crate) struct Def {
    pub(crate) kind: Kind,
    /// Part of an answer: read what is odd instead of refusing it.
    pub(crate) lenient: bool,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Object(Object),
    Enum(OpenEnum),
    Tagged(Tagged),
    Shape(Shape),
}

#[derive(Debug)]
pub(crate) struct Object {
    /// By the name on the wire, sorted.
    pub(crate) properties: BTreeMap<String, Property>,
}

#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) ty: Type,
    pub(crate) required: bool,
    pub(crate) nullable: bool,
}

impl Property {
    /// The value of a constant that need not be stored.
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

/// A string enum that also takes values it does not know.
#[derive(Debug)]
pub(crate) struct OpenEnum {
    /// Rust name and value, in the order of the schema.
    pub(crate) values: Vec<(String, String)>,
}

/// Objects told apart by the value of one property.
#[derive(Debug)]
pub(crate) struct Tagged {
    pub(crate) tag: String,
    pub(crate) variants: Vec<Variant>,
    /// The variant (by index) of an object without the tag.
    pub(crate) default: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
    pub(crate) object: String,
}

/// Values told apart by their JSON kind.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    pub(crate) string: Option<Type>,
    pub(crate) number: bool,
    pub(crate) boolean: bool,
    pub(crate) array: Option<Type>,
    pub(crate) object: Option<Type>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    String,
    /// A string that is decoded only when it is looked at.
    Text,
    Integer,
    Number,
    Bool,
    /// Any JSON, kept as its text.
    Any,
    /// The only value that a required string can have.
    Const(String),
    Array(Box<Type>),
    Map(Box<Type>),
    /// Something that can be null inside an array or a map.
    Nullable(Box<Type>),
    Ref(String),
}
