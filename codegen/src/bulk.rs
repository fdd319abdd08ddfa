//! Which strings of requests are text in bulk: most of what a request is made of, and only passed on.

use crate::ir::{Ir, Kind, Type};

/// Members that carry it, by their name. Names and identifiers are short, and looked at.
const MEMBERS: [&str; 13] = [
    "arguments",
    "content",
    "data",
    "description",
    "file_data",
    "image_url",
    "input",
    "instructions",
    "reasoning",
    "reasoning_content",
    "refusal",
    "text",
    "thinking",
];

/// The member that is bulk where it may be a `data:` URL.
const IMAGE_URL: (&str, &str) = ("ImageUrl", "url");

/// Marks those members in what only requests are made of, and the strings that stand for a list of objects there.
pub(crate) fn mark(ir: &mut Ir) {
    for (name, def) in ir.defs.iter_mut().filter(|(_, def)| !def.lenient) {
        match &mut def.kind {
            Kind::Object(object) => {
                for (member, property) in &mut object.properties {
                    let is_bulk =
                        MEMBERS.contains(&member.as_str()) || (name.as_str(), member.as_str()) == IMAGE_URL;
                    if is_bulk && property.ty == Type::String {
                        property.ty = Type::Text;
                    }
                }
            }
            Kind::Shape(shape) => {
                let of_objects =
                    matches!(&shape.array, Some(Type::Array(item)) if matches!(**item, Type::Ref(_)));
                if of_objects && shape.string == Some(Type::String) {
                    shape.string = Some(Type::Text);
                }
            }
            Kind::Enum(_) | Kind::Tagged(_) => {}
        }
    }
}
