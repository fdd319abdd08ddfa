//! Estimates the size of the generated types, to decide which union variants are boxed.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::{Ir, Property, Type, TypeKind};

/// Variants of more bytes are boxed. Otherwise one large, rare variant would set the size of all values of the union.
const LIMIT: usize = 160;
const TEXT: usize = 24;
const POINTER: usize = 8;

/// Sizes by type name, computed on demand.
pub(super) struct Layout<'a> {
    ir: &'a Ir,
    /// `None` while a size is being computed. If it is needed again in that time, the type contains itself and is a
    /// pointer.
    sizes: BTreeMap<&'a str, Option<usize>>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(ir: &'a Ir) -> Self {
        Self {
            ir,
            sizes: BTreeMap::new(),
        }
    }

    /// Whether a union should box this object.
    pub(super) fn boxed(&mut self, object: &'a str) -> bool {
        self.contains_itself(object) || self.named(object) > LIMIT
    }

    /// Whether a type contains itself. Arrays and maps do not count, because they are pointers.
    fn contains_itself(&self, name: &'a str) -> bool {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = self.parts(name);
        while let Some(part) = open.pop() {
            if part == name {
                return true;
            }
            if seen.insert(part) {
                open.extend(self.parts(part));
            }
        }
        false
    }

    fn parts(&self, name: &str) -> Vec<&'a str> {
        let direct = |ty: &'a Type| match ty {
            Type::Ref(name) => Some(name.as_str()),
            _ => None,
        };
        match self.ir.defs.get(name).map(|def| &def.kind) {
            Some(TypeKind::Object(object)) => object
                .properties
                .values()
                .filter_map(|property| direct(&property.ty))
                .collect(),
            Some(TypeKind::Tagged(tagged)) => tagged
                .variants
                .iter()
                .map(|variant| variant.object.as_str())
                .collect(),
            Some(TypeKind::KindUnion(union)) => union.object.iter().filter_map(direct).collect(),
            Some(TypeKind::Enum(_)) | None => Vec::new(),
        }
    }

    fn named(&mut self, name: &'a str) -> usize {
        match self.sizes.get(name) {
            Some(Some(size)) => return *size,
            Some(None) => return POINTER,
            None => {}
        }
        self.sizes.insert(name, None);
        let size = self.ir.defs.get(name).map_or(0, |def| self.kind(&def.kind));
        self.sizes.insert(name, Some(size));
        size
    }

    fn kind(&mut self, kind: &'a TypeKind) -> usize {
        match kind {
            TypeKind::Enum(_) => TEXT,
            TypeKind::Object(object) => {
                POINTER
                    + object
                        .properties
                        .values()
                        .map(|property| self.property(property))
                        .sum::<usize>()
            }
            TypeKind::Tagged(tagged) => {
                let variants = tagged
                    .variants
                    .iter()
                    .map(|variant| self.variant(&variant.object));
                POINTER + variants.max().unwrap_or(0).max(2 * TEXT)
            }
            TypeKind::KindUnion(union) => {
                let object = match &union.object {
                    Some(Type::Ref(name)) => self.variant(name),
                    _ => 0,
                };
                POINTER + object.max(TEXT)
            }
        }
    }

    fn variant(&mut self, object: &'a str) -> usize {
        if self.boxed(object) {
            POINTER
        } else {
            self.named(object)
        }
    }

    fn property(&mut self, property: &'a Property) -> usize {
        match &property.ty {
            Type::Const(_) => 0,
            Type::Bool => 1,
            Type::Integer | Type::Number | Type::Any => 2 * POINTER,
            Type::String | Type::Text | Type::Array(_) | Type::Map(_) | Type::Nullable(_) => TEXT,
            Type::Ref(name) => self.named(name),
        }
    }
}
