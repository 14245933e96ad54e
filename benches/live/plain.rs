//! The same points as rows: one durable transaction a batch, hundreds of rows a statement, two indexes.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use chrono::Utc;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, Executor, QueryBuilder, SqliteConnection};

use super::points::task;

const TABLE: &str = "
    CREATE TABLE tasks (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, task_id TEXT NOT NULL, agent_id TEXT NOT NULL,
        duration INTEGER, tokens INTEGER, ok INTEGER);
    CREATE INDEX tasks_by_id ON tasks (at, task_id);
    CREATE INDEX tasks_by_agent ON tasks (at, agent_id);";
const ROWS: usize = 500;

/// Rows a second.
pub(super) async fn written(path: &Path, size: usize, time: Duration) -> Result<f64> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    connection.execute(sqlx::raw_sql(TABLE)).await?;
    let begun = Instant::now();
    let mut rows = 0;
    while begun.elapsed() < time {
        let mut transaction = connection.begin().await?;
        for first in (rows..rows + size).step_by(ROWS) {
            let now = Utc::now().timestamp_micros();
            let mut insert = QueryBuilder::new(
                "INSERT INTO tasks (at, task_id, agent_id, duration, tokens, ok) ",
            );
            insert.push_values(first..first + ROWS, |mut row, at| {
                let task = task(at);
                row.push_bind(now + at as i64)
                    .push_bind(format!("task_{at:09}"))
                    .push_bind(task.agent)
                    .push_bind(task.duration)
                    .push_bind(task.tokens)
                    .push_bind(task.ok);
            });
            insert.build().execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        rows += size;
    }
    let rate = rows as f64 / begun.elapsed().as_secs_f64();
    connection.close().await?;
    Ok(rate)
}
