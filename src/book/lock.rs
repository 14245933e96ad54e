//! The collect lock and the delivery lock. The engine itself releases the lock of a dead holder, so nobody has to break
//! stale locks by hand.

pub(super) mod file;
mod mysql;
mod postgres;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::DatabaseUrl;
use crate::engine::Engine;

use super::error::name;
use super::store::{Access, Connection, Store, answered, probe};
use super::{Book, BookError};

/// Listing the runs touches a lock file for an instant to see whether it is held; that must not look like another
/// collect. A server needs as long to notice that a holder is gone.
const TRY_FOR: Duration = Duration::from_millis(250);

const POLL_INTERVAL: Duration = Duration::from_millis(25);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Collect,
    Delivery,
}

/// Held by the one process that collects into a book or migrates it. Dropping it releases it.
#[derive(Debug)]
pub struct CollectLock {
    pub(super) book: DatabaseUrl,
    lock: Lock,
    /// On a server, where opening takes time: opened while the lock was taken.
    store: Option<Store>,
}

/// Held by the one process that sends a delivery, for that one delivery. Dropping it releases it.
#[derive(Debug)]
pub struct DeliveryLock {
    lock: Lock,
}

/// A lock, held or not.
#[derive(Debug)]
enum Lock {
    File(file::Lock),
    Postgres(postgres::Lock),
    Mysql(mysql::Lock),
}

/// Who holds a lock, as far as the kernel or the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The lock's name in messages.
    pub lock: String,
    /// `process 123 (daybook)`, `process 123 on 10.0.0.7`
    pub name: Option<String>,
    pub since: Option<DateTime<Utc>>,
    pub by: HeldBy,
}

/// What a holder is, as far as can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldBy {
    Daybook,
    OtherProgram,
    /// It can call itself what it likes, and may hide since when it holds the lock.
    OtherAccount,
}

/// By which connection a lock on a server is held, so that a transaction can check that it still is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Proof {
    kind: Kind,
    connection: i64,
}

/// Takes the delivery lock as soon as it is free; `None` when it is not within `timeout`.
pub async fn delivery_lock(
    book: &Book,
    timeout: Duration,
) -> Result<Option<DeliveryLock>, BookError> {
    let lock = take(&book.url, Kind::Delivery, timeout).await?;
    Ok(lock.map(|lock| DeliveryLock { lock }))
}

/// The same; an error when it is not free within `timeout`.
pub async fn wait_for_delivery_lock(
    book: &Book,
    timeout: Duration,
) -> Result<DeliveryLock, BookError> {
    match delivery_lock(book, timeout).await? {
        Some(lock) => Ok(lock),
        None => Err(held(&book.url, Kind::Delivery, timeout).await),
    }
}

impl Book {
    /// Takes the collect lock; `None` when another process holds it.
    pub async fn lock(url: &DatabaseUrl) -> Result<Option<CollectLock>, BookError> {
        take_to_collect(url, TRY_FOR).await
    }

    /// Who holds the collect lock, if anybody does.
    pub async fn collector(url: &DatabaseUrl) -> Result<Option<Holder>, BookError> {
        holder(url, Kind::Collect).await
    }

    /// Who holds the delivery lock, if anybody does.
    pub async fn deliverer(url: &DatabaseUrl) -> Result<Option<Holder>, BookError> {
        holder(url, Kind::Delivery).await
    }

    /// Takes the collect lock as soon as it is free; an error when it is not within `timeout`.
    pub async fn wait_for_lock(
        url: &DatabaseUrl,
        timeout: Duration,
    ) -> Result<CollectLock, BookError> {
        match take_to_collect(url, timeout).await? {
            Some(lock) => Ok(lock),
            None => Err(held(url, Kind::Collect, timeout).await),
        }
    }
}

/// The error that the lock was not released in time, and who holds it.
async fn held(url: &DatabaseUrl, kind: Kind, waited: Duration) -> BookError {
    let holder = holder(url, kind).await.ok().flatten();
    BookError::Held {
        lock: lock_name(url, kind),
        holder: holder
            .and_then(|holder| holder.name)
            .unwrap_or_else(|| "another daybook".to_owned()),
        waited,
    }
}

impl Holder {
    /// Why the lock will not be free for the next nights, unless a running night holds it.
    pub fn trouble(&self, now: DateTime<Utc>, longest: TimeDelta) -> Option<BookError> {
        let (lock, holder, since) = (self.lock.clone(), self.to_string(), self.since);
        match self.by {
            HeldBy::OtherProgram => Some(BookError::HeldByOther { lock, holder }),
            HeldBy::OtherAccount => Some(BookError::HeldByOtherAccount {
                lock,
                holder,
                since,
            }),
            HeldBy::Daybook => Some(BookError::HeldTooLong {
                lock,
                holder,
                since: since.filter(|since| now - *since > longest)?,
                longest: longest.to_std().unwrap_or_default(),
            }),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.as_deref().unwrap_or("another daybook"))
    }
}

impl CollectLock {
    /// Releases the lock and waits until nobody sees it held any more.
    pub async fn release(self) {
        match self.lock {
            Lock::File(_) => {}
            // If that fails, the connection is gone, and the lock with it.
            Lock::Postgres(lock) => drop(answered(Engine::Postgres, lock.release()).await),
            Lock::Mysql(lock) => drop(answered(Engine::Mysql, lock.release()).await),
        }
    }

    pub(super) fn proof(&self) -> Option<Proof> {
        self.lock.proof()
    }

    pub(super) async fn store(&self) -> Result<Store, BookError> {
        match &self.store {
            Some(store) if !store.is_closed() => Ok(store.clone()),
            _ => Store::open(&self.book, Access::Making, 1).await,
        }
    }
}

impl DeliveryLock {
    pub(super) fn proof(&self) -> Option<Proof> {
        self.lock.proof()
    }
}

impl Lock {
    async fn try_once(&mut self, url: &DatabaseUrl) -> Result<bool, BookError> {
        let tried = match self {
            Self::File(lock) => return lock.try_once(url),
            Self::Postgres(lock) => answered(Engine::Postgres, lock.try_once()).await,
            Self::Mysql(lock) => answered(Engine::Mysql, lock.try_once()).await,
        };
        tried.map_err(|error| BookError::new(url, "take the lock", error))
    }

    /// The kernel releases a file only when its holder ends, so a lock file needs no proof.
    fn proof(&self) -> Option<Proof> {
        match self {
            Self::File(_) => None,
            Self::Postgres(lock) => Some(lock.proof),
            Self::Mysql(lock) => Some(lock.proof),
        }
    }
}

/// Whether the lock is still held, as seen from within a transaction.
pub(super) async fn is_proved(connection: Connection<'_>, proof: Proof) -> sqlx::Result<bool> {
    let engine = connection.engine();
    let held = async {
        match connection {
            Connection::Sqlite(_) => Ok(true),
            Connection::Postgres(connection) => postgres::is_held_by(connection, proof).await,
            Connection::Mysql(connection) => mysql::is_held_by(connection, proof).await,
        }
    };
    answered(engine, held).await
}

/// Whether somebody collects now; true if that cannot be seen.
pub(super) async fn is_held(book: &Book) -> bool {
    match &book.store {
        Store::Sqlite(_) => file::is_held(&book.file()),
        Store::Postgres(_) | Store::Mysql(_) => {
            let holder = server_holder(&book.store, Kind::Collect, String::new()).await;
            !matches!(holder, Ok(None))
        }
    }
}

async fn holder(url: &DatabaseUrl, kind: Kind) -> Result<Option<Holder>, BookError> {
    if let Some(path) = url.sqlite_path() {
        return Ok(file::holder(&path, kind));
    }
    probe(url).await?;
    let store = Store::open(url, Access::Reading, 1).await?;
    let holder = server_holder(&store, kind, lock_name(url, kind)).await;
    store.close().await;
    holder.map_err(|error| BookError::new(url, "see who holds the lock", error))
}

async fn server_holder(store: &Store, kind: Kind, lock: String) -> sqlx::Result<Option<Holder>> {
    let found = match store {
        Store::Sqlite(_) => None,
        Store::Postgres(pool) => answered(Engine::Postgres, postgres::holder(pool, kind)).await?,
        Store::Mysql(pool) => answered(Engine::Mysql, mysql::holder(pool, kind)).await?,
    };
    Ok(found.map(|holder| Holder { lock, ..holder }))
}

/// The lock files of a book in a file.
pub fn locks_of(book: &Path) -> [PathBuf; 2] {
    [Kind::Collect, Kind::Delivery].map(|kind| file::beside(book, kind))
}

/// The lock's name in messages.
fn lock_name(url: &DatabaseUrl, kind: Kind) -> String {
    match (url.sqlite_path(), kind) {
        (Some(path), _) => file::beside(&path, kind).display().to_string(),
        (None, Kind::Collect) => format!("the collect lock of {}", name(url)),
        (None, Kind::Delivery) => format!("the delivery lock of {}", name(url)),
    }
}

async fn take_to_collect(
    url: &DatabaseUrl,
    timeout: Duration,
) -> Result<Option<CollectLock>, BookError> {
    let taking = take(url, Kind::Collect, timeout);
    let (lock, store) = match url.engine() {
        Engine::Sqlite => {
            probe(url).await?;
            (taking.await?, None)
        }
        Engine::Postgres | Engine::Mysql => {
            let opening = async {
                match Store::open(url, Access::Making, 1).await {
                    Ok(store) => Ok(store),
                    // Probe directly: the pool hides the error.
                    Err(error) => probe(url).await.and(Err(error)),
                }
            };
            let (lock, store) = tokio::try_join!(taking, opening)?;
            (lock, Some(store))
        }
    };
    Ok(lock.map(|lock| CollectLock {
        book: url.clone(),
        lock,
        store,
    }))
}

/// The time to connect to a server does not count.
async fn take(url: &DatabaseUrl, kind: Kind, timeout: Duration) -> Result<Option<Lock>, BookError> {
    let mut lock = match url.engine() {
        Engine::Sqlite => Lock::File(file::Lock::open(url, kind)?),
        Engine::Postgres => Lock::Postgres(postgres::Lock::connect(url, kind).await?),
        Engine::Mysql => Lock::Mysql(mysql::Lock::connect(url, kind).await?),
    };
    let began = Instant::now();
    loop {
        if lock.try_once(url).await? {
            return Ok(Some(lock));
        }
        if began.elapsed() >= timeout {
            if let (Lock::File(lock), Kind::Collect) = (&lock, kind) {
                lock.note_holder();
            }
            return Ok(None);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

impl Kind {
    /// How the name of the lock on a server begins.
    fn prefix(self) -> &'static str {
        match self {
            Self::Collect => "daybook collect ",
            Self::Delivery => "daybook delivery ",
        }
    }
}
