//! [`Ir`] to Rust.

mod bodies;
mod layout;
mod object;
mod unions;

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::Error;
use crate::ir::{Ir, Kind};
use crate::names::snake;
use bodies::Body;
use layout::Layout;

/// The Rust of one dialect: its types, and functions that read and write the roots. It refers to
/// `crate::wire::json` for what all dialects share. The same `ir` always gives the same text.
pub fn generate(ir: &Ir) -> Result<String, Error> {
    let bodies = bodies::bodies(ir)?;
    let no_fields = Body::new();
    let mut layout = Layout::new(ir);
    let mut items = TokenStream::new();
    for (name, def) in &ir.defs {
        items.extend(match &def.kind {
            Kind::Object(object) => {
                let body = bodies.get(name).unwrap_or(&no_fields);
                object::object(name, object, body, def.lenient)?
            }
            Kind::Enum(values) => unions::open_enum(name, values),
            Kind::Tagged(union) => unions::tagged(ir, name, union, &mut layout, def.lenient),
            Kind::Shape(shape) => unions::shape(name, shape, &mut layout, def.lenient),
        });
    }
    let roots = roots(ir);
    let imports = imports();
    let file = syn::parse2(quote! { #imports #roots #items })
        .map_err(|error| Error::new(format!("generated: {error}")))?;
    Ok(prettyplease::unparse(&file))
}

fn imports() -> TokenStream {
    quote! {
        use serde::ser::{Serialize, SerializeMap, Serializer};
        use crate::wire::json as rt;
    }
}

/// Functions that are not generic, so that nothing is instantiated where they are used.
fn roots(ir: &Ir) -> TokenStream {
    let mut functions = TokenStream::new();
    let written: BTreeSet<&String> = ir.roots.keys().collect();
    for role in written {
        let Some(name) = ir.roots.get(role) else {
            continue;
        };
        let ident = format_ident!("{name}");
        let is_request = role == "Request";
        let role = snake(role);
        let parse = format_ident!("parse_{role}");
        let write = format_ident!("write_{role}");
        let append = format_ident!("write_{role}_into");
        let parse_doc = format!(" Reads a whole {role}; an error names the JSON path.");
        let write_doc = format!(" The JSON text of a {role}.");
        let append_doc = format!(" Appends the JSON text of a {role}.");
        if is_request {
            let shared = format_ident!("parse_shared_{role}");
            let doc = format!(" As [`{parse}`]; texts become slices of the document.");
            functions.extend(quote! {
                #[doc = #doc]
                pub fn #shared(document: &bytes::Bytes) -> Result<#ident, rt::ReadError> {
                    rt::parse_shared(document)
                }
            });
        }
        functions.extend(quote! {
            #[doc = #parse_doc]
            pub fn #parse(document: &[u8]) -> Result<#ident, rt::ReadError> {
                rt::parse(document)
            }
            #[doc = #write_doc]
            pub fn #write(value: &#ident) -> Vec<u8> {
                rt::to_bytes(value)
            }
            #[doc = #append_doc]
            pub fn #append(value: &#ident, out: &mut Vec<u8>) {
                rt::append(value, out);
            }
        });
    }
    functions
}
