//! What judging needs of the stored days: a number for each metric and day, or why there is none. Ten years of sixty
//! metrics take four megabytes, so a server keeps them all.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use chrono::{Days, NaiveDate};

use crate::catalog::{Catalog, Metric, Mute};
use crate::entry::{Entry, Kind};

use super::change::Gap;
use super::parts::Parts;
use super::share::side_by_side;
use super::{JudgedDay, Judgement, Placed, Spans, fold};

/// How many days before a day are used to judge it. Older alerts count from there.
pub const DAYS_JUDGED: u64 = 400;

/// The stored days, oldest first.
#[derive(Debug, Clone)]
pub struct History {
    pub(super) days: Vec<Stored>,
    /// For each shown metric of the catalog its number on each of the days.
    pub(super) numbers: Vec<Vec<Result<f64, Gap>>>,
    /// Of the distributions whose parts are judged, by their places among those metrics.
    pub(super) parts: BTreeMap<usize, Parts>,
    /// If several hold, the last counts.
    pub(super) mutes: Vec<Mute>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    pub date: NaiveDate,
    /// It was still open when it was counted.
    pub partial: bool,
}

impl History {
    /// Without any day yet.
    pub fn new(catalog: &Catalog) -> Self {
        Self {
            days: Vec::new(),
            numbers: catalog.shown().map(|_| Vec::new()).collect(),
            parts: judged_by_parts(catalog)
                .map(|(at, _)| (at, Parts::default()))
                .collect(),
            mutes: Vec::new(),
        }
    }

    /// Marks judgements as muted where one of these holds; changes nothing else.
    #[must_use]
    pub fn muted(self, mutes: Vec<Mute>) -> Self {
        Self { mutes, ..self }
    }

    /// Whether a mute holds on that day or begins later, since somebody has seen the alert.
    pub fn is_muted(&self, metric: &Metric, date: NaiveDate) -> bool {
        let mut mutes = self.mutes.iter();
        mutes.any(|mute| mute.is_about(metric) && date <= mute.until)
    }

    /// The entries may come in any order.
    pub fn from_entries<'a>(
        entries: impl IntoIterator<Item = &'a Entry>,
        catalog: &Catalog,
    ) -> Self {
        let mut entries: Vec<&Entry> = entries.into_iter().collect();
        entries.sort_by_key(|entry| entry.date);
        let shown: Vec<&Metric> = catalog.shown().collect();
        let numbers = side_by_side(&shown, |metric| {
            let days = entries.iter();
            days.map(|entry| number(entry, metric, catalog)).collect()
        });
        let mut history = Self {
            numbers,
            ..Self::new(catalog)
        };
        for entry in entries {
            history.add_day(entry, catalog);
        }
        history
    }

    /// Adds the next day, which is later than all there are.
    pub fn add(&mut self, entry: &Entry, catalog: &Catalog) {
        for (metric, numbers) in catalog.shown().zip(&mut self.numbers) {
            numbers.push(number(entry, metric, catalog));
        }
        self.add_day(entry, catalog);
    }

    fn add_day(&mut self, entry: &Entry, catalog: &Catalog) {
        self.days.push(Stored {
            date: entry.date,
            partial: entry.partial,
        });
        for (parts, (_, metric)) in self.parts.values_mut().zip(judged_by_parts(catalog)) {
            match has_begun(metric, entry.date, catalog) {
                true => parts.add(entry, metric),
                false => parts.skip(),
            }
        }
    }

    pub fn days(&self) -> &[Stored] {
        &self.days
    }

    /// The metric's number on the days of the range that are stored, oldest first.
    pub fn numbers(
        &self,
        key: &str,
        days: RangeInclusive<NaiveDate>,
        catalog: &Catalog,
    ) -> Vec<(Stored, Result<f64, Gap>)> {
        let at = catalog.shown().position(|shown| shown.key == key);
        let Some(numbers) = at.and_then(|at| self.numbers.get(at)) else {
            return Vec::new();
        };
        self.places(*days.start(), *days.end())
            .map(|at| (self.days[at], numbers[at]))
            .collect()
    }

    /// Whether the metric has something to judge on that day.
    pub fn is_known(&self, key: &str, date: NaiveDate, catalog: &Catalog) -> bool {
        let column = catalog.shown().position(|shown| shown.key == key);
        let at = self.days.binary_search_by_key(&date, |day| day.date);
        let (Some(column), Ok(at)) = (column, at) else {
            return false;
        };
        match self.parts.get(&column) {
            Some(parts) => parts.is_known(at),
            None => self.numbers[column][at].is_ok(),
        }
    }

    /// Judges every stored day by the days before it; later days never matter.
    pub fn judge(&self, catalog: &Catalog) -> Judgement {
        let all = 0..self.days.len();
        let spans = Spans {
            all: all.clone(),
            wanted: all,
        };
        fold(self, &spans, placed(catalog), catalog)
    }

    /// The judgement of that day alone; none of a day that is not stored.
    pub fn judge_day(&self, date: NaiveDate, catalog: &Catalog) -> Judgement {
        self.judge_days(date..=date, catalog)
    }

    /// The judgement of the stored days of a range.
    pub fn judge_days(&self, days: RangeInclusive<NaiveDate>, catalog: &Catalog) -> Judgement {
        fold(self, &self.spans(days), placed(catalog), catalog)
    }

    /// The judgement of one metric on the stored days of a range.
    pub fn judge_metric(
        &self,
        key: &str,
        days: RangeInclusive<NaiveDate>,
        catalog: &Catalog,
    ) -> Vec<JudgedDay> {
        let only = placed(catalog).filter(|placed| placed.metric.key == key);
        fold(self, &self.spans(days), only, catalog).days
    }

    /// The places of all days that matter for those of the range, and of these.
    fn spans(&self, days: RangeInclusive<NaiveDate>) -> Spans {
        let (first, last) = days.into_inner();
        let begin = first.checked_sub_days(Days::new(DAYS_JUDGED));
        let wanted = self.places(first, last);
        let begin = self.places(begin.unwrap_or(NaiveDate::MIN), last).start;
        Spans {
            all: begin..wanted.end,
            wanted,
        }
    }

    fn places(&self, first: NaiveDate, last: NaiveDate) -> Range<usize> {
        let start = self.days.partition_point(|day| day.date < first);
        let end = self.days.partition_point(|day| day.date <= last);
        start..end.max(start)
    }
}

fn placed(catalog: &Catalog) -> impl Iterator<Item = Placed<'_>> {
    let shown = catalog.shown().enumerate();
    shown.map(|(column, metric)| Placed { column, metric })
}

fn judged_by_parts(catalog: &Catalog) -> impl Iterator<Item = (usize, &Metric)> {
    let shown = catalog.shown().enumerate();
    shown.filter(|(_, metric)| metric.alert.parts)
}

/// What the book has of a metric before its own beginning does not count.
pub fn has_begun(metric: &Metric, date: NaiveDate, catalog: &Catalog) -> bool {
    metric.since.max(catalog.since) <= Some(date)
}

fn number(entry: &Entry, metric: &Metric, catalog: &Catalog) -> Result<f64, Gap> {
    if !has_begun(metric, entry.date, catalog) {
        return Err(Gap::NoData);
    }
    let reading = entry.reading(metric).ok_or(Gap::NoData)?;
    match reading.provenance.kind {
        Kind::Unavailable => Err(Gap::Unavailable),
        Kind::Failed => Err(Gap::Failed),
        _ => reading.number().ok_or(Gap::Nothing),
    }
}
