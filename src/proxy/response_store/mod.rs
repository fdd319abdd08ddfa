//! What clients of the Responses API leave here and come back to, where their upstream speaks another dialect.
//!
//! A request that goes on from a kept answer becomes one that says everything itself; then it takes the way of all
//! others. What is kept of it goes into the store when its answer is complete.

mod endpoints;
mod saving_stream;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::value::RawValue;

use super::headers;
use super::response::{self, BodySource, ProxyResponse};
use super::routed_request::RoutedRequest;
use crate::canonical::{Error, ErrorClass};
use crate::dialect::openai_responses::stored::{self, Asked, StoredError};
use crate::dialect::{Dialect, DialectName, Endpoint, ResponseLinks};
use crate::store::{self, Store, StoreEntry, StoreError, StoreKey, StoreOwner, TurnRecord};
use crate::telemetry::Access;

pub(super) use endpoints::answer as object;
pub(super) use saving_stream::SavingStream;

/// Most bytes of a conversation that is put together: what a request of its own could have.
const CONVERSATION_LIMIT: usize = super::BODY_LIMIT;
/// How long an answer may wait for being kept.
const SAVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a request cannot be served from the store.
#[derive(Debug)]
pub(super) enum StoreRefusal {
    /// What it names is not there.
    ResponseLinks(StoredError),
    /// Anything else.
    Other(Error),
}

impl From<StoredError> for StoreRefusal {
    fn from(error: StoredError) -> Self {
        Self::ResponseLinks(error)
    }
}

impl StoreRefusal {
    /// The cause goes to the log, not to the client.
    fn unavailable(error: &StoreError, access: &Access) -> Self {
        tracing::error!(request_id = access.request_id, cause = %error, "the response store cannot be read");
        let message = "the response store is not available";
        Self::Other(Error::new(ErrorClass::Internal, message))
    }

    /// The refusal in the client's dialect.
    pub fn answer(&self, client: &'static dyn Dialect, access: &mut Access) -> ProxyResponse {
        let error = match self {
            Self::Other(error) => return response::error(Some(client), error, access),
            Self::ResponseLinks(error) => error,
        };
        access.error = Some(error.class());
        let written = error.write(&access.request_id);
        let mut answer = response::full(written.status, None, written.body);
        answer.headers_mut().extend(written.headers);
        answer
    }
}

/// One turn that has begun, and what is to be kept of it.
pub(super) struct PendingResponse {
    stored: ResponseLinks,
    keep: Option<PendingSave>,
}

/// What is kept when the answer is complete.
struct PendingSave {
    store: Arc<Store>,
    key: StoreKey,
    id: String,
    previous: Option<String>,
    /// The answers that this one goes on from, the first one first.
    chain: Vec<StoreKey>,
    items: Vec<Bytes>,
    request_id: String,
}

/// Puts into a request what it only names, and says what is to become of its answer. `None` where no store has to do
/// with it.
///
/// # Errors
/// What the request names is not there, or cannot be had.
pub(super) async fn begin(
    call: &mut RoutedRequest<'_>,
    client: &'static dyn Dialect,
    access: &Access,
) -> Result<Option<PendingResponse>, StoreRefusal> {
    if client.name() != DialectName::OpenAiResponses {
        return Ok(None);
    }
    let Some(store) = &call.proxy.store else {
        return Ok(None);
    };
    let answers = match client.endpoint(&call.method, call.rest) {
        Endpoint::Generate { .. } => true,
        Endpoint::CountTokens { .. } => false,
        _ => return Ok(None),
    };
    let Some(asked) = Asked::read(&call.body.whole()) else {
        return Ok(None);
    };
    let owner = owner(call);
    let chain = match &asked.previous {
        Some(id) => ResponseChain::of(store, &owner, id, access).await?,
        None => ResponseChain::default(),
    };
    let mut resolved = Vec::new();
    for reference in asked.references() {
        resolved.push(item(store, &owner, reference, access).await?);
    }
    let items = asked.items(&resolved);
    if let Some(body) = asked.expanded(&chain.items, &items) {
        if body.len() > CONVERSATION_LIMIT {
            return Err(StoreRefusal::Other(too_large()));
        }
        call.body = body.into();
    }
    if !answers {
        return Ok(None);
    }
    let mut turn = PendingResponse {
        stored: ResponseLinks {
            id: None,
            previous: asked.previous.clone(),
        },
        keep: None,
    };
    if asked.store {
        let id = store::new_response_id().map_err(|error| {
            let message = format!("the system gives no random bytes: {error}");
            StoreRefusal::Other(Error::new(ErrorClass::Internal, message))
        })?;
        turn.stored.id = Some(id.clone());
        turn.keep = Some(PendingSave {
            store: Arc::clone(store),
            key: owner.key(&id),
            id,
            previous: asked.previous,
            chain: chain.keys,
            items,
            request_id: access.request_id.clone(),
        });
    }
    Ok(Some(turn))
}

/// Whose entries a client of this request reads and writes.
fn owner(call: &RoutedRequest<'_>) -> StoreOwner {
    let credential = headers::client_token(&call.headers).unwrap_or_default();
    StoreOwner::new(call.group.prefix.as_str(), credential)
}

/// The turns up to a kept answer.
#[derive(Default)]
struct ResponseChain {
    /// Keys of the turns, the first one first.
    keys: Vec<StoreKey>,
    /// Input and output of all turns.
    items: Vec<Box<RawValue>>,
    /// Whether a turn before the first is not there any more.
    broken: bool,
}

impl ResponseChain {
    /// The turns up to an answer, all of which have to be there.
    async fn of(store: &Store, owner: &StoreOwner, id: &str, access: &Access) -> Result<Self, StoreRefusal> {
        let chain = Self::up_to(store, owner, id, access).await?;
        match chain {
            Some(chain) if !chain.broken => Ok(chain),
            _ => Err(StoredError::PreviousNotFound(id.to_owned()).into()),
        }
    }

    /// The turns up to an answer, as far back as they are there; `None` where the answer itself is not.
    async fn up_to(
        store: &Store,
        owner: &StoreOwner,
        id: &str,
        access: &Access,
    ) -> Result<Option<Self>, StoreRefusal> {
        let mut turns = Vec::new();
        let mut keys = Vec::new();
        let mut bytes = 0_usize;
        let mut next = Some(id.to_owned());
        let mut broken = false;
        while let Some(id) = next {
            let Some((record, length)) = record(store, owner, &id, access).await? else {
                broken = true;
                break;
            };
            // Also the end of a chain that a damaged store has made a ring.
            bytes = bytes.saturating_add(length);
            if bytes > CONVERSATION_LIMIT {
                return Err(StoreRefusal::Other(too_large()));
            }
            keys.push(owner.key(&id));
            next = record.previous.clone();
            turns.push(record);
        }
        if turns.is_empty() {
            return Ok(None);
        }
        keys.reverse();
        let mut items = Vec::new();
        for turn in turns.into_iter().rev() {
            let output = turn.output();
            items.extend(turn.input);
            items.extend(output);
        }
        Ok(Some(Self { keys, items, broken }))
    }
}

/// A kept turn and what it weighs. What the proxy did not make is not looked for.
async fn record(
    store: &Store,
    owner: &StoreOwner,
    id: &str,
    access: &Access,
) -> Result<Option<(TurnRecord, usize)>, StoreRefusal> {
    let Some(id) = store::response_id(id) else {
        return Ok(None);
    };
    let unavailable = |error: StoreError| StoreRefusal::unavailable(&error, access);
    let Some(value) = store.get(&owner.key(id)).await.map_err(unavailable)? else {
        return Ok(None);
    };
    let record = TurnRecord::read(&value).map_err(unavailable)?;
    Ok(Some((record, value.len())))
}

/// The item that a reference names, among those of the turn that its identifier tells of.
async fn item(
    store: &Store,
    owner: &StoreOwner,
    id: &str,
    access: &Access,
) -> Result<Box<RawValue>, StoreRefusal> {
    let missing = || StoreRefusal::ResponseLinks(StoredError::ItemNotFound(id.to_owned()));
    let response = store::item_owner(id).ok_or_else(missing)?;
    let (record, _) = record(store, owner, &response, access)
        .await?
        .ok_or_else(missing)?;
    let output = record.output();
    let mut items = output.into_iter().chain(record.input);
    items
        .find(|item| stored::item_id(item).is_some_and(|known| known == id))
        .ok_or_else(missing)
}

fn too_large() -> Error {
    let message = format!("the conversation is larger than {CONVERSATION_LIMIT} bytes");
    Error::new(ErrorClass::TooLarge, message)
}

impl PendingResponse {
    /// What the answer says of the store.
    pub fn stored(&self) -> ResponseLinks {
        self.stored.clone()
    }

    /// Keeps a complete answer before it leaves, and sees to it that a streamed one is kept before its last event does.
    pub async fn keep(self, answer: ProxyResponse) -> ProxyResponse {
        let Some(keep) = self.keep.filter(|_| answer.status() == StatusCode::OK) else {
            return answer;
        };
        let (parts, source) = answer.into_parts();
        let source = match source {
            BodySource::Full(body) => BodySource::Full(match keep.save(&body).await {
                Ok(()) => body,
                Err(()) => stored::unkept(&body),
            }),
            BodySource::Translated(translation) => {
                BodySource::Saving(Box::new(SavingStream::new(translation, keep)))
            }
            other @ (BodySource::Relay(_) | BodySource::Saving(_)) => other,
        };
        ProxyResponse::from_parts(parts, source)
    }
}

impl PendingSave {
    /// Keeps the answer; why that failed is in the log.
    async fn save(self, response: &[u8]) -> Result<(), ()> {
        let Self {
            store,
            key,
            id,
            previous,
            chain,
            items,
            request_id,
        } = self;
        let saved = async {
            let response = serde_json::from_slice(response).map_err(StoreError::new)?;
            let record = TurnRecord::new(previous, stored::identified(&items, &id), response);
            let entry = StoreEntry {
                key,
                value: record.write()?,
                used: chain,
            };
            store.save(entry).await
        };
        let saved = tokio::time::timeout(SAVE_TIMEOUT, saved).await;
        let saved = saved.unwrap_or_else(|_| Err(StoreError::new("the store took too long")));
        saved.map_err(|error| {
            tracing::error!(request_id, cause = %error, "an answer was not kept");
        })
    }
}
