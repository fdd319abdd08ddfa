//! Structs, and the code that reads and writes them.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::bodies::{Field, StructFields};
use crate::SpecError;
use crate::ir::{ObjectType, Property, Type};

/// A property and its field. Required constants have no field.
struct StructMember<'a> {
    wire: &'a str,
    property: &'a Property,
    field: Option<&'a Field>,
}

pub(super) fn object(
    name: &str,
    object: &ObjectType,
    body: &StructFields,
    lenient: bool,
) -> Result<TokenStream, SpecError> {
    let members: Vec<StructMember<'_>> = object
        .properties
        .iter()
        .map(|(wire, property)| StructMember {
            wire,
            property,
            field: body.get(wire),
        })
        .collect();
    if members.len() >= usize::from(u16::MAX) {
        return Err(SpecError::new("too many properties").within(name));
    }
    let ident = format_ident!("{name}");
    let fields = members.iter().filter_map(StructMember::declaration);
    let doc = format!(" `{name}`. Members without a field are in `extra`.");
    let constructor = constructor(&members);
    let default = if members.iter().any(StructMember::argument) {
        quote!()
    } else {
        quote!(Default,)
    };
    let read = read(name, &members, lenient);
    let write = write(&members);
    Ok(quote! {
        #[doc = #doc]
        #[derive(Clone, Debug, #default)]
        pub struct #ident {
            #(#fields)*
            /// Unknown members, and optional members that are explicitly `null`.
            pub extra: rt::Extra,
        }
        impl #ident { #constructor }
        impl rt::ReadObject for #ident { #read }
        rt::read_as_object!(#ident);
        impl Serialize for #ident { #write }
    })
}

impl StructMember<'_> {
    fn declaration(&self) -> Option<TokenStream> {
        let Field { ident, ty } = self.field?;
        let ty = if self.property.optional() {
            quote!(Option<#ty>)
        } else {
            quote!(#ty)
        };
        Some(quote!(pub #ident: #ty,))
    }

    /// Whether the field is a parameter of `new`.
    fn argument(&self) -> bool {
        self.field.is_some() && !self.property.optional()
    }

    /// The variable that holds the value while the struct is read. The prefix prevents clashes with other variables.
    fn slot(&self) -> Option<syn::Ident> {
        Some(format_ident!("slot_{}", self.field?.ident))
    }

    fn integer(&self) -> bool {
        self.property.ty == Type::Integer
    }

    fn read(&self, lenient: bool) -> TokenStream {
        let wire = self.wire;
        if let Some(value) = self.property.constant() {
            return quote!(members.read_constant(#wire, #value, &mut extra)?);
        }
        let Some(slot) = self.slot() else {
            return quote!(members.skip()?);
        };
        let mode = match lenient {
            true => quote!(rt::IntegerMode::Lenient),
            false => quote!(rt::IntegerMode::Exact),
        };
        match (self.property.required, self.property.nullable, self.integer()) {
            (true, false, false) => quote!(members.read_required(#wire, &mut #slot)?),
            (true, false, true) => quote!(members.read_required_integer(#wire, &mut #slot, #mode)?),
            (true, true, false) => quote!(members.read_nullable(#wire, &mut #slot)?),
            (true, true, true) => quote!(members.read_nullable_integer(#wire, &mut #slot, #mode)?),
            (false, _, false) => quote!(members.read_optional(#wire, &mut #slot, &mut extra)?),
            (false, _, true) => {
                quote!(members.read_optional_integer(#wire, &mut #slot, &mut extra, #mode)?)
            }
        }
    }

    fn write(&self) -> TokenStream {
        let wire = self.wire;
        if let Some(value) = self.property.constant() {
            return quote!(rt::write_constant(&mut map, #wire, #value, &self.extra)?;);
        }
        let Some(Field { ident, .. }) = self.field else {
            return quote!();
        };
        match self.property.required {
            true => quote!(map.serialize_entry(&rt::NoEscape(#wire), &self.#ident)?;),
            false => quote!(rt::write_optional(&mut map, #wire, &self.#ident)?;),
        }
    }
}

fn constructor(members: &[StructMember<'_>]) -> TokenStream {
    let mut arguments = Vec::new();
    let mut values = Vec::new();
    for member in members {
        let Some(Field { ident, ty }) = member.field else {
            continue;
        };
        values.push(match (member.argument(), &member.property.ty) {
            (false, _) => quote!(#ident: None,),
            (true, Type::String | Type::Text) => quote!(#ident: #ident.into(),),
            (true, _) => quote!(#ident,),
        });
        match (member.argument(), &member.property.ty) {
            (false, _) => {}
            (true, Type::String | Type::Text) => arguments.push(quote!(#ident: impl Into<#ty>)),
            (true, _) => arguments.push(quote!(#ident: #ty)),
        }
    }
    let allow = if arguments.len() > 7 {
        quote!(#[allow(clippy::too_many_arguments)])
    } else {
        quote!()
    };
    quote! {
        /// Creates a value with the required members; all others are absent.
        #allow
        pub fn new(#(#arguments),*) -> Self {
            Self { #(#values)* extra: rt::Extra::default() }
        }
    }
}

fn read(name: &str, members: &[StructMember<'_>], lenient: bool) -> TokenStream {
    let indexed = || (0_u16..).zip(members);
    let keys = indexed().map(|(index, member)| {
        let wire = member.wire;
        quote!(#wire => #index,)
    });
    let slots = members
        .iter()
        .filter_map(StructMember::slot)
        .map(|slot| quote!(let mut #slot = None;));
    let arms = indexed().map(|(index, member)| {
        let read = member.read(lenient);
        quote!(rt::JsonKey::Known(#index) => #read,)
    });
    let values = members.iter().filter_map(|member| {
        let ident = &member.field?.ident;
        let slot = member.slot()?;
        let wire = member.wire;
        Some(match member.argument() {
            true => quote!(#ident: rt::need(#slot, #wire)?,),
            false => quote!(#ident: #slot,),
        })
    });
    quote! {
        const NAME: &'static str = #name;

        fn read(mut members: rt::ObjectMembers<'_, '_>) -> Result<Self, rt::JsonFault> {
            fn lookup(name: &str) -> u16 {
                match name {
                    #(#keys)*
                    _ => rt::NOT_KNOWN,
                }
            }
            #(#slots)*
            let mut extra = rt::Extra::default();
            while let Some(key) = members.next(lookup)? {
                match key {
                    #(#arms)*
                    rt::JsonKey::Known(_) => members.skip()?,
                    rt::JsonKey::Other(name) => members.keep(name, &mut extra)?,
                }
            }
            Ok(Self { #(#values)* extra })
        }
    }
}

fn write(members: &[StructMember<'_>]) -> TokenStream {
    let (constants, stored): (Vec<_>, Vec<_>) = members
        .iter()
        .partition(|member| member.property.constant().is_some());
    let writes = constants.iter().chain(&stored).map(|member| member.write());
    let optional: Vec<TokenStream> = stored
        .iter()
        .filter(|member| !member.property.required)
        .filter_map(|member| {
            let ident = &member.field?.ident;
            let wire = member.wire;
            Some(quote!(#wire => self.#ident.is_some(),))
        })
        .collect();
    let has_value = match optional.as_slice() {
        [] => quote!(|_| false),
        arms => quote! {
            |name| match name {
                #(#arms)*
                _ => false,
            }
        },
    };
    quote! {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            #(#writes)*
            self.extra.write(&mut map, #has_value)?;
            map.end()
        }
    }
}
