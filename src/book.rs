//! Daybook's own tables: one row a day, and what was done to make it.

pub mod columns;
pub mod deliveries;
mod entries;
mod error;
mod examine;
mod kept;
mod lock;
mod mutes;
mod one_metric;
mod removal;
mod row;
mod runs;
pub mod schema;
mod watch;

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, Transaction};

use schema::State;

pub use deliveries::{
    Channel, Corrected, Delivery, DeliveryEnding, DeliveryState, Filter, Known, Message, Plan,
    Planned, Subject, Terms, add_copies, bury_claims, claim, deliveries, due, give_up,
    known_recipients, last_planned_to, note, plan, planned, still_due, undelivered,
};
pub use entries::{
    Stored, all_dates, entries, entry, first_date, newest, newest_complete, scan, store,
    store_and_plan, store_at_once, store_many,
};
pub use error::BookError;
pub use examine::{Health, collector, examine, is_collecting};
pub use kept::{KeptDay, count_days, keys, scan_kept};
pub use lock::{CollectLock, DeliveryLock, delivery_lock};
pub use mutes::{mute, mutes, remove_mutes_before, unmute};
pub use one_metric::entries_of;
pub use removal::{remove_deliveries_before, remove_entries, remove_runs_before};
pub use runs::{
    Ending, Nights, Outcome, Run, Stages, Statement, begin_run, end_run, nights, record_statements,
    runs, statements,
};
pub use watch::Watch;

/// How long a statement waits for another program's write; ours take milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Readers never wait for one another; a dashboard needs few at a time.
const READERS: u32 = 4;

/// For its owner and the owner's group.
const BOOK_MODE: u32 = 0o640;
/// In kB, as a negative number of SQLite's: readers go through days once, so pages are not worth keeping.
const READER_CACHE: &str = "-256";

/// An open book.
#[derive(Debug, Clone)]
pub struct Book {
    path: PathBuf,
    pool: SqlitePool,
}

impl Book {
    /// Opens the book to write. A missing or older one is made or migrated first, for which the
    /// collect lock is waited for at most `patience`.
    pub async fn open(path: &Path, patience: Duration) -> Result<Self, BookError> {
        if path.exists() {
            let book = Self::connect(path, writing(path), 1).await?;
            match book.state().await? {
                State::Current => return Ok(book),
                State::Ahead(version) => return Err(book.newer(version)),
                State::Missing | State::Behind(_) => book.close().await,
            }
        }
        Self::open_under(&Self::wait_for_lock(path, patience).await?).await
    }

    /// Opens the book of the lock to write, making or migrating it.
    pub async fn open_under(lock: &CollectLock) -> Result<Self, BookError> {
        make_private(&lock.book);
        let options = writing(&lock.book).create_if_missing(true);
        let book = Self::connect(&lock.book, options, 1).await?;
        match book.state().await? {
            State::Current => return Ok(book),
            State::Ahead(version) => return Err(book.newer(version)),
            State::Missing | State::Behind(_) => {}
        }
        schema::prefer_wal(&book.pool)
            .await
            .map_err(|error| book.error("switch on the write-ahead log", error))?;
        schema::migrator()
            .run(&book.pool)
            .await
            .map_err(|error| BookError::of_migration(&book.path, error))?;
        Ok(book)
    }

    /// Opens the book only to read. It must be there and of this program's version.
    pub async fn open_to_read(path: &Path) -> Result<Self, BookError> {
        let path = path.to_owned();
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return Err(BookError::NoBook { path }),
            Err(error) => {
                let source = error.into();
                return Err(BookError::CannotOpen { path, source });
            }
        }
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("cache_size", READER_CACHE)
            .read_only(true);
        let book = Self::connect(&path, options, READERS).await?;
        let known = schema::known_version();
        match book.state().await? {
            State::Current => Ok(book),
            State::Ahead(version) => Err(book.newer(version)),
            State::Missing => Err(BookError::NoBook { path }),
            State::Behind(version) => Err(BookError::Older {
                path,
                version,
                known,
            }),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Folds the write-ahead log back into the file. Without it nothing is lost, only left beside.
    pub async fn close(self) {
        self.pool.close().await;
    }

    async fn connect(
        path: &Path,
        options: SqliteConnectOptions,
        connections: u32,
    ) -> Result<Self, BookError> {
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            .connect_with(options)
            .await
            .map_err(|error| BookError::new(path, "open the book", error))?;
        Ok(Self {
            path: path.to_owned(),
            pool,
        })
    }

    async fn state(&self) -> Result<State, BookError> {
        schema::state(&self.pool)
            .await
            .map_err(|error| self.error("read the book's version", error))
    }

    /// A transaction that holds the write lock from its start: what it reads stays true until it commits.
    async fn begin(&self, task: &'static str) -> Result<Transaction<'static, Sqlite>, BookError> {
        self.pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|error| self.error(task, error))
    }

    fn error(&self, task: &'static str, source: sqlx::Error) -> BookError {
        BookError::new(&self.path, task, source)
    }

    fn one_row(&self, changed: u64, row: impl FnOnce() -> String) -> Result<(), BookError> {
        if changed == 1 {
            return Ok(());
        }
        Err(BookError::NotWritten {
            path: self.path.clone(),
            row: row(),
            changed,
        })
    }

    fn newer(&self, version: i64) -> BookError {
        BookError::Newer {
            path: self.path.clone(),
            version,
            known: schema::known_version(),
        }
    }
}

/// A book holds numbers and addresses that are not for every user of the machine; the files that SQLite makes
/// beside it are opened to the same. What goes wrong here goes wrong again, and is told, when it is opened.
fn make_private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    drop(
        options
            .write(true)
            .create_new(true)
            .mode(BOOK_MODE)
            .open(path),
    );
}

/// One write a night costs nothing, so it is flushed fully: after a power cut a delivery that was
/// claimed or accepted must still be known, or it would go out twice.
fn writing(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .synchronous(SqliteSynchronous::Full)
}
