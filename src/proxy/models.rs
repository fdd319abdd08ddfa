//! The list of a prefix's models, and one entry of it, in the shape that the client reads.

use http::HeaderMap;

use super::headers;
use super::path::ModelsPath;
use super::response::{self, ProxyResponse};
use super::routed_request::RoutedRequest;
use crate::canonical::{Error, ErrorClass};
use crate::dialect::{self, Dialect, DialectName};
use crate::telemetry::Access;

/// Makes the response to a request for the models of a prefix.
pub(super) fn respond(request: &RoutedRequest<'_>, path: &ModelsPath, access: &mut Access) -> ProxyResponse {
    let dialect = choose_dialect(&request.headers, request.group.dialect_name());
    let body = match path {
        ModelsPath::List => {
            let names = request.group.model_names();
            dialect.write_models(&names, request.query.as_deref())
        }
        ModelsPath::One(name) => {
            if request.group.lookup(name).is_none() {
                return response::error(Some(dialect), &unknown_model(name), access);
            }
            dialect.write_model(name)
        }
    };
    let mut response = response::json(body);
    response::add_request_id(&mut response, dialect.name(), access);
    response
}

/// The error for a name that no model of a prefix has.
pub fn unknown_model(name: &str) -> Error {
    let message =
        format!("The model `{name}` does not exist: no model of that name is configured for this path");
    Error::new(ErrorClass::NotFound, message).at("model")
}

/// The dialect of the list. The headers count more than the configuration: all dialects have the list at the same
/// path, and a prefix may serve clients of several.
fn choose_dialect(headers: &HeaderMap, frontend: Option<DialectName>) -> &'static dyn Dialect {
    let claude = headers::speaks_claude(headers).then_some(DialectName::Claude);
    let name = claude.or(frontend);
    name.map_or(response::DEFAULT_DIALECT, dialect::find)
}
