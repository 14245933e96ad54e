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
pub use change::{Calm, Change, Difference, Gap, Held, Outcome, Severity, Way};
pub use history::{DAYS_JUDGED, History};
pub use usual::Usual;

use alert::{Lifecycle, Step, Verdict};
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
            subject.judge_day(at, &mut memory, None);
        }
        for (at, day) in (told.start - all.start..).zip(&mut days) {
            let usual = memory.weekdays.usual(day.date.weekday());
            let mut told = Told::default();
            subject.judge_day(at, &mut memory, Some(&mut told));
            day.metrics.push(Judged {
                key: metric.key.clone(),
                changes: told.changes,
                usual,
                alerts: told.alerts,
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

/// What a reader is told of a day. Of the hundreds of days before it only the memory counts.
#[derive(Default)]
struct Told {
    changes: Vec<Change>,
    alerts: Vec<Alert>,
}

/// What the days before leave behind for a metric.
#[derive(Default)]
struct Memory {
    weekdays: Weekdays,
    absolute: Lifecycle,
    changes: [Lifecycle; 4],
}

impl Subject<'_> {
    fn judge_day(&self, at: usize, memory: &mut Memory, mut told: Option<&mut Told>) {
        let frame = &self.frames[at];
        let weekday = frame.date.weekday();
        let judged = self.numbers[at].ok().filter(|_| !frame.partial);
        if judged.is_none() && told.is_none() {
            return;
        }
        let mut trains = !frame.known;
        if let Some(value) = judged {
            let verdict = alert::by_limits(self.metric, value);
            if let Some(step) = memory.absolute.advance(verdict, frame.date) {
                trains &= step.is_recovery();
                let limit = alert::limit_of(self.metric, step.severity);
                if let (Some(told), Some(limit)) = (&mut told, limit) {
                    let rule = Rule::Absolute(limit);
                    told.alerts.push(step.alert(self.metric, value, rule));
                }
            }
        }
        if told.is_some() || self.stirs(at, memory) {
            trains &= self.judge_changes(at, judged, memory, told);
        }
        if let Some(value) = judged.filter(|_| trains) {
            memory.weekdays.learn(weekday, value);
        }
    }

    /// Some change of the day begins an alert, perhaps, or meets one that stands. On all other days nothing but the
    /// number itself is remembered.
    fn stirs(&self, at: usize, memory: &Memory) -> bool {
        let Ok(value) = self.numbers[at] else {
            return false;
        };
        self.spans(false).any(|span| {
            let near = |then| self.levels.is_near(then, value);
            memory.changes[span].is_raised() || self.then(at, span).is_ok_and(near)
        })
    }

    /// Whether the changes let the day teach what is usual.
    fn judge_changes(
        &self,
        at: usize,
        judged: Option<f64>,
        memory: &mut Memory,
        mut told: Option<&mut Told>,
    ) -> bool {
        let date = self.frames[at].date;
        let usual = memory.weekdays.usual(date.weekday());
        let is_usual = usual
            .zip(judged)
            .is_some_and(|(usual, value)| usual.holds(value));
        let mut trains = true;
        for span in self.spans(told.is_some()) {
            let mut change = self.change(at, span);
            if let Some(value) = judged {
                let verdict = self.judge_change(at, span, &mut change, is_usual);
                let step = memory.changes[span].advance(verdict, date);
                self.bear_severity(&mut change, step.as_ref());
                if let Some(step) = step {
                    trains &= step.is_recovery() || !self.hinders(at, span, usual);
                    if let (Some(told), Some(rule)) = (&mut told, Rule::of(&change)) {
                        told.alerts.push(step.alert(self.metric, value, rule));
                    }
                }
            }
            if let Some(told) = &mut told {
                told.changes.push(change);
            }
        }
        trains
    }

    /// The places in [`SPANS`] that matter: none for a distribution, and what is only told just where somebody is
    /// told.
    fn spans(&self, told: bool) -> impl Iterator<Item = usize> {
        let is_distribution = self.metric.is_distribution();
        (0..SPANS.len()).filter(move |span| !is_distribution && (told || SPANS[*span] != TOLD_ONLY))
    }

    fn change(&self, at: usize, span: usize) -> Change {
        let (date, _) = self.frames[at].compared[span];
        let numbers = (self.then(at, span), self.numbers[at]);
        Change::between(SPANS[span], date, numbers, self.metric.good)
    }

    fn then(&self, at: usize, span: usize) -> Result<f64, Gap> {
        let (_, stored) = self.frames[at].compared[span];
        stored.map_or(Err(Gap::NoData), |at| self.numbers[at])
    }

    /// Whether an alert keeps its day from teaching what is usual. It does; but a Saturday that falls against
    /// every Friday must be learnt as usual, or it alerts forever. So alerts on the 1- and 30-day changes hinder
    /// nothing while there is no range yet, or when the day stood the comparison with its own weekday a week before.
    fn hinders(&self, at: usize, span: usize, usual: Option<Usual>) -> bool {
        let week = SPANS.iter().position(|days| *days == SAME_WEEKDAY);
        let like_last_week = week.is_some_and(|week| self.then(at, week).is_ok());
        SPANS[span] == SAME_WEEKDAY || usual.is_some() && !like_last_week
    }

    /// A change is as severe as the alert that stands on it, wherever it is shown.
    fn bear_severity(&self, change: &mut Change, step: Option<&Step>) {
        let standing = step.filter(|step| !step.is_recovery());
        if let (Some(step), Outcome::Compared(difference)) = (standing, &mut change.outcome) {
            difference.severity = Some(step.severity);
            let until_below = self.levels.left_below(step.severity);
            difference.held = until_below
                .filter(|_| step.is_held)
                .map(|until_below| Held {
                    since: step.severe_since,
                    until_below,
                });
        }
    }

    /// What the day says of the change; marks it with why that is nothing although it is large.
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
