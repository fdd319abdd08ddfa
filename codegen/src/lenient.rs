//! Decides which types are read leniently: the types of responses and events.
//!
//! In a request, an unexpected value is an error that the client can correct. In a response, an error would only hide
//! content from the client, so unexpected values are kept as unknown ones.

use crate::ir::{Ir, Type, TypeKind};

/// Marks `more`, and every type that responses and events contain.
pub(crate) fn mark(ir: &mut Ir, more: Vec<String>) {
    let mut open = more;
    open.extend(
        ir.roots
            .iter()
            .filter(|(role, _)| *role != "Request")
            .map(|(_, name)| name.clone()),
    );
    while let Some(name) = open.pop() {
        let Some(def) = ir.defs.get_mut(&name).filter(|def| !def.lenient) else {
            continue;
        };
        def.lenient = true;
        open.extend(def.kind.references().map(str::to_owned));
    }
}

impl TypeKind {
    /// The names of the types that this one refers to.
    fn references(&self) -> impl Iterator<Item = &str> {
        let mut found = Vec::new();
        match self {
            Self::Enum(_) => {}
            Self::Object(object) => object
                .properties
                .values()
                .for_each(|property| found.extend(property.ty.reference())),
            Self::Tagged(tagged) => {
                found.extend(tagged.variants.iter().map(|variant| variant.object.as_str()))
            }
            Self::KindUnion(union) => {
                let parts = [&union.string, &union.array, &union.object];
                parts
                    .into_iter()
                    .flatten()
                    .for_each(|ty| found.extend(ty.reference()));
            }
        }
        found.into_iter()
    }
}

impl Type {
    fn reference(&self) -> Option<&str> {
        match self {
            Self::Ref(name) => Some(name),
            Self::Array(inner) | Self::Map(inner) | Self::Nullable(inner) => inner.reference(),
            _ => None,
        }
    }
}
