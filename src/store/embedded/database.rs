//! A database that can be opened again after its file has failed.
//!
//! After an error of the file (mostly a full disk), the database library refuses every further write, even when there
//! is room again. Only opening it anew helps.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use redb::{Database, DatabaseError, Error};

/// Opens the database. Called again after the file has failed.
pub type DatabaseOpener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// A database that can be opened again.
pub struct ReopenableDatabase {
    opener: DatabaseOpener,
    /// `None` if it could not be opened again yet. Operations take the lock for reading, to reopen is to write.
    database: RwLock<Option<Database>>,
}

impl ReopenableDatabase {
    /// Opens the database for the first time.
    pub fn open(opener: DatabaseOpener) -> Result<Self, DatabaseError> {
        let database = RwLock::new(Some(opener()?));
        Ok(Self { opener, database })
    }

    /// Calls `work` with the database.
    ///
    /// # Errors
    /// Those of `work`, and [`Error::DatabaseClosed`] if the database could not be opened again yet.
    pub fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, Error>) -> Result<T, Error> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        work(database.as_ref().ok_or(Error::DatabaseClosed)?)
    }

    /// Waits until nobody uses the database, closes it, and opens it again.
    pub fn reopen(&self) -> Result<(), Error> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // Closed first: the open database holds a lock on the file.
        drop(database.take());
        *database = Some((self.opener)()?);
        Ok(())
    }
}

impl fmt::Debug for ReopenableDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReopenableDatabase").finish_non_exhaustive()
    }
}
