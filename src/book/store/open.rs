//! Opening a store with the settings that each engine's connections need.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::mysql::MySqlPoolOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor};

use crate::book::schema::foreign_table;
use crate::book::{BookError, error};
use crate::config::DatabaseUrl;
use crate::database::{DatabaseError, mysql, postgres, server};
use crate::engine::Engine;

use super::Store;

/// For another program's write; Daybook's own take milliseconds.
pub(in crate::book) const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// In kB, which SQLite expects as a negative number: readers go through days once, so pages are not worth caching.
const READER_CACHE: &str = "-256";

/// For a server that was there a moment ago.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Double quotes for names, single quotes for texts, `||` joins texts, and values that do not fit are errors.
const MYSQL_SESSION: &str = "SET SESSION sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO',
    time_zone = '+00:00', lock_wait_timeout = 30, innodb_lock_wait_timeout = 30";

/// How a book is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::book) enum Access {
    Reading,
    /// A file that nobody writes: SQLite makes nothing beside it.
    ReadingStill,
    Writing,
    /// Makes a missing file.
    Making,
}

impl Store {
    /// Up to that many connections, opened as they are needed.
    pub(in crate::book) async fn open(
        url: &DatabaseUrl,
        access: Access,
        connections: u32,
    ) -> Result<Self, BookError> {
        match url.engine() {
            Engine::Sqlite => {
                let path = url.sqlite_path().unwrap_or_default();
                let pool = SqlitePoolOptions::new()
                    .max_connections(connections)
                    .connect_with(file(&path, access))
                    .await;
                pool.map(Self::Sqlite)
            }
            Engine::Postgres => {
                let options = postgres::reach(url).map_err(BookError::unreachable)?;
                let pool = PgPoolOptions::new()
                    .max_connections(connections)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .after_connect(move |connection, _| {
                        Box::pin(async move {
                            if reads(access) {
                                const READ: &str =
                                    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY";
                                connection.execute(READ).await?;
                            }
                            Ok(())
                        })
                    })
                    .connect_with(options)
                    .await;
                pool.map(Self::Postgres)
            }
            Engine::Mysql => {
                let options = mysql::reach(url).map_err(BookError::unreachable)?;
                let pool = MySqlPoolOptions::new()
                    .max_connections(connections)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .after_connect(move |connection, _| {
                        Box::pin(async move {
                            let transactions = match reads(access) {
                                true => "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY",
                                false => "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
                            };
                            connection.execute(sqlx::raw_sql(MYSQL_SESSION)).await?;
                            connection.execute(sqlx::raw_sql(transactions)).await?;
                            Ok(())
                        })
                    })
                    .connect_with(options)
                    .await;
                pool.map(Self::Mysql)
            }
        }
        .map_err(|error| BookError::new(url, "open the book", error))
    }
}

/// Refuses another program's file before anything touches it. Reports an unavailable server at once: a pool would retry
/// for long and hide the reason.
pub(in crate::book) async fn probe(url: &DatabaseUrl) -> Result<(), BookError> {
    let reached = match url.engine() {
        Engine::Sqlite => {
            let path = url.sqlite_path().unwrap_or_default();
            let Some(table) = foreign_table(&path).await else {
                return Ok(());
            };
            let book = error::name(url);
            return Err(BookError::NotABook { book, table });
        }
        Engine::Postgres => try_to_connect(url, postgres::reach(url)).await,
        Engine::Mysql => try_to_connect(url, mysql::reach(url)).await,
    };
    reached.map_err(BookError::unreachable)
}

async fn try_to_connect(
    url: &DatabaseUrl,
    options: Result<impl ConnectOptions<Connection: Sized>, DatabaseError>,
) -> Result<(), DatabaseError> {
    let connection = server::connected(url, options?.connect()).await?;
    drop(connection.close().await);
    Ok(())
}

/// Whether the write-ahead log has pages that are not in the file yet.
pub(in crate::book) fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(PathBuf::from(log)).is_ok_and(|log| log.len() > 0)
}

fn reads(access: Access) -> bool {
    matches!(access, Access::Reading | Access::ReadingStill)
}

/// Writes are rare, so each is flushed fully: a power cut must not lose a claimed or accepted delivery, which would go out
/// twice.
pub(in crate::book) fn file(path: &Path, access: Access) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT);
    match access {
        Access::Reading | Access::ReadingStill => options
            .pragma("cache_size", READER_CACHE)
            .read_only(true)
            // Otherwise SQLite would make its two helper files and leave them behind.
            .immutable(access == Access::ReadingStill),
        Access::Writing | Access::Making => options
            .synchronous(SqliteSynchronous::Full)
            .create_if_missing(access == Access::Making),
    }
}
