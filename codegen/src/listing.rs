//! The types of a dialect as one sorted line each, so that a regenerated schema reads well as a diff.

use crate::ir::{Ir, Kind, Type};

/// One line per field, variant and enum value: `Type.field: type`, `Type::Variant(Object) = "tag"`.
pub fn api_listing(ir: &Ir) -> String {
    let mut lines: Vec<String> = ir
        .roots
        .iter()
        .map(|(role, name)| format!("{role} = {name}"))
        .collect();
    for (name, def) in &ir.defs {
        match &def.kind {
            Kind::Object(object) if object.properties.is_empty() => lines.push(name.clone()),
            Kind::Object(object) => lines.extend(object.properties.iter().map(|(property, spec)| {
                let optional = if spec.required { "" } else { "?" };
                let null = if spec.nullable { " | null" } else { "" };
                format!("{name}.{property}{optional}: {}{null}", text(&spec.ty))
            })),
            Kind::Enum(values) => {
                lines.extend(
                    values
                        .values
                        .iter()
                        .map(|(variant, value)| format!("{name}::{variant} = {value:?}")),
                );
            }
            Kind::Tagged(tagged) => {
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
            Kind::Shape(shape) => {
                let parts = [
                    ("String", &shape.string),
                    ("Array", &shape.array),
                    ("Object", &shape.object),
                ];
                let typed = parts
                    .into_iter()
                    .filter_map(|(kind, ty)| Some(format!("{name}::{kind}({})", text(ty.as_ref()?))));
                lines.extend(typed);
                lines.extend(shape.number.then(|| format!("{name}::Number")));
                lines.extend(shape.boolean.then(|| format!("{name}::Bool")));
            }
        }
    }
    lines.sort();
    lines.push(String::new());
    lines.join("\n")
}

/// The places that are raw JSON because the overlay says so.
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
