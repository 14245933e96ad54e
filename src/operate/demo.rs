//! An invented application to try Daybook on: two years of Beryl in SQLite, whose rows are added, changed and deleted
//! from day to day. Each night of the last year is counted as of then.

mod chance;
mod changes;
mod count;
mod days;
mod events;
mod insert;
mod life;
mod names;
mod schema;
mod world;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use tokio_util::sync::CancellationToken;

use crate::calendar::{AsOf, Day};
use crate::collect::outcome::{Outcome, Tallies};
use crate::collect::readings::assemble;
use crate::config::{Config, LiveSettings};
use crate::entry::{Entry, Provenance, Reading, derive};
use crate::live::night::Counted;
use crate::live::number::Number;
use crate::live_readings;
use crate::operate::request::one_day;
use life::Life;
use world::World;

const BERYL: &str = include_str!("../../examples/beryl/daybook.toml");
const CATALOG_BEGINS: &str = "# ==== The catalog ====\n";
const SETTINGS: &str = r#"# A made-up Beryl to try Daybook on; app.db, live.db and daybook.db stand beside this file.

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

/// The application at some moment of its life.
pub struct Application {
    life: Life,
    last_day: Day,
    /// The state in the file.
    written: World,
    /// Until when live events are recorded.
    recorded: Option<DateTime<Utc>>,
}

/// The counts of a night.
pub struct Night {
    as_of: AsOf,
    at: DateTime<Utc>,
    found: Tallies,
    live: BTreeMap<&'static str, Number>,
}

/// When a day is counted: a quarter of an hour after its end, as in `crontab.example`.
pub fn night_of(day: Day) -> DateTime<Utc> {
    day.end + TimeDelta::minutes(15)
}

impl Application {
    /// An empty application. The incidents of its story happen on the last complete day.
    pub fn begin(last_day: Day) -> Self {
        Self {
            life: Life::begin(last_day),
            last_day,
            written: World::default(),
            recorded: None,
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
            live: events::count(&self.life.world, self.last_day, &as_of),
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

    /// Records the live events until then that are not in the file yet.
    pub async fn record(&mut self, live: &LiveSettings, until: DateTime<Utc>) -> Result<()> {
        let since = self.recorded.filter(|_| live.database.exists());
        events::record(&self.life.world, self.last_day, live, since, until).await?;
        self.recorded = Some(until);
        Ok(())
    }

    /// Writes to the database what has changed since it was written.
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
    pub fn entry(&self, config: &Config) -> Entry {
        let request = one_day(config, self.as_of, self.at, CancellationToken::new());
        let outcome = Outcome {
            tallies: self.found.clone(),
            ..Outcome::default()
        };
        let counted = assemble(&request, &outcome);
        let mut entry = Entry::empty(&self.as_of, self.at, &config.catalog_hash);
        entry.readings = counted
            .into_iter()
            .flat_map(|(_, readings)| readings)
            .chain(self.live_readings(config))
            .collect();
        derive(&mut entry, &config.catalog);
        entry
    }

    fn live_readings(&self, config: &Config) -> Vec<(String, Reading)> {
        let reading = |(key, number): (&&str, &Number)| {
            let metric = config.catalog.metric(key)?;
            let counted = Counted {
                number: Some(*number),
                grain: None,
                is_estimate: false,
            };
            let reading = live_readings::counted(metric, &counted, Provenance::default());
            Some((metric.key.clone(), reading))
        };
        self.live.iter().filter_map(reading).collect()
    }
}

/// The demo's `daybook.toml`: settings of its own, Beryl's catalog and metrics over live events.
pub fn settings() -> String {
    let (_, catalog) = BERYL
        .split_once(CATALOG_BEGINS)
        .expect("the example says where its catalog begins");
    format!(
        "{SETTINGS}{}{CATALOG_BEGINS}{catalog}{}",
        events::KINDS,
        events::METRICS
    )
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".unfinished");
    PathBuf::from(name)
}

async fn write(path: &Path, world: &World) -> Result<usize> {
    // An unfinished file is thrown away, so it needs no journal.
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
