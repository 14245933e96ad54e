//! The collect lock and the delivery lock: held by whoever the engine itself knows to be alive, so that no stale
//! lock is ever broken by hand.

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
use super::store::{Access, Store, Writing, answered, probe};
use super::{Book, BookError};

/// Whoever lists the runs touches the lock of a file for an instant to see whether it is held; that must not
/// look like another collect. A server needs as long to see that a holder is gone.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

const PAUSE: Duration = Duration::from_millis(25);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Collect,
    Delivery,
}

/// Held by the one process that collects into a book or migrates it. Dropping it lets go.
#[derive(Debug)]
pub struct CollectLock {
    pub(super) book: DatabaseUrl,
    hold: Hold,
    /// On a server, where it takes its time: opened while the lock was taken.
    store: Option<Store>,
}

/// Held by the one process that brings out a delivery, for that one delivery. Dropping it lets go.
#[derive(Debug)]
pub struct DeliveryLock {
    hold: Hold,
}

#[derive(Debug)]
enum Hold {
    /// Only to be let go of.
    File {
        _hold: file::Hold,
    },
    Postgres(postgres::Hold),
    Mysql(mysql::Hold),
}

/// Who has a lock, as far as the kernel or the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The lock as sentences call it.
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
    /// It can call itself what it likes, and since when it has the lock may be hidden from ours.
    OtherAccount,
}

/// How a transaction can tell that a lock on a server is still held: by which connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Proof {
    kind: Kind,
    connection: i64,
}

/// Takes the delivery lock as soon as it is free; `None` when it is not within `patience`.
pub async fn delivery_lock(
    book: &Book,
    patience: Duration,
) -> Result<Option<DeliveryLock>, BookError> {
    let hold = take(&book.url, Kind::Delivery, patience).await?;
    Ok(hold.map(|hold| DeliveryLock { hold }))
}

/// The same; an error when it is not free within `patience`.
pub async fn wait_for_delivery_lock(
    book: &Book,
    patience: Duration,
) -> Result<DeliveryLock, BookError> {
    match delivery_lock(book, patience).await? {
        Some(lock) => Ok(lock),
        None => Err(held(&book.url, Kind::Delivery, patience).await),
    }
}

impl Book {
    /// Takes the collect lock; `None` when another process has it.
    pub async fn lock(url: &DatabaseUrl) -> Result<Option<CollectLock>, BookError> {
        take_to_collect(url, POLL_INTERVAL).await
    }

    /// Who has the collect lock, if anybody has it still.
    pub async fn collector(url: &DatabaseUrl) -> Result<Option<Holder>, BookError> {
        holder(url, Kind::Collect).await
    }

    /// Who has the delivery lock, if anybody has it still.
    pub async fn deliverer(url: &DatabaseUrl) -> Result<Option<Holder>, BookError> {
        holder(url, Kind::Delivery).await
    }

    /// Takes the collect lock as soon as it is free; an error when it is not within `patience`.
    pub async fn wait_for_lock(
        url: &DatabaseUrl,
        patience: Duration,
    ) -> Result<CollectLock, BookError> {
        match take_to_collect(url, patience).await? {
            Some(lock) => Ok(lock),
            None => Err(held(url, Kind::Collect, patience).await),
        }
    }
}

/// That a lock was waited for in vain, and who has it.
async fn held(url: &DatabaseUrl, kind: Kind, waited: Duration) -> BookError {
    let holder = holder(url, kind).await.ok().flatten();
    BookError::Held {
        lock: called(url, kind),
        holder: holder
            .and_then(|holder| holder.name)
            .unwrap_or_else(|| "another daybook".to_owned()),
        waited,
    }
}

impl Holder {
    /// What keeps the lock from every night to come, if it is held by something else than a night that goes on.
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
    /// As dropping it, but when this returns nobody sees it held any more.
    pub async fn let_go(self) {
        match self.hold {
            Hold::File { .. } => {}
            // Where that fails the connection is gone, and the lock with it.
            Hold::Postgres(hold) => drop(answered(Engine::Postgres, hold.let_go()).await),
            Hold::Mysql(hold) => drop(answered(Engine::Mysql, hold.let_go()).await),
        }
    }

    pub(super) fn proof(&self) -> Option<Proof> {
        self.hold.proof(Kind::Collect)
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
        self.hold.proof(Kind::Delivery)
    }
}

impl Hold {
    /// The kernel lets go of a file only when its holder ends, so of a file nothing needs to be proved.
    fn proof(&self, kind: Kind) -> Option<Proof> {
        let connection = match self {
            Self::File { .. } => return None,
            Self::Postgres(hold) => hold.connection,
            Self::Mysql(hold) => hold.connection,
        };
        Some(Proof { kind, connection })
    }
}

/// Whether that lock is held still, as seen from within a transaction.
pub(super) async fn is_proved(writing: &mut Writing, proof: Proof) -> sqlx::Result<bool> {
    let engine = writing.engine();
    let held = async {
        match writing {
            Writing::Sqlite(_) => Ok(true),
            Writing::Postgres(transaction) => postgres::is_held_by(transaction, proof).await,
            Writing::Mysql(transaction) => mysql::is_held_by(transaction, proof).await,
        }
    };
    answered(engine, held).await
}

/// Whether somebody collects now. Where that cannot be seen, the answer is yes.
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
    let holder = server_holder(&store, kind, called(url, kind)).await;
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

/// The files that are the locks of a book in a file.
pub fn locks_of(book: &Path) -> [PathBuf; 2] {
    [Kind::Collect, Kind::Delivery].map(|kind| file::beside(book, kind))
}

/// How sentences call the lock.
fn called(url: &DatabaseUrl, kind: Kind) -> String {
    match (url.sqlite_path(), kind) {
        (Some(path), _) => file::beside(&path, kind).display().to_string(),
        (None, Kind::Collect) => format!("the collect lock of {}", name(url)),
        (None, Kind::Delivery) => format!("the delivery lock of {}", name(url)),
    }
}

async fn take_to_collect(
    url: &DatabaseUrl,
    patience: Duration,
) -> Result<Option<CollectLock>, BookError> {
    let taking = take(url, Kind::Collect, patience);
    let (hold, store) = match url.engine() {
        Engine::Sqlite => {
            probe(url).await?;
            (taking.await?, None)
        }
        Engine::Postgres | Engine::Mysql => {
            let opening = async {
                match Store::open(url, Access::Making, 1).await {
                    Ok(store) => Ok(store),
                    // Who asks directly is told the reason.
                    Err(error) => probe(url).await.and(Err(error)),
                }
            };
            let (hold, store) = tokio::try_join!(taking, opening)?;
            (hold, Some(store))
        }
    };
    Ok(hold.map(|hold| CollectLock {
        book: url.clone(),
        hold,
        store,
    }))
}

/// Connecting to a server takes its own time, before the patience begins.
async fn take(
    url: &DatabaseUrl,
    kind: Kind,
    patience: Duration,
) -> Result<Option<Hold>, BookError> {
    let mut waiting = match url.engine() {
        Engine::Sqlite => Waiting::File(file::Waiting::open(url, kind)?),
        Engine::Postgres => Waiting::Postgres(postgres::Waiting::connect(url, kind).await?),
        Engine::Mysql => Waiting::Mysql(mysql::Waiting::connect(url, kind).await?),
    };
    let began = Instant::now();
    loop {
        if waiting.try_once(url).await? {
            return Ok(Some(waiting.hold()));
        }
        if began.elapsed() >= patience {
            if let (Waiting::File(waiting), Kind::Collect) = (&waiting, kind) {
                waiting.note_holder();
            }
            return Ok(None);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Who wants a lock and may not have it yet.
enum Waiting {
    File(file::Waiting),
    Postgres(postgres::Waiting),
    Mysql(mysql::Waiting),
}

impl Waiting {
    async fn try_once(&mut self, url: &DatabaseUrl) -> Result<bool, BookError> {
        let tried = match self {
            Self::File(waiting) => return waiting.try_once(url),
            Self::Postgres(waiting) => answered(Engine::Postgres, waiting.try_once()).await,
            Self::Mysql(waiting) => answered(Engine::Mysql, waiting.try_once()).await,
        };
        tried.map_err(|error| BookError::new(url, "take the lock", error))
    }

    fn hold(self) -> Hold {
        match self {
            Self::File(waiting) => Hold::File {
                _hold: waiting.hold(),
            },
            Self::Postgres(waiting) => Hold::Postgres(waiting.hold()),
            Self::Mysql(waiting) => Hold::Mysql(waiting.hold()),
        }
    }
}
