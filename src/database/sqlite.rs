//! SQLite as an app database: opened read-only, one read transaction, interrupted when it takes too long.

use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions};
use sqlx::{ConnectOptions, Sqlite, SqliteConnection};

use crate::config::DatabaseUrl;
use crate::plan::Bind;

use super::{DatabaseError, Limits, Trouble, safe};

/// Virtual-machine steps between two looks at the clock: about a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 20_000;

pub(super) async fn open(
    url: &DatabaseUrl,
    limits: &Limits,
) -> Result<SqliteConnection, DatabaseError> {
    let path = url.sqlite_path().unwrap_or_default();
    if !path.is_file() {
        let message = format!("there is no SQLite database at {}", path.display());
        return Err(DatabaseError::new(Trouble::Refused, message));
    }
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .read_only(true)
        .busy_timeout(limits.lock_timeout)
        .pragma("query_only", "ON")
        .disable_statement_logging();
    let told = |error: sqlx::Error| {
        let error = DatabaseError::from(error);
        DatabaseError::new(
            error.trouble,
            format!("{}: {}", path.display(), error.message),
        )
    };
    let mut connection = options.connect().await.map_err(told)?;
    sqlx::query("BEGIN")
        .execute(&mut connection)
        .await
        .map_err(told)?;
    // The snapshot is taken by the first read, not by BEGIN.
    sqlx::query("SELECT count(*) FROM sqlite_schema")
        .execute(&mut connection)
        .await
        .map_err(told)?;
    Ok(connection)
}

/// A statement's deadline, kept by SQLite itself while the statement runs.
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
        Instant::now() < deadline && !stop.is_asked()
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
            Bind::Texts(texts) => query.bind(serde_json::Value::from(texts.clone()).to_string()),
            Bind::Integers(wholes) => {
                query.bind(serde_json::Value::from(wholes.clone()).to_string())
            }
            Bind::Instant(instant) => query.bind(instant.naive_utc().to_string()),
            Bind::Local(local) => query.bind(local.to_string()),
            Bind::Instants(_) | Bind::Locals(_) => query.bind(None::<String>),
        };
    }
    query
}
