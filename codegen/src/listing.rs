//! A listing of a dialect's types, one sorted line per field, variant and value. After a regen, its diff shows what
//! changed for the mappings.

use crate::ir::{Ir, Type, TypeKind};

/// Lists the types: `Type.field: type` for a field (`?` marks an optional one), `Type::Variant(Object) where tag =
/// "value"` for a variant, `Type::Name = "value"` for an enum value.
pub fn api_listing(ir: &Ir) -> String {
    let mut lines: Vec<String> = ir
        .roots
        .iter()
        .map(|(role, name)| format!("{role} = {name}"))
        .collect();
    for (name, def) in &ir.defs {
        match &def.kind {
            TypeKind::Object(object) if object.properties.is_empty() => lines.push(name.clone()),
            TypeKind::Object(object) => lines.extend(object.properties.iter().map(|(property, spec)| {
                let optional = if spec.required { "" } else { "?" };
                let null = if spec.nullable { " | null" } else { "" };
                format!("{name}.{property}{optional}: {}{null}", text(&spec.ty))
            })),
            TypeKind::Enum(values) => {
                lines.extend(
                    values
                        .values
                        .iter()
                        .map(|(variant, value)| format!("{name}::{variant} = {value:?}")),
                );
            }
            TypeKind::Tagged(tagged) => {
                lines.extend(tagged.variants.iter().enumerate().map(|(index, variant)| {
                    let mut values: Vec<String> =
                        variant.values.iter().map(|value| format!("{value:?}")).collect();
                    if tagged.default == Some(index) {
                        values.push("absent".to_owned());
                    }
                    format!(
                        "{name}::{}({}) where {} = {}",
                        variant.name,
                        variant.object,
                        tagged.tag,
                        values.join(" | ")
                    )
                }))
            }
            TypeKind::KindUnion(union) => {
                let parts = [
                    ("String", &union.string),
                    ("Array", &union.array),
                    ("Object", &union.object),
                ];
                let typed = parts
                    .into_iter()
                    .filter_map(|(kind, ty)| Some(format!("{name}::{kind}({})", text(ty.as_ref()?))));
                lines.extend(typed);
                lines.extend(union.number.then(|| format!("{name}::Number")));
                lines.extend(union.boolean.then(|| format!("{name}::Bool")));
            }
        }
    }
    lines.sort();
    lines.push(String::new());
    lines.join("\n")
}

/// The positions that are raw JSON because of an `opaque` operation in the overlay.
pub fn opaque_unions(ir: &Ir) -> Vec<String> {
    ir.opaque.clone()
}

fn text(ty: &Type) -> String {
    match ty {
        Type::String | Type::Text => "string".to_owned(),
        Type::Integer => "integer".to_owned(),
        Type::Number => "number".to_owned(),
        Type::Bool => "boolean".to_owned(),
        Type::Any => "any".to_owned(),
        Type::Const(value) => format!("{value:?}"),
        Type::Array(inner) => format!("[{}]", text(inner)),
        Type::Map(inner) => format!("{{{}}}", text(inner)),
        Type::Nullable(inner) => format!("{} | null", text(inner)),
        Type::Ref(name) => name.clone(),
    }
}
