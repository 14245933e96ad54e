//! A change against an earlier day, and how severe it is.

use chrono::NaiveDate;

use crate::catalog::{AlertOn, Good, Judge, Metric, Thresholds};
use crate::threshold::{Direction, LEAVE, Severity, exact};

/// The least change of a percentage that alerts, in points.
const LEAST_POINTS: f64 = 2.0;
/// The least distance to its end by which a percentage is measured.
const LEAST_END: f64 = 0.5;
/// Weeks move less than days, so their levels are this part of the days' levels.
const OF_WEEK: f64 = 0.5;

/// The change against the day `days` before, which is `date`: that very day, never one near it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub days: u32,
    pub date: NaiveDate,
    pub previous: Option<f64>,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Compared(Difference),
    /// The earlier day has no number.
    NoneThen(Gap),
    /// The day itself has no number.
    NoneNow(Gap),
}

/// The last seven days, against the four weeks before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Week {
    /// The mean of its days.
    pub mean: f64,
    /// That of the four weeks before.
    pub before: f64,
}

/// Why there is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// No row for the day, no such metric in it, or a day before the metric's history begins.
    NoData,
    Unavailable,
    Failed,
    /// Counted, but there was nothing to measure.
    Nothing,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub change: f64,
    /// Of the previous value's size; a change from zero has none.
    pub percent: Option<f64>,
    pub direction: Direction,
    /// The severity of its alert.
    pub severity: Option<Severity>,
    /// Set if the alert is more severe than the change alone would be.
    pub held: Option<Held>,
    /// It goes the way the metric calls good.
    pub welcome: bool,
    /// Why a change of this size does not alert.
    pub suppression: Option<Suppression>,
}

/// An alert keeps its severity until the change is clearly smaller than what raised it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// The day since which it is that severe.
    pub since: NaiveDate,
    /// In percent, or in points for a percentage.
    pub until_below: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppression {
    /// Usual for its weekday.
    Usual,
    /// Usual for its weekday; the earlier day was not.
    Echo,
    /// Too few days are known for a usual range.
    Learning,
    /// A window whose last day is a metric of its own, which alerts first.
    CoveredByDay,
    /// One of the two days is known to be different.
    KnownDay,
    /// The earlier day was counted while it was still open.
    OpenDay,
}

impl Change {
    /// `(then, now)` are the two numbers, or why there is none.
    pub(super) fn between(
        days: u32,
        date: NaiveDate,
        then: Result<f64, Gap>,
        now: Result<f64, Gap>,
        good: Good,
    ) -> Self {
        let outcome = match (then, now) {
            (Ok(then), Ok(now)) => Outcome::Compared(Difference::between(then, now, good)),
            (_, Err(gap)) => Outcome::NoneNow(gap),
            (Err(gap), Ok(_)) => Outcome::NoneThen(gap),
        };
        Self {
            days,
            date,
            previous: then.ok(),
            outcome,
        }
    }

    pub fn difference(&self) -> Option<&Difference> {
        match &self.outcome {
            Outcome::Compared(difference) => Some(difference),
            _ => None,
        }
    }
}

impl Difference {
    pub(super) fn between(previous: f64, value: f64, good: Good) -> Self {
        let change = exact(value - previous);
        let percent = match previous {
            0.0 if change == 0.0 => Some(0.0),
            0.0 => None,
            _ => Some(exact(change * 100.0 / previous.abs())),
        };
        let direction = match change {
            0.0 => Direction::Unchanged,
            change if change > 0.0 => Direction::Up,
            _ => Direction::Down,
        };
        Self {
            change,
            percent,
            direction,
            severity: None,
            held: None,
            welcome: direction.is_welcome(good),
            suppression: None,
        }
    }

    /// From nothing to something.
    pub fn is_new(&self) -> bool {
        self.percent.is_none()
    }
}

/// What a level is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// The previous value, where that is large enough.
    Percent,
    /// The previous value, however small: sums that go below zero pass it.
    AnyPercent,
    /// A percentage's levels are points.
    Points,
    /// For a percentage: its distance to 0 or 100, whichever is nearer.
    NearerEnd,
}

/// A metric's percent rules with the general thresholds filled in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Levels {
    measure: Measure,
    on: AlertOn,
    min_base: f64,
    entered: Bounds,
    held: Bounds,
    slid: Bounds,
}

/// From where on a change alerts, computed once for all days.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    warning: Option<f64>,
    critical: Option<f64>,
    min_change: f64,
}

impl Levels {
    pub(super) fn new(metric: &Metric, general: Thresholds) -> Self {
        let rule = &metric.alert.percent;
        let own = rule.warning.is_some() || rule.critical.is_some();
        let measure = match metric.moves_in_points() {
            false => Measure::Percent,
            true if own || general.judge == Judge::Thresholds => Measure::Points,
            true => Measure::NearerEnd,
        };
        let level = |own: Option<f64>, general| Some(own.unwrap_or(general)).filter(|at| *at > 0.0);
        let warning = level(rule.warning, general.warning);
        let critical = level(rule.critical, general.critical);
        let min_change = match (rule.min_change, measure) {
            (Some(own), _) => own,
            (None, Measure::NearerEnd) => LEAST_POINTS,
            (None, _) => general.min_change,
        };
        let bounds = |part: f64| Bounds {
            warning: warning.map(|at| exact(at * part)),
            critical: critical.map(|at| exact(at * part)),
            min_change: exact(min_change * part),
        };
        Self {
            measure,
            on: rule.on,
            min_base: rule.min_base.unwrap_or(general.min_base),
            entered: bounds(1.0),
            held: bounds(LEAVE),
            slid: bounds(OF_WEEK),
        }
    }

    /// Accepts previous values of any size, since for sums that go below zero the size says little.
    pub(super) fn go_below_zero(&mut self) {
        if self.measure == Measure::Percent {
            self.measure = Measure::AnyPercent;
        }
    }

    /// A cheap test whether a change could alert, which is a little too generous. Nearly all changes fail it.
    pub(super) fn is_near(&self, previous: f64, value: f64) -> bool {
        const SLACK: f64 = 1e-6;
        let Bounds {
            warning,
            critical,
            min_change,
        } = self.entered;
        let Some(least) = warning.into_iter().chain(critical).reduce(f64::min) else {
            return false;
        };
        let size = (value - previous).abs();
        let moved = match self.measure {
            Measure::Points => size + SLACK >= least,
            _ => size * 100.0 >= (least - SLACK) * self.base(previous),
        };
        moved && self.is_large(previous) && size + SLACK >= min_change
    }

    pub(super) fn entered(&self, previous: f64, difference: &Difference) -> Option<Severity> {
        self.reached(previous, difference, &self.entered)
    }

    /// The severity that an active alert would keep.
    pub(super) fn held(&self, previous: f64, difference: &Difference) -> Option<Severity> {
        self.reached(previous, difference, &self.held)
    }

    /// A week's mean against that of the four weeks before.
    pub(super) fn slid(&self, week: Week) -> Option<Severity> {
        let difference = Difference::between(week.before, week.mean, Good::Neutral);
        self.reached(week.before, &difference, &self.slid)
    }

    /// Whether a change is so far beyond critical that it alerts without a usual range: to a quarter or the fourfold, or
    /// by three times as many points.
    pub(super) fn far(&self, previous: f64, difference: &Difference) -> Option<Severity> {
        const FAR: f64 = 4.0;
        let critical = self.entered.critical?;
        let severity = self.entered(previous, difference)?;
        let value = previous + difference.change;
        let is_far = match self.measure {
            Measure::Percent => {
                value.abs() * FAR <= previous.abs() || value.abs() >= previous.abs() * FAR
            }
            Measure::AnyPercent => false,
            Measure::Points | Measure::NearerEnd => {
                self.moved(previous, difference)? >= 3.0 * critical
            }
        };
        (is_far && severity == Severity::Critical).then_some(severity)
    }

    /// Whether the change is large enough, whatever the base.
    pub(super) fn is_noteworthy_change(&self, difference: &Difference) -> bool {
        self.watches(difference.direction) && self.is_noteworthy(difference.change)
    }

    pub(super) fn is_noteworthy(&self, change: f64) -> bool {
        change.abs() >= self.entered.min_change
    }

    /// The least size that is worth judging.
    pub(super) fn min_base(&self) -> f64 {
        self.min_base
    }

    /// Below this size an alert of this severity ends.
    pub(super) fn left_below(&self, severity: Severity, previous: f64) -> Option<f64> {
        let level = match severity {
            Severity::Warning => self.held.warning,
            Severity::Critical => self.held.critical,
        };
        match self.measure {
            Measure::NearerEnd => level.map(|level| exact(level * self.base(previous) / 100.0)),
            _ => level,
        }
    }

    pub(super) fn watches(&self, direction: Direction) -> bool {
        match self.on {
            AlertOn::Both => direction != Direction::Unchanged,
            AlertOn::Falls => direction == Direction::Down,
            AlertOn::Rises => direction == Direction::Up,
            AlertOn::Off => false,
        }
    }

    fn base(&self, previous: f64) -> f64 {
        match self.measure {
            Measure::NearerEnd => previous.min(100.0 - previous).max(LEAST_END),
            _ => previous.abs(),
        }
    }

    fn is_large(&self, previous: f64) -> bool {
        match self.measure {
            Measure::Percent | Measure::Points => previous.abs() >= self.min_base,
            Measure::AnyPercent | Measure::NearerEnd => true,
        }
    }

    /// The change in the unit of the levels.
    fn moved(&self, previous: f64, difference: &Difference) -> Option<f64> {
        match self.measure {
            Measure::Percent => difference.percent.map(f64::abs),
            Measure::AnyPercent => Some(difference.percent.map_or(f64::INFINITY, f64::abs)),
            Measure::Points => Some(difference.change.abs()),
            Measure::NearerEnd => {
                Some(exact(difference.change.abs() * 100.0 / self.base(previous)))
            }
        }
    }

    fn reached(&self, previous: f64, difference: &Difference, bounds: &Bounds) -> Option<Severity> {
        if !self.watches(difference.direction)
            || !self.is_large(previous)
            || difference.change.abs() < bounds.min_change
        {
            return None;
        }
        let moved = self.moved(previous, difference)?;
        let at_least = |level: Option<f64>| level.is_some_and(|at| moved >= at);
        match () {
            () if at_least(bounds.critical) => Some(Severity::Critical),
            () if at_least(bounds.warning) => Some(Severity::Warning),
            () => None,
        }
    }
}
