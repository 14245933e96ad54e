//! A made-up application to try Daybook on: Beryl's tables in SQLite, filled with two years of invented use.

mod chance;
mod days;
mod insert;
mod names;
mod schema;
mod world;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use crate::calendar::Day;
use world::World;

const BERYL: &str = include_str!("../../examples/beryl/daybook.toml");
const CATALOG_BEGINS: &str = "# ==== The catalog ====\n";
const SETTINGS: &str = r#"# A made-up Beryl to try Daybook on; app.db and daybook.db stand beside this file.

name = "Beryl demo"
time_zone = "Europe/Zurich"

[app]
database_url = "sqlite:app.db"

[book]
database_url = "sqlite:daybook.db"

# Without a mail server the report is written to outbox/, with the superusers as its readers.
[report]
recipients_sql = "SELECT email FROM auth_user WHERE is_superuser AND is_active AND email <> ''"

"#;

/// How much was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoSize {
    pub users: usize,
    pub collections: usize,
    pub items: usize,
    /// Of all tables together.
    pub rows: usize,
}

/// Writes the application's database. It appears under its name only when it is complete.
pub async fn write_app_database(
    path: &Path,
    last_day: Day,
    now: DateTime<Utc>,
) -> Result<DemoSize> {
    if path.exists() {
        bail!(
            "{} already exists: the demo overwrites no database; move it away or choose another directory with --dir",
            path.display()
        );
    }
    let unfinished = unfinished(path);
    if unfinished.exists() {
        std::fs::remove_file(&unfinished)
            .with_context(|| format!("cannot remove {}", unfinished.display()))?;
    }
    let size = write(&unfinished, &World::told(last_day, now))
        .await
        .with_context(|| format!("cannot write {}", unfinished.display()))?;
    std::fs::rename(&unfinished, path).with_context(|| {
        format!(
            "cannot rename {} to {}",
            unfinished.display(),
            path.display()
        )
    })?;
    Ok(size)
}

/// The demo's `daybook.toml`: settings of its own and Beryl's catalog.
pub fn settings() -> String {
    let (_, catalog) = BERYL
        .split_once(CATALOG_BEGINS)
        .expect("the example says where its catalog begins");
    format!("{SETTINGS}{CATALOG_BEGINS}{catalog}")
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".unfinished");
    PathBuf::from(name)
}

async fn write(path: &Path, world: &World) -> Result<DemoSize> {
    // Nothing is worth recovering before the file has its name.
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .foreign_keys(false)
        .connect()
        .await?;
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql(schema::TABLES)
        .execute(&mut *transaction)
        .await?;
    let rows = insert::everything(&mut transaction, world).await?;
    sqlx::raw_sql(schema::INDEXES)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    sqlx::raw_sql("PRAGMA journal_mode = WAL")
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(DemoSize {
        users: world.users.len(),
        collections: world.collections.len(),
        items: world.items.len(),
        rows,
    })
}
