//! A store of responses: bytes under a key, limited by age and, if the proxy keeps them itself, by size.
//!
//! | file | content |
//! | --- | --- |
//! | `key` | the owner of an entry, and identifiers that nobody can guess |
//! | `record` | the value of an entry: one turn of a conversation |
//! | `embedded` | entries in a database of this process, in memory or in a file |
//! | `redis` | entries in a server that several proxies share |
//!
//! Nothing here blocks the runtime: the database writes on a thread of its own, and reads on the threads that the
//! runtime has for blocking work.

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

pub use key::{StoreKey, StoreOwner, new_response_id, parse_response_id, response_id_of_item};
pub use record::TurnRecord;

/// The bytes that an entry counts besides its keys and value: its rows in the tables.
const OVERHEAD: u64 = 128;

/// A store of responses.
#[derive(Debug)]
pub struct Store(StoreBackend);

#[derive(Debug)]
enum StoreBackend {
    Embedded(EmbeddedStore),
    #[cfg(feature = "redis")]
    Redis(redis::RedisStore),
    /// A file that exists but cannot be read as a database. It is not touched, so that a person can examine it.
    Broken(String),
}

/// An entry to save.
#[derive(Debug)]
pub struct StoreEntry {
    /// Its key. An entry with the same key is replaced.
    pub key: StoreKey,
    /// Its value.
    pub value: Bytes,
    /// The keys of the entries that it builds upon, the oldest one first. They are kept as long as this one.
    pub used: Vec<StoreKey>,
}

impl Store {
    /// Opens a store. If its file exists but is not a readable database, every operation of the store fails: the
    /// proxy still serves the requests that need no store. A server is not connected to before it is needed.
    ///
    /// # Errors
    /// When the file cannot be created or opened, or another process has it open.
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
                    "the response store is broken: no response is stored until the file is moved away and the proxy is \
                     restarted"
                );
                Ok(Self(StoreBackend::Broken(cause)))
            }
        }
    }

    /// The value of a key; `None` if there is none or it is too old.
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

    /// Saves an entry, and returns when it will survive a crash, if the store is on disk. Entries that are too old or
    /// do not fit any more are deleted.
    ///
    /// # Errors
    /// When the store cannot be written to, or the entry alone is larger than the store may be.
    pub async fn save(&self, entry: StoreEntry) -> Result<(), StoreError> {
        match &self.0 {
            StoreBackend::Embedded(store) => store.save(entry).await,
            #[cfg(feature = "redis")]
            StoreBackend::Redis(store) => store.save(entry).await,
            StoreBackend::Broken(cause) => Err(StoreError(cause.clone())),
        }
    }

    /// Deletes an entry. Returns whether there was one.
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

/// Why an operation of a store failed, for the log.
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
    /// The file cannot be created or opened, or the address is wrong.
    Io(io::Error),
    /// The file exists and is not a database that can be read.
    Broken(String),
}
