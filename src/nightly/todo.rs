//! What is left to count of the chosen days, given what the book already holds.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::book::{self, Book, BookError};
use crate::calendar::{AsOf, Day};
use crate::catalog::{Catalog, Metric, Shape};
use crate::entry::merge::Mode;
use crate::entry::{Entry, Kind, Reading, is_wanting};
use crate::plan::{Reach, reach};

use super::{Orders, Setting, Which, grace, known_keys, refresh};

/// More days than a scan should carry at once: the sums of all of them are in memory together.
const DAYS_PER_SCAN: usize = 400;

/// Days that are counted together, with the same metrics.
#[derive(Debug, Clone)]
pub struct Task {
    pub days: Vec<AsOf>,
    pub keys: Vec<String>,
    pub mode: Mode,
    /// The days were stored before; only what they lack is counted.
    pub refill: bool,
}

#[derive(Debug, Default)]
pub struct Todo {
    pub tasks: Vec<Task>,
    /// Days that are complete already.
    pub settled: Vec<NaiveDate>,
    /// Days to be refreshed that cannot be, and why.
    pub skipped: Vec<(NaiveDate, String)>,
    /// What the book holds of the chosen days.
    pub stored: BTreeMap<NaiveDate, Entry>,
}

pub async fn of(
    setting: &Setting<'_>,
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
        let as_of = day.as_of(setting.now);
        let stored = todo.stored.get(&day.date);
        let need = match orders.which.refreshes(day.date) {
            true => match refresh::task(setting, &as_of, stored) {
                Ok(task) => task,
                Err(why) => {
                    todo.skipped.push((day.date, why));
                    continue;
                }
            },
            false => match (need(setting, orders, &as_of, stored), stored) {
                (Some(task), Some(entry)) if task.refill && !has_the_bounds(entry, &as_of) => {
                    let why = of_other_bounds(entry, &as_of);
                    todo.skipped.push((day.date, why));
                    todo.settled.push(day.date);
                    continue;
                }
                (Some(task), _) => task,
                (None, _) => {
                    todo.settled.push(day.date);
                    continue;
                }
            },
        };
        let alone = !is_past(setting, &as_of);
        match groups.iter_mut().find(|task| {
            !alone
                && is_past(setting, &task.days[0])
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

impl Task {
    pub fn holds(&self, date: NaiveDate) -> bool {
        self.days.iter().any(|as_of| as_of.day.date == date)
    }
}

/// Past its grace a day can share a scan with others; before, mutable columns still speak for it.
fn is_past(setting: &Setting<'_>, as_of: &AsOf) -> bool {
    !as_of.open && setting.now - as_of.instant > grace(setting.config)
}

/// What a day lacks; `None` when it is complete and nobody forces.
fn need(
    setting: &Setting<'_>,
    orders: &Orders,
    as_of: &AsOf,
    stored: Option<&Entry>,
) -> Option<Task> {
    let catalog = &setting.config.catalog;
    let asked = known_keys(catalog, orders.metric.as_deref()).unwrap_or_default();
    let task = |keys, mode, refill| {
        Some(Task {
            days: Vec::new(),
            keys,
            mode,
            refill,
        })
    };
    match stored {
        None => task(asked, Mode::Replace, false),
        // Replaced, an open day is taken for a complete one, and one of another zone for one of this: all of it is
        // counted, whatever is named.
        Some(entry)
            if entry.partial && (orders.force || orders.metric.is_none() || !as_of.open)
                || orders.force && !has_the_bounds(entry, as_of) =>
        {
            let all = known_keys(catalog, None).unwrap_or_default();
            task(all, Mode::Replace, false)
        }
        Some(_) if orders.force => task(asked, Mode::Replace, false),
        Some(entry) => {
            let lacking: Vec<String> = asked
                .into_iter()
                .filter(|key| lacks(setting, entry, as_of, key))
                .collect();
            let keys = with_inputs(catalog, &lacking);
            if keys.is_empty() {
                None
            } else {
                task(keys, Mode::Refill, true)
            }
        }
    }
}

/// The same day in another zone begins and ends otherwise.
pub(super) fn has_the_bounds(entry: &Entry, as_of: &AsOf) -> bool {
    (entry.day_start, entry.day_end) == (as_of.day.start, as_of.day.end)
}

pub(super) fn of_other_bounds(entry: &Entry, as_of: &AsOf) -> String {
    format!(
        "it was counted in {}, and begins or ends otherwise in {}; --force counts it anew",
        entry.time_zone, as_of.day.zone
    )
}

/// Not yet measured when the day was stored, or wanting and still to be had. Unavailable is an answer, unless the
/// catalog says by now that it can be known.
pub(super) fn lacks(setting: &Setting<'_>, entry: &Entry, as_of: &AsOf, key: &str) -> bool {
    let metric = setting.config.catalog.metric(key);
    let Some((metric, reading)) = metric.and_then(|metric| Some((metric, entry.reading(metric)?)))
    else {
        return true;
    };
    match reading.provenance.kind {
        Kind::Unavailable => can_be_known(setting, entry, as_of, metric),
        _ => {
            is_wanting(entry, reading)
                && (!reading.is_known() || is_countable(setting, as_of, metric))
        }
    }
}

/// What is made of others can be known when each of them is, or can be.
fn can_be_known(setting: &Setting<'_>, entry: &Entry, as_of: &AsOf, metric: &Metric) -> bool {
    let Shape::Derived(derived) = &metric.shape else {
        return is_countable(setting, as_of, metric);
    };
    let mut inputs = [&derived.of, &derived.per].into_iter();
    inputs.all(|key| {
        let input = setting.config.catalog.metric(key);
        input.is_some_and(|input| {
            let is_known = entry.reading(input).is_some_and(Reading::is_known);
            is_known || can_be_known(setting, entry, as_of, input)
        })
    })
}

fn is_countable(setting: &Setting<'_>, as_of: &AsOf, metric: &Metric) -> bool {
    let catalog = &setting.config.catalog;
    let reach = reach(metric, catalog, as_of, setting.now, grace(setting.config));
    matches!(reach, Reach::Counted(_))
}

/// A derived metric is made anew from what it is made of.
pub(super) fn with_inputs(catalog: &Catalog, keys: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for key in keys {
        for each in catalog.closure(key) {
            if !all.contains(&each) {
                all.push(each);
            }
        }
    }
    all
}
