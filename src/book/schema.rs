//! The book's tables: embedded migrations of each engine, forward only, and how far a book has come.

use std::path::Path;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{ConnectOptions, Connection, SqlSafeStr};

use crate::config::Engine;

use super::row::plain;
use super::store::{Access, Store, file, has_log};
use super::{Book, BookError};

/// Beside the app's own migrations, should both live in one database.
const TABLE: &str = "_daybook_migrations";

/// What the book makes, besides that.
const TABLES: &[&str] = &[
    "book_state",
    "daily_metrics",
    "daily_metrics_columns",
    "deliveries",
    "metric_columns",
    "mutes",
    "reports",
    "run_statements",
    "runs",
];

/// How servers say that there is no such table: PostgreSQL's code, and MySQL's.
const NO_TABLE: &[&str] = &["42P01", "42S02"];

type Written = (i64, &'static str, &'static str);

const SQLITE: &[Written] = &[
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

const POSTGRES: &[Written] = &[(
    1,
    "book",
    include_str!("../../migrations/postgres/0001_book.sql"),
)];

const MYSQL: &[Written] = &[(
    1,
    "book",
    include_str!("../../migrations/mysql/0001_book.sql"),
)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Missing,
    Behind(i64),
    Current,
    Ahead(i64),
}

/// All migrations of a book on that engine. Whoever runs them holds the collect lock.
pub fn migrator(engine: Engine) -> Migrator {
    let migrations = written(engine).iter().map(|(version, name, text)| {
        let kind = MigrationType::Simple;
        Migration::new(*version, (*name).into(), kind, text.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.dangerous_set_table_name(TABLE);
    migrator.set_locking(false);
    migrator
}

/// The version that this program writes.
pub(super) fn known_version(engine: Engine) -> i64 {
    let versions = written(engine).iter().map(|(version, ..)| *version);
    versions.max().unwrap_or(0)
}

pub(super) async fn state(store: &Store) -> sqlx::Result<State> {
    const NEWEST: &str = "SELECT max(version) AS version FROM _daybook_migrations WHERE success";
    if store.engine() == Engine::Sqlite && !has_table(store, TABLE).await? {
        return Ok(State::Missing);
    }
    let row = match store.row(NEWEST, &[]).await {
        Err(sqlx::Error::Database(told))
            if told.code().is_some_and(|code| NO_TABLE.contains(&&*code)) =>
        {
            return Ok(State::Missing);
        }
        row => row?,
    };
    let applied: Option<i64> = row.and_then(|row| plain(&row, "version").ok());
    let known = known_version(store.engine());
    Ok(match applied {
        None => State::Missing,
        Some(version) if version < known => State::Behind(version),
        Some(version) if version > known => State::Ahead(version),
        Some(_) => State::Current,
    })
}

/// A table of another program in a SQLite file that is not a book. The file is read as it lies there, since any other
/// way to open it may change it. What is wrong with a file that cannot be read is said when it is opened.
pub(super) async fn foreign_table(path: &Path) -> Option<String> {
    let found = foreign_table_by(path, Access::ReadingStill).await?;
    // A checkpoint that broke off left half of the schema in the log.
    match has_log(path) {
        true => foreign_table_by(path, Access::Reading).await,
        false => Some(found),
    }
}

async fn foreign_table_by(path: &Path, access: Access) -> Option<String> {
    const NAMES: &str =
        "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY rowid";
    const VERSIONS: &str = "SELECT count(*) FROM _daybook_migrations";
    let mut line = file(path, access).connect().await.ok()?;
    let names: sqlx::Result<Vec<String>> = sqlx::query_scalar(NAMES).fetch_all(&mut line).await;
    let names = names.unwrap_or_default();
    let others: Vec<&String> = names.iter().filter(|name| *name != TABLE).collect();
    // Former versions noted their migrations in it before they saw what it was.
    let versions = match others.len() < names.len() {
        true => sqlx::query_scalar(VERSIONS).fetch_one(&mut line).await,
        false => Ok(0_i64),
    };
    drop(line.close().await);
    let foreign = others.first().map(|name| (*name).clone());
    foreign.filter(|_| versions.is_ok_and(|count| count == 0))
}

/// Makes the tables or brings them up to date. Tables of the same names that somebody else made stay as they are.
pub(super) async fn migrate(book: &Book) -> Result<(), BookError> {
    let failed = |error| book.error("bring the tables up to date", error);
    let is_ours = has_table(&book.store, TABLE).await.map_err(failed)?;
    if is_ours && book.store.engine() == Engine::Mysql {
        begin_again(book).await?;
    }
    if !is_ours && book.store.engine() != Engine::Sqlite {
        for table in TABLES {
            if has_table(&book.store, table).await.map_err(failed)? {
                return Err(BookError::NotOurs {
                    book: book.name(),
                    table: (*table).to_owned(),
                });
            }
        }
    }
    let migrator = migrator(book.store.engine());
    let migrated: Result<(), MigrateError> = match &book.store {
        Store::Sqlite(pool) => {
            // Readers go on reading while the night writes. The file remembers the mode.
            let wal = sqlx::query("PRAGMA journal_mode = WAL").execute(pool).await;
            wal.map_err(|error| book.error("switch on the write-ahead log", error))?;
            migrator.run(pool).await
        }
        Store::Postgres(pool) => migrator.run(pool).await,
        Store::Mysql(pool) => migrator.run(pool).await,
    };
    migrated.map_err(|error| BookError::of_migration(&book.url, error))
}

/// MySQL undoes no table: of what broke off only the note goes, and all of it is run again.
async fn begin_again(book: &Book) -> Result<(), BookError> {
    const TASK: &str = "bring the tables up to date";
    let failed = |error| book.error(TASK, error);
    let mut writing = book.store.begin().await.map_err(failed)?;
    let broken = "DELETE FROM _daybook_migrations WHERE NOT success";
    writing.change(broken, &[]).await.map_err(failed)?;
    book.commit(TASK, writing).await
}

async fn has_table(store: &Store, name: &str) -> sqlx::Result<bool> {
    let text = match store.engine() {
        Engine::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ?1",
        Engine::Postgres => {
            "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relname = ?1"
        }
        Engine::Mysql => {
            "SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND table_name = ?1"
        }
    };
    Ok(store.row(text, &[name.into()]).await?.is_some())
}

fn written(engine: Engine) -> &'static [Written] {
    match engine {
        Engine::Sqlite => SQLITE,
        Engine::Postgres => POSTGRES,
        Engine::Mysql => MYSQL,
    }
}
