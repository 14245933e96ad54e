//! Figures of one kind by piece of time and group: what answers are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::{DateTime, Utc};
use rust_decimal::prelude::ToPrimitive;

use crate::kinds::{Aggregate, Kind, Percentile, Summary};

use super::super::event::AHEAD;
use super::super::grain::{Every, Grain};
use super::super::number::{Number, number};
use super::super::rollup::Rollup;
use super::super::source::Source;
use super::super::store::{Past, StoreError, Tier};
use super::gather::{self, Exact, Gathered, Gatherer, Percentiles};
use super::{AskError, Context, Filter};

/// One kind in a source, with what is known of its past.
pub struct Look<'a> {
    pub(super) source: Source<'a>,
    /// `None`: nothing of the kind was ever recorded.
    pub(super) id: Option<i64>,
    pub(super) past: Past,
    pub(super) kind: &'a Kind,
    pub(super) context: Context,
}

/// Figures that are wanted of the points of a window.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// In microseconds.
    pub window: Range<i64>,
    pub filter: &'a Filter,
    pub figures: &'a [Aggregate],
    pub every: Option<Every>,
    /// Labels.
    pub by: &'a [String],
    /// Percentiles are taken from sketches, although points are kept.
    pub estimate: bool,
}

/// One piece of time and group with its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureRow {
    /// The first second of the piece of time.
    pub start: i64,
    pub words: Vec<String>,
    pub numbers: Vec<Option<f64>>,
}

/// What an answer lacks of its window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gaps {
    /// Of this time nothing is kept that would answer, in microseconds.
    pub missing: Vec<Range<i64>>,
    /// Why the points of a chunk are missing.
    pub broken: BTreeSet<String>,
}

impl Gaps {
    pub fn add(&mut self, other: Self) {
        for part in other.missing {
            if !self.missing.contains(&part) {
                self.missing.push(part);
            }
        }
        self.broken.extend(other.broken);
    }
}

/// Figures by the piece of time and the words of the group.
#[derive(Default)]
pub struct Table {
    pub(super) rows: BTreeMap<(i64, Vec<String>), Row>,
    pub(super) read: Read,
}

#[derive(Default)]
pub(super) struct Row {
    pub(super) sums: Rollup,
    /// Percentiles of values.
    exact: Percentiles,
}

/// What was read for an answer.
#[derive(Default)]
pub(super) struct Read {
    pub(super) from_rollups: bool,
    pub(super) from_points: bool,
    pub(super) is_estimate: bool,
    pub(super) gaps: Gaps,
    /// Figures beyond what a float holds, which are null.
    pub(super) too_large: BTreeSet<String>,
}

impl Row {
    pub(super) fn number(&self, figure: &Aggregate) -> Option<Number> {
        if let Aggregate::Of(Summary::Percentile(percentile), value) = figure
            && let Some(exact) = self.exact.get(&(value.clone(), *percentile))
        {
            return exact.map(Number::Binary);
        }
        number(&self.sums, figure)
    }

    /// How many points have the value.
    pub(super) fn numbers(&self, value: &str) -> u64 {
        self.sums.values.get(value).map_or(0, |stats| stats.count)
    }

    fn floats(&self, figures: &[Aggregate]) -> Vec<Option<f64>> {
        let float = |figure| self.number(figure).and_then(as_float);
        figures.iter().map(float).collect()
    }
}

impl<'a> Look<'a> {
    pub async fn at(
        source: impl Into<Source<'a>>,
        kind: &'a Kind,
        context: Context,
    ) -> Result<Self, StoreError> {
        let mut source = source.into();
        let known = source.past(kind).await?;
        let (id, past) = known.map_or((None, Past::default()), |(id, past)| (Some(id), past));
        Ok(Self {
            source,
            id,
            past,
            kind,
            context,
        })
    }

    /// The figures of the groups that have points: without labels there is at most one.
    pub async fn figures(
        &mut self,
        wanted: &Wanted<'_>,
    ) -> Result<(Vec<FigureRow>, Gaps), AskError> {
        let table = self.table(wanted).await?;
        Ok((table.figures(wanted.figures), table.read.gaps))
    }

    /// How many numbers of a value lie between these bounds, below the first and above the last, by groups.
    pub async fn histogram(
        &mut self,
        wanted: &Wanted<'_>,
        value: &str,
        bounds: &[f64],
    ) -> Result<(BTreeMap<Vec<String>, Vec<u64>>, Gaps), AskError> {
        let window = self.within_events(&wanted.window);
        let Some(id) = self.id.filter(|_| !window.is_empty()) else {
            return Ok((BTreeMap::new(), Gaps::default()));
        };
        let asked = gather::Asked {
            kind: self.kind,
            zone: self.context.zone,
            window: window.clone(),
            filter: wanted.filter,
            by: wanted.by,
            every: None,
            values: &[],
            sketches: false,
        };
        let mut gatherer = Gatherer {
            source: self.source.lend(),
            id,
            past: &self.past,
        };
        let (counts, broken) = gatherer.histogram(&asked, value, bounds).await?;
        let gaps = Gaps {
            missing: self.past.without_points(&window).into_iter().collect(),
            broken: broken.into_iter().collect(),
        };
        Ok((counts, gaps))
    }

    /// What a window comes to where there can be points at all.
    pub(super) fn within_events(&self, window: &Range<i64>) -> Range<i64> {
        let Range { start, end } = *window;
        let end = end.min(self.end_of_events());
        let first = self.past.first.unwrap_or(end);
        start.max(first.min(end))..end
    }

    /// Nothing is recorded that claims to be later.
    fn end_of_events(&self) -> i64 {
        let latest = self.context.now.checked_add_signed(AHEAD);
        latest.map_or(i64::MAX, |latest| latest.timestamp_micros())
    }

    /// When the newest event was.
    pub fn latest(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.past.last?)
    }

    /// The part of a window of which points are kept.
    pub fn kept(&self, window: &Range<i64>) -> Range<i64> {
        window.start.max(self.past.pruned[Tier::Points as usize])..window.end
    }

    /// There is nothing before the first event, nor behind the last, so their months can be read as a whole where more was
    /// asked for.
    fn widened(&self, asked: &Range<i64>) -> Range<i64> {
        let window = self.within_events(asked);
        let month =
            |micros: i64| Grain::Month.piece(micros.div_euclid(1_000_000), self.context.zone);
        let start = match Some(window.start) == self.past.first {
            true => asked
                .start
                .max(month(window.start).begin.saturating_mul(1_000_000)),
            false => window.start,
        };
        let end = match window.end == self.end_of_events() {
            true => asked
                .end
                .min(month(window.end).end.saturating_mul(1_000_000)),
            false => window.end,
        };
        start..end
    }

    /// The figures by piece of time and group.
    pub async fn table(&mut self, wanted: &Wanted<'_>) -> Result<Table, AskError> {
        let mut table = Table::default();
        let window = self.within_events(&wanted.window);
        let Some(id) = self.id.filter(|_| !window.is_empty()) else {
            return Ok(table);
        };
        let mut percentiles: BTreeMap<String, Vec<Percentile>> = BTreeMap::new();
        for figure in wanted.figures {
            if let Aggregate::Of(Summary::Percentile(percentile), value) = figure {
                percentiles
                    .entry(value.clone())
                    .or_default()
                    .push(*percentile);
            }
        }
        let is_exact = !wanted.estimate && self.past.pruned[Tier::Points as usize] <= window.start;
        let is_estimate = !is_exact && !percentiles.is_empty();
        let is_summed = |figure: &&Aggregate| {
            !is_exact || !matches!(figure, Aggregate::Of(Summary::Percentile(_), _))
        };
        let summed = || wanted.figures.iter().filter(is_summed);
        let values: BTreeSet<&str> = summed().filter_map(Aggregate::value).collect();
        let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
        let asked = gather::Asked {
            kind: self.kind,
            zone: self.context.zone,
            window: self.widened(&wanted.window),
            filter: wanted.filter,
            by: wanted.by,
            every: wanted.every,
            values: &values,
            sketches: is_estimate,
        };
        let mut gatherer = Gatherer {
            source: self.source.lend(),
            id,
            past: &self.past,
        };
        if !is_exact || summed().next().is_some() {
            let gathered = gatherer.sums(&asked).await?;
            table.add_sums(gathered, &window);
        }
        if is_exact && !percentiles.is_empty() {
            table.add_exact(gatherer.percentiles(&asked, &percentiles).await?);
        }
        table.read.is_estimate = is_estimate;
        let is_too_large = |figure: &&Aggregate| {
            let mut numbers = table.rows.values().map(|row| row.number(figure));
            numbers
                .any(|number| matches!(number, Some(Number::Binary(float)) if !float.is_finite()))
        };
        let too_large = wanted.figures.iter().filter(is_too_large);
        table.read.too_large = too_large.map(Aggregate::to_string).collect();
        Ok(table)
    }
}

impl Table {
    /// Whether percentiles of its rows are estimates.
    pub fn is_estimate(&self) -> bool {
        self.read.is_estimate
    }

    pub fn figures(&self, figures: &[Aggregate]) -> Vec<FigureRow> {
        let row = |((start, words), row): (&(i64, Vec<String>), &Row)| FigureRow {
            start: *start,
            words: words.clone(),
            numbers: row.floats(figures),
        };
        self.rows.iter().map(row).collect()
    }

    /// What the points of each piece of time and group come to, and what is lacking.
    pub fn rollups(self) -> (impl Iterator<Item = ((i64, Vec<String>), Rollup)>, Gaps) {
        let rollups = self.rows.into_iter().map(|(key, row)| (key, row.sums));
        (rollups, self.read.gaps)
    }

    /// The figures of all its pieces of time and groups, percentiles among them as estimates, and what it lacks.
    pub fn together(self, figures: &[Aggregate]) -> (Vec<Option<f64>>, Gaps) {
        let mut all = Row::default();
        self.rows.values().for_each(|row| all.sums.merge(&row.sums));
        (all.floats(figures), self.read.gaps)
    }

    fn add_sums(&mut self, gathered: Gathered, window: &Range<i64>) {
        for (key, sums) in gathered.groups {
            self.rows.entry(key).or_default().sums = sums;
        }
        self.read.from_rollups |= gathered.from_rollups;
        self.read.from_points |= gathered.from_points;
        let missing = gathered.missing.into_iter();
        let missing = missing.map(|part| part.start.max(window.start)..part.end.min(window.end));
        self.read.gaps.missing = missing.filter(|part| !part.is_empty()).collect();
        self.read.gaps.broken.extend(gathered.broken);
    }

    fn add_exact(&mut self, exact: Exact) {
        for (key, numbers) in exact.groups {
            self.rows.entry(key).or_default().exact = numbers;
        }
        self.read.from_points = true;
        self.read.gaps.broken.extend(exact.broken);
    }
}

impl Read {
    pub(super) fn add(&mut self, other: Self) {
        self.from_rollups |= other.from_rollups;
        self.from_points |= other.from_points;
        self.is_estimate |= other.is_estimate;
        self.gaps.add(other.gaps);
        self.too_large.extend(other.too_large);
    }
}

pub(super) fn as_float(number: Number) -> Option<f64> {
    match number {
        Number::Exact(decimal) => decimal.to_f64(),
        Number::Binary(float) => Some(float),
    }
}
