//! What changed, and whether it deserves attention: one pure fold over the stored days, oldest
//! first, the same for the night, the dashboard and the backtest.

pub mod alert;
pub mod change;
pub mod usual;

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate};

use crate::catalog::{Catalog, Metric};
use crate::entry::{Entry, Kind};

pub use alert::{Alert, Rule, State};
pub use change::{Calm, Change, Difference, Gap, Outcome, Severity, Way};
pub use usual::Usual;

use alert::{Lifecycle, Verdict};
use change::Levels;
use usual::Weekdays;

/// How many days back a day is compared.
pub const SPANS: [u32; 4] = [1, 7, 28, 30];
/// The same weekday as a month ago is told, but never judged.
const TOLD_ONLY: u32 = 28;
const SAME_WEEKDAY: u32 = 7;

/// Every stored day, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    pub days: Vec<JudgedDay>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct JudgedDay {
    pub date: NaiveDate,
    /// Open days are compared but never judged.
    pub partial: bool,
    /// The shown metrics in the catalog's order.
    pub metrics: Vec<Judged>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    pub key: String,
    /// One for each of [`SPANS`]; none for a distribution.
    pub changes: Vec<Change>,
    /// What was usual for this weekday before this day.
    pub usual: Option<Usual>,
    pub alerts: Vec<Alert>,
}

impl Judgement {
    pub fn day(&self, date: NaiveDate) -> Option<&JudgedDay> {
        let at = self.days.binary_search_by_key(&date, |day| day.date).ok()?;
        self.days.get(at)
    }
}

impl JudgedDay {
    pub fn metric(&self, key: &str) -> Option<&Judged> {
        self.metrics.iter().find(|judged| judged.key == key)
    }
}

/// Judges every stored day by the days before it; later days never matter.
pub fn judge(entries: &[Entry], catalog: &Catalog) -> Judgement {
    let frames = frames(entries, catalog);
    fold(&frames, 0, catalog)
}

/// The judgement of that day alone; none of a day that is not stored.
pub fn judge_day(date: NaiveDate, entries: &[Entry], catalog: &Catalog) -> Judgement {
    let mut frames = frames(entries, catalog);
    frames.retain(|frame| frame.entry.date <= date);
    let before = frames.partition_point(|frame| frame.entry.date < date);
    fold(&frames, before, catalog)
}

/// Goes through all days for what they leave behind, and keeps what is judged of those from `first` on.
fn fold(frames: &[Frame<'_>], first: usize, catalog: &Catalog) -> Judgement {
    let mut days: Vec<JudgedDay> = frames[first..]
        .iter()
        .map(|frame| JudgedDay {
            date: frame.entry.date,
            partial: frame.entry.partial,
            metrics: Vec::new(),
        })
        .collect();
    let numbers = numbers(frames, catalog);
    for (metric, numbers) in catalog.shown().zip(numbers) {
        let subject = Subject {
            metric,
            frames,
            levels: Levels::of(metric, catalog.thresholds),
            numbers,
        };
        let mut memory = Memory::default();
        for at in 0..first {
            subject.judge_day(at, &mut memory);
        }
        for (at, day) in (first..).zip(&mut days) {
            day.metrics.push(subject.judge_day(at, &mut memory));
        }
    }
    Judgement { days }
}

/// What all metrics of a stored day share.
struct Frame<'a> {
    entry: &'a Entry,
    /// Declared to be different.
    known: bool,
    /// The days compared with, and where they are stored.
    compared: [(NaiveDate, Option<usize>); 4],
}

fn frames<'a>(entries: &'a [Entry], catalog: &Catalog) -> Vec<Frame<'a>> {
    let known: BTreeSet<NaiveDate> = catalog.known_days.iter().map(|day| day.date).collect();
    let mut entries: Vec<&Entry> = entries.iter().collect();
    entries.sort_by_key(|entry| entry.date);
    let stored = |date: NaiveDate| entries.binary_search_by_key(&date, |entry| entry.date).ok();
    let frame = |entry: &&'a Entry| Frame {
        entry,
        known: known.contains(&entry.date),
        compared: SPANS.map(|span| {
            let date = entry.date - Days::new(u64::from(span));
            (date, stored(date))
        }),
    };
    entries.iter().map(frame).collect()
}

/// Each shown metric's number on every day. Read day by day: a day's readings lie together, a metric's do not.
fn numbers(frames: &[Frame<'_>], catalog: &Catalog) -> Vec<Vec<Result<f64, Gap>>> {
    let metrics: Vec<(&Metric, Option<NaiveDate>)> = catalog
        .shown()
        .map(|metric| (metric, metric.since.max(catalog.since)))
        .collect();
    let room = |_| Vec::with_capacity(frames.len());
    let mut numbers: Vec<Vec<_>> = metrics.iter().map(room).collect();
    for Frame { entry, .. } in frames {
        for ((metric, since), numbers) in metrics.iter().zip(&mut numbers) {
            numbers.push(match since {
                Some(since) if entry.date < *since => Err(Gap::NoData),
                _ => number(entry, metric),
            });
        }
    }
    numbers
}

/// One metric over all stored days.
struct Subject<'a> {
    metric: &'a Metric,
    frames: &'a [Frame<'a>],
    levels: Levels,
    numbers: Vec<Result<f64, Gap>>,
}

/// What the days before leave behind for a metric.
#[derive(Default)]
struct Memory {
    weekdays: Weekdays,
    absolute: Lifecycle,
    changes: [Lifecycle; 4],
}

impl Subject<'_> {
    fn judge_day(&self, at: usize, memory: &mut Memory) -> Judged {
        let frame = &self.frames[at];
        let weekday = frame.entry.date.weekday();
        let mut judged = Judged {
            key: self.metric.key.clone(),
            changes: self.changes(at),
            usual: memory.weekdays.usual(weekday),
            alerts: Vec::new(),
        };
        let Ok(value) = self.numbers[at] else {
            return judged;
        };
        if frame.entry.partial {
            return judged;
        }
        let verdict = alert::by_limits(self.metric, value);
        let step = memory.absolute.advance(verdict, frame.entry.date);
        judged.alerts.extend(step.and_then(|step| {
            let limit = alert::limit_of(self.metric, step.severity)?;
            Some(step.alert(self.metric, value, Rule::Absolute(limit)))
        }));
        let is_usual = judged.usual.is_some_and(|usual| usual.holds(value));
        let told = judged.changes.iter_mut().zip(&mut memory.changes);
        for (span, (change, lifecycle)) in told.enumerate() {
            let verdict = self.judge_change(at, span, change, is_usual);
            let step = lifecycle.advance(verdict, frame.entry.date);
            judged.alerts.extend(step.and_then(|step| {
                let rule = Rule::of(change)?;
                Some(step.alert(self.metric, value, rule))
            }));
        }
        if !frame.known && trains(&judged) {
            memory.weekdays.learn(weekday, value);
        }
        judged
    }

    fn changes(&self, at: usize) -> Vec<Change> {
        if self.metric.is_distribution() {
            return Vec::new();
        }
        let told = |(days, (date, stored)): (u32, (NaiveDate, Option<usize>))| {
            let then = stored.map_or(Err(Gap::NoData), |at| self.numbers[at]);
            Change::between(days, date, (then, self.numbers[at]), self.metric.good)
        };
        SPANS
            .into_iter()
            .zip(self.frames[at].compared)
            .map(told)
            .collect()
    }

    /// Marks the change with its severity, or with why it has none although it is that large.
    fn judge_change(&self, at: usize, span: usize, change: &mut Change, is_usual: bool) -> Verdict {
        let (Some(previous), Outcome::Compared(difference)) =
            (change.previous, &mut change.outcome)
        else {
            return Verdict::Unjudged;
        };
        if change.days == TOLD_ONLY {
            return Verdict::Unjudged;
        }
        let entered = self.levels.entered(previous, difference);
        let then = self.frames[at].compared[span]
            .1
            .map(|stored| &self.frames[stored]);
        let calm = if then.is_some_and(|then| then.entry.partial) {
            Some(Calm::OpenDay)
        } else if self.frames[at].known || then.is_some_and(|then| then.known) {
            Some(Calm::KnownDay)
        } else if is_usual && change.days != SAME_WEEKDAY {
            Some(Calm::Usual)
        } else {
            None
        };
        difference.calm = calm.filter(|_| entered.is_some());
        difference.severity = entered.filter(|_| calm.is_none());
        match calm {
            Some(Calm::OpenDay | Calm::KnownDay) => Verdict::Unjudged,
            Some(Calm::Usual) => Verdict::calm(difference.way),
            None => Verdict::Judged {
                entered,
                held: self.levels.held(previous, difference),
                way: difference.way,
            },
        }
    }
}

fn number(entry: &Entry, metric: &Metric) -> Result<f64, Gap> {
    let reading = entry.reading(metric).ok_or(Gap::NoData)?;
    match reading.provenance.kind {
        Kind::Unavailable => Err(Gap::Unavailable),
        Kind::Failed => Err(Gap::Failed),
        _ => reading.number().ok_or(Gap::Nothing),
    }
}

/// Whether a judged day teaches what is usual. An alerted day does not; but a Saturday that falls
/// against every Friday must be learnt as usual, or it alerts forever. So alerts on the 1- and
/// 30-day changes hinder nothing while there is no range yet, or when the day stood the comparison
/// with its own weekday a week before.
fn trains(judged: &Judged) -> bool {
    let like_last_week = judged.changes.iter().any(|change| {
        change.days == SAME_WEEKDAY && matches!(change.outcome, Outcome::Compared(_))
    });
    let hinders = |alert: &Alert| match alert.rule {
        _ if alert.state == State::Recovered => false,
        Rule::Absolute(_) => true,
        Rule::Change { days, .. } if days == SAME_WEEKDAY => true,
        Rule::Change { .. } => judged.usual.is_some() && !like_last_week,
    };
    !judged.alerts.iter().any(hinders)
}
