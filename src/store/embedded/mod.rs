//! Entries in a database of this process, in memory or in a file.
//!
//! One thread writes (`writer`). A commit is synchronized with the disk before anybody learns of its success, which
//! takes milliseconds; so everything that arrives during one commit goes into the next. Every use gives an entry the
//! next higher number, and the entry with the lowest number is deleted first.

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

/// The values, by key.
const VALUES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("values");
/// By key: the number of the last use, its time in milliseconds since 1970, and the size of the entry in bytes.
const USES: TableDefinition<'_, &str, (u64, u64, u64)> = TableDefinition::new("uses");
/// The keys, by the number of their last use: the order in which entries are deleted.
const ORDER: TableDefinition<'_, u64, &str> = TableDefinition::new("order");

/// How much of its file the database keeps in memory, in bytes. It is small because an entry is mostly read once.
const CACHE_SIZE: usize = 16 * 1024 * 1024;

/// A store in a database of this process.
///
/// Reads go to the database directly and see the last commit. Writes are sent to the writer's thread.
pub struct EmbeddedStore {
    database: Arc<ReopenableDatabase>,
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
        // On a thread for blocking work, because the whole file is read. A damaged file can make the database panic,
        // which must not end more than this task.
        let opened = tokio::task::spawn_blocking(move || match path {
            Some(path) => {
                create_private_file(&path).map_err(OpenError::Io)?;
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

    /// The value of a key; `None` if there is none or it is too old.
    pub async fn get(&self, key: &StoreKey) -> Result<Option<Bytes>, StoreError> {
        let (database, key, max_age) = (Arc::clone(&self.database), key.clone(), self.limits.max_age);
        let read = tokio::task::spawn_blocking(move || {
            database.with(|database| read_value(database, &key, max_age))
        });
        match read.await {
            Ok(value) => value.map_err(StoreError::new),
            Err(_) => Err(StoreError::new(
                "the response store's database failed during a read",
            )),
        }
    }

    /// Saves an entry, and returns when the commit that contains it is on the disk.
    pub async fn save(&self, entry: StoreEntry) -> Result<(), StoreError> {
        // The writer would delete everything else to make room for it, and then the entry itself.
        if entry_size(&entry.key, entry.value.len()) > self.limits.max_bytes {
            return Err(StoreError::new(format!(
                "an entry of {} bytes is larger than the limit of the whole response store",
                entry.value.len()
            )));
        }
        let (done, outcome) = oneshot::channel();
        self.send(WriteTask::Save { entry, done })?;
        outcome.await.unwrap_or_else(|_| Err(writer_stopped()))
    }

    /// Deletes an entry. Returns whether there was one.
    pub async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        let (done, outcome) = oneshot::channel();
        let key = key.clone();
        self.send(WriteTask::Delete { key, done })?;
        outcome.await.unwrap_or_else(|_| Err(writer_stopped()))
    }

    fn send(&self, task: WriteTask) -> Result<(), StoreError> {
        let tasks = self.tasks.as_ref().ok_or_else(writer_stopped)?;
        tasks.send(task).map_err(|_| writer_stopped())
    }
}

impl Drop for EmbeddedStore {
    /// Waits until everything has been written, so that the file is complete and another process can open it.
    fn drop(&mut self) {
        // The thread ends when it has done all tasks and nobody can send another.
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

fn writer_stopped() -> StoreError {
    StoreError::new("the database thread has stopped")
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    // The check reads the whole file. Without it, a file that was damaged while the proxy did not run would be
    // opened, and would fail or panic at some later request.
    builder
        .set_cache_size(CACHE_SIZE)
        .set_check_integrity_on_open(true);
    builder
}

/// Opens the database and starts the thread that writes.
fn start(opener: DatabaseOpener, limits: StoreLimits) -> Result<EmbeddedStore, OpenError> {
    let database = Arc::new(ReopenableDatabase::open(opener).map_err(to_open_error)?);
    let to_broken = |error: redb::Error| OpenError::Broken(error.to_string());
    let writer = StoreWriter::new(Arc::clone(&database), limits).map_err(to_broken)?;
    let (tasks, queue) = mpsc::channel();
    let thread = std::thread::Builder::new().name("response-store".to_owned());
    let thread = thread.spawn(move || writer.run(&queue)).map_err(OpenError::Io)?;
    Ok(EmbeddedStore {
        database,
        limits,
        tasks: Some(tasks),
        writer: Some(thread),
    })
}

/// Creates the file if it does not exist, readable by its owner alone, because it will contain conversations. The
/// database would create it with the usual permissions.
fn create_private_file(path: &Path) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Distinguishes a file that cannot be opened from one that is not a readable database.
fn to_open_error(error: DatabaseError) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => OpenError::Io(
            io::Error::new(io::ErrorKind::ResourceBusy, "another process has it open"),
        ),
        // The library reports a file that is not a database as invalid data; any other error is the system's.
        DatabaseError::Storage(StorageError::Io(error)) if !is_invalid_data(&error) => OpenError::Io(error),
        error => OpenError::Broken(error.to_string()),
    }
}

fn is_invalid_data(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    )
}

fn read_value(
    database: &redb::Database,
    key: &StoreKey,
    max_age: Duration,
) -> Result<Option<Bytes>, redb::Error> {
    let transaction = database.begin_read()?;
    let uses = transaction.open_table(USES)?;
    let Some(used) = uses.get(key.as_str())? else {
        return Ok(None);
    };
    // The writer deletes old entries only now and then.
    let (_, used_at, _) = used.value();
    if is_expired(used_at, max_age, unix_millis()) {
        return Ok(None);
    }
    let values = transaction.open_table(VALUES)?;
    let value = values.get(key.as_str())?;
    Ok(value.map(|value| Bytes::copy_from_slice(value.value())))
}

/// Whether an entry that was last used at `used_at` is too old. Times are in milliseconds since 1970.
fn is_expired(used_at: u64, max_age: Duration, now: u64) -> bool {
    let age = u64::try_from(max_age.as_millis()).unwrap_or(u64::MAX);
    used_at.saturating_add(age) <= now
}

/// Milliseconds since 1970.
fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The size of an entry, in bytes. Its key is in all three tables. The file is larger, since its pages are not full.
fn entry_size(key: &StoreKey, value_length: usize) -> u64 {
    let bytes = 3 * key.as_str().len() + value_length;
    u64::try_from(bytes).unwrap_or(u64::MAX).saturating_add(OVERHEAD)
}
