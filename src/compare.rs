//! Changes and alerts: one pure fold over the stored days, oldest first, for night, dashboard and backtest alike.

pub mod alert;
pub mod change;
pub mod history;
pub mod parts;
mod run;
mod share;
mod subject;
pub mod usual;
pub mod week;
mod window;

use std::ops::Range;

use chrono::{Days, NaiveDate};

use crate::catalog::{Catalog, Metric, Mute};
use crate::entry::Entry;

pub use alert::{Alert, AlertedPart, Rule, RuleKind};
pub use change::{Change, Difference, Gap, Held, Outcome, Suppression, Week};

pub use crate::threshold::{Direction, Severity, State};
pub use history::{DAYS_JUDGED, History, has_begun};
pub use usual::{REACH_OF_OWN_DAYS, Usual};

use subject::{Findings, Frame, Memory, Subject};

/// How many days back a day is compared.
pub const SPANS: [u32; 4] = [1, 7, 28, 30];

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
    /// The usual range for this weekday, by the days before.
    pub usual: Option<Usual>,
    /// The day from which enough weekdays are known for a range.
    pub learning_until: Option<NaiveDate>,
    pub alerts: Vec<Alert>,
    /// The mute that silences the alerts.
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
    History::from_entries(entries, catalog).judge(catalog)
}

/// The judgement of that day alone; none of a day that is not stored.
pub fn judge_day(
    date: NaiveDate,
    entries: &[Entry],
    mutes: Vec<Mute>,
    catalog: &Catalog,
) -> Judgement {
    let until = entries.iter().filter(|entry| entry.date <= date);
    let history = History::from_entries(until, catalog).muted(mutes);
    history.judge_day(date, catalog)
}

/// Positions in a history: all that matter, and among them those asked for.
#[derive(Debug, Clone)]
struct Spans {
    all: Range<usize>,
    wanted: Range<usize>,
}

impl Spans {
    /// Those asked for, relative to all that matter.
    fn wanted_among_all(&self) -> Range<usize> {
        self.wanted.start - self.all.start..self.wanted.end - self.all.start
    }
}

/// What judging all metrics shares.
struct Stage<'a> {
    spans: &'a Spans,
    frames: Vec<Frame>,
    catalog: &'a Catalog,
}

/// A metric and its place among the shown ones.
#[derive(Clone, Copy)]
struct Placed<'a> {
    column: usize,
    metric: &'a Metric,
}

/// Goes through all days that matter, and keeps the judgement of those asked for.
fn fold<'a>(
    history: &History,
    spans: &Spans,
    metrics: impl Iterator<Item = Placed<'a>>,
    catalog: &Catalog,
) -> Judgement {
    let complete = history.days.iter().position(|day| !day.partial);
    let wanted = spans.wanted.clone();
    let mut days: Vec<JudgedDay> = wanted
        .map(|at| JudgedDay {
            date: history.days[at].date,
            partial: history.days[at].partial,
            first: complete.is_none_or(|first| at <= first),
            metrics: Vec::new(),
        })
        .collect();
    let stage = Stage {
        spans,
        frames: frames(history, spans.all.clone(), catalog),
        catalog,
    };
    let metrics: Vec<Placed<'_>> = metrics.collect();
    let columns = share::side_by_side(&metrics, |placed| judge_metric(history, *placed, &stage));
    for column in columns {
        for (day, judged) in days.iter_mut().zip(column) {
            day.metrics.push(judged);
        }
    }
    Judgement { days }
}

/// One metric on each of the days asked for.
fn judge_metric(history: &History, placed: Placed<'_>, stage: &Stage<'_>) -> Vec<Judged> {
    let Placed { column, metric } = placed;
    let numbers = &history.numbers[column][stage.spans.all.clone()];
    let subject = Subject::new(metric, stage.catalog, &stage.frames, numbers);
    let mutes = history.mutes.iter().rev();
    let mutes: Vec<&Mute> = mutes.filter(|mute| mute.is_about(metric)).collect();
    let mut memory = Memory::new(&subject);
    let wanted = stage.spans.wanted_among_all();
    for at in 0..wanted.start {
        subject.judge_day(at, &mut memory, None);
    }
    let parts = history.parts.get(&column);
    let alerts_of_parts = parts.map(|parts| parts::judge(parts, metric, stage));
    let mut alerts_of_parts = alerts_of_parts.into_iter().flatten();
    let judged = wanted.map(|at| {
        let mut findings = Findings::default();
        subject.judge_day(at, &mut memory, Some(&mut findings));
        let of_parts = alerts_of_parts.next();
        findings.alerts.extend(of_parts.into_iter().flatten());
        let mute = mutes.iter().find(|mute| mute.holds(stage.frames[at].date));
        Judged {
            key: metric.key.clone(),
            changes: findings.changes,
            usual: findings.usual,
            learning_until: findings.learning_until,
            alerts: findings.alerts,
            muted: mute.map(|mute| (*mute).clone()),
        }
    });
    judged.collect()
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
