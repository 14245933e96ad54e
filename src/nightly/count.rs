//! Counts and stores one task after another, the report's plan together with its day.

mod followers;
mod task;

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::NaiveDate;

use crate::book::{self, BookError, Stored};
use crate::collect::{Cost, Unreachable};
use crate::entry::Entry;
use crate::entry::merge::{Mode, merge};

use super::choose::Choice;
use super::deliver::remark_on_recipients;
use super::error::NightError;
use super::store::Store;
use super::time_limit::within_time;
use super::types::{DayDone, Night, NightContext, Orders, Task, Topic, add_time};
use super::{letters, plan, refresh};

use task::{Counted, count_task};

pub(super) async fn count(
    context: &NightContext<'_>,
    orders: &Orders,
    store: &Store,
    choice: &mut Choice,
    night: &mut Night,
) -> Result<(), NightError> {
    if let Some(error) = choice.obstacle.take() {
        return Err(error);
    }
    let counting = within_time(context, async |timed: &NightContext<'_>| {
        count_all(timed, orders, store, choice, night).await
    });
    Box::pin(counting).await?;
    let complete = choice.todo.complete.iter().copied();
    night.days.extend(complete.map(DayDone::complete));
    // The numbers are stored and the report must go out, so a failure of the SQL view is only a remark.
    let updated = store.update_view(&context.config.catalog).await;
    night
        .remarks
        .extend(updated.err().map(|error| error.to_string()));
    Ok(())
}

async fn count_all(
    context: &NightContext<'_>,
    orders: &Orders,
    store: &Store,
    choice: &Choice,
    night: &mut Night,
) -> Result<(), NightError> {
    let todo = &choice.todo;
    let total = todo.tasks.iter().map(|task| task.days.len()).sum();
    let mut away = None;
    for task in &todo.tasks {
        if away.is_some() && task.mode == Mode::Refresh {
            continue;
        }
        let topic = choice.topic.as_ref();
        let topic = topic.filter(|topic| task.holds(topic.about.date));
        let query = topic.and(context.config.report.recipients_query.as_ref());
        let counting = Instant::now();
        let counted = count_task(context, orders, task, &todo.stored, query, night).await;
        add_time(&mut night.stages.collect, counting);
        let counted = match counted {
            // The night may need fewer databases than its refresh, and has to deliver its report.
            Err(NightError::Unavailable(one))
                if orders.which.refreshes_first() && task.mode == Mode::Refresh =>
            {
                away = Some(one);
                continue;
            }
            counted => counted?,
        };
        let costs = counted.costs.iter().map(statement);
        store.note_statements(&costs.collect::<Vec<_>>()).await?;
        store_counted(context, store, task, &todo.stored, topic, counted, night).await?;
        tracing::debug!("{} of {total} days done", night.days.len());
        context.listener.stored(night.days.len(), total);
    }
    let is_new = |one: &Unreachable| night.unreachable.iter().all(|other| other.name != one.name);
    let away = away.filter(is_new);
    night.unreachable.extend(away);
    Ok(())
}

/// Stores the counted days with the plan of their report.
async fn store_counted(
    context: &NightContext<'_>,
    store: &Store,
    task: &Task,
    stored: &BTreeMap<NaiveDate, Entry>,
    topic: Option<&Topic>,
    counted: Counted,
    night: &mut Night,
) -> Result<(), BookError> {
    let plan = match topic {
        Some(topic) => {
            let entries = as_stored(store, task, stored, topic, &counted.entries).await?;
            let found = counted.recipients;
            plan::report(context, store.book(), topic, &entries, found).await?
        }
        None => None,
    };
    remark_on_recipients(context, plan.as_ref(), night);
    let failed: Vec<_> = counted.entries.iter().map(failures).collect();
    let storing = Instant::now();
    let stored = store.keep(counted.entries, task.mode, plan, stored, night);
    let stored = stored.await?;
    add_time(&mut night.stages.store, storing);
    for (stored, failed) in stored.into_iter().zip(failed) {
        night.days.push(done(context, task, stored, failed));
    }
    Ok(())
}

/// The entries for the report, as they will be once this task is stored.
async fn as_stored(
    store: &Store,
    task: &Task,
    stored: &BTreeMap<NaiveDate, Entry>,
    topic: &Topic,
    counted: &[Entry],
) -> Result<Vec<Entry>, BookError> {
    let date = topic.about.date;
    let mut entries = match store.book() {
        Some(book) => letters::judged_entries(book, date).await?,
        None => Vec::new(),
    };
    for new in counted.iter().filter(|new| new.date <= date) {
        let whole = merge(stored.get(&new.date), new.clone(), task.mode);
        entries.retain(|entry| entry.date != new.date);
        entries.push(whole);
    }
    entries.sort_by_key(|entry| entry.date);
    Ok(entries)
}

fn done(
    context: &NightContext<'_>,
    task: &Task,
    stored: Stored,
    failed: Vec<(String, String)>,
) -> DayDone {
    if task.mode == Mode::Refresh {
        return refresh::done(&context.config.catalog, stored, failed);
    }
    DayDone {
        date: stored.after.date,
        entry: Some(stored.after),
        refilled: task.mode == Mode::Refill,
        changes: None,
        failed,
    }
}

fn failures(entry: &Entry) -> Vec<(String, String)> {
    let owned = |(key, error): (&str, &str)| (key.to_owned(), error.to_owned());
    entry.failures().map(owned).collect()
}

fn statement(cost: &Cost) -> book::Statement {
    book::Statement {
        database: cost.database.clone(),
        what: format!("{}: {}", cost.what, cost.metrics.join(", ")),
        duration_ms: cost.duration_ms,
        rows: cost.rows,
        error: cost.error.clone(),
    }
}
