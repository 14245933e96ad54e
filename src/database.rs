//! App databases: connects read-only, opens one snapshot, and runs one statement after another.

pub mod decode;
pub mod error;
pub mod mysql;
pub mod postgres;
pub mod replayed;
pub mod server;
pub mod sqlite;

use std::time::Duration;

use futures_util::{Stream, TryStreamExt};
use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};
use tokio_util::sync::CancellationToken;

use crate::config::DatabaseUrl;
use crate::engine::Engine;
use crate::plan::{Bind, Cell};

pub use error::{DatabaseError, Trouble};
pub use replayed::Replayed;

/// The savepoint exists only as long as the transaction that made it.
const SAVEPOINT: &str = "SAVEPOINT daybook";
/// Also undoes what a statement did to its session.
const ROLLBACK_TO_SAVEPOINT: &str = "ROLLBACK TO SAVEPOINT daybook";

/// Time limits, and the signal to stop.
#[derive(Debug, Clone)]
pub struct Limits {
    pub statement_timeout: Duration,
    pub lock_timeout: Duration,
    pub stop: CancellationToken,
}

impl Limits {
    /// The same limits with a shorter time for a statement.
    pub fn within(&self, longest: Duration) -> Self {
        Self {
            statement_timeout: self.statement_timeout.min(longest),
            ..self.clone()
        }
    }
}

/// A connection inside its read-only snapshot.
pub enum Snapshot {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>, Replayed),
    Mysql(Box<mysql::Session>, Replayed),
}

/// Opens connections that see the same instant: `count`, or as many as the engine can.
pub async fn open(
    url: &DatabaseUrl,
    count: u32,
    limits: &Limits,
) -> Result<Vec<Snapshot>, DatabaseError> {
    match url.engine() {
        Engine::Sqlite => {
            let all = sqlite::open(url, count, limits).await?;
            Ok(all
                .into_iter()
                .map(|one| Snapshot::Sqlite(Box::new(one)))
                .collect())
        }
        Engine::Postgres => {
            let opening = postgres::open(url, count, limits);
            let (all, replayed) = server::answered(limits, opening).await?;
            Ok(all
                .into_iter()
                .map(|one| Snapshot::Postgres(Box::new(one), replayed))
                .collect())
        }
        Engine::Mysql => {
            let opening = mysql::open(url, limits);
            let (one, replayed) = server::answered(limits, opening).await?;
            Ok(vec![Snapshot::Mysql(Box::new(one), replayed)])
        }
    }
}

/// How the connection to a database is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// It never leaves this machine.
    Local,
    Encrypted,
    /// Encrypted, but the server has not proven its name.
    Unproven,
    Open,
}

pub fn transport(url: &DatabaseUrl, is_encrypted: bool) -> Transport {
    let (is_local, is_proven) = match url.engine() {
        Engine::Sqlite => (true, true),
        Engine::Postgres => postgres::is_local_and_proven(url),
        Engine::Mysql => mysql::is_local_and_proven(url),
    };
    match (is_encrypted, is_local) {
        (true, is_local) if is_local || is_proven => Transport::Encrypted,
        (true, _) => Transport::Unproven,
        (false, true) => Transport::Local,
        (false, false) => Transport::Open,
    }
}

/// Ends the statements that this process still runs on the server; SQLite notices the signal itself.
pub async fn cancel(url: &DatabaseUrl, limits: &Limits) {
    match url.engine() {
        Engine::Sqlite => {}
        Engine::Postgres => postgres::cancel(url, limits).await,
        Engine::Mysql => mysql::cancel(url).await,
    }
}

impl Snapshot {
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(..) => Engine::Postgres,
            Self::Mysql(..) => Engine::Mysql,
        }
    }

    /// How much of the application's writes it can contain.
    pub fn replayed(&self) -> Replayed {
        match self {
            Self::Sqlite(_) => Replayed::All,
            Self::Postgres(_, replayed) | Self::Mysql(_, replayed) => *replayed,
        }
    }

    /// Runs a query and calls `row` for each row as it arrives. The rows are valid only if no error is returned: then the
    /// snapshot is still the same and saw every table as it was. A failure leaves the snapshot usable.
    pub async fn rows(
        &mut self,
        sql: &str,
        binds: &[Bind],
        limits: &Limits,
        mut row: impl FnMut(&[Cell]) -> Result<(), DatabaseError>,
    ) -> Result<u64, DatabaseError> {
        let mut count = 0;
        let mut each = |cells: Vec<Cell>| {
            count += 1;
            row(&cells)
        };
        match self {
            Self::Sqlite(connection) => {
                let watch = sqlite::watch(connection, limits).await?;
                let query = sqlite::bound(sql, binds);
                let rows = query.fetch(&mut **connection);
                let rows = rows.map_err(|error| watch.explain(error, limits));
                read_all(rows, decode::sqlite, &mut each).await?;
                sqlite::settle(connection).await?;
            }
            Self::Postgres(connection, _) => {
                let asking = postgres::ask(connection, sql, binds, &mut each);
                let done = server::answered(limits, asking).await;
                done.map_err(|error| error.under(limits))?;
            }
            Self::Mysql(session, _) => {
                let asking = mysql::ask(session, sql, binds, &mut each);
                let done = server::answered(limits, asking).await;
                done.map_err(|error| error.under(limits))?;
            }
        }
        Ok(count)
    }

    /// All rows of a query that gives few.
    pub async fn all_rows(
        &mut self,
        sql: &str,
        binds: &[Bind],
        limits: &Limits,
    ) -> Result<Vec<Vec<Cell>>, DatabaseError> {
        let mut all = Vec::new();
        let each = |cells: &[Cell]| {
            all.push(cells.to_vec());
            Ok(())
        };
        self.rows(sql, binds, limits, each).await?;
        Ok(all)
    }

    /// The first cell of the first row; null if there is no row.
    pub async fn value(
        &mut self,
        sql: &str,
        binds: &[Bind],
        limits: &Limits,
    ) -> Result<Cell, DatabaseError> {
        let rows = self.all_rows(sql, binds, limits).await?;
        Ok(rows.into_iter().flatten().next().unwrap_or(Cell::Null))
    }

    /// For the next statement only, since each one resets what was set before it. Other engines choose by themselves.
    pub async fn without_hash_joins(&mut self) -> Result<(), DatabaseError> {
        match self {
            Self::Postgres(connection, _) => postgres::without_hash_joins(connection).await,
            Self::Sqlite(_) | Self::Mysql(..) => Ok(()),
        }
    }

    /// The engine's plan for a query.
    pub async fn explain(
        &mut self,
        sql: &str,
        binds: &[Bind],
        limits: &Limits,
    ) -> Result<Vec<String>, DatabaseError> {
        let prefix = match self.engine() {
            Engine::Sqlite => "EXPLAIN QUERY PLAN ",
            Engine::Postgres => "EXPLAIN ",
            Engine::Mysql => "EXPLAIN FORMAT=TRADITIONAL ",
        };
        let explained = format!("{prefix}{sql}");
        let rows = self.all_rows(&explained, binds, limits).await?;
        let is_table = self.engine() == Engine::Mysql;
        let lines = rows.iter().filter_map(|cells| match cells.last() {
            _ if is_table => Some(mysql::plan_line(cells)),
            Some(Cell::Text(line)) => Some(line.clone()),
            _ => None,
        });
        Ok(lines.collect())
    }

    /// Nothing was written, so an error loses nothing.
    pub async fn close(self) {
        use sqlx::Connection;
        match self {
            Self::Sqlite(connection) => drop(connection.close().await),
            Self::Postgres(connection, _) => drop(connection.close().await),
            Self::Mysql(session, _) => session.close().await,
        }
    }
}

async fn read_all<Row, Failure>(
    mut rows: impl Stream<Item = Result<Row, Failure>> + Unpin,
    decode: fn(&Row) -> Result<Vec<Cell>, DatabaseError>,
    each: &mut impl FnMut(Vec<Cell>) -> Result<(), DatabaseError>,
) -> Result<(), DatabaseError>
where
    DatabaseError: From<Failure>,
{
    while let Some(row) = rows.try_next().await? {
        each(decode(&row)?)?;
    }
    Ok(())
}

/// The only place that declares configured and planned SQL safe: it runs in read-only transactions, and every value in
/// it is bound.
fn safe(sql: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql.to_owned())
}
