//! One way to query the three engines: SQL with numbered places, the values bound to them, rows.

mod bind;
mod open;

use std::ops::ControlFlow;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlArguments, MySqlConnection, MySqlPool, MySqlRow};
use sqlx::postgres::{PgArguments, PgConnection, PgPool, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, MySql, Postgres, SqlSafeStr, SqlStr, Sqlite};

use crate::book::{BookError, error};
use crate::config::DatabaseUrl;
use crate::engine::Engine;
use crate::plan::sql::with_numbers;

pub(super) use bind::Bind;
pub(super) use open::{Access, file, has_log, probe};

#[derive(Debug, Clone)]
pub(super) enum Store {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    Mysql(MySqlPool),
}

/// Dropped before it is committed, it is rolled back.
pub(super) struct Transaction {
    inner: OnEngine,
    book: DatabaseUrl,
    task: &'static str,
}

enum OnEngine {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
    Mysql(sqlx::Transaction<'static, MySql>),
}

pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
    Mysql(MySqlRow),
}

/// A connection, of a pool or of a transaction.
pub(super) enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
    Mysql(&'c mut MySqlConnection),
}

impl Store {
    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
            Self::Mysql(_) => Engine::Mysql,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Sqlite(pool) => pool.is_closed(),
            Self::Postgres(pool) => pool.is_closed(),
            Self::Mysql(pool) => pool.is_closed(),
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
            Self::Mysql(pool) => pool.close().await,
        }
    }

    /// A transaction for this task in that book. On SQLite it has the write lock from its start.
    pub(super) async fn begin(
        &self,
        book: &DatabaseUrl,
        task: &'static str,
    ) -> Result<Transaction, BookError> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
        let begin = async {
            Ok(match self {
                Self::Sqlite(pool) => OnEngine::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
                Self::Postgres(pool) => OnEngine::Postgres(pool.begin_with(BEGIN).await?),
                Self::Mysql(pool) => OnEngine::Mysql(pool.begin().await?),
            })
        };
        let begun = answered(self.engine(), begin).await;
        let inner = begun.map_err(|error| BookError::new(book, task, error))?;
        let book = book.clone();
        Ok(Transaction { inner, book, task })
    }

    pub(super) async fn rows(
        &self,
        text: impl SqlSafeStr,
        binds: &[Bind],
    ) -> sqlx::Result<Vec<Row>> {
        match self {
            Self::Sqlite(pool) => {
                let mut connection = pool.acquire().await?;
                Connection::Sqlite(&mut connection).rows(text, binds).await
            }
            Self::Postgres(pool) => {
                let mut connection = pool.acquire().await?;
                Connection::Postgres(&mut connection)
                    .rows(text, binds)
                    .await
            }
            Self::Mysql(pool) => {
                let mut connection = pool.acquire().await?;
                Connection::Mysql(&mut connection).rows(text, binds).await
            }
        }
    }

    /// The first row, of a query that gives at most one.
    pub(super) async fn row(
        &self,
        text: impl SqlSafeStr,
        binds: &[Bind],
    ) -> sqlx::Result<Option<Row>> {
        Ok(self.rows(text, binds).await?.into_iter().next())
    }

    /// Passes each row to `take` as it arrives, until `take` breaks. Signals and timers get their turn between rows.
    pub(super) async fn each<B>(
        &self,
        text: &'static str,
        binds: &[Bind],
        take: impl FnMut(Row) -> ControlFlow<B>,
    ) -> sqlx::Result<ControlFlow<B>> {
        match self {
            Self::Sqlite(pool) => {
                let rows = sqlite(text.into_sql_str(), binds).fetch(pool);
                take_each(self.engine(), rows.map_ok(Row::Sqlite), take).await
            }
            Self::Postgres(pool) => {
                let rows = postgres(text.into_sql_str(), binds).fetch(pool);
                take_each(self.engine(), rows.map_ok(Row::Postgres), take).await
            }
            Self::Mysql(pool) => {
                let rows = mysql(text.into_sql_str(), binds).fetch(pool);
                take_each(self.engine(), rows.map_ok(Row::Mysql), take).await
            }
        }
    }
}

async fn take_each<B>(
    engine: Engine,
    rows: impl futures_util::Stream<Item = sqlx::Result<Row>>,
    mut take: impl FnMut(Row) -> ControlFlow<B>,
) -> sqlx::Result<ControlFlow<B>> {
    let mut rows = std::pin::pin!(rows);
    while let Some(row) = answered(engine, rows.try_next()).await? {
        if let ControlFlow::Break(reason) = take(row) {
            return Ok(ControlFlow::Break(reason));
        }
        tokio::task::yield_now().await;
    }
    Ok(ControlFlow::Continue(()))
}

impl Transaction {
    pub(super) fn engine(&self) -> Engine {
        match self.inner {
            OnEngine::Sqlite(_) => Engine::Sqlite,
            OnEngine::Postgres(_) => Engine::Postgres,
            OnEngine::Mysql(_) => Engine::Mysql,
        }
    }

    pub(super) fn error(&self, source: impl Into<sqlx::Error>) -> BookError {
        BookError::new(&self.book, self.task, source.into())
    }

    /// One writer at a time: the others wait for the row that all of them change, and readers see by it that
    /// somebody has written. SQLite does both by itself.
    pub(super) async fn keep_others_out(&mut self) -> Result<(), BookError> {
        const REVISION: &str = "UPDATE book_state SET revision = revision + 1";
        match self.engine() {
            Engine::Sqlite => Ok(()),
            Engine::Postgres => {
                self.run(format!("SET LOCAL lock_timeout = '30s'; {REVISION}"))
                    .await
            }
            Engine::Mysql => self.run(REVISION.to_owned()).await,
        }
    }

    pub(super) async fn commit(self) -> Result<(), BookError> {
        let engine = self.engine();
        let commit = async {
            match self.inner {
                OnEngine::Sqlite(inner) => inner.commit().await,
                OnEngine::Postgres(inner) => inner.commit().await,
                OnEngine::Mysql(inner) => inner.commit().await,
            }
        };
        let committed = answered(engine, commit).await;
        committed.map_err(|error| BookError::new(&self.book, self.task, error))
    }

    pub(super) async fn rows(
        &mut self,
        text: impl SqlSafeStr,
        binds: &[Bind],
    ) -> Result<Vec<Row>, BookError> {
        let rows = self.connection().rows(text, binds).await;
        rows.map_err(|error| self.error(error))
    }

    /// The same, of a text that was put together.
    pub(super) async fn rows_of(
        &mut self,
        text: String,
        binds: &[Bind],
    ) -> Result<Vec<Row>, BookError> {
        self.rows(assembled(text), binds).await
    }

    /// The first row, of a query that gives at most one.
    pub(super) async fn row(
        &mut self,
        text: impl SqlSafeStr,
        binds: &[Bind],
    ) -> Result<Option<Row>, BookError> {
        Ok(self.rows(text, binds).await?.into_iter().next())
    }

    /// Runs a statement and returns how many rows it changed.
    pub(super) async fn change(
        &mut self,
        text: impl SqlSafeStr,
        binds: &[Bind],
    ) -> Result<u64, BookError> {
        let changed = self.connection().change(text, binds).await;
        changed.map_err(|error| self.error(error))
    }

    /// Runs a statement that must change one row, which `row` names if it does not.
    pub(super) async fn change_one(
        &mut self,
        text: &'static str,
        binds: &[Bind],
        row: impl FnOnce() -> String,
    ) -> Result<(), BookError> {
        match self.change(text, binds).await? {
            1 => Ok(()),
            changed => Err(self.not_written(row(), changed)),
        }
    }

    pub(super) fn not_written(&self, row: String, changed: u64) -> BookError {
        let book = error::name(&self.book);
        BookError::NotWritten { book, row, changed }
    }

    /// Runs statements that servers do not prepare, such as one that makes something.
    pub(super) async fn run(&mut self, text: String) -> Result<(), BookError> {
        let text = sqlx::raw_sql(assembled(text));
        let run = async |connection| match connection {
            Connection::Sqlite(connection) => text.execute(connection).await.map(drop),
            Connection::Postgres(connection) => text.execute(connection).await.map(drop),
            Connection::Mysql(connection) => text.execute(connection).await.map(drop),
        };
        let done = answered(self.engine(), run(self.connection())).await;
        done.map_err(|error| self.error(error))
    }

    /// Adds a row unless its like is there; whether it was added.
    pub(super) async fn add_if_new(
        &mut self,
        text: &'static str,
        binds: &[Bind],
    ) -> Result<bool, BookError> {
        if self.engine() == Engine::Mysql {
            return match self.connection().change(text, binds).await {
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
                changed => Ok(changed.map_err(|error| self.error(error))? == 1),
            };
        }
        let text = format!("{text} ON CONFLICT DO NOTHING");
        Ok(self.change(assembled(text), binds).await? == 1)
    }

    /// Adds a row to a table whose rows are numbered, and returns its number.
    pub(super) async fn add(
        &mut self,
        text: &'static str,
        binds: &[Bind],
    ) -> Result<i64, BookError> {
        let engine = self.engine();
        let add = async {
            Ok(match self.connection() {
                Connection::Sqlite(connection) => {
                    let done = sqlite(text.into_sql_str(), binds).execute(connection);
                    done.await?.last_insert_rowid()
                }
                Connection::Postgres(connection) => {
                    use sqlx::Row;
                    let text = assembled(format!("{text} RETURNING id"));
                    let row = postgres(text, binds).fetch_one(connection);
                    row.await?.try_get(0)?
                }
                Connection::Mysql(connection) => {
                    let done = mysql(text.into_sql_str(), binds).execute(connection);
                    i64::try_from(done.await?.last_insert_id()).unwrap_or_default()
                }
            })
        };
        let added = answered(engine, add).await;
        added.map_err(|error| self.error(error))
    }

    /// Adds rows of as many values each: `head` is the statement up to the values.
    pub(super) async fn add_all(
        &mut self,
        head: &str,
        rows: &[Vec<Bind>],
    ) -> Result<(), BookError> {
        let width = rows.first().map_or(1, Vec::len).max(1);
        for some in rows.chunks(MOST_PLACES / width) {
            let row = |at: usize| {
                let places = (1..=width).map(|place| format!("?{}", at * width + place));
                format!("({})", places.collect::<Vec<_>>().join(", "))
            };
            let rows: Vec<String> = (0..some.len()).map(row).collect();
            let text = format!("{head} VALUES {}", rows.join(", "));
            self.change(assembled(text), &some.concat()).await?;
        }
        Ok(())
    }

    pub(super) fn connection(&mut self) -> Connection<'_> {
        match &mut self.inner {
            OnEngine::Sqlite(inner) => Connection::Sqlite(inner),
            OnEngine::Postgres(inner) => Connection::Postgres(inner),
            OnEngine::Mysql(inner) => Connection::Mysql(inner),
        }
    }
}

/// Every engine takes as many places in one statement.
const MOST_PLACES: usize = 30_000;

impl Connection<'_> {
    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
            Self::Mysql(_) => Engine::Mysql,
        }
    }

    pub(super) async fn rows(
        self,
        text: impl SqlSafeStr,
        binds: &[Bind],
    ) -> sqlx::Result<Vec<Row>> {
        let text = text.into_sql_str();
        let engine = self.engine();
        let read = async {
            Ok(match self {
                Self::Sqlite(connection) => {
                    let rows = sqlite(text, binds).fetch_all(connection).await?;
                    rows.into_iter().map(Row::Sqlite).collect()
                }
                Self::Postgres(connection) => {
                    let rows = postgres(text, binds).fetch_all(connection).await?;
                    rows.into_iter().map(Row::Postgres).collect()
                }
                Self::Mysql(connection) => {
                    let rows = mysql(text, binds).fetch_all(connection).await?;
                    rows.into_iter().map(Row::Mysql).collect()
                }
            })
        };
        answered(engine, read).await
    }

    pub(super) async fn change(self, text: impl SqlSafeStr, binds: &[Bind]) -> sqlx::Result<u64> {
        let text = text.into_sql_str();
        let engine = self.engine();
        let changed = async {
            Ok(match self {
                Self::Sqlite(connection) => sqlite(text, binds)
                    .execute(connection)
                    .await?
                    .rows_affected(),
                Self::Postgres(connection) => postgres(text, binds)
                    .execute(connection)
                    .await?
                    .rows_affected(),
                Self::Mysql(connection) => mysql(text, binds)
                    .execute(connection)
                    .await?
                    .rows_affected(),
            })
        };
        answered(engine, changed).await
    }
}

fn sqlite(text: SqlStr, binds: &[Bind]) -> Query<'static, Sqlite, SqliteArguments> {
    let query = sqlx::query(text);
    binds
        .iter()
        .fold(query, |query, bind| bind.to_sqlite(query))
}

fn postgres(text: SqlStr, binds: &[Bind]) -> Query<'static, Postgres, PgArguments> {
    let text = with_numbers(text.as_str(), Engine::Postgres, |number| {
        format!("${number}")
    });
    let query = sqlx::query(assembled(text));
    binds
        .iter()
        .fold(query, |query, bind| bind.to_postgres(query))
}

/// MySQL's placeholders have no numbers: a value used twice is bound twice.
fn mysql(text: SqlStr, binds: &[Bind]) -> Query<'static, MySql, MySqlArguments> {
    let mut numbers = Vec::new();
    let text = with_numbers(text.as_str(), Engine::Mysql, |number| {
        numbers.push(number);
        "?".to_owned()
    });
    let query = sqlx::query(assembled(text));
    let bound = numbers.iter().filter_map(|number| binds.get(number - 1));
    bound.fold(query, |query, bind| bind.to_mysql(query))
}

/// A server that does not answer for that long is away, although the connection may look sound for hours. Half of it is
/// spent waiting for another writer.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);

/// Every query goes through here. For a file there is no limit.
pub(super) async fn answered<T>(
    engine: Engine,
    work: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    if engine == Engine::Sqlite {
        return work.await;
    }
    let silence = |_| {
        let message = format!("the server fell silent for {} s", SILENCE_LIMIT.as_secs());
        sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, message))
    };
    tokio::time::timeout(SILENCE_LIMIT, work)
        .await
        .map_err(silence)?
}

/// The one place that declares assembled SQL safe: every value in it is bound.
fn assembled(text: String) -> SqlStr {
    AssertSqlSafe(text).into_sql_str()
}
