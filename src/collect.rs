//! Reads the app databases: one snapshot each, parallel connections, every failure kept apart.

mod attempts;
pub mod days;
mod ends;
pub mod examine;
pub mod labels;
mod lessons;
pub mod outcome;
pub mod readings;
pub mod recipients;
mod run;
pub mod schema;
mod snapshots;
pub mod unlisted;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::calendar::{AsOf, Day};
use crate::catalog::{Catalog, Shape};
use crate::config::{AppDatabase, Config, RecipientsQuery};
use crate::database::{self, DatabaseError, Limits, Snapshot, Trouble};
use crate::entry::Reading;
use crate::plan::{Facts, KnownDatabases, Statement, night, range};

pub use ends::{Oldest, newest_row, oldest_row};
pub use recipients::{Found, recipients};

/// What to count.
#[derive(Debug, Clone)]
pub enum Work {
    /// The world as of one instant.
    Night(AsOf),
    /// Complete past days in one scan.
    Range(Vec<Day>),
}

/// What one collection needs besides the databases.
pub struct Request<'a> {
    pub catalog: &'a Catalog,
    pub keys: Vec<String>,
    pub work: Work,
    pub now: DateTime<Utc>,
    pub grace: TimeDelta,
    pub retry_for: Duration,
    /// How long a server that follows another one is waited for until it has come far enough.
    pub follower_patience: Duration,
    pub limits: Limits,
    /// Read in the snapshot of the numbers, when the report is to be sent.
    pub recipients: Option<&'a RecipientsQuery>,
    /// Told after each statement: how many are done, of how many.
    pub progress: &'a dyn Fn(usize, usize),
    /// Told once for a database that is away or behind, with how long it is tried again.
    pub retrying: &'a dyn Fn(&Unreachable, Duration),
}

/// The readings of each day, and what every statement cost.
#[derive(Debug, Default)]
pub struct Collected {
    pub days: Vec<(Day, BTreeMap<String, Reading>)>,
    pub statements: Vec<Cost>,
    /// App databases that could not be reached; their metrics are failed.
    pub unreachable: Vec<Unreachable>,
    /// If they were asked for: who gets the report, or why nobody knows.
    pub recipients: Option<Result<Found, String>>,
}

#[derive(Debug, Clone)]
pub struct Cost {
    pub database: String,
    pub what: String,
    pub metrics: Vec<String>,
    pub duration_ms: i64,
    pub rows: i64,
    pub error: Option<String>,
}

#[derive(Debug, Clone, Error)]
#[error("the app database{} is unavailable: {error}", called(.name))]
pub struct Unreachable {
    pub name: String,
    pub error: DatabaseError,
}

fn called(name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!(" `{name}`")
    }
}

pub fn limits(config: &Config, stop: CancellationToken) -> Limits {
    Limits {
        statement_timeout: config.collect.statement_timeout,
        lock_timeout: config.collect.lock_timeout,
        stop,
    }
}

/// How metrics become the statements of a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Those on one table share a pass.
    Fused,
    /// Each has a statement of its own.
    Alone,
}

/// Counts everything asked for. A database that stays away fails its own metrics only.
pub async fn collect(apps: &BTreeMap<String, AppDatabase>, request: &Request<'_>) -> Collected {
    let mut all = in_each_way(apps, request, &[Strategy::Fused]).await;
    all.pop().unwrap_or_default()
}

/// The same once for each way of counting, all of them in the same snapshots.
pub async fn in_each_way(
    apps: &BTreeMap<String, AppDatabase>,
    request: &Request<'_>,
    ways: &[Strategy],
) -> Vec<Collected> {
    let mut all: Vec<Gathered> = ways.iter().map(|_| Gathered::default()).collect();
    for (name, keys) in keys_by_database(request) {
        let found = match apps.get(&name) {
            Some(app) => Box::pin(attempts::with_retries(&name, app, &keys, request, ways)).await,
            None => Err(DatabaseError::new(
                Trouble::Refused,
                "no URL is configured for it",
            )),
        };
        match found {
            Ok(done) => {
                for (gathered, done) in all.iter_mut().zip(done) {
                    gathered.take(done);
                }
            }
            Err(error) => {
                let unreachable = Unreachable { name, error };
                for gathered in &mut all {
                    gathered.miss(&unreachable, &keys, request);
                }
            }
        }
    }
    let assembled = all.into_iter().map(|gathered| gathered.assembled(request));
    assembled.collect()
}

/// What one way of counting has given so far.
#[derive(Default)]
struct Gathered {
    collected: Collected,
    tallies: readings::Tallies,
    failures: BTreeMap<String, String>,
    asked_at: BTreeMap<String, DateTime<Utc>>,
    read_at: BTreeMap<String, DateTime<Utc>>,
    reached: BTreeMap<String, DateTime<Utc>>,
}

impl Gathered {
    fn take(&mut self, done: outcome::Outcome) {
        self.tallies.extend(done.tallies);
        self.failures.extend(done.failures);
        self.asked_at.extend(done.asked_at);
        self.read_at.extend(done.read_at);
        self.reached.extend(done.reached);
        self.collected.statements.extend(done.costs);
        if self.collected.recipients.is_none() {
            self.collected.recipients = done.recipients;
        }
    }

    fn miss(&mut self, away: &Unreachable, keys: &[String], request: &Request<'_>) {
        let failed = |key: &String| (key.clone(), away.error.message.clone());
        self.failures.extend(keys.iter().map(failed));
        if recipients_of(&away.name, request).is_some() {
            self.collected.recipients = Some(Err(away.to_string()));
        }
        // A database that has only recipients holds up no numbers.
        if !keys.is_empty() {
            self.collected.unreachable.push(away.clone());
        }
    }

    fn assembled(self, request: &Request<'_>) -> Collected {
        Collected {
            days: readings::assemble(
                request,
                &self.tallies,
                &self.failures,
                &self.asked_at,
                &self.read_at,
                &self.reached,
            ),
            ..self.collected
        }
    }
}

fn keys_by_database(request: &Request<'_>) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for key in readings::countable(request) {
        let metric = request.catalog.metric(&key);
        if let Some(database) =
            metric.and_then(|metric| night::database_of(request.catalog, metric))
        {
            all.entry(database.to_owned()).or_default().push(key);
        }
    }
    if let Some(query) = request.recipients {
        all.entry(query.database.clone()).or_default();
    }
    all
}

/// The query, if it is for this database.
fn recipients_of<'a>(name: &str, request: &Request<'a>) -> Option<&'a RecipientsQuery> {
    request.recipients.filter(|query| query.database == name)
}

/// The night's statements, or the range's scans and what has to be counted day by day.
fn statements(
    request: &Request<'_>,
    keys: &[String],
    known: KnownDatabases<'_>,
    way: Strategy,
) -> Vec<Statement> {
    let days = match &request.work {
        Work::Night(as_of) => {
            return night::night(request.catalog, keys, as_of, known, way == Strategy::Fused);
        }
        Work::Range(days) => days,
    };
    let plan = range::range(request.catalog, keys, days, known);
    let single = days.iter().flat_map(|day| {
        night::night(
            request.catalog,
            &plan.day_by_day,
            &day.close(),
            known,
            false,
        )
    });
    plan.statements.iter().cloned().chain(single).collect()
}

/// What the plan should know of the tables that these metrics are counted in.
async fn facts(
    name: &str,
    snapshots: &mut [Snapshot],
    keys: &[String],
    request: &Request<'_>,
) -> Result<Facts, DatabaseError> {
    let (catalog, limits) = (request.catalog, &request.limits);
    let mut facts = match snapshots.first_mut() {
        Some(first) => schema::probe(first, catalog, name, limits).await?,
        None => Facts::default(),
    };
    if matches!(request.work, Work::Night(_)) {
        let tables = tables_of(keys, catalog);
        schema::undeclared::try_keys(snapshots, name, catalog, &tables, &mut facts, limits).await?;
    }
    Ok(facts)
}

/// The tables that these metrics count in, with all that these belong to.
fn tables_of(keys: &[String], catalog: &Catalog) -> BTreeSet<usize> {
    let metrics = keys.iter().filter_map(|key| catalog.metric(key));
    let counted = metrics.filter_map(|metric| match &metric.shape {
        Shape::Counted(counted) => Some(counted.table),
        _ => None,
    });
    counted.flat_map(|table| catalog.lineage(table)).collect()
}

/// Connects, looks at the tables and plans, without counting: what `explain` and `doctor` show.
pub async fn look(
    name: &str,
    app: &AppDatabase,
    request: &Request<'_>,
) -> Result<(Vec<Statement>, Vec<Vec<String>>), DatabaseError> {
    let mut snapshots = database::open(&app.url, 1, &request.limits).await?;
    let facts = facts(name, &mut snapshots, &request.keys, request).await?;
    let Some(first) = snapshots.first_mut() else {
        return Ok((Vec::new(), Vec::new()));
    };
    let engines = BTreeMap::from([(name.to_owned(), first.engine())]);
    let known = KnownDatabases {
        engines: &engines,
        facts: &facts,
    };
    let planned = statements(request, &request.keys, known, Strategy::Fused);
    let mut plans = Vec::new();
    for statement in &planned {
        let told = first
            .explain(&statement.sql, &statement.binds, &request.limits)
            .await;
        plans.push(told.unwrap_or_else(|error| vec![format!("cannot be planned: {error}")]));
    }
    for snapshot in snapshots {
        snapshot.close().await;
    }
    Ok((planned, plans))
}

/// The same metrics one by one, after a statement of several failed. In a range, what is too wide to be
/// added up over all days is counted day by day: metrics of one scan share the column that makes it wide.
pub fn apart(
    request: &Request<'_>,
    statement: &Statement,
    known: KnownDatabases<'_>,
    too_wide: bool,
) -> Vec<Statement> {
    let keys: Vec<String> = statement.keys().map(str::to_owned).collect();
    let each_day = |days: &[Day]| {
        days.iter()
            .flat_map(|day| night::night(request.catalog, &keys, &day.close(), known, false))
            .collect()
    };
    match &request.work {
        Work::Night(as_of) => night::night(request.catalog, &keys, as_of, known, false),
        Work::Range(_) if statement.days.len() == 1 => Vec::new(),
        Work::Range(days) if too_wide => each_day(days),
        Work::Range(days) => keys
            .iter()
            .flat_map(|key| {
                range::range(request.catalog, std::slice::from_ref(key), days, known).statements
            })
            .collect(),
    }
}
