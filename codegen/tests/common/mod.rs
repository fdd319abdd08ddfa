//! Small schemas for tests.

use llm_proxy_codegen::{Ir, Spec, generate};
use serde_json::{Value, json};

/// A document with these definitions whose request is `Root`.
pub fn document(defs: Value) -> Value {
    json!({ "roots": { "Request": "Root" }, "$defs": defs })
}

/// The types of a document, or the error message.
pub fn ir(document: Value, overlay: Value) -> Result<Ir, String> {
    Spec::from_json(document, overlay)
        .and_then(|spec| spec.ir())
        .map_err(|error| error.to_string())
}

/// The Rust code of these definitions, without the imports and functions that every dialect has.
#[allow(dead_code, reason = "not every test file prints Rust")]
pub fn rust(defs: Value) -> String {
    rust_of(document(defs))
}

#[allow(dead_code, reason = "not every test file prints Rust")]
pub fn rust_of(document: Value) -> String {
    let ir = ir(document, json!([])).expect("a good schema");
    let rust = generate(&ir).expect("Rust");
    let first_type = rust.find("/// `").expect("a type with a doc comment");
    rust.get(first_type..).expect("found above").to_owned()
}
