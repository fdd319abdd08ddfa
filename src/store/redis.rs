//! Entries in a Redis or Valkey server that several proxies share.
//!
//! Every entry has a time to live, which its use renews. How much there may be is for the server to bound.

use std::fmt;
use std::time::Duration;

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, RedisError, RedisResult, cmd, pipe};
use bytes::Bytes;

use super::{OpenError, StoreEntry, StoreError, StoreKey};
use crate::config::Secret;

/// What all keys begin with.
const PREFIX: &str = "llm-proxy:response:";
/// How long the server may take to accept a connection, and to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a lost connection is tried again for one operation.
const RETRIES: usize = 1;

/// A store in a server.
pub struct RedisStore {
    connection: ConnectionManager,
    max_age: Duration,
}

impl RedisStore {
    /// A store in the server of an address; it is connected to when it is first needed, and again when it was lost.
    pub fn open(url: &Secret, max_age: Duration) -> Result<Self, OpenError> {
        // The error may quote the address, which may hold a password.
        let unusable = |_: RedisError| {
            let message = "the response store's URL is none that Redis can be reached by";
            OpenError::Io(std::io::Error::new(std::io::ErrorKind::InvalidInput, message))
        };
        let client = Client::open(url.expose()).map_err(unusable)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(ANSWER_TIMEOUT))
            .set_number_of_retries(RETRIES);
        let connection = client.get_connection_manager_lazy(config).map_err(unusable)?;
        Ok(Self { connection, max_age })
    }

    /// The value of a key.
    pub async fn get(&self, key: &StoreKey) -> Result<Option<Bytes>, StoreError> {
        let mut connection = self.connection.clone();
        let value: RedisResult<Option<Vec<u8>>> =
            cmd("GET").arg(name(key)).query_async(&mut connection).await;
        value
            .map(|value| value.map(Bytes::from))
            .map_err(|error| failed(&error))
    }

    /// Keeps an entry.
    pub async fn save(&self, entry: StoreEntry) -> Result<(), StoreError> {
        let mut connection = self.connection.clone();
        let age = u64::try_from(self.max_age.as_millis()).unwrap_or(u64::MAX);
        let mut commands = pipe();
        commands.atomic();
        commands
            .cmd("SET")
            .arg(name(&entry.key))
            .arg(&*entry.value)
            .arg("PX")
            .arg(age)
            .ignore();
        for key in &entry.used {
            commands.cmd("PEXPIRE").arg(name(key)).arg(age).ignore();
        }
        let done: RedisResult<()> = commands.query_async(&mut connection).await;
        done.map_err(|error| failed(&error))
    }

    /// Forgets an entry.
    pub async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        let mut connection = self.connection.clone();
        let removed: RedisResult<u64> = cmd("DEL").arg(name(key)).query_async(&mut connection).await;
        removed.map(|removed| removed > 0).map_err(|error| failed(&error))
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

fn name(key: &StoreKey) -> String {
    format!("{PREFIX}{key}")
}

fn failed(error: &RedisError) -> StoreError {
    StoreError::new(format!("the Redis server: {error}"))
}
