//! Entries in a database of this process, in memory or in a file.
//!
//! One thread writes: what arrives while a commit is on its way to the disk goes together with the next. Every entry has
//! a number by the time of its last use; the lowest goes first.

mod database;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use redb::backends::InMemoryBackend;
use redb::{Builder, DatabaseError, ReadableDatabase, StorageError, TableDefinition};
use tokio::sync::oneshot;

use super::{OVERHEAD, OpenError, StoreEntry, StoreError, StoreKey};
use database::{DatabaseOpener, ReopenableDatabase};
use writer::{StoreLimits, StoreWriter, WriteTask};

/// Values by key.
const VALUES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("values");
/// By key: number of the last use, its time in milliseconds since 1970, and the entry's weight in bytes.
const USES: TableDefinition<'_, &str, (u64, u64, u64)> = TableDefinition::new("uses");
/// Keys by the number of their last use.
const ORDER: TableDefinition<'_, u64, &str> = TableDefinition::new("order");

/// What the database may hold of its file in memory, in bytes. Entries are mostly read once.
const CACHE: usize = 16 * 1024 * 1024;

/// A store in a database of this process.
pub struct EmbeddedStore {
    file: Arc<ReopenableDatabase>,
    limits: StoreLimits,
    /// `None` once the store is being dropped.
    tasks: Option<mpsc::Sender<WriteTask>>,
    writer: Option<JoinHandle<()>>,
}

impl EmbeddedStore {
    /// Opens a database in a file, or a new one in memory.
    pub async fn open(path: Option<&Path>, max_bytes: u64, max_age: Duration) -> Result<Self, OpenError> {
        let limits = StoreLimits { max_bytes, max_age };
        let path = path.map(Path::to_owned);
        // A file that something else wrote into can make the database panic; that must end this task alone.
        let opened = tokio::task::spawn_blocking(move || match path {
            Some(path) => {
                private_file(&path).map_err(OpenError::Io)?;
                start(Box::new(move || builder().create(&path)), limits)
            }
            None => start(
                Box::new(|| builder().create_with_backend(InMemoryBackend::new())),
                limits,
            ),
        });
        opened.await.unwrap_or_else(|_| {
            Err(OpenError::Broken(
                "the database failed while it was opened".to_owned(),
            ))
        })
    }

    /// The value of a key that is not too old.
    pub async fn get(&self, key: &StoreKey) -> Result<Option<Bytes>, StoreError> {
        let (file, key, max_age) = (Arc::clone(&self.file), key.clone(), self.limits.max_age);
        let read = tokio::task::spawn_blocking(move || file.with(|database| read(database, &key, max_age)));
        match read.await {
            Ok(value) => value.map_err(StoreError::new),
            Err(_) => Err(StoreError::new("the database failed while it was read")),
        }
    }

    /// Keeps an entry.
    pub async fn save(&self, entry: StoreEntry) -> Result<(), StoreError> {
        if weight(&entry.key, entry.value.len()) > self.limits.max_bytes {
            return Err(StoreError::new(format!(
                "an entry of {} bytes is more than the whole store may hold",
                entry.value.len()
            )));
        }
        let (done, outcome) = oneshot::channel();
        self.write(WriteTask::Save { entry, done })?;
        outcome.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Forgets an entry.
    pub async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        let (done, outcome) = oneshot::channel();
        let key = key.clone();
        self.write(WriteTask::Delete { key, done })?;
        outcome.await.unwrap_or_else(|_| Err(stopped()))
    }

    fn write(&self, task: WriteTask) -> Result<(), StoreError> {
        let tasks = self.tasks.as_ref().ok_or_else(stopped)?;
        tasks.send(task).map_err(|_| stopped())
    }
}

impl Drop for EmbeddedStore {
    /// Waits for what is being written, so that the file is whole and free when this returns.
    fn drop(&mut self) {
        drop(self.tasks.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

fn stopped() -> StoreError {
    StoreError::new("the database failed and takes nothing more")
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
    builder
}

fn start(opener: DatabaseOpener, limits: StoreLimits) -> Result<EmbeddedStore, OpenError> {
    let file = Arc::new(ReopenableDatabase::open(opener).map_err(unopened)?);
    let broken = |error: redb::Error| OpenError::Broken(error.to_string());
    let writer = StoreWriter::new(Arc::clone(&file), limits).map_err(broken)?;
    let (tasks, queue) = mpsc::channel();
    let thread = std::thread::Builder::new().name("response-store".to_owned());
    let thread = thread.spawn(move || writer.run(&queue)).map_err(OpenError::Io)?;
    Ok(EmbeddedStore {
        file,
        limits,
        tasks: Some(tasks),
        writer: Some(thread),
    })
}

/// Makes the file where it is not there, for its owner alone: it will hold conversations.
fn private_file(path: &Path) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn unopened(error: DatabaseError) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => OpenError::Io(
            io::Error::new(io::ErrorKind::ResourceBusy, "another process has it open"),
        ),
        // What is not a database is invalid data to it; any other failure is the system's.
        DatabaseError::Storage(StorageError::Io(error)) if !is_garbage(&error) => OpenError::Io(error),
        error => OpenError::Broken(error.to_string()),
    }
}

fn is_garbage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    )
}

fn read(database: &redb::Database, key: &StoreKey, max_age: Duration) -> Result<Option<Bytes>, redb::Error> {
    let transaction = database.begin_read()?;
    let uses = transaction.open_table(USES)?;
    let Some(used) = uses.get(key.as_str())? else {
        return Ok(None);
    };
    let (_, at, _) = used.value();
    if is_over(at, max_age, now()) {
        return Ok(None);
    }
    let values = transaction.open_table(VALUES)?;
    let value = values.get(key.as_str())?;
    Ok(value.map(|value| Bytes::copy_from_slice(value.value())))
}

/// Whether what was used at `at` is too old.
fn is_over(at: u64, max_age: Duration, now: u64) -> bool {
    let age = u64::try_from(max_age.as_millis()).unwrap_or(u64::MAX);
    at.saturating_add(age) <= now
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What an entry counts, in bytes.
fn weight(key: &StoreKey, value: usize) -> u64 {
    let bytes = 3 * key.as_str().len() + value;
    u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(OVERHEAD)
}
