//! Reads a client's request.

use super::super::reasons::BedrockReason;
use super::super::{envelope, headers};
use crate::canonical::{Error, Scope};
use crate::dialect::claude::request as claude_request;
use crate::dialect::{ClientRequest, ReadRequest};

/// Reads a request as one of the Messages API.
///
/// # Errors
/// An invalid request, naming the field.
pub fn read_request(scope: &mut Scope<'_>, request: &ClientRequest<'_>) -> Result<ReadRequest, Error> {
    let unwrapped = envelope::unwrap_request(scope, request)?;
    for beta in &unwrapped.betas {
        scope
            .at("anthropic_beta")
            .field(beta)
            .ignore(BedrockReason::VendorBeta);
    }
    if unwrapped.user_profile.is_some() {
        scope.at("user_profile_id").drop(BedrockReason::UserProfile);
    }
    let body = envelope::to_messages_body(&unwrapped)?;
    let inner = ClientRequest {
        headers: request.headers,
        model: Some(&unwrapped.model),
        stream: Some(unwrapped.stream),
        body: &body,
    };
    let mut read = claude_request::read(scope, &inner)?;
    read.request.service_tier = headers::read_tier(scope, request.headers, read.request.service_tier);
    Ok(read)
}
