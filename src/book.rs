//! Daybook's own tables: one row a day, and what was done to make it.

pub mod columns;
mod copy;
pub mod deliveries;
mod disk;
mod entries;
mod error;
mod examine;
mod lock;
mod mutes;
mod one_metric;
mod raw_day;
mod removal;
mod row;
mod runs;
pub mod schema;
mod store;
mod watch;

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::DatabaseUrl;

use lock::Proof;
use schema::State;
use store::{Access, Bind, Row, Store, Transaction};

pub use copy::{Copied, copy};
pub use deliveries::{
    Channel, Corrected, Delivery, DeliveryEnding, DeliveryState, Filter, KnownRecipient, Message,
    Plan, Planned, Subject, Terms, add_copies, claim, deliveries, due, give_up, known_recipients,
    last_planned_to, lost_to_readers, mark_abandoned_claims, newest_copies, note, plan, planned,
    still_due, undelivered,
};
pub use disk::{FreeSpace, free_space};
pub use entries::{
    Stored, all_dates, entries, entry, first_date, newest, newest_complete, scan, store,
    store_and_plan, store_at_once, store_many,
};
pub use error::{BookError, Fault};
pub use examine::{Health, examine};
pub use lock::{
    CollectLock, DeliveryLock, HeldBy, Holder, delivery_lock, locks_of, wait_for_delivery_lock,
};
pub use mutes::{mute, mutes, remove_mutes_before, unmute};
pub use one_metric::entries_of;
pub use raw_day::{RawDay, count_days, keys, scan_raw};
pub use removal::{
    remove_deliveries_after, remove_deliveries_before, remove_entries, remove_runs_before,
};
pub use runs::{
    Ending, Nights, Outcome, Run, Stages, Statement, begin_run, end_run, nights, record_statements,
    runs, statements,
};
pub use watch::Watch;

/// Connections of a reader: a dashboard needs few at a time.
const READERS: u32 = 4;

/// For its owner and the owner's group.
const BOOK_MODE: u32 = 0o640;

/// An open book.
#[derive(Debug, Clone)]
pub struct Book {
    url: DatabaseUrl,
    store: Store,
    /// Proves that the collect lock on a server is still held: who lost it writes no more.
    proof: Option<Proof>,
}

impl Book {
    /// Opens the book to write. A missing or older one is made or migrated first, which waits for the collect lock
    /// for at most `timeout`.
    pub async fn open(url: &DatabaseUrl, timeout: Duration) -> Result<Self, BookError> {
        store::probe(url).await?;
        if url.sqlite_path().is_none_or(|path| path.exists()) {
            let book = Self::connect(url, Access::Writing, 1).await?;
            match book.state().await? {
                State::Current => return Ok(book),
                State::Ahead(version) => return Err(book.newer(version)),
                State::Missing | State::Behind(_) => book.close().await,
            }
        }
        let lock = Self::wait_for_lock(url, timeout).await?;
        let book = Self::open_under(&lock).await;
        lock.release().await;
        Ok(Self {
            proof: None,
            ..book?
        })
    }

    /// Opens the book of the lock to write, making or migrating it.
    pub async fn open_under(lock: &CollectLock) -> Result<Self, BookError> {
        if let Some(path) = lock.book.sqlite_path() {
            make_private(&path);
        }
        let book = Self {
            url: lock.book.clone(),
            store: lock.store().await?,
            proof: lock.proof(),
        };
        match book.state().await? {
            State::Current => {}
            State::Ahead(version) => return Err(book.newer(version)),
            State::Missing | State::Behind(_) => schema::migrate(&book).await?,
        }
        Ok(book)
    }

    /// Opens the book only to read. It must be there and of this program's version.
    pub async fn open_to_read(url: &DatabaseUrl) -> Result<Self, BookError> {
        store::probe(url).await?;
        match url.sqlite_path().map_or(Ok(true), |path| path.try_exists()) {
            Ok(true) => {}
            Ok(false) => {
                let book = error::name(url);
                return Err(BookError::NoBook { book });
            }
            Err(error) => return Err(BookError::cannot_open(url, error)),
        }
        let book = Self::connect(url, Access::Reading, READERS).await?;
        book.must_be_current().await?;
        Ok(book)
    }

    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Folds the write-ahead log back into the file. Skipping this loses nothing, but leaves the log beside the file.
    pub async fn close(self) {
        self.store.close().await;
    }

    async fn connect(
        url: &DatabaseUrl,
        access: Access,
        connections: u32,
    ) -> Result<Self, BookError> {
        Ok(Self {
            url: url.clone(),
            store: Store::open(url, access, connections).await?,
            proof: None,
        })
    }

    async fn state(&self) -> Result<State, BookError> {
        schema::state(&self.store)
            .await
            .map_err(|error| self.error("read the book's version", error))
    }

    async fn must_be_current(&self) -> Result<(), BookError> {
        match self.state().await? {
            State::Current => Ok(()),
            State::Ahead(version) => Err(self.newer(version)),
            State::Missing => Err(BookError::NoBook { book: self.name() }),
            State::Behind(version) => Err(BookError::Older {
                book: self.name(),
                version,
                known: schema::known_version(self.url.engine()),
            }),
        }
    }

    /// A transaction that keeps every other writer out from its start: what it reads stays true until it commits.
    async fn begin(&self, task: &'static str) -> Result<Transaction, BookError> {
        self.begin_with(task, self.proof).await
    }

    /// The same, if the lock that `proof` is about is still held.
    async fn begin_with(
        &self,
        task: &'static str,
        proof: Option<Proof>,
    ) -> Result<Transaction, BookError> {
        let mut tx = self.store.begin(&self.url, task).await?;
        tx.keep_others_out().await?;
        if let Some(proof) = proof {
            let is_held = lock::is_proved(tx.connection(), proof).await;
            if !is_held.map_err(|error| tx.error(error))? {
                return Err(BookError::LostLock { book: self.name() });
            }
        }
        Ok(tx)
    }

    async fn rows(
        &self,
        task: &'static str,
        text: &'static str,
        binds: &[Bind],
    ) -> Result<Vec<Row>, BookError> {
        let rows = self.store.rows(text, binds).await;
        rows.map_err(|error| self.error(task, error))
    }

    /// The first row, of a query that gives at most one.
    async fn row(
        &self,
        task: &'static str,
        text: &'static str,
        binds: &[Bind],
    ) -> Result<Option<Row>, BookError> {
        Ok(self.rows(task, text, binds).await?.into_iter().next())
    }

    fn name(&self) -> String {
        error::name(&self.url)
    }

    /// Empty for a book on a server.
    fn file(&self) -> PathBuf {
        self.url.sqlite_path().unwrap_or_default()
    }

    fn error(&self, task: &'static str, source: impl Into<sqlx::Error>) -> BookError {
        BookError::new(&self.url, task, source.into())
    }

    fn newer(&self, version: i64) -> BookError {
        BookError::Newer {
            book: self.name(),
            version,
            known: schema::known_version(self.url.engine()),
        }
    }
}

/// Not every user of the machine may read the book's numbers and addresses; SQLite gives the files beside it the same
/// mode. A failure here is reported when the book is opened.
fn make_private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(BOOK_MODE);
    drop(options.open(path));
}
