//! The night: choose the days, count them, store them, prune. Every decision lives here.

pub mod days;
pub mod todo;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use thiserror::Error;

use crate::book::{self, Book, BookError, Ending, Outcome};
use crate::calendar::{AsOf, Day};
use crate::catalog::{Metric, Shape};
use crate::collect::{self, Collected, Cost, Request, Unreachable, Work};
use crate::config::Config;
use crate::database::{Limits, Stop, Trouble};
use crate::entry::{Entry, Reading, derive, merge};
use crate::prune;

pub use days::{Refusal, Which, known_keys};
pub use todo::{Task, Todo};

/// What the operator asked for.
#[derive(Debug, Clone)]
pub struct Orders {
    pub which: Which,
    pub metric: Option<String>,
    pub force: bool,
    pub dry_run: bool,
    pub retry_for: Duration,
}

/// What the night did.
#[derive(Debug, Default)]
pub struct Night {
    /// Another process collects into this book; it does the work.
    pub elsewhere: bool,
    pub days: Vec<DayDone>,
    /// Days asked for that are not collected, and why.
    pub skipped: Vec<(NaiveDate, String)>,
    pub unreachable: Vec<Unreachable>,
    pub pruned: u64,
    pub duration_ms: i64,
}

/// One day's result. Without an entry nothing was to be done.
#[derive(Debug)]
pub struct DayDone {
    pub date: NaiveDate,
    pub entry: Option<Entry>,
    pub refilled: bool,
    /// Metrics that failed now, with their errors; the entry may still hold an older value of them.
    pub failed: Vec<(String, String)>,
}

#[derive(Debug, Error)]
pub enum NightError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Book(#[from] BookError),
    /// Nothing was stored, because nothing could be counted.
    #[error("{0}")]
    Unavailable(Unreachable),
    #[error("stopped on request; what was stored before stays")]
    Stopped,
}

/// Told as the night goes on.
pub trait Listener {
    fn statement(&self, done: usize, of: usize);
    fn stored(&self, days: usize, of: usize);
}

/// Everything a night is made of, besides the orders.
pub struct Setting<'a> {
    pub config: &'a Config,
    pub now: DateTime<Utc>,
    pub stop: Stop,
    pub listener: &'a dyn Listener,
}

/// Runs the night. One process per book counts; any other says so and leaves the work to it.
pub async fn run(setting: &Setting<'_>, orders: &Orders) -> Result<Night, NightError> {
    let begun = Instant::now();
    if orders.dry_run {
        return within_time(setting, rehearse(setting, orders, begun)).await;
    }
    let path = book_path(setting.config);
    days::check(setting, orders)?;
    let Some(lock) = Book::lock(&path).await? else {
        return Ok(Night {
            elsewhere: true,
            ..Night::default()
        });
    };
    let book = Book::open_under(&lock).await?;
    let run = book::begin_run(&book, "collect", setting.now).await?;
    let done = within_time(setting, under_lock(setting, orders, (&book, run))).await;
    let ending = ending(&done, setting.now, begun);
    book::end_run(&book, run, &ending).await?;
    book.close().await;
    drop(lock);
    done.map(|night| Night {
        duration_ms: ending.duration_ms,
        ..night
    })
}

async fn under_lock(
    setting: &Setting<'_>,
    orders: &Orders,
    (book, run): (&Book, i64),
) -> Result<Night, NightError> {
    let chosen = days::choose(setting, orders, Some(book)).await?;
    let todo = todo::of(setting, orders, &chosen.days, Some(book)).await?;
    let mut night = Night {
        skipped: chosen.skipped,
        ..Night::default()
    };
    let total = todo.tasks.iter().map(|task| task.days.len()).sum();
    for task in &todo.tasks {
        let (mut entries, costs) = count(setting, orders, task, &mut night).await?;
        make_last(setting, &mut entries, (task, &todo));
        book::record_statements(book, run, &noted(&costs)).await?;
        let failed: Vec<_> = entries.iter().map(failures).collect();
        let stored = book::store_many(book, entries, task.mode).await?;
        for (stored, failed) in stored.into_iter().zip(failed) {
            night.days.push(DayDone {
                date: stored.after.date,
                entry: Some(stored.after),
                refilled: task.refill,
                failed,
            });
        }
        setting.listener.stored(night.days.len(), total);
    }
    night
        .days
        .extend(todo.settled.into_iter().map(|date| DayDone {
            date,
            entry: None,
            refilled: false,
            failed: Vec::new(),
        }));
    book::columns::update(book, &setting.config.catalog).await?;
    night.pruned = forget(setting, book, &night).await?;
    Ok(night)
}

/// Counts one task's days. Only when no database answered at all is there nothing to store.
async fn count(
    setting: &Setting<'_>,
    orders: &Orders,
    task: &Task,
    night: &mut Night,
) -> Result<(Vec<Entry>, Vec<Cost>), NightError> {
    let begun = Instant::now();
    let request = Request {
        catalog: &setting.config.catalog,
        keys: task.keys.clone(),
        work: work(task),
        now: setting.now,
        grace: grace(setting.config),
        retry_for: orders.retry_for,
        limits: limits(setting),
        recipients: None,
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
        recipients: _,
    } = collected;
    night.unreachable.extend(unreachable);
    let entries = days.into_iter().zip(&task.days);
    let entries = entries
        .map(|((_, readings), as_of)| entry(setting, as_of, readings, duration_ms))
        .collect();
    Ok((entries, statements))
}

/// `max_duration` of the whole night asks the running statements to stop, as a signal does.
async fn within_time<T>(setting: &Setting<'_>, night: impl Future<Output = T>) -> T {
    let Some(longest) = setting.config.collect.max_duration else {
        return night.await;
    };
    let alarm = async {
        tokio::time::sleep(longest).await;
        setting.stop.ask();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        done = night => done,
        () = alarm => unreachable!("the alarm only rings"),
    }
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

fn failures(entry: &Entry) -> Vec<(String, String)> {
    let owned = |(key, error): (&str, &str)| (key.to_owned(), error.to_owned());
    entry.failures().map(owned).collect()
}

fn limits(setting: &Setting<'_>) -> Limits {
    collect::limits(setting.config, setting.stop.clone())
}

async fn forget(setting: &Setting<'_>, book: &Book, night: &Night) -> Result<u64, BookError> {
    let today = Day::containing(setting.now, setting.config.time_zone).date;
    let retention = setting.config.retention_days;
    let newest = night.days.iter().map(|day| day.date).max();
    let planned = prune::plan(&book::all_dates(book).await?, today, retention, newest);
    let pruned = prune::prune(book, &planned, prune::oldest_kept(today, retention)).await?;
    Ok(pruned.entries)
}

/// Counts as a night would, and stores nothing: no book is made, none is changed.
async fn rehearse(
    setting: &Setting<'_>,
    orders: &Orders,
    begun: Instant,
) -> Result<Night, NightError> {
    days::check(setting, orders)?;
    let book = match Book::open_to_read(&book_path(setting.config)).await {
        Ok(book) => Some(book),
        Err(BookError::NoBook { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let chosen = days::choose(setting, orders, book.as_ref()).await?;
    let todo = todo::of(setting, orders, &chosen.days, book.as_ref()).await?;
    let mut night = Night {
        skipped: chosen.skipped,
        ..Night::default()
    };
    for task in &todo.tasks {
        let (mut entries, _) = count(setting, orders, task, &mut night).await?;
        make_last(setting, &mut entries, (task, &todo));
        let done = entries.into_iter().map(|entry| DayDone {
            date: entry.date,
            failed: failures(&entry),
            entry: Some(entry),
            refilled: task.refill,
        });
        night.days.extend(done);
    }
    night
        .days
        .extend(todo.settled.into_iter().map(|date| DayDone {
            date,
            entry: None,
            refilled: false,
            failed: Vec::new(),
        }));
    night.duration_ms = milliseconds(begun);
    Ok(night)
}

/// How long after a day's end mutable columns still speak for it.
pub fn grace(config: &Config) -> TimeDelta {
    TimeDelta::from_std(config.collect.grace).unwrap_or(TimeDelta::MAX)
}

/// Where the book is kept.
pub fn book_path(config: &Config) -> PathBuf {
    config.book.url.sqlite_path().unwrap_or_default()
}

fn noted(costs: &[Cost]) -> Vec<book::Statement> {
    let statement = |cost: &Cost| book::Statement {
        database: cost.database.clone(),
        what: format!("{}: {}", cost.what, cost.metrics.join(", ")),
        duration_ms: cost.duration_ms,
        rows: cost.rows,
        error: cost.error.clone(),
    };
    costs.iter().map(statement).collect()
}

fn ending(done: &Result<Night, NightError>, started: DateTime<Utc>, begun: Instant) -> Ending {
    let duration_ms = milliseconds(begun);
    let ended_at = started + TimeDelta::milliseconds(duration_ms);
    let written = |night: &Night| -> Vec<NaiveDate> {
        night
            .days
            .iter()
            .filter(|day| day.entry.is_some())
            .map(|day| day.date)
            .collect()
    };
    let (outcome, dates, error) = match done {
        Ok(night) => {
            let dates = written(night);
            let outcome = if dates.is_empty() {
                Outcome::Nothing
            } else {
                Outcome::Stored
            };
            (
                outcome,
                dates,
                night.unreachable.first().map(ToString::to_string),
            )
        }
        Err(error) => (Outcome::Failed, Vec::new(), Some(error.to_string())),
    };
    let span = dates.iter().min().zip(dates.iter().max());
    Ending {
        ended_at,
        outcome,
        dates: span.map(|(first, last)| *first..=*last),
        days: u32::try_from(dates.len()).unwrap_or(u32::MAX),
        error,
        duration_ms,
    }
}

fn milliseconds(since: Instant) -> i64 {
    i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX)
}
