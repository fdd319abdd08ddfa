//! The paths of kept answers: shown, listed, forgotten.

use url::form_urlencoded;

use super::super::response::{self, ProxyResponse};
use super::super::route::RouteEntry;
use super::super::routed_request::RoutedRequest;
use super::{ResponseChain, StoreRefusal, owner, record};
use crate::dialect::openai_responses::OpenAiResponses;
use crate::dialect::openai_responses::stored::{self, Action, StoredError, StoredPath};
use crate::dialect::{Dialect, DialectName};
use crate::telemetry::Access;

/// Answers a request about a kept answer. `None` where it is about something else, or where no model of the prefix has
/// its answers translated for clients of this API: then whoever made the answer knows it.
pub async fn answer(call: &RoutedRequest<'_>, access: &mut Access) -> Option<ProxyResponse> {
    let asked = stored::classify(&call.method, call.rest)?;
    let translated = |entry: &RouteEntry| {
        entry
            .translation()
            .is_some_and(|pair| pair.frontend == DialectName::OpenAiResponses)
    };
    if !call.group.entries.iter().any(translated) {
        return None;
    }
    let mut answer = match body(call, asked, access).await {
        Ok(body) => response::json(body),
        Err(refusal) => refusal.answer(&OpenAiResponses, access),
    };
    response::identify(&mut answer, OpenAiResponses.name(), access);
    Some(answer)
}

async fn body(
    call: &RoutedRequest<'_>,
    asked: StoredPath<'_>,
    access: &Access,
) -> Result<Vec<u8>, StoreRefusal> {
    let missing = || StoreRefusal::ResponseLinks(StoredError::ResponseNotFound(asked.id.to_owned()));
    let store = call.proxy.store.as_ref().ok_or_else(missing)?;
    let owner = owner(call);
    match asked.action {
        Action::Get => {
            let (record, _) = record(store, &owner, asked.id, access)
                .await?
                .ok_or_else(missing)?;
            if streams(call.query.as_deref()) {
                return Err(StoredError::NotStreamable.into());
            }
            Ok(record.response.get().as_bytes().to_vec())
        }
        Action::Delete => {
            let id = crate::store::response_id(asked.id).ok_or_else(missing)?;
            let deleted = store.delete(&owner.key(id)).await;
            match deleted.map_err(|error| StoreRefusal::unavailable(&error, access))? {
                true => Ok(stored::deleted(id)),
                false => Err(missing()),
            }
        }
        Action::InputItems => {
            let (last, _) = record(store, &owner, asked.id, access)
                .await?
                .ok_or_else(missing)?;
            let mut items = match &last.previous {
                Some(id) => {
                    let chain = ResponseChain::up_to(store, &owner, id, access).await?;
                    chain.map(|chain| chain.items).unwrap_or_default()
                }
                None => Vec::new(),
            };
            items.extend(last.input);
            stored::page(&items, call.query.as_deref()).map_err(StoreRefusal::Other)
        }
        Action::Cancel => {
            record(store, &owner, asked.id, access)
                .await?
                .ok_or_else(missing)?;
            Err(StoredError::NotBackground.into())
        }
    }
}

/// Whether the query asks for the answer as a stream.
fn streams(query: Option<&str>) -> bool {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .any(|(name, value)| name == "stream" && value != "false")
}
