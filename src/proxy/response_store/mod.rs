//! Responses that clients of the Responses API refer to later, if their upstream speaks another dialect and keeps none.
//!
//! | file | content |
//! | --- | --- |
//! | `mod` | before a request is translated: resolves its references, and prepares what will be saved |
//! | `lookup` | reads saved responses and their items |
//! | `saving_stream` | a streamed response that is saved before its last event is sent |
//! | `endpoints` | the paths of saved responses: get, delete, list the input, cancel |
//!
//! A request that continues a saved response becomes one that contains the whole conversation. Readers and writers of
//! dialects, and the upstream, need to know nothing of the store. The JSON of the API is in
//! `dialect::openai_responses::stored`, and the entries are in `crate::store`.

mod endpoints;
mod lookup;
mod saving_stream;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use super::headers;
use super::response::{self, BodySource, ProxyResponse};
use super::routed_request::RoutedRequest;
use crate::canonical::{Error, ErrorClass};
use crate::dialect::openai_responses::response_store::{self as shapes, StoreRequest, StoredResponseError};
use crate::dialect::{Dialect, DialectName, Endpoint, ResponseLinks};
use crate::store::{self, Store, StoreEntry, StoreError, StoreKey, StoreOwner, TurnRecord};
use crate::telemetry::Access;
use lookup::ResponseChain;

pub(super) use endpoints::respond;
pub(super) use saving_stream::SavingStream;

/// The most bytes of a conversation that is put together: as many as a request may have that contains all of it.
const CONVERSATION_LIMIT: usize = super::BODY_LIMIT;
/// How long a response may wait until it is saved. After that it is sent, marked as not saved.
const SAVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the response store cannot serve a request.
#[derive(Debug)]
pub(super) enum StoreRefusal {
    /// An error of the API, mostly that the response does not exist.
    Api(StoredResponseError),
    /// Any other error.
    Other(Error),
}

impl From<StoredResponseError> for StoreRefusal {
    fn from(error: StoredResponseError) -> Self {
        Self::Api(error)
    }
}

impl StoreRefusal {
    /// Logs why the store cannot be read. The client does not get the cause, which may contain addresses and file
    /// names.
    fn unavailable(error: &StoreError, access: &Access) -> Self {
        tracing::error!(request_id = access.request_id, cause = %error, "the response store cannot be read");
        let message = "the response store is not available";
        Self::Other(Error::new(ErrorClass::Internal, message))
    }

    fn conversation_too_large() -> Self {
        let message = format!("the conversation is larger than {CONVERSATION_LIMIT} bytes");
        Self::Other(Error::new(ErrorClass::TooLarge, message))
    }

    /// Makes the error response in the client's dialect.
    pub fn respond(&self, client: &'static dyn Dialect, access: &mut Access) -> ProxyResponse {
        let error = match self {
            Self::Other(error) => return response::error(Some(client), error, access),
            Self::Api(error) => error,
        };
        access.error = Some(error.class());
        response::written_error(error.write(&access.request_id))
    }
}

/// A response that has not begun yet: its identifiers in the store, and what will be saved with it.
pub(super) struct PendingResponse {
    links: ResponseLinks,
    /// `None` if the response will not be saved.
    save: Option<PendingSave>,
}

/// What is saved together with a response once that is complete.
struct PendingSave {
    store: Arc<Store>,
    key: StoreKey,
    response_id: String,
    previous_response_id: Option<String>,
    /// The keys of the responses that this one continues, the first one first. They are kept as long as this one.
    chain: Vec<StoreKey>,
    /// The input items of the request alone. They are slices of its body, which stays in memory until they are saved.
    items: Vec<Bytes>,
    /// The request's identifier, for the log.
    request_id: String,
}

/// Puts what a request refers to into its body, and prepares what will be saved with its response.
///
/// `None` if the store is not concerned: another dialect or endpoint, no store configured, or a request whose members
/// the reader of the dialect will refuse. Also `None` for a request that only counts tokens: it is expanded, but has
/// no response to save.
///
/// # Errors
/// When a response or item that the request refers to does not exist, the store cannot be read, or the conversation
/// is too large.
pub(super) async fn prepare(
    request: &mut RoutedRequest<'_>,
    client: &'static dyn Dialect,
    access: &Access,
) -> Result<Option<PendingResponse>, StoreRefusal> {
    if client.name() != DialectName::OpenAiResponses {
        return Ok(None);
    }
    let Some(store) = &request.proxy.store else {
        return Ok(None);
    };
    let has_response = match client.endpoint(&request.method, request.path) {
        Endpoint::Generate { .. } => true,
        Endpoint::CountTokens { .. } => false,
        _ => return Ok(None),
    };
    let Some(asked) = StoreRequest::read(&request.body.whole()) else {
        return Ok(None);
    };

    // The references: a previous response with everything before it, and single items.
    let owner = owner(request);
    let chain = match &asked.previous {
        Some(id) => ResponseChain::read_complete(store, &owner, id, access).await?,
        None => ResponseChain::default(),
    };
    let mut resolved = Vec::new();
    for reference in asked.references() {
        resolved.push(lookup::find_item(store, &owner, reference, access).await?);
    }

    // The request as one that contains all of it. From here on, no code sees the references.
    let items = asked.items(&resolved);
    if let Some(body) = asked.expanded(&chain.items, &items) {
        if body.len() > CONVERSATION_LIMIT {
            return Err(StoreRefusal::conversation_too_large());
        }
        request.body = body.into();
    }
    if !has_response {
        return Ok(None);
    }

    // The response. Its identifier is made now, because it is in the first event of a stream already.
    let mut pending = PendingResponse {
        links: ResponseLinks {
            id: None,
            previous: asked.previous.clone(),
        },
        save: None,
    };
    if asked.store {
        let id = store::new_response_id().map_err(|error| {
            let message = format!("the system provides no random bytes: {error}");
            StoreRefusal::Other(Error::new(ErrorClass::Internal, message))
        })?;
        pending.links.id = Some(id.clone());
        pending.save = Some(PendingSave {
            store: Arc::clone(store),
            key: owner.key(&id),
            response_id: id,
            previous_response_id: asked.previous,
            chain: chain.keys,
            items,
            request_id: access.request_id.clone(),
        });
    }
    Ok(Some(pending))
}

/// The owner of the entries that this request may read and write.
fn owner(request: &RoutedRequest<'_>) -> StoreOwner {
    let credential = headers::client_token(&request.headers).unwrap_or_default();
    StoreOwner::new(request.group.prefix.as_str(), credential)
}

impl PendingResponse {
    /// The identifiers that the response contains.
    pub fn links(&self) -> ResponseLinks {
        self.links.clone()
    }

    /// Saves a response before it is sent. A streamed one is sent while it is translated, and saved before its last
    /// event is sent. So a client never holds the end of a response that it cannot refer to, unless the response says
    /// so.
    pub async fn save(self, response: ProxyResponse) -> ProxyResponse {
        let Some(save) = self.save.filter(|_| response.status() == StatusCode::OK) else {
            return response;
        };
        let (parts, source) = response.into_parts();
        let source = match source {
            BodySource::Full(body) => BodySource::Full(match save.run(&body).await {
                Ok(()) => body,
                Err(NotSaved) => shapes::unkept(&body),
            }),
            BodySource::Translated(translated) => {
                BodySource::Saving(Box::new(SavingStream::new(translated, save)))
            }
            // A translated response is neither of these.
            other @ (BodySource::Relay(_) | BodySource::Saving(_)) => other,
        };
        ProxyResponse::from_parts(parts, source)
    }
}

/// A response was not saved. The cause is in the log.
struct NotSaved;

impl PendingSave {
    /// Saves the response, whose JSON object is given, and its input.
    ///
    /// # Errors
    /// When the store fails or takes longer than [`SAVE_TIMEOUT`].
    async fn run(self, response: &[u8]) -> Result<(), NotSaved> {
        let Self {
            store,
            key,
            response_id,
            previous_response_id,
            chain,
            items,
            request_id,
        } = self;
        let saving = async {
            let response = serde_json::from_slice(response).map_err(StoreError::new)?;
            let input = shapes::identified(&items, &response_id);
            let record = TurnRecord::new(previous_response_id, input, response);
            let entry = StoreEntry {
                key,
                value: record.write()?,
                used: chain,
            };
            store.save(entry).await
        };
        let saved = tokio::time::timeout(SAVE_TIMEOUT, saving).await;
        let saved =
            saved.unwrap_or_else(|_| Err(StoreError::new("the response store did not respond in time")));
        saved.map_err(|error| {
            tracing::error!(request_id, cause = %error, "a response was not saved in the response store");
            NotSaved
        })
    }
}
