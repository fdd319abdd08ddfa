//! The paths of saved responses: get, delete, list the input, cancel.

use url::form_urlencoded;

use super::super::response::{self, ProxyResponse};
use super::super::route::RouteEntry;
use super::super::routed_request::RoutedRequest;
use super::lookup::{ResponseChain, read_record};
use super::{StoreRefusal, owner};
use crate::dialect::openai_responses::OpenAiResponses;
use crate::dialect::openai_responses::response_store::{
    self as shapes, StoredResponseAction, StoredResponseError, StoredResponsePath,
};
use crate::dialect::{Dialect, DialectName};
use crate::telemetry::Access;

/// Responds to a request for a saved response. `None` if the request is for something else, or if no model of the
/// prefix is translated for clients of the Responses API: then the upstream itself keeps its responses.
///
/// Without a configured store it still responds, with the error that the response does not exist, since no upstream
/// has it.
pub async fn respond(request: &RoutedRequest<'_>, access: &mut Access) -> Option<ProxyResponse> {
    let stored_path = shapes::classify(&request.method, request.path)?;
    let is_translated = |entry: &RouteEntry| {
        entry
            .translation()
            .is_some_and(|dialects| dialects.client.name() == DialectName::OpenAiResponses)
    };
    if !request.group.entries.iter().any(is_translated) {
        return None;
    }
    let mut response = match write_body(request, stored_path, access).await {
        Ok(body) => response::json(body),
        Err(refusal) => refusal.respond(&OpenAiResponses, access),
    };
    response::add_request_id(&mut response, OpenAiResponses.name(), access);
    Some(response)
}

async fn write_body(
    request: &RoutedRequest<'_>,
    path: StoredResponsePath<'_>,
    access: &Access,
) -> Result<Vec<u8>, StoreRefusal> {
    let missing = || StoreRefusal::Api(StoredResponseError::ResponseNotFound(path.id.to_owned()));
    let store = request.proxy.store.as_ref().ok_or_else(missing)?;
    let owner = owner(request);
    match path.action {
        StoredResponseAction::Get => {
            let (record, _) = read_record(store, &owner, path.id, access)
                .await?
                .ok_or_else(missing)?;
            if is_stream_requested(request.query.as_deref()) {
                return Err(StoredResponseError::NotStreamable.into());
            }
            Ok(record.response.get().as_bytes().to_vec())
        }
        StoredResponseAction::Delete => {
            let id = crate::store::parse_response_id(path.id).ok_or_else(missing)?;
            let deleted = store.delete(&owner.key(id)).await;
            match deleted.map_err(|error| StoreRefusal::unavailable(&error, access))? {
                true => Ok(shapes::deleted(id)),
                false => Err(missing()),
            }
        }
        StoredResponseAction::InputItems => {
            // The input of a response is everything before it, as far back as that still exists.
            let (last, _) = read_record(store, &owner, path.id, access)
                .await?
                .ok_or_else(missing)?;
            let mut items = match &last.previous {
                Some(id) => {
                    let chain = ResponseChain::read(store, &owner, id, access).await?;
                    chain.map(|chain| chain.items).unwrap_or_default()
                }
                None => Vec::new(),
            };
            items.extend(last.input);
            shapes::page(&items, request.query.as_deref()).map_err(StoreRefusal::Other)
        }
        StoredResponseAction::Cancel => {
            // Only background responses can be cancelled, and the proxy makes none.
            read_record(store, &owner, path.id, access)
                .await?
                .ok_or_else(missing)?;
            Err(StoredResponseError::NotBackground.into())
        }
    }
}

/// Whether the query asks for the response as a stream.
fn is_stream_requested(query: Option<&str>) -> bool {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .any(|(name, value)| name == "stream" && value != "false")
}
