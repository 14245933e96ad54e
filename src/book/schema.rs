//! The book's tables: embedded migrations, forward only, and how far a file has come.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqlitePool};

/// Beside the app's own migrations, should both live in one database.
const TABLE: &str = "_daybook_migrations";

const SQLITE: &[(i64, &str, &str)] = &[
    (
        1,
        "book",
        include_str!("../../migrations/sqlite/0001_book.sql"),
    ),
    (
        2,
        "reports",
        include_str!("../../migrations/sqlite/0002_reports.sql"),
    ),
    (
        3,
        "stages",
        include_str!("../../migrations/sqlite/0003_stages.sql"),
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Missing,
    Behind(i64),
    Current,
    Ahead(i64),
}

/// All migrations of a SQLite book. Whoever runs them holds the collect lock.
pub fn migrator() -> Migrator {
    let migrations = SQLITE.iter().map(|(version, name, text)| {
        let kind = MigrationType::Simple;
        Migration::new(*version, (*name).into(), kind, text.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.dangerous_set_table_name(TABLE);
    migrator
}

/// The version that this program writes.
pub(super) fn known_version() -> i64 {
    SQLITE
        .iter()
        .map(|(version, ..)| *version)
        .max()
        .unwrap_or(0)
}

pub(super) async fn state(pool: &SqlitePool) -> sqlx::Result<State> {
    let kept: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '_daybook_migrations'",
    )
    .fetch_one(pool)
    .await?;
    if kept == 0 {
        return Ok(State::Missing);
    }
    let applied: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _daybook_migrations")
        .fetch_one(pool)
        .await?;
    Ok(match applied {
        None => State::Missing,
        Some(version) if version < known_version() => State::Behind(version),
        Some(version) if version > known_version() => State::Ahead(version),
        Some(_) => State::Current,
    })
}

/// Readers go on reading while the night writes. The file remembers the mode.
pub(super) async fn prefer_wal(pool: &SqlitePool) -> sqlx::Result<()> {
    sqlx::query("PRAGMA journal_mode = WAL")
        .execute(pool)
        .await?;
    Ok(())
}
