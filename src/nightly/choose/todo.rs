//! Decides what to count of the chosen days, given the stored entries.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::book::{self, Book, BookError, Subject};
use crate::calendar::{AsOf, Day};
use crate::entry::Entry;
use crate::entry::merge::Mode;

use super::super::types::{About, NightContext, Orders, Task, Todo, Topic, Which};
use super::days::known_keys;
use super::lacking::{has_same_bounds, lacks, other_bounds, with_inputs};
use super::recount;

/// The most days in one scan: the sums of all of them are in memory together.
const DAYS_PER_SCAN: usize = 400;

pub(super) async fn find(
    context: &NightContext<'_>,
    orders: &Orders,
    days: &[Day],
    book: Option<&Book>,
) -> Result<Todo, BookError> {
    let mut todo = Todo::default();
    if let (Some(book), Some(first), Some(last)) = (book, days.first(), days.last()) {
        let entries = book::entries(book, first.date..=last.date).await?;
        todo.stored
            .extend(entries.into_iter().map(|entry| (entry.date, entry)));
    }
    let mut groups: Vec<Task> = Vec::new();
    for day in days {
        let as_of = day.as_of(context.now);
        let stored = todo.stored.get(&day.date);
        let need = match orders.which.refreshes(day.date) {
            true => match recount::task(context, &as_of, stored) {
                Ok(task) => task,
                Err(why) => {
                    todo.skipped.push((day.date, why));
                    continue;
                }
            },
            false => match (need(context, orders, &as_of, stored), stored) {
                (Some(task), Some(entry))
                    if task.mode == Mode::Refill && !has_same_bounds(entry, &as_of) =>
                {
                    let why = other_bounds(entry, &as_of);
                    todo.skipped.push((day.date, why));
                    todo.complete.push(day.date);
                    continue;
                }
                (Some(task), _) => task,
                (None, _) => {
                    todo.complete.push(day.date);
                    continue;
                }
            },
        };
        let alone = !is_past(context, &as_of);
        match groups.iter_mut().find(|task| {
            !alone
                && is_past(context, &task.days[0])
                && task.keys == need.keys
                && task.mode == need.mode
        }) {
            Some(task) => task.days.push(as_of),
            None => groups.push(Task {
                days: vec![as_of],
                ..need
            }),
        }
    }
    if orders.which == Which::CatchUp {
        groups.reverse();
    }
    for group in groups {
        let chunks = group.days.chunks(DAYS_PER_SCAN);
        todo.tasks.extend(chunks.map(|days| Task {
            days: days.to_vec(),
            ..group.clone()
        }));
    }
    Ok(todo)
}

/// After its grace a day can share a scan with others; before, mutable columns still represent it.
fn is_past(context: &NightContext<'_>, as_of: &AsOf) -> bool {
    !as_of.open && context.now - as_of.instant > context.grace()
}

/// What a day lacks; `None` if it is complete and not forced.
fn need(
    context: &NightContext<'_>,
    orders: &Orders,
    as_of: &AsOf,
    stored: Option<&Entry>,
) -> Option<Task> {
    let catalog = &context.config.catalog;
    let asked = known_keys(catalog, orders.metric.as_deref()).unwrap_or_default();
    match stored {
        None => Some(Task::new(asked, Mode::Replace)),
        // Replacing makes an open day complete, or moves a day to this zone, so all metrics are counted, whatever is
        // named.
        Some(entry)
            if entry.partial && (orders.force || orders.metric.is_none() || !as_of.open)
                || orders.force && !has_same_bounds(entry, as_of) =>
        {
            let all = known_keys(catalog, None).unwrap_or_default();
            Some(Task::new(all, Mode::Replace))
        }
        Some(_) if orders.force => Some(Task::new(asked, Mode::Replace)),
        Some(entry) => {
            let lacking = asked.into_iter();
            let lacking = lacking.filter(|key| lacks(context, entry, as_of, key));
            let keys = with_inputs(catalog, &lacking.collect::<Vec<_>>());
            (!keys.is_empty()).then(|| Task::new(keys, Mode::Refill))
        }
    }
}

/// The newest complete day that was collected or, if there is none, the open day. Days that were only refreshed are not
/// reported: their changes appear as corrections.
pub(super) fn topic(todo: &Todo) -> Option<Topic> {
    let collected = todo.tasks.iter().filter(|task| task.mode != Mode::Refresh);
    let counted = collected.flat_map(|task| &task.days);
    let counted: BTreeSet<(bool, NaiveDate)> =
        counted.map(|as_of| (!as_of.open, as_of.day.date)).collect();
    let complete_days = todo.complete.iter().map(|date| {
        let stored = todo.stored.get(date);
        (stored.is_some_and(|entry| !entry.partial), *date)
    });
    let (complete, date) = complete_days.chain(counted.iter().copied()).max()?;
    let others = counted
        .into_iter()
        .filter(|(complete, other)| *complete && *other != date);
    Some(Topic {
        about: About {
            date,
            subject: Subject::of_day(!complete),
        },
        also: others.map(|(_, other)| other).collect(),
    })
}
