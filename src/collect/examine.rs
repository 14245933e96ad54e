//! Examines an app database without counting: tables, columns, rights and recipients, as the next night would find them.

pub(super) mod held;
pub mod indexes;
mod measured;
pub(super) mod needs;
mod times;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use crate::catalog::Catalog;
use crate::config::AppDatabase;
use crate::database::{self, DatabaseError, Limits, Replayed, Snapshot};
use crate::engine::Engine;
use crate::plan::{Cell, Facts, KnownDatabases, Statement, TableFacts};
use crate::text::suggest::did_you_mean;

use super::schema::newest::newest;
use super::schema::rights::{self, Rights, Server};
use super::schema::undated::{UndatedRows, undated_rows};
use super::schema::{self, Probe};
use super::unlisted::{self, Unlisted};
use super::{Found, Request, Strategy, Work, recipients, recipients_of, statements};
use indexes::Missing;
use needs::{Needs, needs, times};

#[derive(Debug)]
pub struct Examined {
    pub engine: Engine,
    pub server: Server,
    /// How long connecting took.
    pub took: Duration,
    /// The numbers of tables and columns that the catalog names.
    pub named: (usize, usize),
    pub faults: Vec<Fault>,
    /// Indexes that would save the database work.
    pub indexes: Vec<Missing>,
    /// `orders.at holds numbers …`
    pub unfit_times: Vec<String>,
    /// `orders.at has a newest time …`
    pub odd_times: Vec<String>,
    /// Rows that a split does not count.
    pub unlisted: Vec<Unlisted>,
    /// Rows that count on every day.
    pub undated_rows: Vec<UndatedRows>,
    /// How far the server's clock is ahead of this machine's; `None` if they share one.
    pub clock_ahead: Option<TimeDelta>,
    /// How much of the application's writes it contains.
    pub replayed: Replayed,
    /// Named tables that this user could change.
    pub writable: BTreeSet<String>,
    pub recipients: Option<Result<Found, String>>,
}

/// What every check of a database needs besides its snapshot.
struct Examination<'a> {
    database: &'a str,
    catalog: &'a Catalog,
    keys: &'a [String],
    facts: &'a Facts,
    limits: &'a Limits,
}

impl Examination<'_> {
    fn table(&self, name: &str) -> Option<&TableFacts> {
        self.facts.table(self.database, name)
    }
}

/// Why some metrics cannot be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub what: String,
    pub metrics: Vec<String>,
}

/// The app databases that the request needs, with the metrics counted in each.
pub fn needed(request: &Request<'_>) -> BTreeMap<String, Vec<String>> {
    super::keys_by_database(request)
}

pub async fn examine(
    name: &str,
    app: &AppDatabase,
    keys: &[String],
    request: &Request<'_>,
) -> Result<Examined, DatabaseError> {
    let begun = Instant::now();
    let mut snapshots = database::open(&app.url, 1, &request.limits).await?;
    let took = begun.elapsed();
    let Some(first) = snapshots.first_mut() else {
        return Err(DatabaseError::query(
            "could not connect to the app database",
        ));
    };
    let examined = look(name, first, keys, request, begun).await;
    for snapshot in snapshots {
        snapshot.close().await;
    }
    Ok(Examined { took, ..examined? })
}

async fn look(
    name: &str,
    snapshot: &mut Snapshot,
    keys: &[String],
    request: &Request<'_>,
    begun: Instant,
) -> Result<Examined, DatabaseError> {
    let (catalog, limits) = (request.catalog, &request.limits);
    let wanted = wanted(catalog, keys);
    let tables: Vec<&str> = wanted.keys().map(String::as_str).collect();
    let server = rights::server(snapshot, limits).await?;
    let present = request.now + begun.elapsed();
    let clock_ahead = server.clock.map(|clock| clock - present);
    let facts = facts(name, snapshot, catalog, &tables, limits).await?;
    let examination = Examination {
        database: name,
        catalog,
        keys,
        facts: &facts,
        limits,
    };
    let engines = BTreeMap::from([(name.to_owned(), snapshot.engine())]);
    let known = KnownDatabases {
        engines: &engines,
        facts: &facts,
    };
    let names = rights::names(snapshot, limits).await?;
    // A table that this user may not even look up would fail the query for all.
    let found = tables.iter().copied();
    let found: Vec<&str> = found
        .filter(|table| examination.table(table).is_some())
        .collect();
    let rights = schema::optional(rights::rights(snapshot, &found, limits).await)?;
    let rights = rights.unwrap_or_default();
    let mut faults = missing(&wanted, &examination, snapshot.engine(), &names, &rights);
    blame(&mut faults, catalog, keys);
    let mut faults: Vec<Fault> = faults.into_iter().map(|(_, fault)| fault).collect();
    faults.extend(measured::no_numbers(snapshot, &examination).await?);
    let explained: BTreeSet<String> = faults.iter().flat_map(|one| one.metrics.clone()).collect();
    let (unplannable, indexes) = planned(snapshot, keys, request, known, &explained).await;
    faults.extend(unplannable);
    let unfit_times = unfit_times(&examination, snapshot.engine());
    let (mut odd_times, mut undated, mut unlisted) = (Vec::new(), Vec::new(), Vec::new());
    if unfit_times.is_empty() {
        if let Work::Night(as_of) = &request.work {
            let zone = as_of.day.zone;
            odd_times = held::contradictions(snapshot, &examination, request.now, zone).await?;
        }
        undated = undated_rows(snapshot, name, catalog, &facts, limits).await?;
    }
    if let (Work::Night(as_of), true) = (&request.work, faults.is_empty()) {
        unlisted = unlisted::unlisted(snapshot, keys, catalog, as_of, known, limits).await?;
    }
    let readers = match recipients_of(name, request) {
        Some(query) => Some(recipients::in_snapshot(snapshot, query, limits).await),
        None => None,
    };
    Ok(Examined {
        engine: snapshot.engine(),
        server,
        took: Duration::ZERO,
        named: (wanted.len(), wanted.values().map(BTreeSet::len).sum()),
        faults,
        indexes,
        unfit_times,
        odd_times,
        unlisted,
        undated_rows: undated,
        clock_ahead,
        replayed: snapshot.replayed(),
        writable: rights.writable,
        recipients: readers,
    })
}

fn wanted(catalog: &Catalog, keys: &[String]) -> Needs {
    let mut wanted = Needs::new();
    for metric in keys.iter().filter_map(|key| catalog.metric(key)) {
        for (table, columns) in needs(catalog, metric) {
            wanted.entry(table).or_default().extend(columns);
        }
    }
    wanted
}

/// The facts that the night knows, and those of tables that only labels name.
async fn facts(
    name: &str,
    snapshot: &mut Snapshot,
    catalog: &Catalog,
    tables: &[&str],
    limits: &Limits,
) -> Result<Facts, DatabaseError> {
    let facts = schema::probe(snapshot, catalog, name, limits).await?;
    let mut probe = Probe {
        snapshot,
        database: name,
        limits,
        facts,
    };
    for table in tables {
        if probe.facts.table(name, table).is_none() {
            schema::optional(probe.tables(&[table]).await)?;
        }
    }
    Ok(probe.facts)
}

/// A table, and one of its columns unless the whole table is meant.
type TableOrColumn = (String, Option<String>);

fn missing(
    wanted: &Needs,
    examination: &Examination<'_>,
    engine: Engine,
    names: &[String],
    rights: &Rights,
) -> Vec<(TableOrColumn, Fault)> {
    let mut faults = Vec::new();
    let mut fault = |table: &str, column: Option<&String>, what: String| {
        let metrics = Vec::new();
        faults.push(((table.to_owned(), column.cloned()), Fault { what, metrics }));
    };
    for (table, columns) in wanted {
        let Some(real) = examination.table(table) else {
            let hint = did_you_mean(table, names.iter().map(String::as_str));
            let what = match (names.contains(table), engine) {
                (true, _) => format!("this user may not use the schema of the table `{table}`"),
                // MySQL hides tables that the user may not use.
                (false, Engine::Mysql) if hint.is_empty() => {
                    format!("there is no table `{table}`, or this user may not see it")
                }
                (false, _) => format!("there is no table `{table}`{hint}"),
            };
            fault(table, None, what);
            continue;
        };
        let unreadable = rights.unreadable.get(table);
        let is_closed = |column: &str| unreadable.is_some_and(|all| all.contains(column));
        if !real.types.is_empty() && real.types.keys().all(|column| is_closed(column)) {
            let what = format!("this user may not read the table `{table}`");
            fault(table, None, what);
            continue;
        }
        for column in columns {
            // SQLite ignores upper and lower case; PostgreSQL reports a difference when it plans.
            let is_same = |other: &String| other.eq_ignore_ascii_case(column);
            if !real.types.keys().any(is_same) {
                let hint = did_you_mean(column, real.types.keys().map(String::as_str));
                let what = format!("the table `{table}` has no column `{column}`{hint}");
                fault(table, Some(column), what);
            } else if is_closed(column) {
                let what =
                    format!("this user may not read the column `{column}` of the table `{table}`");
                fault(table, Some(column), what);
            }
        }
    }
    faults
}

/// Adds the metrics that need what is missing.
fn blame(faults: &mut [(TableOrColumn, Fault)], catalog: &Catalog, keys: &[String]) {
    for metric in keys.iter().filter_map(|key| catalog.metric(key)) {
        let needs = needs(catalog, metric);
        for ((table, column), fault) in faults.iter_mut() {
            let needed = needs.get(table).is_some_and(|columns| match column {
                Some(column) => columns.contains(column),
                None => true,
            });
            if needed {
                fault.metrics.push(metric.key.clone());
            }
        }
    }
}

/// Metrics whose statement the database cannot plan, each error once, and the indexes that the other plans lack. Tries
/// fused statements first, since usually nothing is wrong.
async fn planned(
    snapshot: &mut Snapshot,
    keys: &[String],
    request: &Request<'_>,
    known: KnownDatabases<'_>,
    explained: &BTreeSet<String>,
) -> (Vec<Fault>, Vec<Missing>) {
    let left = keys.iter().filter(|key| !explained.contains(*key));
    let left: Vec<String> = left.cloned().collect();
    let mut faults: Vec<Fault> = Vec::new();
    let mut indexes: Vec<Missing> = Vec::new();
    for statement in statements(request, &left, known, Strategy::Fused) {
        let planned = snapshot.explain(&statement.sql, &statement.binds, &request.limits);
        let error = match planned.await {
            Ok(lines) => {
                let engine = snapshot.engine();
                let (catalog, facts) = (request.catalog, known.facts);
                for one in indexes::missing(&statement, &lines, catalog, facts, engine) {
                    if !has_many_rows(snapshot, &one, request).await {
                        continue;
                    }
                    let is_same = |other: &&mut Missing| {
                        (&other.table, &other.column) == (&one.table, &one.column)
                    };
                    match indexes.iter_mut().find(is_same) {
                        Some(other) => other.metrics.extend(one.metrics),
                        None => indexes.push(one),
                    }
                }
                continue;
            }
            Err(error) => error.message,
        };
        let apart = match statement.keys().count() {
            1 => vec![(statement, error)],
            _ => apart(snapshot, &statement, request, known).await,
        };
        for (statement, what) in apart {
            let metrics = statement.keys().map(str::to_owned);
            match faults.iter_mut().find(|fault| fault.what == what) {
                Some(fault) => fault.metrics.extend(metrics),
                None => faults.push(Fault {
                    what,
                    metrics: metrics.collect(),
                }),
            }
        }
    }
    (faults, indexes)
}

/// Checked on SQLite only, whose plans do not show the number of rows.
async fn has_many_rows(snapshot: &mut Snapshot, index: &Missing, request: &Request<'_>) -> bool {
    if snapshot.engine() != Engine::Sqlite {
        return true;
    }
    let rows = newest(snapshot, &index.table, "rowid", &request.limits).await;
    matches!(rows, Ok(Cell::Integer(rows)) if rows >= index.from_rows)
}

async fn apart(
    snapshot: &mut Snapshot,
    statement: &Statement,
    request: &Request<'_>,
    known: KnownDatabases<'_>,
) -> Vec<(Statement, String)> {
    let mut broken = Vec::new();
    for single in super::apart(request, statement, known, false) {
        let planned = snapshot.explain(&single.sql, &single.binds, &request.limits);
        if let Err(error) = planned.await {
            broken.push((single, error.message));
        }
    }
    broken
}

fn unfit_times(examination: &Examination<'_>, engine: Engine) -> Vec<String> {
    let unfit = |need: needs::TimeNeed| {
        let table = examination.table(&need.table)?;
        let declared = table.types.get(&need.column)?;
        let sample = table.samples.get(&need.column).map(String::as_str);
        let why = times::unfit(need.kind.word(), engine, declared, sample)?;
        Some(format!("{}.{} {why}", need.table, need.column))
    };
    let times = times(examination.catalog, examination.database);
    times.into_iter().filter_map(unfit).collect()
}
