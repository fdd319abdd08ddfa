//! A store of answers: bytes under a key, bounded by age and, where the proxy keeps them itself, by size.
//!
//! | file | what it does |
//! | --- | --- |
//! | `key` | whose an entry is, and identifiers that nobody can guess |
//! | `record` | what an entry says: a turn of a conversation |
//! | `embedded` | entries in this process, or in a file of it: one database, in memory or on disk |
//! | `redis` | entries in a server that several proxies share |
//!
//! Nothing here blocks the runtime: the database has a thread of its own for writing and reads on the runtime's threads
//! for blocking work.

mod embedded;
mod key;
mod record;
#[cfg(feature = "redis")]
mod redis;

use std::fmt;
use std::io;

use bytes::Bytes;

use crate::config::{ResponseStore, StorePlace};
use embedded::EmbeddedStore;

pub use key::{StoreKey, StoreOwner, item_owner, new_response_id, response_id};
pub use record::TurnRecord;

/// What an entry weighs besides its key and value, in bytes: its places in the tables.
const OVERHEAD: u64 = 128;

/// A store of answers.
#[derive(Debug)]
pub struct Store(StoreBackend);

#[derive(Debug)]
enum StoreBackend {
    Embedded(EmbeddedStore),
    #[cfg(feature = "redis")]
    Redis(redis::RedisStore),
    /// A database that was there but cannot be read. It is left alone for a person to look at.
    Broken(String),
}

/// One entry to keep, with what it builds upon.
#[derive(Debug)]
pub struct StoreEntry {
    /// Its key; an entry that is there already is replaced.
    pub key: StoreKey,
    /// What to keep.
    pub value: Bytes,
    /// Entries that were used for it, the oldest first: they stay as long as this one does.
    pub used: Vec<StoreKey>,
}

impl Store {
    /// Opens a store. A file that is no readable database gives a store whose every operation fails, so that requests
    /// which need none are still answered; a server is connected to when it is first needed.
    ///
    /// # Errors
    /// When the file cannot be made or opened, or another process has it.
    pub async fn open(config: &ResponseStore) -> io::Result<Self> {
        let kind = match &config.place {
            StorePlace::Memory { max_bytes } => EmbeddedStore::open(None, *max_bytes, config.max_age)
                .await
                .map(StoreBackend::Embedded),
            StorePlace::Disk { path, max_bytes } => {
                let opened = EmbeddedStore::open(Some(path), *max_bytes, config.max_age).await;
                opened.map(StoreBackend::Embedded).map_err(|error| match error {
                    OpenError::Broken(cause) => {
                        OpenError::Broken(format!("{} cannot be read: {cause}", path.display()))
                    }
                    OpenError::Io(error) => {
                        let message = format!("the response store {}: {error}", path.display());
                        OpenError::Io(io::Error::new(error.kind(), message))
                    }
                })
            }
            #[cfg(feature = "redis")]
            StorePlace::Redis { url } => {
                redis::RedisStore::open(url, config.max_age).map(StoreBackend::Redis)
            }
            #[cfg(not(feature = "redis"))]
            StorePlace::Redis { .. } => {
                let message = "this program was built without the `redis` feature";
                Err(OpenError::Io(io::Error::new(io::ErrorKind::Unsupported, message)))
            }
        };
        match kind {
            Ok(kind) => Ok(Self(kind)),
            Err(OpenError::Io(error)) => Err(error),
            Err(OpenError::Broken(cause)) => {
                tracing::error!(
                    cause,
                    "the response store is broken: nothing is kept until its file is moved away and the proxy \
                     started again"
                );
                Ok(Self(StoreBackend::Broken(cause)))
            }
        }
    }

    /// The value of a key; `None` where there is none or it is too old.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn get(&self, key: &StoreKey) -> Result<Option<Bytes>, StoreError> {
        match &self.0 {
            StoreBackend::Embedded(store) => store.get(key).await,
            #[cfg(feature = "redis")]
            StoreBackend::Redis(store) => store.get(key).await,
            StoreBackend::Broken(cause) => Err(StoreError(cause.clone())),
        }
    }

    /// Keeps an entry, durably where the store is durable. What is too old or too much goes.
    ///
    /// # Errors
    /// When the store cannot be written to, or the entry alone is more than it holds.
    pub async fn save(&self, entry: StoreEntry) -> Result<(), StoreError> {
        match &self.0 {
            StoreBackend::Embedded(store) => store.save(entry).await,
            #[cfg(feature = "redis")]
            StoreBackend::Redis(store) => store.save(entry).await,
            StoreBackend::Broken(cause) => Err(StoreError(cause.clone())),
        }
    }

    /// Forgets an entry, and says whether there was one.
    ///
    /// # Errors
    /// When the store cannot be written to.
    pub async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        match &self.0 {
            StoreBackend::Embedded(store) => store.delete(key).await,
            #[cfg(feature = "redis")]
            StoreBackend::Redis(store) => store.delete(key).await,
            StoreBackend::Broken(cause) => Err(StoreError(cause.clone())),
        }
    }
}

/// Why a store did not do what it was asked to, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError(String);

impl StoreError {
    /// An error with its cause.
    pub fn new(cause: impl fmt::Display) -> Self {
        Self(cause.to_string())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}

/// Why a store could not be opened.
#[derive(Debug)]
enum OpenError {
    /// The place is wrong or taken.
    Io(io::Error),
    /// There is something, and it is no database that can be read.
    Broken(String),
}
