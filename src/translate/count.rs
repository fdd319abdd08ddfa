//! Counts of a request's tokens: the request for the upstream's count, and the input of an estimate.

use super::{Estimate, Exchange, ExchangeConfig, ExchangeIdentity};
use crate::canonical::{Error, ErrorClass, Losses, Scope};
use crate::dialect::{ClientRequest, WrittenRequest};

/// Translates a request for the number of tokens. `request` is the request whose tokens are counted, as a client would
/// send it for a response. `None` if the upstream does not count, or does not accept this request at all: then an
/// [`Estimate`] takes the place of the count.
///
/// Losses are not reported. They are when the request itself is sent.
///
/// # Errors
/// An invalid request, naming the field.
pub fn begin_count(
    config: &ExchangeConfig<'_>,
    request: &ClientRequest<'_>,
    identity: ExchangeIdentity<'_>,
) -> Result<Option<(Exchange, WrittenRequest)>, Error> {
    let (exchange, written) = match Exchange::begin(&mut Losses::new(), config, request, identity) {
        Ok(begun) => begun,
        Err(error) if error.class == ErrorClass::Unsupported => return Ok(None),
        Err(error) => return Err(error),
    };
    let model = (config.upstream_model)(exchange.client_model());
    let wrapped = config.upstream.wrap_count(written, &model)?;
    Ok(wrapped.map(|written| (exchange, written)))
}

impl Estimate {
    /// Reads a request, with the route's edits of its system prompt, for an estimate of its tokens.
    ///
    /// # Errors
    /// An invalid request, naming the field.
    pub fn read(config: &ExchangeConfig<'_>, request: &ClientRequest<'_>) -> Result<Self, Error> {
        let mut request = config
            .client
            .read_request(&mut Scope::root(&mut Losses::new()), request)?
            .request;
        config.edits.apply(&mut request);
        let model = (config.upstream_model)(&request.model);
        Ok(Self::new(request, config.upstream.family(), &model))
    }
}
