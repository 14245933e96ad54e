//! The oldest and newest times of rows in the app databases.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures_util::future::join_all;

use crate::calendar::Edge;
use crate::catalog::{Catalog, Counted, History, Metric, Shape};
use crate::config::AppDatabase;
use crate::database::{DatabaseError, Limits, Snapshot};
use crate::plan::time::time_column;
use crate::plan::{Cell, database_of};

use super::examine::held::moment;
use super::examine::needs::{TimeNeed, births, need};
use super::schema::newest::{newest_before, oldest};
use super::snapshots::with_snapshot;
use super::{Unreachable, schema};

/// The newest time until `now` at which something in the app databases began or happened. The first time from `since` on
/// ends the search; without one, a database that is away is an error.
pub async fn newest_row(
    apps: &BTreeMap<String, AppDatabase>,
    catalog: &Catalog,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
    zone: Tz,
    limits: &Limits,
) -> Result<Option<DateTime<Utc>>, Unreachable> {
    let until_proven = Limits {
        stop: limits.stop.child_token(),
        ..limits.clone()
    };
    let asking = apps.iter().map(async |(name, app)| {
        let found = with_snapshot(app, &until_proven, async |snapshot| {
            newest_in(name, catalog, snapshot, now, zone, &until_proven).await
        });
        let found = found.await.map_err(unreachable(name));
        if matches!(found, Ok(Some(at)) if at >= since) {
            until_proven.stop.cancel();
        }
        found
    });
    let mut newest = None;
    let mut away = None;
    for found in join_all(asking).await {
        match found {
            Ok(found) => newest = newest.max(found),
            Err(one) => away = away.or(Some(one)),
        }
    }
    match away {
        Some(away) if newest.is_none_or(|at| at < since) => Err(away),
        _ => Ok(newest),
    }
}

/// A row of the table, and when it began or happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oldest {
    pub table: String,
    pub at: DateTime<Utc>,
}

/// The oldest row that these metrics count in the past. `None` without rows, or if a metric's rows have no known
/// beginning.
pub async fn oldest_row(
    apps: &BTreeMap<String, AppDatabase>,
    catalog: &Catalog,
    keys: &[String],
    zone: Tz,
    limits: &Limits,
) -> Result<Option<Oldest>, Unreachable> {
    let metrics = keys.iter().filter_map(|key| catalog.metric(key));
    let with_a_past = metrics
        .filter(|metric| metric.history != History::Now && database_of(catalog, metric).is_some());
    let mut needs: BTreeMap<&str, BTreeSet<TimeNeed>> = BTreeMap::new();
    for metric in with_a_past {
        let Some((database, need)) = beginning(catalog, metric) else {
            return Ok(None);
        };
        needs.entry(database).or_default().insert(need);
    }
    let mut first: Option<Oldest> = None;
    for (name, needs) in needs {
        let Some(app) = apps.get(name) else {
            return Ok(None);
        };
        let found = with_snapshot(app, limits, async |snapshot| {
            oldest_in(snapshot, &needs, zone, limits).await
        });
        let Some(found) = found.await.map_err(unreachable(name))? else {
            return Ok(None);
        };
        let all = first.into_iter().chain(found);
        first = all.min_by_key(|oldest| oldest.at);
    }
    Ok(first)
}

/// The column with the beginning of a metric's rows.
fn beginning<'a>(catalog: &'a Catalog, metric: &Metric) -> Option<(&'a str, TimeNeed)> {
    let Shape::Counted(Counted { table, window, .. }) = &metric.shape else {
        return None;
    };
    let table = &catalog.tables[*table];
    let need = match (&table.created_at, window) {
        (Some(born), _) => need(table, born, table.time),
        (None, Some(window)) => need(table, &window.column, window.time.unwrap_or(table.time)),
        (None, None) => return None,
    };
    Some((table.database.as_str(), need))
}

/// The oldest row by each of these columns; `None` if one of them does not show it.
async fn oldest_in(
    snapshot: &mut Snapshot,
    needs: &BTreeSet<TimeNeed>,
    zone: Tz,
    limits: &Limits,
) -> Result<Option<Vec<Oldest>>, DatabaseError> {
    let mut all = Vec::new();
    for need in needs {
        let found = oldest(snapshot, &need.table, &need.column, limits).await;
        let at = match schema::optional(found)?.flatten() {
            Some(Cell::Null) => continue,
            Some(cell) => moment(need.kind, &cell, zone),
            None => None,
        };
        let Some(at) = at else {
            return Ok(None);
        };
        all.push(Oldest {
            table: need.table.clone(),
            at,
        });
    }
    Ok(Some(all))
}

fn unreachable(name: &str) -> impl FnOnce(DatabaseError) -> Unreachable {
    let name = name.to_owned();
    move |error| Unreachable { name, error }
}

async fn newest_in(
    name: &str,
    catalog: &Catalog,
    snapshot: &mut Snapshot,
    now: DateTime<Utc>,
    zone: Tz,
    limits: &Limits,
) -> Result<Option<DateTime<Utc>>, DatabaseError> {
    let facts = schema::probe(snapshot, catalog, name, limits).await?;
    let edge = Edge {
        instant: now,
        local: now.with_timezone(&zone).naive_local(),
    };
    let mut newest = None;
    for need in births(catalog, name) {
        let mut tables = catalog.tables.iter();
        let Some(table) = tables.find(|one| one.database == name && one.name == need.table) else {
            continue;
        };
        let time = time_column(table, &need.column, need.kind, snapshot.engine(), &facts);
        let found = newest_before(snapshot, &need.table, &time, &edge, limits).await;
        let found = schema::optional(found)?.and_then(|cell| moment(need.kind, &cell, zone));
        newest = newest.max(found.filter(|at| *at <= now));
    }
    Ok(newest)
}
