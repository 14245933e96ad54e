//! The usual range of a metric on a day: a forecast from the days before, and the errors of earlier forecasts.

use std::collections::VecDeque;

use chrono::{Datelike, NaiveDate, Weekday};

use crate::catalog::Metric;

use super::window::Window;
use crate::threshold::{Direction, exact};

/// Fewer same weekdays than this say nothing.
pub(super) const LEAST_DAYS: usize = 4;
const MOST_DAYS: usize = 12;
/// From so many same weekdays on, a day is measured against them, though not judged.
const DAYS_TO_MEASURE: usize = 2;
/// The level of the last two weeks is expected to last. A new level is usual when it fills more than half of them.
const RECENT_DAYS: usize = 14;
/// Twelve weeks of errors say how far a day ordinarily lies from its forecast.
const ERRORS: usize = 84;
/// The least number of errors.
const LEAST_ERRORS: usize = 14;
/// A year of errors says how far a day lies once in a while.
const YEAR: usize = 365;
/// Eight weeks of errors are enough for that.
const LEAST_YEAR: usize = 56;
/// The part of a year's days that lies within the range, unless the metric says otherwise.
pub const REACH_OF_OWN_DAYS: f64 = 0.98;
/// In standard deviations, as estimated from the middle half of the errors.
pub(super) const REACH: f64 = 3.5;
/// The least reach, as a part of the forecast, even if values hardly ever moved.
const LEAST_REACH: f64 = 0.005;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    pub low: f64,
    pub high: f64,
    /// The expected value.
    pub forecast: f64,
    /// From how many same weekdays.
    pub days: usize,
}

impl Usual {
    pub fn holds(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Whether the value lies inside beyond doubt, however the bounds are rounded.
    pub(super) fn surely_holds(&self, value: f64) -> bool {
        const SLACK: f64 = 1e-6;
        self.low + SLACK <= value && value <= self.high - SLACK
    }

    /// The side on which the value lies outside, and the bound there.
    pub(super) fn broken_by(&self, value: f64) -> Option<(Direction, f64)> {
        match () {
            () if value > self.high => Some((Direction::Up, self.high)),
            () if value < self.low => Some((Direction::Down, self.low)),
            () => None,
        }
    }
}

/// How a value is measured against its forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// By their ratio: large values move more.
    Ratio,
    /// By their difference, between 0 and 100.
    Percent,
    /// By their difference: a sum that goes below zero.
    Difference,
}

impl Scale {
    /// As long as it has not been below zero.
    pub(super) fn for_metric(metric: &Metric) -> Self {
        match metric.moves_in_points() {
            true => Self::Percent,
            false => Self::Ratio,
        }
    }

    /// A ratio is measured by its root, in which a fall to a quarter is as far as a rise to the double and a quarter.
    fn residual(self, value: f64, middle: f64) -> f64 {
        match self {
            Self::Ratio => (value / middle).max(0.0).sqrt(),
            Self::Percent | Self::Difference => value - middle,
        }
    }

    fn value(self, residual: f64, middle: f64) -> f64 {
        match self {
            Self::Ratio => middle * residual.max(0.0).powi(2),
            Self::Percent => (middle + residual).clamp(0.0, 100.0),
            Self::Difference => middle + residual,
        }
    }
}

/// How far below and above its forecast a day may lie.
#[derive(Clone, Copy)]
struct Reach {
    below: f64,
    above: f64,
}

impl Reach {
    fn even(reach: f64) -> Self {
        Self {
            below: reach,
            above: reach,
        }
    }
}

/// What is remembered of a metric's numbers.
#[derive(Debug, Clone)]
pub(super) struct Learnt {
    scale: Scale,
    /// Whole numbers of things: they vary by their root if by nothing else, and lie between whole bounds.
    counts: bool,
    /// The part of a year's days that lie within the range, at least.
    reach: f64,
    weekdays: [Window; 7],
    recent: Window,
    errors: Window,
    year: VecDeque<f64>,
}

impl Learnt {
    pub(super) fn for_metric(metric: &Metric) -> Self {
        let reach = metric.alert.reach.unwrap_or(REACH_OF_OWN_DAYS);
        Self::new(Scale::for_metric(metric), metric.counts(), reach)
    }

    /// Without any day, and measured by another scale.
    pub(super) fn anew(&self, scale: Scale) -> Self {
        Self::new(scale, self.counts, self.reach)
    }

    fn new(scale: Scale, counts: bool, reach: f64) -> Self {
        Self {
            scale,
            counts,
            reach,
            weekdays: std::array::from_fn(|_| Window::new(MOST_DAYS)),
            recent: Window::new(RECENT_DAYS),
            errors: Window::new(ERRORS),
            year: VecDeque::new(),
        }
    }

    pub(super) fn scale(&self) -> Scale {
        self.scale
    }

    pub(super) fn are_no_counts(&mut self) {
        self.counts = false;
    }

    /// Of an incident, only the first day counts among the year's errors.
    pub(super) fn learn(&mut self, weekday: Weekday, value: f64, incident_goes_on: bool) {
        if let Some(middle) = self.middle(weekday) {
            let residual = self.scale.residual(value, middle);
            let error = residual - self.level();
            self.recent.push(residual);
            self.errors.push(error);
            if !incident_goes_on {
                if self.year.len() == YEAR {
                    self.year.pop_front();
                }
                self.year.push_back(error);
            }
        }
        self.weekdays[place(weekday)].push(value);
    }

    /// How far a day ordinarily lies from its forecast: in parts of it, or as it is.
    pub(super) fn deviation(&self) -> f64 {
        match self.scale {
            // Of a root, which moves half as much.
            Scale::Ratio => 2.0 * self.errors.deviation(),
            Scale::Percent | Scale::Difference => self.errors.deviation(),
        }
    }

    /// How many same weekdays are still missing until there is a range.
    pub(super) fn missing(&self, weekday: Weekday) -> usize {
        LEAST_DAYS.saturating_sub(self.weekdays[place(weekday)].len())
    }

    /// The range as drawn, written and judged.
    pub(super) fn usual(&self, weekday: Weekday) -> Option<Usual> {
        self.usual_on(self.level(), weekday)
    }

    /// The range as if the last two weeks had run on another level.
    pub(super) fn usual_on(&self, level: f64, weekday: Weekday) -> Option<Usual> {
        let range = self.range(weekday, level, self.own_reach());
        range.map(|range| self.rounded(range))
    }

    /// How the last two weeks ran against their weekdays.
    pub(super) fn level(&self) -> f64 {
        let neutral = if self.scale == Scale::Ratio { 1.0 } else { 0.0 };
        self.recent.median().unwrap_or(neutral)
    }

    /// The range without what rare days add to it, not rounded. It is cheap, and nearly always enough.
    pub(super) fn ordinary(&self, weekday: Weekday) -> Option<Usual> {
        let reach = self.ordinary_reach();
        self.range(weekday, self.level(), Reach::even(reach))
    }

    /// Makes the level since that day usual: shifts the weekdays before it, or each would alert by itself weeks later.
    pub(super) fn settle(&mut self, since: NaiveDate, now: NaiveDate) {
        let level = self.level();
        let scale = self.scale;
        let days: Vec<usize> = since
            .iter_days()
            .take_while(|day| *day < now)
            .map(|day| place(day.weekday()))
            .collect();
        for (at, weekday) in self.weekdays.iter_mut().enumerate() {
            let newest = days.iter().filter(|day| **day == at).count();
            weekday.shift(newest, |value| scale.value(level, value));
        }
        self.recent.clear();
    }

    /// The fewer errors, the wider.
    fn ordinary_reach(&self) -> f64 {
        let reach = REACH * self.errors.deviation();
        match self.errors.len() {
            count @ 1..LEAST_YEAR => reach * (LEAST_YEAR as f64 / count as f64).sqrt(),
            _ => reach,
        }
    }

    /// The middle of the same weekdays, from which others are measured.
    fn middle(&self, weekday: Weekday) -> Option<f64> {
        let same = &self.weekdays[place(weekday)];
        let middle = same.median().filter(|_| same.len() >= DAYS_TO_MEASURE);
        middle.filter(|middle| self.scale != Scale::Ratio || *middle > 0.0)
    }

    /// How far below and above its forecast a day may lie.
    fn own_reach(&self) -> Reach {
        let ordinary = self.ordinary_reach();
        let bias = self.errors.median().unwrap_or_default();
        let without = (self.year.len() as f64 * (1.0 - self.reach) / 2.0) as usize;
        if self.year.len() < LEAST_YEAR {
            return Reach::even(ordinary);
        }
        let is_beyond = |error: &f64| (error - bias).abs() > ordinary;
        if self.year.iter().filter(|error| is_beyond(error)).count() <= without {
            return Reach::even(ordinary);
        }
        let mut year: Vec<f64> = self.year.iter().copied().collect();
        let (_, low, _) = year.select_nth_unstable_by(without, f64::total_cmp);
        let low = *low;
        let last = year.len() - 1 - without;
        let (_, high, _) = year.select_nth_unstable_by(last, f64::total_cmp);
        Reach {
            below: ordinary.max(bias - low),
            above: ordinary.max(*high - bias),
        }
    }

    fn range(&self, weekday: Weekday, level: f64, reach: Reach) -> Option<Usual> {
        let days = self.weekdays[place(weekday)].len();
        if days < LEAST_DAYS {
            return None;
        }
        let Some(middle) = self.middle(weekday) else {
            return self.around_zero(weekday);
        };
        if self.errors.len() < LEAST_ERRORS {
            return None;
        }
        let centre = level + self.errors.median()?;
        let value = |residual| self.scale.value(residual, middle);
        let expected = value(centre);
        let least = self.least_reach(expected);
        let low = value(centre - reach.below).min(expected - least);
        let high = value(centre + reach.above).max(expected + least);
        Some(self.bounded(low, high, expected, days))
    }

    fn least_reach(&self, expected: f64) -> f64 {
        let part = LEAST_REACH * expected.abs();
        if self.counts {
            part.max(expected.abs().sqrt())
        } else {
            part
        }
    }

    /// For a weekday that is mostly zero, where ratios say nothing.
    fn around_zero(&self, weekday: Weekday) -> Option<Usual> {
        let same = &self.weekdays[place(weekday)];
        let (low, high) = same.ends(0)?;
        Some(self.bounded(low, high, 0.0, same.len()))
    }

    fn bounded(&self, low: f64, high: f64, forecast: f64, days: usize) -> Usual {
        let (low, high) = match self.scale {
            Scale::Ratio => (low.max(0.0), high),
            Scale::Percent => (low.max(0.0), high.min(100.0)),
            Scale::Difference => (low, high),
        };
        Usual {
            low,
            high,
            forecast,
            days,
        }
    }

    /// As shown, and so as judged.
    fn rounded(&self, usual: Usual) -> Usual {
        let (low, high) = (exact(usual.low), exact(usual.high));
        let (low, high) = if self.counts {
            (low.ceil(), high.floor())
        } else {
            (low, high)
        };
        Usual {
            low,
            high,
            forecast: exact(usual.forecast),
            ..usual
        }
    }
}

fn place(weekday: Weekday) -> usize {
    weekday.num_days_from_monday() as usize
}
