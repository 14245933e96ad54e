//! A made-up application to try Daybook on: Beryl's tables in SQLite, and how it has lived for two years. Rows are
//! added, changed and deleted from day to day, and each night of the last year is counted as of then.

mod chance;
mod changes;
mod count;
mod days;
mod insert;
mod life;
mod names;
mod schema;
mod world;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use tokio_util::sync::CancellationToken;

use crate::calendar::{AsOf, Day};
use crate::collect::readings::{Tallies, assemble};
use crate::collect::{self, Request, Work};
use crate::config::Config;
use crate::entry::{Entry, derive};
use life::Life;
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

/// The application, lived up to some moment.
pub struct Application {
    life: Life,
    /// What stands in the file.
    written: World,
}

/// What a night finds when it counts the day that has ended.
pub struct Night {
    as_of: AsOf,
    at: DateTime<Utc>,
    found: Tallies,
}

/// When a day is counted: as `crontab.example` has it, a quarter of an hour after its end.
pub fn night_of(day: Day) -> DateTime<Utc> {
    day.end + TimeDelta::minutes(15)
}

impl Application {
    /// Before anything has happened. What is to surprise happens on the last complete day.
    pub fn begin(last_day: Day) -> Self {
        Self {
            life: Life::begin(last_day),
            written: World::default(),
        }
    }

    /// Lives on until that moment.
    pub fn live_until(&mut self, moment: DateTime<Utc>) {
        self.life.live_until(moment);
    }

    /// Lives until the night after that day, and counts it.
    pub fn live_through(&mut self, day: Day) -> Night {
        let (as_of, at) = (day.close(), night_of(day));
        self.life.live_until(at);
        Night {
            found: count::count(&self.life.world, &as_of),
            as_of,
            at,
        }
    }

    /// Writes the application's database. It appears under its name only when it is complete.
    pub async fn write(&mut self, path: &Path) -> Result<DemoSize> {
        if path.exists() {
            bail!(
                "{} already exists, and the demo overwrites nothing: move it away or choose another folder with --dir",
                path.display()
            );
        }
        let unfinished = unfinished(path);
        if unfinished.exists() {
            std::fs::remove_file(&unfinished)
                .with_context(|| format!("cannot remove {}", unfinished.display()))?;
        }
        let world = &self.life.world;
        let rows = write(&unfinished, world)
            .await
            .with_context(|| format!("cannot write {}", unfinished.display()))?;
        std::fs::rename(&unfinished, path).with_context(|| {
            format!(
                "cannot rename {} to {}",
                unfinished.display(),
                path.display()
            )
        })?;
        self.written = world.clone();
        Ok(DemoSize {
            users: world.users.len(),
            collections: world.collections.len(),
            items: world.items.len(),
            rows,
        })
    }

    /// Brings the written database up to the present moment of the application's life.
    pub async fn update(&mut self, path: &Path) -> Result<()> {
        let world = &self.life.world;
        update(path, &self.written, world)
            .await
            .with_context(|| format!("cannot write {}", path.display()))?;
        self.written = world.clone();
        Ok(())
    }
}

impl Night {
    /// The entry that is stored of it.
    pub fn entry(&self, config: &Config) -> Entry {
        let catalog = &config.catalog;
        let request = Request {
            catalog,
            keys: catalog.metrics.iter().map(|one| one.key.clone()).collect(),
            work: Work::Night(self.as_of),
            now: self.at,
            grace: TimeDelta::from_std(config.collect.grace).unwrap_or(TimeDelta::MAX),
            retry_for: Duration::ZERO,
            follower_patience: Duration::ZERO,
            limits: collect::limits(config, CancellationToken::new()),
            recipients: None,
            progress: &|_, _| {},
            retrying: &|_, _| {},
        };
        let none = BTreeMap::new();
        let at_once = BTreeMap::new();
        let counted = assemble(&request, &self.found, &none, &at_once, &at_once, &at_once);
        let mut entry = Entry::empty(&self.as_of, self.at, &config.catalog_hash);
        entry.readings = counted
            .into_iter()
            .flat_map(|(_, readings)| readings)
            .collect();
        derive(&mut entry, catalog);
        entry
    }
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

async fn write(path: &Path, world: &World) -> Result<usize> {
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
    let rows = insert::changes(&mut transaction, &World::default(), world).await?;
    sqlx::raw_sql(schema::INDEXES)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    sqlx::raw_sql("PRAGMA journal_mode = WAL")
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(rows)
}

async fn update(path: &Path, before: &World, after: &World) -> Result<()> {
    let mut connection: SqliteConnection = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(false)
        .connect()
        .await?;
    let mut transaction = connection.begin().await?;
    insert::changes(&mut transaction, before, after).await?;
    transaction.commit().await?;
    connection.close().await?;
    Ok(())
}
