//! Which types are read leniently: those of answers, where refusing what is odd would help nobody.

use crate::ir::{Ir, Kind, Type};

/// Marks `more` and everything that answers and events are made of.
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

impl Kind {
    /// The names of the definitions that this one mentions.
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
            Self::Shape(shape) => {
                let parts = [&shape.string, &shape.array, &shape.object];
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
