//! Counting one task's days, and making of the readings what the book will store.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::book;
use crate::calendar::AsOf;
use crate::catalog::{Metric, Shape};
use crate::collect::Found;
use crate::collect::{self, Collected, Cost, Request, Work};
use crate::config::RecipientsQuery;
use crate::database::{Limits, Trouble};
use crate::entry::merge::Mode;
use crate::entry::{Entry, Reading, derive, merge};

use super::{Night, NightError, Orders, Setting, Task, Todo, grace, milliseconds, refresh};

/// What counting a task gave.
pub(super) struct Counted {
    pub(super) entries: Vec<Entry>,
    pub(super) costs: Vec<Cost>,
    /// If they were asked for: who gets the report, or why nobody knows.
    pub(super) recipients: Option<Result<Found, String>>,
}

/// Counts one task's days. Only when no database answered at all is there nothing to store.
pub(super) async fn count(
    setting: &Setting<'_>,
    orders: &Orders,
    (task, todo): (&Task, &Todo),
    recipients: Option<&RecipientsQuery>,
    night: &mut Night,
) -> Result<Counted, NightError> {
    let begun = Instant::now();
    let request = Request {
        catalog: &setting.config.catalog,
        keys: task.keys.clone(),
        work: work(task),
        now: setting.now,
        grace: grace(setting.config),
        retry_for: orders.retry_for,
        limits: limits(setting),
        recipients,
        progress: &|done, of| setting.listener.statement(done, of),
    };
    let collected = collect::collect(&setting.config.apps, &request).await;
    let stopped = collected
        .unreachable
        .iter()
        .any(|one| one.error.trouble == Trouble::Stopped);
    if stopped {
        return Err(NightError::Stopped);
    }
    if let Some(first) = collected.unreachable.first()
        && collected.statements.is_empty()
    {
        return Err(NightError::Unavailable(first.clone()));
    }
    let duration_ms = milliseconds(begun);
    let Collected {
        days,
        statements,
        unreachable,
        recipients,
    } = collected;
    night.unreachable.extend(unreachable);
    let entries = days.into_iter().zip(&task.days);
    let mut entries: Vec<Entry> = entries
        .map(|((_, readings), as_of)| entry(setting, as_of, readings, duration_ms))
        .collect();
    if task.mode == Mode::Refresh {
        for entry in &mut entries {
            if let Some(stored) = todo.stored.get(&entry.date) {
                refresh::keep_what_counts(&setting.config.catalog, entry, stored);
            }
        }
    }
    make_last(setting, &mut entries, (task, todo));
    Ok(Counted {
        entries,
        costs: statements,
        recipients,
    })
}

pub(super) fn failures(entry: &Entry) -> Vec<(String, String)> {
    let owned = |(key, error): (&str, &str)| (key.to_owned(), error.to_owned());
    entry.failures().map(owned).collect()
}

pub(super) fn limits(setting: &Setting<'_>) -> Limits {
    collect::limits(setting.config, setting.stop.clone())
}

pub(super) fn noted(costs: &[Cost]) -> Vec<book::Statement> {
    let statement = |cost: &Cost| book::Statement {
        database: cost.database.clone(),
        what: format!("{}: {}", cost.what, cost.metrics.join(", ")),
        duration_ms: cost.duration_ms,
        rows: cost.rows,
        error: cost.error.clone(),
    };
    costs.iter().map(statement).collect()
}

fn work(task: &Task) -> Work {
    match task.days.as_slice() {
        [one] => Work::Night(*one),
        many => Work::Range(many.iter().map(|as_of| as_of.day).collect()),
    }
}

fn entry(
    setting: &Setting<'_>,
    as_of: &AsOf,
    readings: BTreeMap<String, Reading>,
    duration_ms: i64,
) -> Entry {
    let mut entry = Entry::empty(as_of, setting.now, &setting.config.catalog_hash);
    entry.duration_ms = duration_ms;
    entry.readings = readings;
    entry
}

/// Derived metrics are made of what each day will hold, stored values among it.
fn make_last(setting: &Setting<'_>, entries: &mut [Entry], (task, todo): (&Task, &Todo)) {
    let catalog = &setting.config.catalog;
    let is_derived = |metric: &&Metric| matches!(metric.shape, Shape::Derived(_));
    for entry in entries {
        let mut whole = merge(todo.stored.get(&entry.date), entry.clone(), task.mode);
        derive(&mut whole, catalog);
        for metric in catalog.metrics.iter().filter(is_derived) {
            if let Some(made) = whole.readings.remove(&metric.key) {
                entry.readings.insert(metric.key.clone(), made);
            }
        }
    }
}
