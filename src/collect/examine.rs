//! What the next night would meet in an app database, found without counting: tables, columns, rights, readers.

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
use crate::plan::{Cell, Facts, KnownDatabases, Statement};
use crate::text::suggest::did_you_mean;

use super::schema::newest::newest;
use super::schema::rights::{self, Rights, Server};
use super::schema::unborn::{self, Unborn};
use super::unlisted::{self, Unlisted};
use super::{Found, Request, Strategy, Work, recipients, recipients_of, schema, statements};
use indexes::Missing;
use needs::{Needs, needs, times};

#[derive(Debug)]
pub struct Examined {
    pub engine: Engine,
    pub server: Server,
    /// How long connecting took.
    pub took: Duration,
    /// Tables that the catalog names, and columns in them.
    pub named: (usize, usize),
    pub faults: Vec<Fault>,
    /// Indexes that would spare the database work.
    pub indexes: Vec<Missing>,
    /// `orders.at holds numbers …`
    pub unfit_times: Vec<String>,
    /// `orders.at has a newest time …`
    pub odd_times: Vec<String>,
    /// Rows that a split does not count.
    pub unlisted: Vec<Unlisted>,
    /// Rows that count on every day.
    pub unborn: Vec<Unborn>,
    /// How far the server's clock is ahead of this machine's; nothing where they share one.
    pub clock_ahead: Option<TimeDelta>,
    /// How much of what was written it holds.
    pub replayed: Replayed,
    /// Named tables that this user could change.
    pub writable: BTreeSet<String>,
    pub recipients: Option<Result<Found, String>>,
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
    let known = rights::names(snapshot, limits).await?;
    // One table that this user may not even look up would fail the question for all.
    let place = |table: &str| (name.to_owned(), table.to_owned());
    let found = tables.iter().copied();
    let found: Vec<&str> = found
        .filter(|table| facts.tables.contains_key(&place(table)))
        .collect();
    let rights = schema::forgiven(rights::rights(snapshot, &found, limits).await)?;
    let rights = rights.unwrap_or_default();
    let mut faults = missing(&wanted, &facts, name, snapshot.engine(), &known, &rights);
    blame(&mut faults, catalog, keys);
    let mut faults: Vec<Fault> = faults.into_iter().map(|(_, fault)| fault).collect();
    faults.extend(measured::no_numbers(name, catalog, snapshot, keys, &facts, limits).await?);
    let explained: BTreeSet<String> = faults.iter().flat_map(|one| one.metrics.clone()).collect();
    let (unplannable, indexes) = planned(name, snapshot, keys, request, &facts, &explained).await;
    faults.extend(unplannable);
    let unfit_times = unfit_times(name, catalog, snapshot.engine(), &facts);
    let odd_times = match (&request.work, unfit_times.is_empty()) {
        (Work::Night(as_of), true) => {
            let zone = as_of.day.zone;
            held::contradictions(name, catalog, snapshot, &facts, request.now, zone, limits).await?
        }
        _ => Vec::new(),
    };
    let unborn = match unfit_times.is_empty() {
        true => unborn::unborn(name, catalog, snapshot, &facts, limits).await?,
        false => Vec::new(),
    };
    let unlisted = match &request.work {
        Work::Night(as_of) if faults.is_empty() => {
            let engines = BTreeMap::from([(name.to_owned(), snapshot.engine())]);
            let known = KnownDatabases {
                engines: &engines,
                facts: &facts,
            };
            unlisted::unlisted(snapshot, keys, catalog, as_of, known, limits).await?
        }
        _ => Vec::new(),
    };
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
        unborn,
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

/// What the night knows, and besides it the tables that only labels name.
async fn facts(
    name: &str,
    snapshot: &mut Snapshot,
    catalog: &Catalog,
    tables: &[&str],
    limits: &Limits,
) -> Result<Facts, DatabaseError> {
    let mut facts = schema::probe(snapshot, catalog, name, limits).await?;
    for table in tables {
        if !facts
            .tables
            .contains_key(&(name.to_owned(), (*table).to_owned()))
        {
            let looked = schema::tables(snapshot, &[table], name, limits, &mut facts).await;
            schema::forgiven(looked)?;
        }
    }
    Ok(facts)
}

/// A table, and a column of it unless the whole table is meant.
type Place = (String, Option<String>);

fn missing(
    wanted: &Needs,
    facts: &Facts,
    database: &str,
    engine: Engine,
    known: &[String],
    rights: &Rights,
) -> Vec<(Place, Fault)> {
    let mut faults = Vec::new();
    let mut fault = |table: &str, column: Option<&String>, what: String| {
        let metrics = Vec::new();
        faults.push(((table.to_owned(), column.cloned()), Fault { what, metrics }));
    };
    for (table, columns) in wanted {
        let place = (database.to_owned(), table.clone());
        let Some(real) = facts.tables.get(&place) else {
            let hint = did_you_mean(table, known.iter().map(String::as_str));
            let what = match (known.contains(table), engine) {
                (true, _) => format!("this user may not use the schema of the table `{table}`"),
                // MySQL shows nobody what he may not use.
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
            fault(
                table,
                None,
                format!("this user may not read the table `{table}`"),
            );
            continue;
        }
        for column in columns {
            if !has(real.types.keys(), column) {
                let hint = did_you_mean(column, real.types.keys().map(String::as_str));
                fault(
                    table,
                    Some(column),
                    format!("the table `{table}` has no column `{column}`{hint}"),
                );
            } else if is_closed(column) {
                fault(
                    table,
                    Some(column),
                    format!("this user may not read the column `{column}` of the table `{table}`"),
                );
            }
        }
    }
    faults
}

/// SQLite does not mind upper and lower case, and PostgreSQL tells itself when it does.
fn has<'a>(mut columns: impl Iterator<Item = &'a String>, wanted: &str) -> bool {
    columns.any(|column| column.eq_ignore_ascii_case(wanted))
}

/// Names the metrics that need what is missing.
fn blame(faults: &mut [(Place, Fault)], catalog: &Catalog, keys: &[String]) {
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

/// Metrics whose statement the database will not even plan, each error once; the fused statements first,
/// since most nights nothing is wrong. The plans of the others show which indexes are missing.
async fn planned(
    name: &str,
    snapshot: &mut Snapshot,
    keys: &[String],
    request: &Request<'_>,
    facts: &Facts,
    explained: &BTreeSet<String>,
) -> (Vec<Fault>, Vec<Missing>) {
    let engines = BTreeMap::from([(name.to_owned(), snapshot.engine())]);
    let known = KnownDatabases {
        engines: &engines,
        facts,
    };
    let left: Vec<String> = keys
        .iter()
        .filter(|key| !explained.contains(*key))
        .cloned()
        .collect();
    let mut faults: Vec<Fault> = Vec::new();
    let mut indexes: Vec<Missing> = Vec::new();
    for statement in statements(request, &left, known, Strategy::Fused) {
        let planned = snapshot.explain(&statement.sql, &statement.binds, &request.limits);
        let error = match planned.await {
            Ok(lines) => {
                let engine = snapshot.engine();
                for one in indexes::missing(&statement, &lines, request.catalog, facts, engine) {
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

/// Of SQLite only: its plans do not say how many rows there are.
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
        if let Some(error) = plan_error(snapshot, &single, request).await {
            broken.push((single, error));
        }
    }
    broken
}

async fn plan_error(
    snapshot: &mut Snapshot,
    statement: &Statement,
    request: &Request<'_>,
) -> Option<String> {
    let planned = snapshot.explain(&statement.sql, &statement.binds, &request.limits);
    planned.await.err().map(|error| error.message)
}

fn unfit_times(database: &str, catalog: &Catalog, engine: Engine, facts: &Facts) -> Vec<String> {
    let unfit = |need: needs::TimeNeed| {
        let table = facts
            .tables
            .get(&(database.to_owned(), need.table.clone()))?;
        let declared = table.types.get(&need.column)?;
        let sample = table.samples.get(&need.column).map(String::as_str);
        let why = times::unfit(need.kind.word(), engine, declared, sample)?;
        Some(format!("{}.{} {why}", need.table, need.column))
    };
    times(catalog, database)
        .into_iter()
        .filter_map(unfit)
        .collect()
}
