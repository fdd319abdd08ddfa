//! Entries in a Redis or Valkey server that several proxies share.
//!
//! Every entry has a time to live, which is renewed when it is used. The proxy does not limit the size of the store:
//! the server has its own limit (`maxmemory`) and chooses what to evict.

use std::fmt;
use std::time::Duration;

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use ::redis::{Client, RedisError, RedisResult, cmd, pipe};
use bytes::Bytes;

use super::{OpenError, StoreEntry, StoreError, StoreKey};
use crate::config::Secret;

/// The prefix of all keys.
const PREFIX: &str = "llm-proxy:response:";
/// How long the server may take to accept a connection, and to reply to a command. Clients wait for both.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);
/// How often one operation tries to connect again after the connection was lost.
const RETRIES: usize = 1;

/// A store in a server.
pub struct RedisStore {
    /// One connection for all workers. It carries several commands at a time, and its clones are handles of it.
    connection: ConnectionManager,
    max_age: Duration,
}

impl RedisStore {
    /// A store in the server with this URL. The connection is made when it is first needed, and again after it was
    /// lost.
    pub fn open(url: &Secret, max_age: Duration) -> Result<Self, OpenError> {
        // The error may quote the URL, which may contain a password.
        let unusable = |_: RedisError| {
            let message = "the response store's URL is not a valid Redis URL";
            OpenError::Io(std::io::Error::new(std::io::ErrorKind::InvalidInput, message))
        };
        let client = Client::open(url.expose()).map_err(unusable)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(REPLY_TIMEOUT))
            .set_number_of_retries(RETRIES);
        let connection = client.get_connection_manager_lazy(config).map_err(unusable)?;
        Ok(Self { connection, max_age })
    }

    /// The value of a key.
    pub async fn get(&self, key: &StoreKey) -> Result<Option<Bytes>, StoreError> {
        let mut connection = self.connection.clone();
        let value: RedisResult<Option<Vec<u8>>> =
            cmd("GET").arg(redis_key(key)).query_async(&mut connection).await;
        value
            .map(|value| value.map(Bytes::from))
            .map_err(|error| to_store_error(&error))
    }

    /// Saves an entry, and renews the time to live of those that it builds upon. The server decides when that is on
    /// disk.
    pub async fn save(&self, entry: StoreEntry) -> Result<(), StoreError> {
        let mut connection = self.connection.clone();
        let age = u64::try_from(self.max_age.as_millis()).unwrap_or(u64::MAX);
        let mut commands = pipe();
        // In one transaction, so that no entry outlives the ones that it builds upon.
        commands.atomic();
        commands
            .cmd("SET")
            .arg(redis_key(&entry.key))
            .arg(&*entry.value)
            .arg("PX")
            .arg(age)
            .ignore();
        for key in &entry.used {
            commands.cmd("PEXPIRE").arg(redis_key(key)).arg(age).ignore();
        }
        let done: RedisResult<()> = commands.query_async(&mut connection).await;
        done.map_err(|error| to_store_error(&error))
    }

    /// Deletes an entry. Returns whether there was one.
    pub async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        let mut connection = self.connection.clone();
        let removed: RedisResult<u64> = cmd("DEL").arg(redis_key(key)).query_async(&mut connection).await;
        removed
            .map(|removed| removed > 0)
            .map_err(|error| to_store_error(&error))
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

fn redis_key(key: &StoreKey) -> String {
    format!("{PREFIX}{key}")
}

fn to_store_error(error: &RedisError) -> StoreError {
    StoreError::new(format!("the Redis server failed: {error}"))
}
