//! The engines that a book is kept in, asked in one way: a text with numbered places, what is bound to them, rows.

mod bind;
mod open;

use std::ops::ControlFlow;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlArguments, MySqlConnection, MySqlPool, MySqlRow};
use sqlx::postgres::{PgArguments, PgConnection, PgPool, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, MySql, Postgres, SqlSafeStr, SqlStr, Sqlite, Transaction};

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

/// A transaction; dropped before it is committed, it never was.
pub(super) enum Writing {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
    Mysql(Transaction<'static, MySql>),
}

pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
    Mysql(MySqlRow),
}

/// One connection, whoever holds it.
pub(super) enum Line<'c> {
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

    /// On SQLite the transaction has the write lock from its start.
    pub(super) async fn begin(&self) -> sqlx::Result<Writing> {
        const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
        let begun = async {
            Ok(match self {
                Self::Sqlite(pool) => Writing::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
                Self::Postgres(pool) => Writing::Postgres(pool.begin_with(BEGIN).await?),
                Self::Mysql(pool) => Writing::Mysql(pool.begin().await?),
            })
        };
        answered(self.engine(), begun).await
    }

    pub(super) async fn rows(
        &self,
        text: impl SqlSafeStr,
        binds: &[Bind],
    ) -> sqlx::Result<Vec<Row>> {
        match self {
            Self::Sqlite(pool) => {
                let mut held = pool.acquire().await?;
                Line::Sqlite(&mut held).rows(text, binds).await
            }
            Self::Postgres(pool) => {
                let mut held = pool.acquire().await?;
                Line::Postgres(&mut held).rows(text, binds).await
            }
            Self::Mysql(pool) => {
                let mut held = pool.acquire().await?;
                Line::Mysql(&mut held).rows(text, binds).await
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

    /// Hands over one row after the other as it arrives, until `take` breaks off. Between two rows signals and
    /// timers get their turn.
    pub(super) async fn each<B>(
        &self,
        text: &'static str,
        binds: &[Bind],
        take: impl FnMut(Row) -> ControlFlow<B>,
    ) -> sqlx::Result<ControlFlow<B>> {
        match self {
            Self::Sqlite(pool) => {
                let rows = sqlite(text.into_sql_str(), binds).fetch(pool);
                taken(self.engine(), rows.map_ok(Row::Sqlite), take).await
            }
            Self::Postgres(pool) => {
                let rows = postgres(text.into_sql_str(), binds).fetch(pool);
                taken(self.engine(), rows.map_ok(Row::Postgres), take).await
            }
            Self::Mysql(pool) => {
                let rows = mysql(text.into_sql_str(), binds).fetch(pool);
                taken(self.engine(), rows.map_ok(Row::Mysql), take).await
            }
        }
    }
}

async fn taken<B>(
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

impl Writing {
    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
            Self::Mysql(_) => Engine::Mysql,
        }
    }

    /// One writer at a time: the others wait for the row that all of them change, and readers see by it that
    /// somebody has written. SQLite does both by itself.
    pub(super) async fn keep_others_out(&mut self) -> sqlx::Result<()> {
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

    pub(super) async fn commit(self) -> sqlx::Result<()> {
        let engine = self.engine();
        let committed = async {
            match self {
                Self::Sqlite(transaction) => transaction.commit().await,
                Self::Postgres(transaction) => transaction.commit().await,
                Self::Mysql(transaction) => transaction.commit().await,
            }
        };
        answered(engine, committed).await
    }

    pub(super) async fn rows(
        &mut self,
        text: impl SqlSafeStr,
        binds: &[Bind],
    ) -> sqlx::Result<Vec<Row>> {
        self.line().rows(text, binds).await
    }

    /// The same, of a text that was put together.
    pub(super) async fn rows_of(&mut self, text: String, binds: &[Bind]) -> sqlx::Result<Vec<Row>> {
        self.rows(made(text), binds).await
    }

    /// The first row, of a query that gives at most one.
    pub(super) async fn row(
        &mut self,
        text: impl SqlSafeStr,
        binds: &[Bind],
    ) -> sqlx::Result<Option<Row>> {
        Ok(self.rows(text, binds).await?.into_iter().next())
    }

    /// Runs a statement and tells how many rows it touched.
    pub(super) async fn change(
        &mut self,
        text: impl SqlSafeStr,
        binds: &[Bind],
    ) -> sqlx::Result<u64> {
        self.line().change(text, binds).await
    }

    /// Runs statements that servers do not prepare, such as one that makes something.
    pub(super) async fn run(&mut self, text: String) -> sqlx::Result<()> {
        let text = sqlx::raw_sql(made(text));
        let done = async |line| match line {
            Line::Sqlite(line) => text.execute(line).await.map(drop),
            Line::Postgres(line) => text.execute(line).await.map(drop),
            Line::Mysql(line) => text.execute(line).await.map(drop),
        };
        answered(self.engine(), done(self.line())).await
    }

    /// Adds a row unless its like is there; whether it was added.
    pub(super) async fn add_if_new(
        &mut self,
        text: &'static str,
        binds: &[Bind],
    ) -> sqlx::Result<bool> {
        if self.engine() == Engine::Mysql {
            return match self.change(text, binds).await {
                Err(sqlx::Error::Database(told)) if told.is_unique_violation() => Ok(false),
                done => Ok(done? == 1),
            };
        }
        let text = format!("{text} ON CONFLICT DO NOTHING");
        Ok(self.change(made(text), binds).await? == 1)
    }

    /// Adds a row to a table whose rows are numbered, and gives its number.
    pub(super) async fn add(&mut self, text: &'static str, binds: &[Bind]) -> sqlx::Result<i64> {
        let engine = self.engine();
        let added = async {
            Ok(match self.line() {
                Line::Sqlite(line) => {
                    let done = sqlite(text.into_sql_str(), binds).execute(line).await?;
                    done.last_insert_rowid()
                }
                Line::Postgres(line) => {
                    use sqlx::Row;
                    let text = made(format!("{text} RETURNING id"));
                    postgres(text, binds).fetch_one(line).await?.try_get(0)?
                }
                Line::Mysql(line) => {
                    let done = mysql(text.into_sql_str(), binds).execute(line).await?;
                    i64::try_from(done.last_insert_id()).unwrap_or_default()
                }
            })
        };
        answered(engine, added).await
    }

    /// Adds rows of as many values each: `head` is the statement up to the values.
    pub(super) async fn add_all(&mut self, head: &str, rows: &[Vec<Bind>]) -> sqlx::Result<()> {
        let width = rows.first().map_or(1, Vec::len).max(1);
        for some in rows.chunks(MOST_PLACES / width) {
            let mut text = format!("{head} VALUES ");
            for at in 0..some.len() {
                let places = (1..=width).map(|place| format!("?{}", at * width + place));
                let places: Vec<String> = places.collect();
                text.push_str(if at == 0 { "(" } else { ", (" });
                text.push_str(&places.join(", "));
                text.push(')');
            }
            self.change(made(text), &some.concat()).await?;
        }
        Ok(())
    }

    pub(super) fn line(&mut self) -> Line<'_> {
        match self {
            Self::Sqlite(transaction) => Line::Sqlite(transaction),
            Self::Postgres(transaction) => Line::Postgres(transaction),
            Self::Mysql(transaction) => Line::Mysql(transaction),
        }
    }
}

/// Every engine takes as many places in one statement.
const MOST_PLACES: usize = 30_000;

impl Line<'_> {
    fn engine(&self) -> Engine {
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
                Self::Sqlite(line) => {
                    let rows = sqlite(text, binds).fetch_all(line).await?;
                    rows.into_iter().map(Row::Sqlite).collect()
                }
                Self::Postgres(line) => {
                    let rows = postgres(text, binds).fetch_all(line).await?;
                    rows.into_iter().map(Row::Postgres).collect()
                }
                Self::Mysql(line) => {
                    let rows = mysql(text, binds).fetch_all(line).await?;
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
                Self::Sqlite(line) => sqlite(text, binds).execute(line).await?.rows_affected(),
                Self::Postgres(line) => postgres(text, binds).execute(line).await?.rows_affected(),
                Self::Mysql(line) => mysql(text, binds).execute(line).await?.rows_affected(),
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
    let query = sqlx::query(made(text));
    binds
        .iter()
        .fold(query, |query, bind| bind.to_postgres(query))
}

/// Its places have no numbers: what stands in two of them is bound twice.
fn mysql(text: SqlStr, binds: &[Bind]) -> Query<'static, MySql, MySqlArguments> {
    let mut numbers = Vec::new();
    let text = with_numbers(text.as_str(), Engine::Mysql, |number| {
        numbers.push(number);
        "?".to_owned()
    });
    let query = sqlx::query(made(text));
    let bound = numbers.iter().filter_map(|number| binds.get(number - 1));
    bound.fold(query, |query, bind| bind.to_mysql(query))
}

/// A server that was asked and says nothing for that long is away, although the connection may look whole for
/// hours. Another's write is waited for half of it.
const SILENCE: Duration = Duration::from_secs(60);

/// The one way to an engine. A file is waited for as long as it takes.
pub(super) async fn answered<T>(
    engine: Engine,
    work: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    if engine == Engine::Sqlite {
        return work.await;
    }
    let silence = |_| {
        let told = format!("the server fell silent for {} s", SILENCE.as_secs());
        sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, told))
    };
    tokio::time::timeout(SILENCE, work).await.map_err(silence)?
}

/// The one place where texts put together here are declared fit to run: every value in them is bound.
fn made(text: String) -> SqlStr {
    AssertSqlSafe(text).into_sql_str()
}
