//! Decides which strings of requests stay slices of the body (`LazyStr`).
//!
//! Long texts are most of a request, and a translation mostly forwards them. As slices in their JSON spelling they are
//! neither decoded nor escaped again; docs/performance.md has the gain. The mappings read short strings, such as names
//! and identifiers, so these are decoded at once. Responses and events use ordinary strings.

use crate::ir::{Ir, Type, TypeKind};

/// The names of the members with long texts.
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

/// A member that may contain a `data:` URL with a whole image. Its name `url` alone would also match short addresses.
const IMAGE_URL: (&str, &str) = ("ImageUrl", "url");

/// Marks these members in the types that only requests contain, and the strings that may replace a list of objects
/// (such as `content`).
pub(crate) fn mark(ir: &mut Ir) {
    for (name, def) in ir.defs.iter_mut().filter(|(_, def)| !def.lenient) {
        match &mut def.kind {
            TypeKind::Object(object) => {
                for (member, property) in &mut object.properties {
                    let is_long =
                        MEMBERS.contains(&member.as_str()) || (name.as_str(), member.as_str()) == IMAGE_URL;
                    if is_long && property.ty == Type::String {
                        property.ty = Type::Text;
                    }
                }
            }
            TypeKind::KindUnion(union) => {
                let of_objects =
                    matches!(&union.array, Some(Type::Array(item)) if matches!(**item, Type::Ref(_)));
                if of_objects && union.string == Some(Type::String) {
                    union.string = Some(Type::Text);
                }
            }
            TypeKind::Enum(_) | TypeKind::Tagged(_) => {}
        }
    }
}
