//! The book's tables: embedded migrations of each engine, forward only, and a book's version.

use std::path::Path;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{ConnectOptions, Connection as _, Executor, MySqlConnection, SqlSafeStr};

use crate::engine::Engine;

use super::row::plain;
use super::store::{Access, Connection, Store, answered, file, has_log};
use super::{Book, BookError};

/// The app's own migrations may be in the same database.
const TABLE: &str = "_daybook_migrations";

/// All other tables and views of the book.
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

/// The error codes of PostgreSQL and MySQL for a missing table.
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

/// All migrations of a book on that engine. The caller that runs them holds the collect lock.
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
    const MADE: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let in_file = store.engine() == Engine::Sqlite;
    if in_file && store.row(MADE, &[TABLE.into()]).await?.is_none() {
        return Ok(State::Missing);
    }
    let row = match store.row(NEWEST, &[]).await {
        Err(sqlx::Error::Database(error))
            if error.code().is_some_and(|code| NO_TABLE.contains(&&*code)) =>
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

/// A table of another program in a SQLite file that is not a book. The file is opened as immutable, since any other way to
/// open it may change it. An unreadable file is reported when the book is opened.
pub(super) async fn foreign_table(path: &Path) -> Option<String> {
    let found = foreign_table_by(path, Access::ReadingStill).await?;
    // An interrupted checkpoint leaves half of the schema in the log.
    match has_log(path) {
        true => foreign_table_by(path, Access::Reading).await,
        false => Some(found),
    }
}

async fn foreign_table_by(path: &Path, access: Access) -> Option<String> {
    const NAMES: &str =
        "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY rowid";
    const VERSIONS: &str = "SELECT count(*) FROM _daybook_migrations";
    let mut connection = file(path, access).connect().await.ok()?;
    let names = sqlx::query_scalar(NAMES).fetch_all(&mut connection).await;
    let names: Vec<String> = names.unwrap_or_default();
    let others: Vec<&String> = names.iter().filter(|name| *name != TABLE).collect();
    // Former versions made their migrations table before they looked at the file.
    let versions = match others.len() < names.len() {
        true => {
            let versions = sqlx::query_scalar(VERSIONS);
            versions.fetch_one(&mut connection).await
        }
        false => Ok(0_i64),
    };
    drop(connection.close().await);
    let foreign = others.first().map(|name| (*name).clone());
    foreign.filter(|_| versions.is_ok_and(|count| count == 0))
}

/// Makes the tables or brings them up to date. Another program's tables of the same names stay untouched.
///
/// On a server the migrating session holds a lock of its own: when a daybook is killed, its collect lock goes at once,
/// but the server goes on with its last statement.
pub(super) async fn migrate(book: &Book) -> Result<(), BookError> {
    match &book.store {
        Store::Sqlite(pool) => {
            // Readers can read while the night writes. The file remembers the mode.
            let wal = sqlx::query("PRAGMA journal_mode = WAL").execute(pool).await;
            wal.map_err(|error| book.error("switch on the write-ahead log", error))?;
            let migrated = migrator(Engine::Sqlite).run(pool).await;
            migrated.map_err(|error| BookError::migration(&book.url, error))
        }
        Store::Postgres(_) => on_postgres(book).await,
        Store::Mysql(pool) => {
            let failed = |error| book.error(TASK, error);
            let mut connection = pool.acquire().await.map_err(failed)?;
            if !mysql_lock(&mut connection).await.map_err(failed)? {
                return Err(failed(sqlx::Error::PoolTimedOut));
            }
            let migrated = on_mysql(book, &mut connection).await;
            let freed = connection.execute("SELECT release_all_locks()");
            let freed = answered(Engine::Mysql, freed).await;
            migrated.and(freed.map(drop).map_err(failed))
        }
    }
}

const TASK: &str = "bring the tables up to date";

/// In one transaction, so that nobody sees half of it, and nothing stays if the process is killed.
async fn on_postgres(book: &Book) -> Result<(), BookError> {
    const LOCK: &str = "SET LOCAL lock_timeout = '30s';
        SELECT pg_advisory_xact_lock(hashtextextended('daybook migrate ' || coalesce(current_schema(), ''), 0))";
    let mut tx = book.store.begin(&book.url, TASK).await?;
    tx.run(LOCK.to_owned()).await?;
    must_be_ours(book, tx.connection()).await?;
    if let Connection::Postgres(connection) = tx.connection() {
        let migrator = migrator(Engine::Postgres);
        let migrated = migrator.run_direct(None, connection, false).await;
        migrated.map_err(|error| BookError::migration(&book.url, error))?;
    }
    tx.commit().await
}

async fn mysql_lock(connection: &mut MySqlConnection) -> sqlx::Result<bool> {
    const LOCK: &str = "SELECT CAST(get_lock(concat('daybook migrate ', left(sha2(database(), 256), 40)), 30) AS signed)";
    let taken = sqlx::query_scalar(LOCK).fetch_one(connection);
    let taken: Option<i64> = answered(Engine::Mysql, taken).await?;
    Ok(taken == Some(1))
}

/// MySQL cannot roll back tables: a failed migration is forgotten, and all of it runs again.
async fn on_mysql(book: &Book, connection: &mut MySqlConnection) -> Result<(), BookError> {
    const BROKEN: &str = "DELETE FROM _daybook_migrations WHERE NOT success";
    if must_be_ours(book, Connection::Mysql(connection)).await? {
        let forgotten = Connection::Mysql(connection).change(BROKEN, &[]).await;
        forgotten.map_err(|error| book.error(TASK, error))?;
    }
    let migrator = migrator(Engine::Mysql);
    let migrated = migrator.run_direct(None, connection, false).await;
    migrated.map_err(|error| BookError::migration(&book.url, error))
}

/// Whether the book has begun to make its tables; an error if another program's table has one of their names.
async fn must_be_ours(book: &Book, connection: Connection<'_>) -> Result<bool, BookError> {
    let text = match connection {
        Connection::Sqlite(_) => return Ok(true),
        Connection::Postgres(_) => {
            "SELECT relname::text AS name FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(current_schema()))"
        }
        Connection::Mysql(_) => {
            "SELECT CAST(lower(table_name) AS char) AS name FROM information_schema.tables WHERE table_schema = database()"
        }
    };
    let rows = connection.rows(text, &[]).await;
    let rows = rows.map_err(|error| book.error(TASK, error))?;
    let names: Vec<String> = rows
        .iter()
        .filter_map(|row| plain(row, "name").ok())
        .collect();
    let is_there = |table: &str| names.iter().any(|name| name == table);
    if is_there(TABLE) {
        return Ok(true);
    }
    match TABLES.iter().find(|table| is_there(table)) {
        Some(table) => Err(BookError::NotOurs {
            book: book.name(),
            table: (*table).to_owned(),
        }),
        None => Ok(false),
    }
}

fn written(engine: Engine) -> &'static [Written] {
    match engine {
        Engine::Sqlite => SQLITE,
        Engine::Postgres => POSTGRES,
        Engine::Mysql => MYSQL,
    }
}
