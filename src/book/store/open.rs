//! Opening a store: a file with what SQLite needs, a server with what its sessions need.

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

/// How long a statement waits for another program's write; ours take milliseconds.
pub(in crate::book) const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// In kB, as a negative number of SQLite's: readers go through days once, so pages are not worth keeping.
const READER_CACHE: &str = "-256";

/// A server that was there a moment ago must answer within that time.
const SERVER_PATIENCE: Duration = Duration::from_secs(10);

/// Names in double quotes, texts in single ones, `||` joins texts, and no value is bent to fit.
const MYSQL_SESSION: &str = "SET SESSION sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO',
    time_zone = '+00:00', lock_wait_timeout = 30, innodb_lock_wait_timeout = 30";

/// What may be done with a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::book) enum Access {
    Reading,
    /// A file that nobody writes, as it lies there: nothing is made beside it.
    ReadingStill,
    Writing,
    /// A file that is not there is made.
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
                    .acquire_timeout(SERVER_PATIENCE)
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
                    .acquire_timeout(SERVER_PATIENCE)
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

/// Another program's file is refused before it is touched. A server that is away is told of at once; a pool would try
/// for long and then not know why.
pub(in crate::book) async fn probe(url: &DatabaseUrl) -> Result<(), BookError> {
    if let Some(path) = url.sqlite_path() {
        return match foreign_table(&path).await {
            Some(table) => Err(BookError::NotABook {
                book: error::name(url),
                table,
            }),
            None => Ok(()),
        };
    }
    let reached: Result<(), DatabaseError> = async {
        match url.engine() {
            Engine::Sqlite => {}
            Engine::Postgres => {
                let options = postgres::reach(url)?;
                drop(
                    server::connected(url, options.connect())
                        .await?
                        .close()
                        .await,
                );
            }
            Engine::Mysql => {
                let options = mysql::reach(url)?;
                drop(
                    server::connected(url, options.connect())
                        .await?
                        .close()
                        .await,
                );
            }
        }
        Ok(())
    }
    .await;
    reached.map_err(BookError::unreachable)
}

/// Whether pages were written that are not in the file yet.
pub(in crate::book) fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(PathBuf::from(log)).is_ok_and(|log| log.len() > 0)
}

fn reads(access: Access) -> bool {
    matches!(access, Access::Reading | Access::ReadingStill)
}

/// One write a night costs nothing, so it is flushed fully: after a power cut a delivery that was
/// claimed or accepted must still be known, or it would go out twice.
pub(in crate::book) fn file(path: &Path, access: Access) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT);
    match access {
        Access::Reading | Access::ReadingStill => options
            .pragma("cache_size", READER_CACHE)
            .read_only(true)
            // Opened in any other way, SQLite would make its two helper files and leave them behind.
            .immutable(access == Access::ReadingStill),
        Access::Writing | Access::Making => options
            .synchronous(SqliteSynchronous::Full)
            .create_if_missing(access == Access::Making),
    }
}
