//! The collect lock and the delivery lock: held by whoever the engine itself knows to be alive, so that no stale
//! lock is ever broken by hand.

pub(super) mod file;
mod mysql;
mod postgres;

use std::time::{Duration, Instant};

use crate::config::{DatabaseUrl, Engine};

use super::error::name;
use super::store::{Access, Store, Writing, probe};
use super::{Book, BookError};

/// Whoever lists the runs touches the lock of a file for an instant to see whether it is held; that must not
/// look like another collect. A server needs as long to see that a holder is gone.
const GLANCE: Duration = Duration::from_millis(250);

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

impl Book {
    /// Takes the collect lock; `None` when another process has it.
    pub async fn lock(url: &DatabaseUrl) -> Result<Option<CollectLock>, BookError> {
        take_to_collect(url, GLANCE).await
    }

    /// Takes the collect lock as soon as it is free; an error when it is not within `patience`.
    pub async fn wait_for_lock(
        url: &DatabaseUrl,
        patience: Duration,
    ) -> Result<CollectLock, BookError> {
        let lock = take_to_collect(url, patience).await?;
        lock.ok_or_else(|| BookError::Held {
            lock: match url.sqlite_path() {
                Some(path) => file::beside(&path, Kind::Collect).display().to_string(),
                None => format!("the collect lock of {}", name(url)),
            },
            waited: patience,
        })
    }
}

impl CollectLock {
    /// As dropping it, but when this returns nobody sees it held any more.
    pub async fn let_go(self) {
        match self.hold {
            Hold::File { .. } => {}
            Hold::Postgres(hold) => hold.let_go().await,
            Hold::Mysql(hold) => hold.let_go().await,
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
    match writing {
        Writing::Sqlite(_) => Ok(true),
        Writing::Postgres(transaction) => postgres::is_held_by(transaction, proof).await,
        Writing::Mysql(transaction) => mysql::is_held_by(transaction, proof).await,
    }
}

/// Whether somebody collects now. Where that cannot be seen, the answer is yes.
pub(super) async fn is_held(book: &Book) -> bool {
    match &book.store {
        Store::Sqlite(_) => file::is_held(&book.file()),
        Store::Postgres(_) | Store::Mysql(_) => server_holder(book).await != Some(None),
    }
}

/// Who collects into a book on a server, if anybody does; `None` where the server does not say.
pub(super) async fn server_holder(book: &Book) -> Option<Option<String>> {
    match &book.store {
        Store::Sqlite(_) => None,
        Store::Postgres(pool) => postgres::holder(pool).await,
        Store::Mysql(pool) => mysql::holder(pool).await,
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
            Self::Postgres(waiting) => waiting.try_once().await,
            Self::Mysql(waiting) => waiting.try_once().await,
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
