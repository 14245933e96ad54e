//! Counts one task's days, and makes entries from the readings.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::NaiveDate;

use crate::calendar::AsOf;
use crate::catalog::{Catalog, Metric, Shape};
use crate::collect::{self, Collected, Cost, Found, Request, Unreachable, Work};
use crate::config::RecipientsQuery;
use crate::database::Trouble;
use crate::entry::{Entry, Reading, derive, keep_better_renamed_values, merge::Mode, merge::merge};
use crate::live::night::Read;
use crate::live_readings::{self, Readings};

use super::super::error::NightError;
use super::super::refresh;
use super::super::types::{Night, NightContext, Orders, Task, milliseconds};
use super::followers::{late_followers, reached_by_all};

/// A follower that caught up can briefly look behind.
const FOLLOWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The results of counting a task.
pub(super) struct Counted {
    pub(super) entries: Vec<Entry>,
    pub(super) costs: Vec<Cost>,
    /// If asked for: who gets the report, or why that is unknown.
    pub(super) recipients: Option<Result<Found, String>>,
}

/// Counts one task's days. Fails only if no database answered at all.
pub(super) async fn count_task(
    context: &NightContext<'_>,
    orders: &Orders,
    task: &Task,
    stored: &BTreeMap<NaiveDate, Entry>,
    recipients: Option<&RecipientsQuery>,
    night: &mut Night,
) -> Result<Counted, NightError> {
    let begun = Instant::now();
    let mut request = Request {
        catalog: &context.config.catalog,
        keys: task.keys.clone(),
        work: work(task),
        now: context.now,
        grace: context.grace(),
        retry_for: orders.retry_for,
        follower_timeout: match task.days.as_slice() {
            // An open day is counted as of any moment, so the one that was reached is enough.
            [one] if one.open => Duration::ZERO,
            _ => orders.retry_for,
        },
        limits: context.limits(),
        recipients,
        progress: &|done, of| context.listener.statement(done, of),
        retrying: &|away, for_so_long| context.listener.retrying(away, for_so_long),
    };
    let mut moments = task.days.clone();
    let mut collected = collect::collect(&context.config.apps, &request).await;
    let stored_day = task
        .days
        .first()
        .and_then(|as_of| stored.get(&as_of.day.date));
    if let Some(earlier) = reached_by_all(&collected.unreachable, task, stored_day) {
        let late = late_followers(&collected.unreachable, task, earlier);
        night.unreachable.extend(late);
        moments = vec![earlier];
        request.work = Work::Night(earlier);
        request.follower_timeout = FOLLOWER_TIMEOUT;
        collected = collect::collect(&context.config.apps, &request).await;
    }
    let is_stopped = |one: &Unreachable| one.error.trouble == Trouble::Stopped;
    if collected.unreachable.iter().any(is_stopped) {
        return Err(NightError::Stopped);
    }
    if let Some(first) = collected.unreachable.first()
        && collected.statements.is_empty()
    {
        return Err(NightError::Unavailable(first.clone()));
    }
    let Collected {
        days,
        statements,
        unreachable,
        recipients,
    } = collected;
    night.unreachable.extend(unreachable);
    let live = count_live(context, &task.keys, &moments).await?;
    let duration_ms = milliseconds(begun);
    let entries = days.into_iter().zip(&moments).zip(live.moments);
    let mut entries: Vec<Entry> = entries
        .map(|(((_, mut readings), as_of), live)| {
            readings.extend(live);
            entry(context, as_of, readings, duration_ms)
        })
        .collect();
    let catalog = &context.config.catalog;
    for entry in &mut entries {
        let Some(before) = stored.get(&entry.date) else {
            continue;
        };
        if task.mode == Mode::Refresh {
            refresh::keep_changes(catalog, entry, before);
        }
        keep_better_renamed_values(catalog, entry, before, task.mode);
    }
    derive_last(catalog, &mut entries, task, stored);
    Ok(Counted {
        entries,
        costs: statements
            .into_iter()
            .chain(live.reads.iter().map(cost))
            .collect(),
        recipients,
    })
}

/// Counts the live metrics among these; without any, nothing is read.
async fn count_live(
    context: &NightContext<'_>,
    keys: &[String],
    moments: &[AsOf],
) -> Result<Readings, NightError> {
    let request = live_readings::Request {
        catalog: &context.config.catalog,
        live: context.config.live.as_ref(),
        keys,
        moments,
        now: context.now,
        grace: context.grace(),
        prefers_rollups: false,
    };
    tokio::select! {
        live = live_readings::readings(&request) => Ok(live),
        () = context.stop.cancelled() => Err(NightError::Stopped),
    }
}

fn cost((read, keys): &(Read, Vec<String>)) -> Cost {
    let cost = Cost {
        database: String::new(),
        what: format!("live `{}`", read.kind),
        metrics: keys.clone(),
        duration_ms: read.milliseconds,
        rows: read.points,
        error: read.error.clone(),
    };
    tracing::debug!(
        events = cost.rows,
        rollups = read.rollups,
        ms = cost.duration_ms,
        error = cost.error,
        "{}: {}",
        cost.what,
        cost.metrics.join(", ")
    );
    cost
}

fn work(task: &Task) -> Work {
    match task.days.as_slice() {
        [one] => Work::Night(*one),
        many => Work::Range(many.iter().map(|as_of| as_of.day).collect()),
    }
}

fn entry(
    context: &NightContext<'_>,
    as_of: &AsOf,
    readings: BTreeMap<String, Reading>,
    duration_ms: i64,
) -> Entry {
    let mut entry = Entry::empty(as_of, context.now, &context.config.catalog_hash);
    entry.duration_ms = duration_ms;
    entry.readings = readings;
    entry
}

/// Derives metrics from all values that each day will have, including stored ones.
fn derive_last(
    catalog: &Catalog,
    entries: &mut [Entry],
    task: &Task,
    stored: &BTreeMap<NaiveDate, Entry>,
) {
    let is_derived = |metric: &&Metric| matches!(metric.shape, Shape::Derived(_));
    for entry in entries {
        let mut whole = merge(stored.get(&entry.date), entry.clone(), task.mode);
        derive(&mut whole, catalog);
        for metric in catalog.metrics.iter().filter(is_derived) {
            if let Some(made) = whole.readings.remove(&metric.key) {
                entry.readings.insert(metric.key.clone(), made);
            }
        }
    }
}
