//! Enums: open string enums, tagged unions, unions by JSON kind.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::layout::Layout;
use crate::ir::{Ir, KindUnion, OpenEnum, TaggedUnion, Type, TypeKind};

pub(super) fn open_enum(name: &str, values: &OpenEnum) -> TokenStream {
    let ident = format_ident!("{name}");
    let doc = format!(" `{name}`. Unknown values are kept.");
    let variants = values.values.iter().map(|(variant, value)| {
        let variant = format_ident!("{variant}");
        let doc = format!(" `{value}`");
        quote!(#[doc = #doc] #variant,)
    });
    let pairs = values.values.iter().map(|(variant, value)| {
        let variant = format_ident!("{variant}");
        quote!(#variant = #value)
    });
    quote! {
        #[doc = #doc]
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum #ident {
            #(#variants)*
            /// An unknown value.
            Other(String),
        }
        rt::open_enum!(#ident { #(#pairs),* });
    }
}

/// A variant, and the indices of its tag values.
struct Arm<'a> {
    ident: syn::Ident,
    object: syn::Ident,
    boxed: bool,
    /// Each tag value with its index among all values of the union.
    values: Vec<(u16, &'a str)>,
    /// Whether the struct has a field for the tag.
    stores_tag: bool,
}

pub(super) fn tagged<'a>(
    ir: &Ir,
    name: &str,
    union: &'a TaggedUnion,
    layout: &mut Layout<'a>,
    lenient: bool,
) -> TokenStream {
    let ident = format_ident!("{name}");
    let tag = &union.tag;
    let arms = arms(ir, union, layout);
    let doc = format!(" `{name}`, distinguished by `{tag}`.");
    let variants = arms.iter().map(|arm| {
        let (variant, payload) = (&arm.ident, arm.payload());
        let values: Vec<String> = arm.values.iter().map(|(_, value)| format!("`{value}`")).collect();
        let doc = if values.is_empty() {
            format!(" Without `{tag}`.")
        } else {
            format!(" {}", values.join(", "))
        };
        quote!(#[doc = #doc] #variant(#payload),)
    });
    let conversions = arms
        .iter()
        .enumerate()
        .filter(|(index, arm)| arms.iter().position(|other| other.object == arm.object) == Some(*index));
    let conversions = conversions.map(|(_, arm)| {
        let (variant, object) = (&arm.ident, &arm.object);
        let value = if arm.boxed {
            quote!(Box::new(value))
        } else {
            quote!(value)
        };
        quote! {
            impl From<#object> for #ident {
                fn from(value: #object) -> Self {
                    Self::#variant(#value)
                }
            }
        }
    });
    let writes = arms.iter().map(|arm| {
        let variant = &arm.ident;
        quote!(Self::#variant(value) => value.serialize(serializer),)
    });
    let values = arms
        .iter()
        .flat_map(|arm| &arm.values)
        .map(|(index, value)| quote!(#value => #index,));
    let reads = arms.iter().flat_map(Arm::reads);
    let absent = absent(union, &arms, lenient);
    quote! {
        #[doc = #doc]
        #[derive(Clone, Debug)]
        pub enum #ident {
            #(#variants)*
            /// An unknown variant.
            Unknown(rt::Unknown),
        }
        #(#conversions)*
        impl rt::ReadObject for #ident {
            const NAME: &'static str = #name;

            fn read(members: rt::ObjectMembers<'_, '_>) -> Result<Self, rt::JsonFault> {
                fn lookup(value: &str) -> u16 {
                    match value {
                        #(#values)*
                        _ => rt::NOT_KNOWN,
                    }
                }
                let (tag, members) = members.find_tag(#tag, lookup)?;
                match tag {
                    #(#reads)*
                    rt::UnionTag::Known(_) => Ok(Self::Unknown(rt::Unknown::new("", members.read_rest()?))),
                    rt::UnionTag::Other(value) => {
                        Ok(Self::Unknown(rt::Unknown::new(value, members.rewind().read_rest()?)))
                    }
                    #absent
                }
            }
        }
        rt::read_as_object!(#ident);
        impl Serialize for #ident {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    #(#writes)*
                    Self::Unknown(value) => value.serialize(serializer),
                }
            }
        }
    }
}

fn arms<'a>(ir: &Ir, union: &'a TaggedUnion, layout: &mut Layout<'a>) -> Vec<Arm<'a>> {
    let mut next = 0;
    union
        .variants
        .iter()
        .map(|variant| {
            let values = variant.values.iter().map(|value| {
                next += 1;
                (next - 1, value.as_str())
            });
            let values = values.collect();
            let stores_tag = match ir.defs.get(&variant.object).map(|def| &def.kind) {
                Some(TypeKind::Object(object)) => object
                    .properties
                    .get(&union.tag)
                    .is_some_and(|property| property.constant().is_none()),
                _ => false,
            };
            Arm {
                ident: format_ident!("{}", variant.name),
                object: format_ident!("{}", variant.object),
                boxed: layout.boxed(&variant.object),
                values,
                stores_tag,
            }
        })
        .collect()
}

impl Arm<'_> {
    fn payload(&self) -> TokenStream {
        let object = &self.object;
        if self.boxed {
            quote!(Box<#object>)
        } else {
            quote!(#object)
        }
    }

    fn reads(&self) -> Vec<TokenStream> {
        let variant = &self.ident;
        let arm = |(index, _): &(u16, &str)| {
            let members = match self.stores_tag {
                true => quote!(members.rewind()),
                false => quote!(members),
            };
            quote!(rt::UnionTag::Known(#index) => rt::ReadObject::read(#members).map(Self::#variant),)
        };
        self.values.iter().map(arm).collect()
    }
}

/// The match arms for an object whose tag is null or absent.
fn absent(union: &TaggedUnion, arms: &[Arm<'_>], lenient: bool) -> TokenStream {
    let tag = &union.tag;
    if let Some(arm) = union.default.and_then(|index| arms.get(index)) {
        let variant = &arm.ident;
        return quote! {
            rt::UnionTag::Null => rt::ReadObject::read(members.rewind()).map(Self::#variant),
            rt::UnionTag::Absent => rt::ReadObject::read(members).map(Self::#variant),
        };
    }
    if lenient {
        return quote! {
            rt::UnionTag::Null => Ok(Self::Unknown(rt::Unknown::new("", members.rewind().read_rest()?))),
            rt::UnionTag::Absent => Ok(Self::Unknown(rt::Unknown::new("", members.read_rest()?))),
        };
    }
    quote!(rt::UnionTag::Null | rt::UnionTag::Absent => rt::need(None, #tag),)
}

pub(super) fn kind_union<'a>(
    name: &str,
    union: &'a KindUnion,
    layout: &mut Layout<'a>,
    lenient: bool,
) -> TokenStream {
    let ident = format_ident!("{name}");
    let doc = format!(" `{name}`, distinguished by JSON kind.");
    let mut variants = Vec::new();
    let mut writes = vec!["String", "Number", "Bool", "Array", "Object", "Other"];
    let mut reads = Vec::new();
    let mut kinds = Vec::new();
    if let Some(ty) = &union.string {
        let ty = element(ty);
        kinds.push("a string");
        variants.push(quote!(#[doc = " A string."] String(#ty),));
        reads.push(quote! {
            fn read_string(scanner: &mut rt::Scanner<'_>) -> Result<Self, rt::JsonFault> {
                rt::ReadJson::read(scanner).map(Self::String)
            }
        });
    }
    if union.number {
        kinds.push("a number");
        variants.push(quote!(
            #[doc = " A number."]
            Number(rt::Number),
        ));
        reads.push(quote! {
            fn read_number(scanner: &mut rt::Scanner<'_>) -> Result<Self, rt::JsonFault> {
                rt::ReadJson::read(scanner).map(Self::Number)
            }
        });
    }
    if union.boolean {
        kinds.push("a boolean");
        variants.push(quote!(
            #[doc = " A boolean."]
            Bool(bool),
        ));
        reads.push(quote! {
            fn read_boolean(scanner: &mut rt::Scanner<'_>) -> Result<Self, rt::JsonFault> {
                rt::ReadJson::read(scanner).map(Self::Bool)
            }
        });
    }
    if let Some(ty) = &union.array {
        let ty = element(ty);
        kinds.push("an array");
        variants.push(quote!(#[doc = " An array."] Array(#ty),));
        reads.push(quote! {
            fn read_array(scanner: &mut rt::Scanner<'_>) -> Result<Self, rt::JsonFault> {
                rt::ReadJson::read(scanner).map(Self::Array)
            }
        });
    }
    if let Some(ty) = &union.object {
        kinds.push("an object");
        let boxed = matches!(ty, Type::Ref(object) if layout.boxed(object));
        let payload = element(ty);
        let payload = if boxed { quote!(Box<#payload>) } else { payload };
        variants.push(quote!(#[doc = " An object."] Object(#payload),));
        reads.push(quote! {
            fn read_object(scanner: &mut rt::Scanner<'_>) -> Result<Self, rt::JsonFault> {
                rt::ReadJson::read(scanner).map(Self::Object)
            }
        });
    }
    if lenient {
        variants.push(quote!(
            #[doc = " Another JSON kind."]
            Other(rt::RawJson),
        ));
        reads.push(quote! {
            const TAKES_OTHER: bool = true;

            fn from_other(raw: rt::RawJson) -> Option<Self> {
                Some(Self::Other(raw))
            }
        });
    }
    let present = [
        union.string.is_some(),
        union.number,
        union.boolean,
        union.array.is_some(),
        union.object.is_some(),
        lenient,
    ];
    let mut present = present.into_iter();
    writes.retain(|_| present.next() == Some(true));
    let writes = writes.into_iter().map(|variant| {
        let variant = format_ident!("{variant}");
        quote!(Self::#variant(value) => value.serialize(serializer),)
    });
    let expected = kinds.join(" or ");
    quote! {
        #[doc = #doc]
        #[derive(Clone, Debug)]
        pub enum #ident { #(#variants)* }
        impl rt::UntaggedUnion for #ident {
            const EXPECTED: &'static str = #expected;
            #(#reads)*
        }
        rt::read_as_untagged!(#ident);
        impl Serialize for #ident {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { #(#writes)* }
            }
        }
    }
}

/// The Rust type of a value in a union variant.
fn element(ty: &Type) -> TokenStream {
    match ty {
        Type::String | Type::Const(_) => quote!(String),
        Type::Text => quote!(rt::LazyStr),
        Type::Integer | Type::Number => quote!(rt::Number),
        Type::Bool => quote!(bool),
        Type::Any => quote!(rt::RawJson),
        Type::Array(inner) => {
            let inner = element(inner);
            quote!(Vec<#inner>)
        }
        Type::Map(inner) => {
            let inner = element(inner);
            quote!(rt::Map<#inner>)
        }
        Type::Nullable(inner) => {
            let inner = element(inner);
            quote!(Option<#inner>)
        }
        Type::Ref(name) => {
            let ident = format_ident!("{name}");
            quote!(#ident)
        }
    }
}
