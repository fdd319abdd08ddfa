//! The number of a request's tokens: the question to the upstream, and what an estimate is made from.

use super::{Estimate, Exchange, ExchangeConfig};
use crate::canonical::{Error, ErrorClass, Losses, Scope};
use crate::dialect::{ClientRequest, WrittenRequest};

/// Translates a question about the number of a request's tokens. `inbound` is that request, as it would be sent for an
/// answer. `None` where the upstream has no such question, or does not take this request at all.
///
/// Nothing is told of what is lost: that is told when the request itself is sent.
///
/// # Errors
/// An invalid request, naming the field.
pub fn question(
    route: &ExchangeConfig<'_>,
    inbound: &ClientRequest<'_>,
    created: u64,
    request_id: &str,
) -> Result<Option<(Exchange, WrittenRequest)>, Error> {
    let begun = Exchange::begin(route, inbound, created, request_id, &mut Losses::new());
    let (exchange, written) = match begun {
        Ok(begun) => begun,
        Err(error) if error.class == ErrorClass::Unsupported => return Ok(None),
        Err(error) => return Err(error),
    };
    let model = (route.model)(&exchange.reply.model);
    let sealed = route.upstream.wrap_count(written, &model)?;
    Ok(sealed.map(|written| (exchange, written)))
}

impl Estimate {
    /// What is to be counted where the upstream does not count: the request with the route's edits.
    ///
    /// # Errors
    /// An invalid request, naming the field.
    pub fn read(route: &ExchangeConfig<'_>, inbound: &ClientRequest<'_>) -> Result<Self, Error> {
        let mut request = route
            .client
            .read_request(&mut Scope::root(&mut Losses::new()), inbound)?
            .request;
        route.edits.apply(&mut request);
        let model = (route.model)(&request.model);
        Ok(Self::new(request, route.upstream.family(), &model))
    }
}
