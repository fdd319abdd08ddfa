//! A database that is opened again after its file failed.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use redb::{Database, DatabaseError, Error};

/// Opens the database, each time from the beginning.
pub type DatabaseOpener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// A database, or the place of one that could not be opened again yet.
pub struct ReopenableDatabase {
    opener: DatabaseOpener,
    database: RwLock<Option<Database>>,
}

impl ReopenableDatabase {
    /// Opens the database.
    pub fn open(opener: DatabaseOpener) -> Result<Self, DatabaseError> {
        let database = RwLock::new(Some(opener()?));
        Ok(Self { opener, database })
    }

    /// Works with the database; where there is none, with [`Error::DatabaseClosed`].
    pub fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, Error>) -> Result<T, Error> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        work(database.as_ref().ok_or(Error::DatabaseClosed)?)
    }

    /// Closes the database once nobody works with it any more, and opens it again.
    pub fn reopen(&self) -> Result<(), Error> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // Two of them cannot have the file at once.
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
