//! Reads the app databases: one snapshot each, parallel connections, and separate failures.

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
use crate::plan::{Facts, KnownDatabases, Statement, database_of, night, range};

use outcome::Outcome;

pub use ends::{Oldest, newest_row, oldest_row};
pub use recipients::{Found, recipients};

/// What to count.
#[derive(Debug, Clone)]
pub enum Work {
    /// The values as of one instant.
    Night(AsOf),
    /// Complete past days in one scan.
    Range(Vec<Day>),
}

/// Everything a collection needs besides the databases.
pub struct Request<'a> {
    pub catalog: &'a Catalog,
    pub keys: Vec<String>,
    pub work: Work,
    pub now: DateTime<Utc>,
    pub grace: TimeDelta,
    pub retry_for: Duration,
    /// How long to wait for a follower that has not replayed far enough.
    pub follower_timeout: Duration,
    pub limits: Limits,
    /// Read in the snapshot of the numbers, if the report will be sent.
    pub recipients: Option<&'a RecipientsQuery>,
    /// Called after each statement with the number done and the total.
    pub progress: &'a dyn Fn(usize, usize),
    /// Called once for a database that is away or behind, with the time left for retries.
    pub retrying: &'a dyn Fn(&Unreachable, Duration),
}

/// The readings of each day, and the cost of each statement.
#[derive(Debug, Default)]
pub struct Collected {
    pub days: Vec<(Day, BTreeMap<String, Reading>)>,
    pub statements: Vec<Cost>,
    /// App databases that could not be reached; their metrics are failed.
    pub unreachable: Vec<Unreachable>,
    /// If asked for: who gets the report, or why that is unknown.
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

/// Counts everything asked for. A database that stays away fails only its own metrics.
pub async fn collect(apps: &BTreeMap<String, AppDatabase>, request: &Request<'_>) -> Collected {
    let mut all = with_strategies(apps, request, &[Strategy::Fused]).await;
    all.pop().unwrap_or_default()
}

/// Counts once with each strategy, in the same snapshots.
pub async fn with_strategies(
    apps: &BTreeMap<String, AppDatabase>,
    request: &Request<'_>,
    strategies: &[Strategy],
) -> Vec<Collected> {
    let mut all: Vec<Outcome> = strategies.iter().map(|_| Outcome::default()).collect();
    let mut unreachable = Vec::new();
    for (name, keys) in keys_by_database(request) {
        let found = match apps.get(&name) {
            Some(app) => {
                Box::pin(attempts::with_retries(
                    &name, app, &keys, request, strategies,
                ))
                .await
            }
            None => Err(no_url()),
        };
        match found {
            Ok(parts) => {
                let parts = all.iter_mut().zip(parts);
                parts.for_each(|(whole, part)| whole.absorb(part));
            }
            Err(error) => {
                let away = Unreachable { name, error };
                for whole in &mut all {
                    whole.fail(keys.iter().map(String::as_str), &away.error.message);
                    if recipients_of(&away.name, request).is_some() {
                        whole.recipients = Some(Err(away.to_string()));
                    }
                }
                // A database that only has recipients delays no numbers.
                unreachable.extend((!keys.is_empty()).then_some(away));
            }
        }
    }
    let collected = all.into_iter().map(|whole| Collected {
        days: readings::assemble(request, &whole),
        statements: whole.costs,
        unreachable: unreachable.clone(),
        recipients: whole.recipients,
    });
    collected.collect()
}

fn no_url() -> DatabaseError {
    DatabaseError::new(Trouble::Refused, "no URL is configured for it")
}

fn keys_by_database(request: &Request<'_>) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for metric in readings::countable(request) {
        if let Some(database) = database_of(request.catalog, metric) {
            let keys = all.entry(database.to_owned()).or_default();
            keys.push(metric.key.clone());
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

/// The night's statements, or the range's scans and statements for each day.
fn statements(
    request: &Request<'_>,
    keys: &[String],
    known: KnownDatabases<'_>,
    strategy: Strategy,
) -> Vec<Statement> {
    let catalog = request.catalog;
    let days = match &request.work {
        Work::Night(as_of) => {
            return night::night(catalog, keys, as_of, known, strategy == Strategy::Fused);
        }
        Work::Range(days) => days,
    };
    let mut plan = range::range(catalog, keys, days, known);
    let singles = day_by_day(request, &plan.day_by_day, days, known);
    plan.statements.extend(singles);
    plan.statements
}

fn day_by_day(
    request: &Request<'_>,
    keys: &[String],
    days: &[Day],
    known: KnownDatabases<'_>,
) -> Vec<Statement> {
    let each = |day: &Day| night::night(request.catalog, keys, &day.close(), known, false);
    days.iter().flat_map(each).collect()
}

/// The facts for planning these metrics.
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

/// The tables that these metrics count in, with all their parents.
fn tables_of(keys: &[String], catalog: &Catalog) -> BTreeSet<usize> {
    let metrics = keys.iter().filter_map(|key| catalog.metric(key));
    let counted = metrics.filter_map(|metric| match &metric.shape {
        Shape::Counted(counted) => Some(counted.table),
        _ => None,
    });
    counted.flat_map(|table| catalog.lineage(table)).collect()
}

/// Connects, looks at the tables and plans without counting, for `explain`.
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
        let plan = first.explain(&statement.sql, &statement.binds, &request.limits);
        let plan = plan.await;
        plans.push(plan.unwrap_or_else(|error| vec![format!("cannot be planned: {error}")]));
    }
    for snapshot in snapshots {
        snapshot.close().await;
    }
    Ok((planned, plans))
}

/// The same metrics one by one, after a statement of several failed. A range that is too wide to be added up is counted
/// day by day, since the metrics of one scan share the column that makes it wide.
pub fn apart(
    request: &Request<'_>,
    statement: &Statement,
    known: KnownDatabases<'_>,
    too_wide: bool,
) -> Vec<Statement> {
    let keys: Vec<String> = statement.keys().map(str::to_owned).collect();
    match &request.work {
        Work::Night(as_of) => night::night(request.catalog, &keys, as_of, known, false),
        Work::Range(_) if statement.days.len() == 1 => Vec::new(),
        Work::Range(days) if too_wide => day_by_day(request, &keys, days, known),
        Work::Range(days) => keys
            .iter()
            .flat_map(|key| {
                range::range(request.catalog, std::slice::from_ref(key), days, known).statements
            })
            .collect(),
    }
}
