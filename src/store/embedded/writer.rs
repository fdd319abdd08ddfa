//! The thread that writes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use redb::{Database, Error, ReadableTable, Table};
use tokio::sync::oneshot;

use super::super::{StoreEntry, StoreError, StoreKey};
use super::database::ReopenableDatabase;
use super::{ORDER, USES, VALUES, is_over, now, weight};

/// How often what is too old is looked for where nothing else is to be done.
const SWEEP: Duration = Duration::from_secs(60);
/// Most tasks of one commit.
const TOGETHER: usize = 64;
/// How long nobody tries to open a database again that could not be opened.
const PAUSE: Duration = Duration::from_secs(1);

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct StoreLimits {
    /// Most bytes.
    pub max_bytes: u64,
    /// How long after its last use.
    pub max_age: Duration,
}

/// Something to write, and whom to tell when it is on the disk.
#[derive(Debug)]
pub enum WriteTask {
    /// Keep an entry.
    Save {
        /// The entry.
        entry: StoreEntry,
        /// Gets the outcome.
        done: oneshot::Sender<Result<(), StoreError>>,
    },
    /// Forget one.
    Delete {
        /// Its key.
        key: StoreKey,
        /// Gets whether it was there.
        done: oneshot::Sender<Result<bool, StoreError>>,
    },
}

/// The thread's state.
pub struct StoreWriter {
    file: Arc<ReopenableDatabase>,
    limits: StoreLimits,
    totals: StoreTotals,
    /// When it was last tried to open the database again.
    tried: Option<Instant>,
}

/// What the tables amount to.
#[derive(Clone, Copy, Debug, Default)]
struct StoreTotals {
    bytes: u64,
    next_use: u64,
}

impl StoreWriter {
    /// The writer of a database, whose tables are made where they are not there.
    pub fn new(file: Arc<ReopenableDatabase>, limits: StoreLimits) -> Result<Self, Error> {
        let totals = file.with(StoreTotals::read)?;
        Ok(Self {
            file,
            limits,
            totals,
            tried: None,
        })
    }

    /// Writes until nobody can give it anything more.
    pub fn run(mut self, queue: &Receiver<WriteTask>) {
        loop {
            let mut tasks = match queue.recv_timeout(SWEEP.min(self.limits.max_age)) {
                Ok(task) => vec![task],
                Err(RecvTimeoutError::Timeout) => Vec::new(),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            tasks.extend(queue.try_iter().take(TOGETHER - 1));
            if tasks.is_empty() {
                match self.has_old() {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(error) => {
                        self.recover(&error);
                        continue;
                    }
                }
            }
            let mut written = self.write(&tasks);
            if let Err(error) = &written
                && self.recover(error)
            {
                written = self.write(&tasks);
            }
            match written {
                Ok(found) => {
                    let found = found.into_iter().chain(std::iter::repeat(false));
                    for (task, found) in tasks.into_iter().zip(found) {
                        // Who asked may be gone by now.
                        match task {
                            WriteTask::Save { done, .. } => drop(done.send(Ok(()))),
                            WriteTask::Delete { done, .. } => drop(done.send(Ok(found))),
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
    }

    /// Whether the entry that was used first is too old.
    fn has_old(&self) -> Result<bool, Error> {
        use redb::ReadableDatabase;
        self.file.with(|database| {
            let transaction = database.begin_read()?;
            let (order, uses) = (transaction.open_table(ORDER)?, transaction.open_table(USES)?);
            let Some((_, key)) = order.first()? else {
                return Ok(false);
            };
            let used = uses.get(key.value())?;
            Ok(used.is_some_and(|used| is_over(used.value().1, self.limits.max_age, now())))
        })
    }

    /// Opens the database again where its file failed (a full disk): it would take nothing more. Says whether it is open.
    fn recover(&mut self, error: &Error) -> bool {
        let is_lost = matches!(
            error,
            Error::Io(_) | Error::PreviousIo | Error::DatabaseClosed | Error::LockPoisoned(_)
        );
        if !is_lost || self.tried.is_some_and(|at| at.elapsed() < PAUSE) {
            return false;
        }
        self.tried = Some(Instant::now());
        let opened = self
            .file
            .reopen()
            .and_then(|()| self.file.with(StoreTotals::read));
        match opened {
            Ok(totals) => {
                tracing::warn!(cause = %error, "the response store failed and was opened again");
                self.totals = totals;
                true
            }
            Err(error) => {
                tracing::error!(cause = %error, "the response store cannot be opened again yet");
                false
            }
        }
    }

    /// Writes all tasks in one commit; says for each whether its entry was there before.
    fn write(&mut self, tasks: &[WriteTask]) -> Result<Vec<bool>, Error> {
        let mut totals = self.totals;
        let limits = self.limits;
        let found = self
            .file
            .with(|database| write(database, tasks, limits, &mut totals))?;
        self.totals = totals;
        Ok(found)
    }
}

impl StoreTotals {
    /// Sums up a database, whose tables are made where they are not there.
    fn read(database: &Database) -> Result<Self, Error> {
        let transaction = database.begin_write()?;
        let mut totals = Self::default();
        {
            transaction.open_table(VALUES)?;
            transaction.open_table(ORDER)?;
            let uses = transaction.open_table(USES)?;
            for entry in uses.iter()? {
                let (_, used) = entry?;
                let (number, _, weight) = used.value();
                totals.bytes = totals.bytes.saturating_add(weight);
                totals.next_use = totals.next_use.max(number.saturating_add(1));
            }
        }
        transaction.commit()?;
        Ok(totals)
    }
}

/// Writes all tasks in one commit; says for each whether its entry was there before.
fn write(
    database: &Database,
    tasks: &[WriteTask],
    limits: StoreLimits,
    totals: &mut StoreTotals,
) -> Result<Vec<bool>, Error> {
    let transaction = database.begin_write()?;
    let mut found = Vec::with_capacity(tasks.len());
    {
        let mut tables = WriteTables {
            values: transaction.open_table(VALUES)?,
            uses: transaction.open_table(USES)?,
            order: transaction.open_table(ORDER)?,
            totals,
            now: now(),
        };
        for task in tasks {
            found.push(match task {
                WriteTask::Save { entry, done: _ } => {
                    for key in &entry.used {
                        tables.touch(key)?;
                    }
                    tables.put(entry)?
                }
                WriteTask::Delete { key, done: _ } => tables.remove(key.as_str())?,
            });
        }
        tables.shrink(limits)?;
    }
    transaction.commit()?;
    Ok(found)
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
    /// Makes an entry the one that was used last, where it is there.
    fn touch(&mut self, key: &StoreKey) -> Result<(), Error> {
        let used = self.uses.get(key.as_str())?.map(|used| used.value());
        let Some((number, _, weight)) = used else {
            return Ok(());
        };
        self.order.remove(number)?;
        self.number(key, weight)
    }

    fn number(&mut self, key: &StoreKey, weight: u64) -> Result<(), Error> {
        let number = self.totals.next_use;
        self.totals.next_use = number.saturating_add(1);
        self.order.insert(number, key.as_str())?;
        self.uses.insert(key.as_str(), (number, self.now, weight))?;
        Ok(())
    }

    fn put(&mut self, entry: &StoreEntry) -> Result<bool, Error> {
        let replaced = self.remove(entry.key.as_str())?;
        let weight = weight(&entry.key, entry.value.len());
        self.values.insert(entry.key.as_str(), &*entry.value)?;
        self.number(&entry.key, weight)?;
        self.totals.bytes = self.totals.bytes.saturating_add(weight);
        Ok(replaced)
    }

    fn remove(&mut self, key: &str) -> Result<bool, Error> {
        let Some((number, _, weight)) = self.uses.remove(key)?.map(|used| used.value()) else {
            return Ok(false);
        };
        self.order.remove(number)?;
        self.values.remove(key)?;
        self.totals.bytes = self.totals.bytes.saturating_sub(weight);
        Ok(true)
    }

    /// Removes what is too old or too much, the one that was used first before the others.
    fn shrink(&mut self, limits: StoreLimits) -> Result<(), Error> {
        loop {
            let first = self.order.first()?.map(|(_, key)| key.value().to_owned());
            let Some(key) = first else { return Ok(()) };
            let used = self.uses.get(key.as_str())?.map(|used| used.value());
            let old = used.is_none_or(|(_, at, _)| is_over(at, limits.max_age, self.now));
            if !old && self.totals.bytes <= limits.max_bytes {
                return Ok(());
            }
            if !self.remove(&key)? {
                // An order without an entry, which only a damaged file has.
                self.order.pop_first()?;
            }
        }
    }
}
