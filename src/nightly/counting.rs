//! Counting one task's days, and making of the readings what the book will store.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::book;
use crate::calendar::AsOf;
use crate::catalog::{Metric, Shape};
use crate::collect::Found;
use crate::collect::{self, Collected, Cost, Request, Unreachable, Work};
use crate::config::RecipientsQuery;
use crate::database::{DatabaseError, Limits, Trouble};
use crate::entry::merge::Mode;
use crate::entry::{Entry, Reading, derive, merge, yield_to_former_names};

use super::{Night, NightError, Orders, Setting, Task, Todo, grace, milliseconds, refresh};

/// What has been reached once may look out of reach for a moment, while newer things arrive.
const FOLLOWER_PATIENCE: Duration = Duration::from_secs(30);

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
    let mut request = Request {
        catalog: &setting.config.catalog,
        keys: task.keys.clone(),
        work: work(task),
        now: setting.now,
        grace: grace(setting.config),
        retry_for: orders.retry_for,
        follower_patience: match task.days.as_slice() {
            // An open day is counted as of any moment: the one that has been reached will do.
            [one] if one.open => Duration::ZERO,
            _ => orders.retry_for,
        },
        limits: limits(setting),
        recipients,
        progress: &|done, of| setting.listener.statement(done, of),
        retrying: &|away, for_so_long| setting.listener.retrying(away, for_so_long),
    };
    let mut moments = task.days.clone();
    let mut collected = collect::collect(&setting.config.apps, &request).await;
    if let Some(earlier) = as_far_as_all_have_come(&collected, (task, todo)) {
        night
            .unreachable
            .extend(late_followers(&collected, (task, earlier)));
        moments = vec![earlier];
        request.work = Work::Night(earlier);
        request.follower_patience = FOLLOWER_PATIENCE;
        collected = collect::collect(&setting.config.apps, &request).await;
    }
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
    let entries = days.into_iter().zip(&moments);
    let mut entries: Vec<Entry> = entries
        .map(|((_, readings), as_of)| entry(setting, as_of, readings, duration_ms))
        .collect();
    let catalog = &setting.config.catalog;
    for entry in &mut entries {
        let Some(stored) = todo.stored.get(&entry.date) else {
            continue;
        };
        if task.mode == Mode::Refresh {
            refresh::keep_what_counts(catalog, entry, stored);
        }
        yield_to_former_names(catalog, entry, stored, task.mode);
    }
    make_last(setting, &mut entries, (task, todo));
    Ok(Counted {
        entries,
        costs: statements,
        recipients,
    })
}

/// The moment within the day that every follower has reached, where one has not reached its end: the day is
/// stored as one that is still open, and never over a complete one.
fn as_far_as_all_have_come(collected: &Collected, (task, todo): (&Task, &Todo)) -> Option<AsOf> {
    let [as_of] = task.days.as_slice() else {
        return None;
    };
    let reached = collected
        .unreachable
        .iter()
        .filter_map(|one| match one.error.trouble {
            Trouble::Behind(until) => Some(until),
            _ => None,
        });
    // One that does not tell comes first, and then nothing is known.
    let until = reached.min()??;
    let stored = todo.stored.get(&as_of.day.date);
    let is_open = stored.is_none_or(|entry| entry.partial);
    (is_open && until > as_of.day.start).then(|| as_of.day.as_of(until))
}

/// Who kept a day that is over from being counted to its end, and what came of it.
fn late_followers(collected: &Collected, (task, earlier): (&Task, AsOf)) -> Vec<Unreachable> {
    if task.days.iter().any(|as_of| as_of.open) {
        return Vec::new();
    }
    let late = |one: &&Unreachable| matches!(one.error.trouble, Trouble::Behind(_));
    let told = |one: &Unreachable| {
        let message = format!(
            "{}; {} is stored as a day that is still open",
            one.error.message, earlier.day.date
        );
        Unreachable {
            name: one.name.clone(),
            error: DatabaseError::new(one.error.trouble, message),
        }
    };
    collected
        .unreachable
        .iter()
        .filter(late)
        .map(told)
        .collect()
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
