//! A night's orders, context and results.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::book::{Delivery, Message, Stages, Subject};
use crate::calendar::{AsOf, Day};
use crate::collect::{self, Unreachable};
use crate::config::Config;
use crate::database::Limits;
use crate::entry::merge::Mode;
use crate::entry::{Entry, Value};
use crate::prune;

use super::error::NightError;

/// What the operator asked for.
#[derive(Debug, Clone)]
pub struct Orders {
    pub which: Which,
    pub metric: Option<String>,
    pub force: bool,
    pub dry_run: bool,
    /// Plan the report and deliver everything due.
    pub send: bool,
    pub retry_for: Duration,
}

impl Orders {
    /// A night for one metric has no report, but still delivers everything due.
    pub(super) fn reports(&self) -> bool {
        self.send && self.metric.is_none()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    One(NaiveDate),
    Range(NaiveDate, NaiveDate),
    /// Every missing complete day of the last days.
    CatchUp,
    /// Recounts the stored days before `with`, or before today, for rows that came late or vanished; then collects `with`
    /// itself, as `One` would.
    Refresh {
        days: u32,
        with: Option<NaiveDate>,
    },
}

impl Which {
    /// Other days are recounted before the one that is collected.
    pub(super) fn refreshes_first(&self) -> bool {
        matches!(self, Self::Refresh { with: Some(_), .. })
    }

    /// The day is recounted, not collected.
    pub(super) fn refreshes(&self, date: NaiveDate) -> bool {
        matches!(self, Self::Refresh { with, .. } if *with != Some(date))
    }
}

/// What a night works with, whatever its orders.
pub struct NightContext<'a> {
    pub config: &'a Config,
    pub now: DateTime<Utc>,
    pub stop: CancellationToken,
    pub listener: &'a dyn Listener,
    pub(super) begun: Instant,
}

impl<'a> NightContext<'a> {
    pub fn new(
        config: &'a Config,
        now: DateTime<Utc>,
        stop: CancellationToken,
        listener: &'a dyn Listener,
    ) -> Self {
        Self {
            config,
            now,
            stop,
            listener,
            begun: Instant::now(),
        }
    }

    pub(super) fn today(&self) -> NaiveDate {
        Day::containing(self.now, self.config.time_zone).date
    }

    pub(super) fn grace(&self) -> TimeDelta {
        self.config.collect.grace()
    }

    pub(super) fn limits(&self) -> Limits {
        collect::limits(self.config, self.stop.clone())
    }
}

/// Receives the night's progress.
pub trait Listener {
    fn statement(&self, done: usize, of: usize);
    fn stored(&self, days: usize, of: usize);
    /// A database is away, and is retried for this long.
    fn retrying(&self, _away: &Unreachable, _for_so_long: Duration) {}
}

/// Days that are counted together, with the same metrics.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) days: Vec<AsOf>,
    pub(super) keys: Vec<String>,
    /// `Refill` if the days were stored before and only what they lack is counted.
    pub(super) mode: Mode,
}

impl Task {
    pub(super) fn new(keys: Vec<String>, mode: Mode) -> Self {
        Self {
            days: Vec::new(),
            keys,
            mode,
        }
    }

    pub(super) fn holds(&self, date: NaiveDate) -> bool {
        self.days.iter().any(|as_of| as_of.day.date == date)
    }
}

#[derive(Debug, Default)]
pub(super) struct Todo {
    pub(super) tasks: Vec<Task>,
    /// Days that are complete already.
    pub(super) complete: Vec<NaiveDate>,
    /// Days that cannot be recounted, and why.
    pub(super) skipped: Vec<(NaiveDate, String)>,
    /// The stored entries of the chosen days.
    pub(super) stored: BTreeMap<NaiveDate, Entry>,
}

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    pub date: NaiveDate,
    pub subject: Subject,
}

/// The day that the run reports, and the other days that it only names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Topic {
    pub(super) about: About,
    pub(super) also: Vec<NaiveDate>,
}

/// The results of a night.
#[derive(Debug, Default)]
pub struct Night {
    /// Another process collects into this book and does the work.
    pub elsewhere: bool,
    pub days: Vec<DayDone>,
    /// Days asked for that are not collected, and why.
    pub skipped: Vec<(NaiveDate, String)>,
    pub unreachable: Vec<Unreachable>,
    /// What broke the night off; the other results were reached before.
    pub broke_off: Option<NightError>,
    /// Everything that was due, as it is in the ledger now.
    pub deliveries: Vec<Delivery>,
    /// A dry run's messages, with their day.
    pub would_send: Option<(NaiveDate, Vec<Message>)>,
    /// The query for recipients failed, so only the last known ones got the report.
    pub readers_missing: bool,
    /// Other remarks about the night.
    pub remarks: Vec<String>,
    pub pruned: u64,
    /// Why days that are too old were kept.
    pub unpruned: Option<prune::Doubt>,
    pub duration_ms: i64,
    pub(super) stages: Stages,
}

impl Night {
    pub(super) fn written_dates(&self) -> impl Iterator<Item = NaiveDate> {
        let written = self.days.iter().filter(|day| day.entry.is_some());
        written.map(|day| day.date)
    }

    /// If the night wrote something before it broke off, the error becomes a part of its results.
    pub(super) fn ended(mut self, done: Result<(), NightError>) -> Result<Self, NightError> {
        if let Err(error) = done {
            if self.written_dates().next().is_none() {
                return Err(error);
            }
            self.broke_off = Some(error);
        }
        Ok(self)
    }
}

/// One day's result. Without an entry, there was nothing to do.
#[derive(Debug)]
pub struct DayDone {
    pub date: NaiveDate,
    pub entry: Option<Entry>,
    pub refilled: bool,
    /// If the day was refreshed: the metrics whose values changed.
    pub changes: Option<Vec<Change>>,
    /// Metrics that failed, with their errors; the entry may still hold an older value.
    pub failed: Vec<(String, String)>,
}

impl DayDone {
    pub(super) fn complete(date: NaiveDate) -> Self {
        Self {
            date,
            entry: None,
            refilled: false,
            changes: None,
            failed: Vec::new(),
        }
    }
}

/// A metric of a refreshed day whose value changed. `None` is no value.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub key: String,
    pub was: Option<Value>,
    pub now: Option<Value>,
}

/// Adds the time since then to the stage.
pub(super) fn add_time(stage: &mut Option<i64>, since: Instant) {
    *stage = Some(stage.unwrap_or(0) + milliseconds(since));
}

pub(super) fn milliseconds(since: Instant) -> i64 {
    i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX)
}
