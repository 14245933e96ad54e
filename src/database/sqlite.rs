//! SQLite as an app database: read-only connections that see the same instant, interrupted after a time limit.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions};
use sqlx::{ConnectOptions, Sqlite, SqliteConnection};

use crate::config::DatabaseUrl;
use crate::plan::Bind;

use super::{DatabaseError, Limits, ROLLBACK_TO_SAVEPOINT, SAVEPOINT, Trouble, safe};

/// Steps of SQLite's virtual machine between two looks at the clock: about a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 20_000;

/// How often connections try to begin while nobody writes.
const TRIES: usize = 20;

/// A statement reads each page once, so a larger cache would only hold more memory.
const CACHE_KIB: &str = "-1024";

/// Opens `count` connections that see the same instant, or one if others write without pause.
pub(super) async fn open(
    url: &DatabaseUrl,
    count: u32,
    limits: &Limits,
) -> Result<Vec<SqliteConnection>, DatabaseError> {
    let path = url.sqlite_path().unwrap_or_default();
    if !path.is_file() {
        let message = format!("there is no SQLite database at {}", path.display());
        return Err(DatabaseError::new(Trouble::Refused, message));
    }
    let failed = |error: sqlx::Error| {
        let DatabaseError { trouble, message } = error.into();
        DatabaseError::new(trouble, format!("{}: {message}", path.display()))
    };
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .read_only(true)
        .busy_timeout(limits.lock_timeout)
        .pragma("query_only", "ON")
        .pragma("cache_size", CACHE_KIB)
        .disable_statement_logging();
    let mut all = Vec::new();
    for _ in 0..count.max(1) {
        all.push(options.connect().await.map_err(failed)?);
    }
    for _ in 0..TRIES {
        if begin_together(&mut all).await.map_err(failed)? {
            return Ok(all);
        }
        for connection in &mut all {
            let rollback = sqlx::query("ROLLBACK").execute(connection);
            rollback.await.map_err(failed)?;
        }
    }
    all.truncate(1);
    begin_together(&mut all).await.map_err(failed)?;
    Ok(all)
}

/// Whether all see the same instant: only if nobody wrote until the last one began, the others still have the version
/// from before the first began.
async fn begin_together(all: &mut [SqliteConnection]) -> sqlx::Result<bool> {
    let Some((first, others)) = all.split_first_mut() else {
        return Ok(true);
    };
    let mut before = Vec::new();
    for other in others.iter_mut() {
        before.push(data_version(other).await?);
    }
    begin(first).await?;
    let mut same = true;
    for (other, before) in others.iter_mut().zip(before) {
        begin(other).await?;
        same &= data_version(other).await? == before;
    }
    Ok(same)
}

async fn begin(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    sqlx::query("BEGIN").execute(&mut *connection).await?;
    // The snapshot is taken by the first read, not by BEGIN.
    sqlx::query("SELECT count(*) FROM sqlite_schema")
        .execute(&mut *connection)
        .await?;
    sqlx::query(SAVEPOINT).execute(connection).await?;
    Ok(())
}

/// Fails if the transaction that made the savepoint has ended.
pub(super) async fn settle(connection: &mut SqliteConnection) -> Result<(), DatabaseError> {
    let settled = sqlx::query(ROLLBACK_TO_SAVEPOINT).execute(connection);
    settled.await.map_err(DatabaseError::snapshot_ended)?;
    Ok(())
}

/// Grows whenever another connection has written.
async fn data_version(connection: &mut SqliteConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("PRAGMA data_version")
        .fetch_one(connection)
        .await
}

/// A statement's deadline, which SQLite itself checks while the statement runs.
pub(super) struct Watch {
    deadline: Instant,
}

pub(super) async fn watch(
    connection: &mut SqliteConnection,
    limits: &Limits,
) -> Result<Watch, DatabaseError> {
    let deadline = Instant::now() + limits.statement_timeout;
    let stop = limits.stop.clone();
    let mut handle = connection.lock_handle().await?;
    handle.set_progress_handler(STEPS_BETWEEN_LOOKS, move || {
        Instant::now() < deadline && !stop.is_cancelled()
    });
    Ok(Watch { deadline })
}

impl Watch {
    pub(super) fn explain(&self, error: sqlx::Error, limits: &Limits) -> DatabaseError {
        let over = Instant::now() + Duration::from_millis(1) >= self.deadline;
        let error = DatabaseError::from(error);
        if over && error.trouble != Trouble::Query {
            return DatabaseError::new(Trouble::Timeout, "the statement took too long")
                .under(limits);
        }
        error.under(limits)
    }
}

pub(super) fn bound(
    sql: &str,
    binds: &[Bind],
) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
    let mut query = sqlx::query(safe(sql));
    for bind in binds {
        query = match bind {
            Bind::Text(text) => query.bind(text.clone()),
            Bind::Integer(whole) => query.bind(*whole),
            Bind::Texts(texts) => query.bind(json!(texts).to_string()),
            Bind::Integers(wholes) => query.bind(json!(wholes).to_string()),
            Bind::Instant(instant) => query.bind(instant.naive_utc().to_string()),
            Bind::Local(local) => query.bind(local.to_string()),
            Bind::Instants(_) | Bind::Locals(_) => query.bind(None::<String>),
        };
    }
    query
}
