//! The list of a prefix's models, and one of it, in the shape that the client reads.

use http::HeaderMap;
use serde_json::json;

use super::answer::{self, Answer};
use super::call::Call;
use super::headers;
use super::path::ModelsPath;
use crate::canonical::{Error, ErrorClass};
use crate::dialect::{self, Dialect, DialectName};
use crate::telemetry::Access;

/// Answers a question about the models of a prefix.
pub(super) fn answer(call: &Call<'_>, asked: &ModelsPath, access: &mut Access) -> Answer {
    let dialect = shape(&call.headers, call.group.dialect_name());
    let body = match asked {
        ModelsPath::List => {
            let names = call.group.names();
            match dialect {
                Some(dialect) => dialect.write_models(&names, call.query.as_deref()),
                None => generic_list(&names),
            }
        }
        ModelsPath::One(name) => {
            if call.group.lookup(name).is_none() {
                return answer::error(dialect, &unknown(name), access);
            }
            match dialect {
                Some(dialect) => dialect.write_model(name),
                None => generic(name).to_string().into_bytes(),
            }
        }
    };
    let mut answer = answer::json(body);
    let name = dialect.map_or(DialectName::OpenAiChat, Dialect::name);
    answer::identify(&mut answer, name, access);
    answer
}

/// The error for a name that no model of a prefix goes by.
pub fn unknown(name: &str) -> Error {
    let message =
        format!("The model `{name}` does not exist: no model of that name is configured for this path");
    Error::new(ErrorClass::NotFound, message).at("model")
}

/// Anthropic's clients are told by their headers; a prefix may serve both kinds.
fn shape(headers: &HeaderMap, frontend: Option<DialectName>) -> Option<&'static dyn Dialect> {
    let name = if headers::speaks_claude(headers) {
        DialectName::Claude
    } else {
        frontend.unwrap_or(DialectName::OpenAiChat)
    };
    dialect::find(name).or_else(|| dialect::find(DialectName::OpenAiChat))
}

fn generic(name: &str) -> serde_json::Value {
    json!({"id": name, "object": "model", "created": 0, "owned_by": "llm-proxy"})
}

fn generic_list(names: &[&str]) -> Vec<u8> {
    let models: Vec<_> = names.iter().map(|name| generic(name)).collect();
    json!({"object": "list", "data": models}).to_string().into_bytes()
}
