//! What changed, and whether it deserves attention: one pure fold over the stored days, oldest
//! first, the same for the night, the dashboard and the backtest.

pub mod alert;
pub mod change;
pub mod history;
pub mod usual;

use std::ops::Range;

use chrono::{Datelike, Days, NaiveDate};

use crate::catalog::{Catalog, Metric, Mute};
use crate::entry::Entry;

pub use alert::{Alert, Rule, State};
pub use change::{Calm, Change, Difference, Gap, Outcome, Severity, Way};
pub use history::{DAYS_JUDGED, History};
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
    /// No complete day was stored before.
    pub first: bool,
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
    /// Somebody has silenced whatever alerts.
    pub muted: Option<Mute>,
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
    History::of(entries, catalog).judge(catalog)
}

/// The judgement of that day alone; none of a day that is not stored.
pub fn judge_day(
    date: NaiveDate,
    entries: &[Entry],
    mutes: Vec<Mute>,
    catalog: &Catalog,
) -> Judgement {
    let until = entries.iter().filter(|entry| entry.date <= date);
    let history = History::of(until, catalog).muted(mutes);
    history.judge_day(date, catalog)
}

/// Goes through all the places of a history for what they leave behind, and keeps what is judged of those told.
fn fold<'a>(
    history: &History,
    (all, told): (Range<usize>, Range<usize>),
    metrics: impl Iterator<Item = (usize, &'a Metric)>,
    catalog: &Catalog,
) -> Judgement {
    let complete = history.days.iter().position(|day| !day.partial);
    let mut days: Vec<JudgedDay> = told
        .clone()
        .map(|at| JudgedDay {
            date: history.days[at].date,
            partial: history.days[at].partial,
            first: complete.is_none_or(|first| at <= first),
            metrics: Vec::new(),
        })
        .collect();
    let frames = frames(history, all.clone(), catalog);
    for (column, metric) in metrics {
        let subject = Subject {
            metric,
            frames: &frames,
            levels: Levels::of(metric, catalog.thresholds),
            numbers: &history.numbers[column][all.clone()],
        };
        let mutes = history.mutes.iter().rev();
        let mutes: Vec<&Mute> = mutes.filter(|mute| mute.is_about(metric)).collect();
        let mut memory = Memory::default();
        for at in 0..told.start - all.start {
            subject.judge_day(at, &mut memory);
        }
        for (at, day) in (told.start - all.start..).zip(&mut days) {
            let (changes, usual, alerts) = subject.judge_day(at, &mut memory);
            day.metrics.push(Judged {
                key: metric.key.clone(),
                changes: changes.map_or_else(Vec::new, Vec::from),
                usual,
                alerts,
                muted: mutes
                    .iter()
                    .find(|mute| mute.holds(day.date))
                    .map(|mute| (*mute).clone()),
            });
        }
    }
    Judgement { days }
}

/// What all metrics of a stored day share.
struct Frame {
    date: NaiveDate,
    partial: bool,
    /// Declared to be different.
    known: bool,
    /// The days compared with, and their places among the frames.
    compared: [(NaiveDate, Option<usize>); 4],
}

fn frames(history: &History, all: Range<usize>, catalog: &Catalog) -> Vec<Frame> {
    let days = &history.days[all];
    let stored = |date: NaiveDate| days.binary_search_by_key(&date, |day| day.date).ok();
    let frame = |day: &history::Stored| Frame {
        date: day.date,
        partial: day.partial,
        known: catalog.known_day(day.date).is_some(),
        compared: SPANS.map(|span| {
            let date = day.date - Days::new(u64::from(span));
            (date, stored(date))
        }),
    };
    days.iter().map(frame).collect()
}

/// One metric over all stored days.
struct Subject<'a> {
    metric: &'a Metric,
    frames: &'a [Frame],
    levels: Levels,
    numbers: &'a [Result<f64, Gap>],
}

/// One for each of [`SPANS`]; none for a distribution.
type Changes = Option<[Change; 4]>;

/// What the days before leave behind for a metric.
#[derive(Default)]
struct Memory {
    weekdays: Weekdays,
    absolute: Lifecycle,
    changes: [Lifecycle; 4],
}

impl Subject<'_> {
    fn judge_day(&self, at: usize, memory: &mut Memory) -> (Changes, Option<Usual>, Vec<Alert>) {
        let frame = &self.frames[at];
        let weekday = frame.date.weekday();
        let mut changes = self.changes(at);
        let usual = memory.weekdays.usual(weekday);
        let mut alerts = Vec::new();
        let Ok(value) = self.numbers[at] else {
            return (changes, usual, alerts);
        };
        if frame.partial {
            return (changes, usual, alerts);
        }
        let verdict = alert::by_limits(self.metric, value);
        let step = memory.absolute.advance(verdict, frame.date);
        alerts.extend(step.and_then(|step| {
            let limit = alert::limit_of(self.metric, step.severity)?;
            Some(step.alert(self.metric, value, Rule::Absolute(limit)))
        }));
        let is_usual = usual.is_some_and(|usual| usual.holds(value));
        let told = changes.iter_mut().flatten().zip(&mut memory.changes);
        for (span, (change, lifecycle)) in told.enumerate() {
            let verdict = self.judge_change(at, span, change, is_usual);
            let step = lifecycle.advance(verdict, frame.date);
            alerts.extend(step.and_then(|step| {
                let rule = Rule::of(change)?;
                Some(step.alert(self.metric, value, rule))
            }));
        }
        if !frame.known && trains((&changes, usual, &alerts)) {
            memory.weekdays.learn(weekday, value);
        }
        (changes, usual, alerts)
    }

    fn changes(&self, at: usize) -> Changes {
        if self.metric.is_distribution() {
            return None;
        }
        let told = |span: usize| {
            let (date, stored) = self.frames[at].compared[span];
            let then = stored.map_or(Err(Gap::NoData), |at| self.numbers[at]);
            Change::between(
                SPANS[span],
                date,
                (then, self.numbers[at]),
                self.metric.good,
            )
        };
        Some([0, 1, 2, 3].map(told))
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
        let calm = if then.is_some_and(|then| then.partial) {
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

/// Whether a judged day teaches what is usual. An alerted day does not; but a Saturday that falls
/// against every Friday must be learnt as usual, or it alerts forever. So alerts on the 1- and
/// 30-day changes hinder nothing while there is no range yet, or when the day stood the comparison
/// with its own weekday a week before.
fn trains((changes, usual, alerts): (&Changes, Option<Usual>, &[Alert])) -> bool {
    let like_last_week = changes.iter().flatten().any(|change| {
        change.days == SAME_WEEKDAY && matches!(change.outcome, Outcome::Compared(_))
    });
    let hinders = |alert: &Alert| match alert.rule {
        _ if alert.state == State::Recovered => false,
        Rule::Absolute(_) => true,
        Rule::Change { days, .. } if days == SAME_WEEKDAY => true,
        Rule::Change { .. } => usual.is_some() && !like_last_week,
    };
    !alerts.iter().any(hinders)
}
