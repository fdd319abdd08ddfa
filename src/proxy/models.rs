//! The list of a prefix's models, and one of it, in the shape that the client reads.

use http::HeaderMap;

use super::headers;
use super::path::ModelsPath;
use super::response::{self, ProxyResponse};
use super::routed_request::RoutedRequest;
use crate::canonical::{Error, ErrorClass};
use crate::dialect::{self, Dialect, DialectName};
use crate::telemetry::Access;

/// Answers a question about the models of a prefix.
pub(super) fn answer(call: &RoutedRequest<'_>, asked: &ModelsPath, access: &mut Access) -> ProxyResponse {
    let dialect = shape(&call.headers, call.group.dialect_name());
    let body = match asked {
        ModelsPath::List => {
            let names = call.group.names();
            dialect.write_models(&names, call.query.as_deref())
        }
        ModelsPath::One(name) => {
            if call.group.lookup(name).is_none() {
                return response::error(Some(dialect), &unknown(name), access);
            }
            dialect.write_model(name)
        }
    };
    let mut answer = response::json(body);
    response::identify(&mut answer, dialect.name(), access);
    answer
}

/// The error for a name that no model of a prefix goes by.
pub fn unknown(name: &str) -> Error {
    let message =
        format!("The model `{name}` does not exist: no model of that name is configured for this path");
    Error::new(ErrorClass::NotFound, message).at("model")
}

/// Anthropic's clients are told by their headers; a prefix may serve both kinds.
fn shape(headers: &HeaderMap, frontend: Option<DialectName>) -> &'static dyn Dialect {
    let claude = headers::speaks_claude(headers).then_some(DialectName::Claude);
    let name = claude.or(frontend);
    name.map_or(response::DEFAULT_DIALECT, dialect::find)
}
