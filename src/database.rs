//! App databases: connecting read-only, one snapshot, one statement after another, cells out.

pub mod decode;
pub mod error;
pub mod mysql;
pub mod postgres;
pub mod replayed;
pub mod server;
pub mod sqlite;

use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, PgConnection, SqliteConnection};
use tokio_util::sync::CancellationToken;

use crate::config::DatabaseUrl;
use crate::engine::Engine;
use crate::plan::{Bind, Cell};

pub use error::{DatabaseError, Trouble};
pub use replayed::Replayed;

/// It is there only as long as the transaction is the one that was begun.
const SAVEPOINT: &str = "SAVEPOINT daybook";
/// What a statement did to its session is taken back with it.
const ROLLBACK_TO_SAVEPOINT: &str = "ROLLBACK TO SAVEPOINT daybook";

/// How long things may take, and whether somebody asked to stop.
#[derive(Debug, Clone)]
pub struct Limits {
    pub statement_timeout: Duration,
    pub lock_timeout: Duration,
    pub stop: CancellationToken,
}

/// A connection inside its read-only snapshot.
pub enum Snapshot {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>, Replayed),
    Mysql(Box<mysql::Line>, Replayed),
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

/// Who could get in between on the way to a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// It never leaves this machine.
    Here,
    Encrypted,
    /// Encrypted, to whoever says that they are the server.
    Unproven,
    Open,
}

pub fn line(url: &DatabaseUrl, is_encrypted: bool) -> Line {
    let (stays_here, is_proven) = match url.engine() {
        Engine::Sqlite => (true, true),
        Engine::Postgres => postgres::line(url),
        Engine::Mysql => mysql::line(url),
    };
    match (is_encrypted, stays_here) {
        (true, stays_here) if stays_here || is_proven => Line::Encrypted,
        (true, _) => Line::Unproven,
        (false, true) => Line::Here,
        (false, false) => Line::Open,
    }
}

/// Ends the statements that this process still runs on the server; SQLite sees the request itself.
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

    /// How much of what was written it can hold.
    pub fn replayed(&self) -> Replayed {
        match self {
            Self::Sqlite(_) => Replayed::All,
            Self::Postgres(_, replayed) | Self::Mysql(_, replayed) => *replayed,
        }
    }

    /// Runs a query and hands every row over as it arrives. What it gave counts only if this returns no error: then the
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
                let mut stream = query.fetch(&mut **connection);
                while let Some(found) = stream
                    .try_next()
                    .await
                    .map_err(|error| watch.explain(error, limits))?
                {
                    each(decode::sqlite(&found)?)?;
                }
                drop(stream);
                sqlite::settle(connection).await?;
            }
            Self::Postgres(connection, _) => {
                let asking = postgres::ask(connection, sql, binds, &mut each);
                let done = server::answered(limits, asking).await;
                done.map_err(|error| error.under(limits))?;
            }
            Self::Mysql(line, _) => {
                let asking = mysql::ask(line, sql, binds, &mut each);
                let done = server::answered(limits, asking).await;
                done.map_err(|error| error.under(limits))?;
            }
        }
        Ok(count)
    }

    /// For the next statement only, since each one takes back what was set before it. Other engines choose by themselves.
    pub async fn without_hash_joins(&mut self) -> Result<(), DatabaseError> {
        match self {
            Self::Postgres(connection, _) => postgres::without_hash_joins(connection).await,
            Self::Sqlite(_) | Self::Mysql(..) => Ok(()),
        }
    }

    /// The engine's own account of how it would run a query.
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
        let mut lines = Vec::new();
        let explained = format!("{prefix}{sql}");
        let is_table = self.engine() == Engine::Mysql;
        self.rows(&explained, binds, limits, |cells| {
            match cells.last() {
                _ if is_table => lines.push(mysql::plan_line(cells)),
                Some(Cell::Text(line)) => lines.push(line.clone()),
                _ => {}
            }
            Ok(())
        })
        .await?;
        Ok(lines)
    }

    /// Ends the snapshot politely; nothing was written, so nothing can be lost.
    pub async fn close(self) {
        use sqlx::Connection;
        match self {
            Self::Sqlite(connection) => drop(connection.close().await),
            Self::Postgres(connection, _) => drop(connection.close().await),
            Self::Mysql(line, _) => line.close().await,
        }
    }
}

/// The one place where configured and planned SQL is declared fit to run: it only ever meets read-only
/// transactions, and every value in it is bound.
fn safe(sql: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql.to_owned())
}
