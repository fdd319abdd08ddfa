//! The thread that writes to the database.
//!
//! It batches: all tasks that wait, up to [`BATCH_LIMIT`], go into one transaction. The database synchronizes its
//! file with the disk at every commit (its durability `Immediate`, which is the default), and that costs the same for
//! one entry as for many. No caller gets the result of a write before that.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use redb::{Database, Error, ReadableTable, Table};
use tokio::sync::oneshot;

use super::super::{StoreEntry, StoreError, StoreKey};
use super::database::ReopenableDatabase;
use super::{ORDER, USES, VALUES, entry_size, is_expired, unix_millis};

/// How often the thread looks for entries that are too old when it has no task.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);
/// The most tasks in one commit. It limits how long the first of them waits for the others to be written.
const BATCH_LIMIT: usize = 64;
/// The pause between two attempts to open the database again. Opening it reads the whole file, while every task waits.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);

/// How much the store may hold, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct StoreLimits {
    /// The most bytes of all entries together, as `entry_size` counts them.
    pub max_bytes: u64,
    /// How long an entry is kept after its last use.
    pub max_age: Duration,
}

/// Something to write, and the channel for its outcome, which is sent when it is on the disk.
#[derive(Debug)]
pub enum WriteTask {
    /// Save an entry.
    Save {
        /// The entry.
        entry: StoreEntry,
        /// Receives the outcome.
        done: oneshot::Sender<Result<(), StoreError>>,
    },
    /// Delete an entry.
    Delete {
        /// Its key.
        key: StoreKey,
        /// Receives whether the entry existed.
        done: oneshot::Sender<Result<bool, StoreError>>,
    },
}

/// The thread's state.
pub struct StoreWriter {
    database: Arc<ReopenableDatabase>,
    limits: StoreLimits,
    totals: StoreTotals,
    /// The time of the last attempt to open the database again.
    reopened_at: Option<Instant>,
}

/// Sums over the tables. They are kept here, because adding up the tables would read all of them.
#[derive(Clone, Copy, Debug, Default)]
struct StoreTotals {
    /// The sizes of all entries.
    bytes: u64,
    /// The number of the next use.
    next_use: u64,
}

impl StoreWriter {
    /// The writer of a database. Creates the tables that do not exist.
    pub fn new(database: Arc<ReopenableDatabase>, limits: StoreLimits) -> Result<Self, Error> {
        let totals = database.with(StoreTotals::read)?;
        Ok(Self {
            database,
            limits,
            totals,
            reopened_at: None,
        })
    }

    /// Writes until the store is dropped and all tasks are done.
    pub fn run(mut self, queue: &Receiver<WriteTask>) {
        loop {
            // The tasks of the next commit: one that is waited for, and those that have queued up behind it.
            let mut tasks = match queue.recv_timeout(SWEEP_INTERVAL.min(self.limits.max_age)) {
                Ok(task) => vec![task],
                Err(RecvTimeoutError::Timeout) => Vec::new(),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            tasks.extend(queue.try_iter().take(BATCH_LIMIT - 1));
            // Without tasks, a transaction is only worth its synchronization if there is something to delete.
            if tasks.is_empty() {
                match self.has_expired() {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(error) => {
                        self.reopen(&error);
                        continue;
                    }
                }
            }
            let mut written = self.write(&tasks);
            // A transaction that failed has written nothing, so it can be repeated as a whole.
            if let Err(error) = &written
                && self.reopen(error)
            {
                written = self.write(&tasks);
            }
            report(tasks, written);
        }
    }

    /// Whether the entry that has not been used for longest is too old.
    fn has_expired(&self) -> Result<bool, Error> {
        use redb::ReadableDatabase;
        self.database.with(|database| {
            let transaction = database.begin_read()?;
            let (order, uses) = (transaction.open_table(ORDER)?, transaction.open_table(USES)?);
            let Some((_, key)) = order.first()? else {
                return Ok(false);
            };
            let used = uses.get(key.value())?;
            Ok(used.is_some_and(|used| is_expired(used.value().1, self.limits.max_age, unix_millis())))
        })
    }

    /// Opens the database again if its file has failed, since it accepts no more writes then. Returns whether it is
    /// open.
    fn reopen(&mut self, error: &Error) -> bool {
        let is_lost = matches!(
            error,
            Error::Io(_) | Error::PreviousIo | Error::DatabaseClosed | Error::LockPoisoned(_)
        );
        if !is_lost || self.reopened_at.is_some_and(|at| at.elapsed() < REOPEN_PAUSE) {
            return false;
        }
        self.reopened_at = Some(Instant::now());
        let opened = self
            .database
            .reopen()
            .and_then(|()| self.database.with(StoreTotals::read));
        match opened {
            Ok(totals) => {
                tracing::warn!(cause = %error, "the response store failed and was reopened");
                self.totals = totals;
                true
            }
            Err(error) => {
                tracing::error!(cause = %error, "the response store cannot be reopened yet");
                false
            }
        }
    }

    /// Writes all tasks in one commit. Returns for each whether its entry existed before.
    fn write(&mut self, tasks: &[WriteTask]) -> Result<Vec<bool>, Error> {
        // Changed on a copy: the sums must not change if the transaction fails.
        let mut totals = self.totals;
        let limits = self.limits;
        let existed = self
            .database
            .with(|database| commit_tasks(database, tasks, limits, &mut totals))?;
        self.totals = totals;
        Ok(existed)
    }
}

impl StoreTotals {
    /// Adds up the tables of a database. Creates those that do not exist.
    fn read(database: &Database) -> Result<Self, Error> {
        let transaction = database.begin_write()?;
        let mut totals = Self::default();
        {
            transaction.open_table(VALUES)?;
            transaction.open_table(ORDER)?;
            let uses = transaction.open_table(USES)?;
            for entry in uses.iter()? {
                let (_, used) = entry?;
                let (number, _, size) = used.value();
                totals.bytes = totals.bytes.saturating_add(size);
                totals.next_use = totals.next_use.max(number.saturating_add(1));
            }
        }
        transaction.commit()?;
        Ok(totals)
    }
}

/// Sends the outcome of a commit to those who wait for its tasks.
fn report(tasks: Vec<WriteTask>, written: Result<Vec<bool>, Error>) {
    // Sending fails if the request of a task has gone away in the meantime.
    match written {
        Ok(existed) => {
            let existed = existed.into_iter().chain(std::iter::repeat(false));
            for (task, existed) in tasks.into_iter().zip(existed) {
                match task {
                    WriteTask::Save { done, .. } => drop(done.send(Ok(()))),
                    WriteTask::Delete { done, .. } => drop(done.send(Ok(existed))),
                }
            }
        }
        Err(error) => {
            tracing::error!(cause = %error, "the response store cannot be written to");
            let error = StoreError::new(error);
            for task in tasks {
                match task {
                    WriteTask::Save { done, .. } => drop(done.send(Err(error.clone()))),
                    WriteTask::Delete { done, .. } => drop(done.send(Err(error.clone()))),
                }
            }
        }
    }
}

/// Writes all tasks in one commit, and deletes entries that are too old or too many. Returns for each task whether
/// its entry existed before.
fn commit_tasks(
    database: &Database,
    tasks: &[WriteTask],
    limits: StoreLimits,
    totals: &mut StoreTotals,
) -> Result<Vec<bool>, Error> {
    let transaction = database.begin_write()?;
    let mut existed = Vec::with_capacity(tasks.len());
    {
        let mut tables = WriteTables {
            values: transaction.open_table(VALUES)?,
            uses: transaction.open_table(USES)?,
            order: transaction.open_table(ORDER)?,
            totals,
            now: unix_millis(),
        };
        for task in tasks {
            existed.push(match task {
                WriteTask::Save { entry, done: _ } => {
                    // An entry is deleted before the later ones of its conversation, since it gets the lower number.
                    for key in &entry.used {
                        tables.renew(key)?;
                    }
                    tables.put(entry)?
                }
                WriteTask::Delete { key, done: _ } => tables.remove(key.as_str())?,
            });
        }
        tables.delete_surplus(limits)?;
    }
    transaction.commit()?;
    Ok(existed)
}

/// The tables of one transaction.
struct WriteTables<'t> {
    values: Table<'t, &'static str, &'static [u8]>,
    uses: Table<'t, &'static str, (u64, u64, u64)>,
    order: Table<'t, u64, &'static str>,
    totals: &'t mut StoreTotals,
    now: u64,
}

impl WriteTables<'_> {
    /// Makes an entry the one that was used last, if it exists.
    fn renew(&mut self, key: &StoreKey) -> Result<(), Error> {
        let used = self.uses.get(key.as_str())?.map(|used| used.value());
        let Some((number, _, size)) = used else {
            return Ok(());
        };
        self.order.remove(number)?;
        self.record_use(key, size)
    }

    /// Gives an entry the next number.
    fn record_use(&mut self, key: &StoreKey, size: u64) -> Result<(), Error> {
        let number = self.totals.next_use;
        self.totals.next_use = number.saturating_add(1);
        self.order.insert(number, key.as_str())?;
        self.uses.insert(key.as_str(), (number, self.now, size))?;
        Ok(())
    }

    /// Writes an entry. Returns whether there was one with the same key, which is replaced.
    fn put(&mut self, entry: &StoreEntry) -> Result<bool, Error> {
        let replaced = self.remove(entry.key.as_str())?;
        let size = entry_size(&entry.key, entry.value.len());
        self.values.insert(entry.key.as_str(), &*entry.value)?;
        self.record_use(&entry.key, size)?;
        self.totals.bytes = self.totals.bytes.saturating_add(size);
        Ok(replaced)
    }

    /// Deletes an entry. Returns whether there was one.
    fn remove(&mut self, key: &str) -> Result<bool, Error> {
        let Some((number, _, size)) = self.uses.remove(key)?.map(|used| used.value()) else {
            return Ok(false);
        };
        self.order.remove(number)?;
        self.values.remove(key)?;
        self.totals.bytes = self.totals.bytes.saturating_sub(size);
        Ok(true)
    }

    /// Deletes the entries that are too old, and those that are too many: the one that has not been used for longest
    /// first.
    fn delete_surplus(&mut self, limits: StoreLimits) -> Result<(), Error> {
        loop {
            let first = self.order.first()?.map(|(_, key)| key.value().to_owned());
            let Some(key) = first else { return Ok(()) };
            let used = self.uses.get(key.as_str())?.map(|used| used.value());
            let is_old = used.is_none_or(|(_, used_at, _)| is_expired(used_at, limits.max_age, self.now));
            if !is_old && self.totals.bytes <= limits.max_bytes {
                return Ok(());
            }
            if !self.remove(&key)? {
                // A number without an entry, which only a damaged file contains. Without this, the loop would not end.
                self.order.pop_first()?;
            }
        }
    }
}
