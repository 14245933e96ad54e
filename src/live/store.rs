//! The file of live events: SQLite, whose rows are chunks of many points.

mod alerts;
mod follow;
mod forwarding;
mod keep;
mod moved;
mod read;
mod schema;
mod spans;
mod tables;
mod write;

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::time::{Instant, sleep};

use crate::config::live::Durable;

use super::bytes::Corrupt;
use super::grain::Grain;

pub use alerts::{AlertDelivery, DeliveryEnding, DeliveryState, RaisedOnce};
pub use follow::{Ahead, Recorded};
pub use forwarding::{Backlog, Forwarding, Waiting};
pub use keep::NewChunk;
pub use moved::{ELSEWHERE, Identity, Moved, MovedPart, Origin, Tally};
pub use read::{Bucket, ChunkRow, Cluster, Dropped, Fill, Past, ReadTransaction, Zone, words_of};
pub use spans::SpanRow;
pub use tables::Tables;
pub use write::{CHUNK, Kept, Known};

/// What a chunk has been through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it was recorded, and not in the rollups yet.
    Fresh = 0,
    /// Squeezed, and counted into the rollups.
    Sealed = 1,
}

/// What is pruned, or forgotten, each by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    Hourly = 0,
    Daily = 1,
    Monthly = 2,
    Points = 3,
    Forgotten = 4,
    Replay = 5,
}

impl From<Grain> for Tier {
    fn from(grain: Grain) -> Self {
        match grain {
            Grain::Hour => Self::Hourly,
            Grain::Day => Self::Daily,
            Grain::Month => Self::Monthly,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{file}: {what}")]
    Foreign { file: String, what: String },
    /// Another program was writing all the time that this one waited.
    #[error("{file}: another program has been writing for {} seconds", BUSY.as_secs())]
    Busy { file: String },
    #[error(
        "{file}: another program has been reading for too long; nothing is written until it ends"
    )]
    Held { file: String },
    /// What was to be taken is being taken.
    #[error(
        "{file}: another `daybook live migrate` takes the same records: let it end, and run this one again"
    )]
    Raced { file: String },
    #[error("{file}: the disk is full: make room and try again")]
    Full { file: String },
    #[error("cannot {doing} {file}: {error}")]
    Failed {
        doing: &'static str,
        file: String,
        error: sqlx::Error,
    },
    #[error("cannot {doing} {file}: {error}")]
    Io {
        doing: &'static str,
        file: String,
        error: std::io::Error,
    },
    /// The server where replicas meet failed in the middle of a question.
    #[error("Redis does not answer: {0}")]
    Away(String),
    #[error("what is kept on Redis cannot be read: {0}: somebody else has written there")]
    Spoilt(String),
    #[error("{file}: {part} is {error}")]
    Corrupt {
        file: String,
        part: Part,
        error: Corrupt,
    },
}

/// What cannot be read, or was not written as it was to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Chunk(i64),
    Commit,
    Rollup,
    Origin,
}

impl Display for Part {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chunk(id) => write!(formatter, "chunk {id}"),
            Self::Commit => formatter.write_str("a chunk that was to be written"),
            Self::Rollup => formatter.write_str("a rollup"),
            Self::Origin => formatter.write_str("the note of what was migrated"),
        }
    }
}

/// How long a writer waits for another.
const BUSY: Duration = Duration::from_secs(10);
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// In kB, as a negative number of SQLite's: chunks are read once.
const CACHE: &str = "-2048";
/// Bytes to which the write-ahead log is cut back.
const LOG_LIMIT: &str = "16777216";
/// Bytes of the write-ahead log from which on nothing is written while a reader keeps it from being emptied; with one more
/// commit it is still below 64 MB.
const LOG_MOST: u64 = 48 << 20;

pub struct Store {
    path: PathBuf,
    connection: SqliteConnection,
}

impl Store {
    /// Opens the file, which is made if it is not there. Another program's file is not touched.
    pub async fn open(path: &Path, durable: Durable) -> Result<Self, StoreError> {
        schema::refuse_foreign(path)?;
        schema::create_file(path)?;
        let synchronous = match durable {
            Durable::Commit => SqliteSynchronous::Full,
            Durable::Memory => SqliteSynchronous::Normal,
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY)
            .synchronous(synchronous)
            .pragma("cache_size", CACHE)
            .pragma("journal_size_limit", LOG_LIMIT)
            // Else what was deleted would stay readable in the pages that it shared.
            .pragma("secure_delete", "FAST");
        // While another program makes the file, SQLite says at once that it is busy, in spite of its timeout.
        let until = Instant::now() + BUSY;
        loop {
            match Self::prepared(path, options.clone()).await {
                Err(StoreError::Busy { .. }) if Instant::now() < until => sleep(BUSY_PAUSE).await,
                opened => return opened,
            }
        }
    }

    async fn prepared(path: &Path, options: SqliteConnectOptions) -> Result<Self, StoreError> {
        let mut store = Self::connect(path, options).await?;
        schema::prepare(&mut store).await?;
        Ok(store)
    }

    /// Opens the file to read it; `None`: there is none yet.
    pub async fn open_reading(path: &Path) -> Result<Option<Self>, StoreError> {
        if !path.exists() {
            return Ok(None);
        }
        schema::refuse_foreign(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY)
            .read_only(true)
            .pragma("cache_size", CACHE);
        let mut store = Self::connect(path, options).await?;
        let version = schema::refuse_other_versions(&mut store).await?;
        Ok((version > 0).then_some(store))
    }

    /// A store in memory, for tests.
    pub async fn in_memory() -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().in_memory(true);
        Self::prepared(Path::new(":memory:"), options).await
    }

    async fn connect(path: &Path, options: SqliteConnectOptions) -> Result<Self, StoreError> {
        let connected = SqliteConnection::connect_with(&options).await;
        let connection = connected.map_err(|error| failed("open", path, error))?;
        Ok(Self {
            path: path.to_owned(),
            connection,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub async fn close(self) -> Result<(), StoreError> {
        let Self { path, connection } = self;
        let closed = connection.close().await;
        closed.map_err(|error| failed("close", &path, error))
    }

    /// Waits for other writers before it reads, so that nothing changes between.
    async fn begin(&mut self) -> Result<(), StoreError> {
        self.limit_log().await?;
        let begun = self.connection.execute("BEGIN IMMEDIATE").await;
        begun
            .map(drop)
            .map_err(|error| failed("write to", &self.path, error))
    }

    /// A reader that stalls in a transaction keeps the log from being emptied, and it would grow until the disk is full.
    async fn limit_log(&mut self) -> Result<(), StoreError> {
        let mut log = self.path.as_os_str().to_owned();
        log.push("-wal");
        if std::fs::metadata(log).map_or(0, |log| log.len()) < LOG_MOST {
            return Ok(());
        }
        let checkpoint = sqlx::query_as("PRAGMA wal_checkpoint")
            .fetch_one(&mut self.connection)
            .await;
        let (_, pages, copied): (i64, i64, i64) = checkpoint.map_err(self.failed("write to"))?;
        let file = self.path.display().to_string();
        match copied < pages {
            true => Err(StoreError::Held { file }),
            false => Ok(()),
        }
    }

    async fn finish<T>(&mut self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        let done = match done {
            Ok(done) => {
                let committed = self.connection.execute("COMMIT").await;
                committed
                    .map(|_| done)
                    .map_err(|error| failed("write to", &self.path, error))
            }
            Err(error) => Err(error),
        };
        if done.is_err() {
            // SQLite has given up most failed transactions by itself.
            drop(self.connection.execute("ROLLBACK").await);
        }
        done
    }

    fn failed(&self, doing: &'static str) -> impl Fn(sqlx::Error) -> StoreError + use<> {
        let path = self.path.clone();
        move |error| failed(doing, &path, error)
    }
}

/// Whatever is made up in a statement is a number of ours or one of our words; values are bound.
fn safe(sql: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql)
}

/// Bytes as a JSON array of hexadecimal text, which SQLite takes apart by itself.
fn as_json<B: AsRef<[u8]>>(all: impl IntoIterator<Item = B>) -> String {
    let mut json = String::from("[");
    for bytes in all {
        json.push('"');
        for byte in bytes.as_ref() {
            json.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
            json.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
        }
        json.push_str("\",");
    }
    json.truncate(json.trim_end_matches(',').len());
    json.push(']');
    json
}

fn failed(doing: &'static str, path: &Path, error: sqlx::Error) -> StoreError {
    let file = path.display().to_string();
    let code = error.as_database_error().and_then(|error| error.code());
    match code.as_deref() {
        // SQLITE_BUSY, SQLITE_BUSY_RECOVERY and SQLITE_BUSY_SNAPSHOT.
        Some("5" | "261" | "517") => StoreError::Busy { file },
        // SQLITE_FULL, and SQLITE_IOERR_SHMSIZE where it cannot even begin.
        Some("13" | "4874") => StoreError::Full { file },
        _ => StoreError::Failed { doing, file, error },
    }
}
