//! The stored days by date, as a report looks back on them.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use crate::catalog::Metric;
use crate::entry::{Entry, Reading};

use super::TREND_DAYS;

pub(super) struct Past<'a> {
    entries: BTreeMap<NaiveDate, &'a Entry>,
    /// No day before it counts as history.
    since: Option<NaiveDate>,
}

/// The entries of the days of a trend, oldest first.
pub(super) type Month<'a> = Vec<(NaiveDate, Option<&'a Entry>)>;

impl<'a> Past<'a> {
    /// Takes entries in any order; of several of one day, the first counts.
    pub(super) fn new(entries: &'a [Entry], since: Option<NaiveDate>) -> Self {
        let mut by_date = BTreeMap::new();
        for entry in entries {
            by_date.entry(entry.date).or_insert(entry);
        }
        Self {
            entries: by_date,
            since,
        }
    }

    pub(super) fn entry(&self, date: NaiveDate) -> Option<&'a Entry> {
        self.entries.get(&date).copied()
    }

    /// The metric's reading on that day; none before its history begins.
    pub(super) fn reading(&self, date: NaiveDate, metric: &Metric) -> Option<&'a Reading> {
        let counts = self.counts(date, metric);
        self.entry(date).filter(|_| counts)?.reading(metric)
    }

    pub(super) fn month(&self, last: NaiveDate) -> Month<'a> {
        (0..TREND_DAYS)
            .rev()
            .map(|back| last - Days::new(back))
            .map(|date| (date, self.entry(date)))
            .collect()
    }

    pub(super) fn trend(&self, month: &Month<'_>, metric: &Metric) -> Vec<Option<f64>> {
        if metric.is_distribution() {
            return Vec::new();
        }
        let number = |(date, entry): &(NaiveDate, Option<&Entry>)| {
            let entry = entry.filter(|_| self.counts(*date, metric))?;
            entry.reading(metric)?.number()
        };
        month.iter().map(number).collect()
    }

    fn counts(&self, date: NaiveDate, metric: &Metric) -> bool {
        let since = metric.since.max(self.since);
        since.is_none_or(|since| since <= date)
    }
}
