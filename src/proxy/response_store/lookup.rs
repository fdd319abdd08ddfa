//! Reads saved responses and their items.

use serde_json::value::RawValue;

use super::{CONVERSATION_LIMIT, StoreRefusal};
use crate::dialect::openai_responses::response_store::{self as shapes, StoredResponseError};
use crate::store::{self, Store, StoreError, StoreKey, StoreOwner, TurnRecord};
use crate::telemetry::Access;

/// A saved response and all that it continues: the conversation up to it.
#[derive(Default)]
pub(super) struct ResponseChain {
    /// The keys of the responses, the first one first.
    pub keys: Vec<StoreKey>,
    /// The input and output items of all of them, in the order of the conversation.
    pub items: Vec<Box<RawValue>>,
    /// Whether a response before the first one does not exist any more.
    is_broken: bool,
}

impl ResponseChain {
    /// The chain up to a response that a request continues.
    ///
    /// # Errors
    /// When one of the responses does not exist: the model would miss a part of the conversation without notice.
    pub async fn read_complete(
        store: &Store,
        owner: &StoreOwner,
        id: &str,
        access: &Access,
    ) -> Result<Self, StoreRefusal> {
        let chain = Self::read(store, owner, id, access).await?;
        match chain {
            Some(chain) if !chain.is_broken => Ok(chain),
            _ => Err(StoredResponseError::PreviousNotFound(id.to_owned()).into()),
        }
    }

    /// The chain up to a response, as far back as it exists; `None` if the response itself does not exist.
    ///
    /// # Errors
    /// When the store cannot be read, or the conversation is too large.
    pub async fn read(
        store: &Store,
        owner: &StoreOwner,
        id: &str,
        access: &Access,
    ) -> Result<Option<Self>, StoreRefusal> {
        let mut turns = Vec::new();
        let mut keys = Vec::new();
        let mut bytes = 0_usize;
        let mut next = Some(id.to_owned());
        let mut is_broken = false;
        while let Some(id) = next {
            let Some((record, length)) = read_record(store, owner, &id, access).await? else {
                is_broken = true;
                break;
            };
            // Also ends a chain that a damaged store has closed to a ring.
            bytes = bytes.saturating_add(length);
            if bytes > CONVERSATION_LIMIT {
                return Err(StoreRefusal::conversation_too_large());
            }
            keys.push(owner.key(&id));
            next = record.previous.clone();
            turns.push(record);
        }
        if turns.is_empty() {
            return Ok(None);
        }
        // They were read from the last one back.
        keys.reverse();
        let mut items = Vec::new();
        for turn in turns.into_iter().rev() {
            let output = turn.output();
            items.extend(turn.input);
            items.extend(output);
        }
        Ok(Some(Self {
            keys,
            items,
            is_broken,
        }))
    }
}

/// A saved response with its input, and the length of its entry in bytes; `None` if it does not exist. An identifier
/// that the proxy did not make is not looked for.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn read_record(
    store: &Store,
    owner: &StoreOwner,
    id: &str,
    access: &Access,
) -> Result<Option<(TurnRecord, usize)>, StoreRefusal> {
    let Some(id) = store::parse_response_id(id) else {
        return Ok(None);
    };
    let unavailable = |error: StoreError| StoreRefusal::unavailable(&error, access);
    let Some(value) = store.get(&owner.key(id)).await.map_err(unavailable)? else {
        return Ok(None);
    };
    let record = TurnRecord::read(&value).map_err(unavailable)?;
    Ok(Some((record, value.len())))
}

/// The item that a reference names. An item's identifier contains that of its response, so only one entry has to be
/// read.
///
/// # Errors
/// When the item does not exist, or the store cannot be read.
pub(super) async fn find_item(
    store: &Store,
    owner: &StoreOwner,
    id: &str,
    access: &Access,
) -> Result<Box<RawValue>, StoreRefusal> {
    let missing = || StoreRefusal::Api(StoredResponseError::ItemNotFound(id.to_owned()));
    let response = store::response_id_of_item(id).ok_or_else(missing)?;
    let (record, _) = read_record(store, owner, &response, access)
        .await?
        .ok_or_else(missing)?;
    let output = record.output();
    let mut items = output.into_iter().chain(record.input);
    items
        .find(|item| shapes::item_id(item).is_some_and(|known| known == id))
        .ok_or_else(missing)
}
