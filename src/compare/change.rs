//! A change against an earlier day, and how severe it is.

use chrono::NaiveDate;

use crate::catalog::{Direction, Good, Metric, Thresholds};

/// An alert is left only below this part of the level that raised it.
pub(super) const LEAVE: f64 = 0.8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Warning,
    Critical,
}

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

/// Why there is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// No row for the day, no such metric in it, or a day before the metric's history begins.
    NoData,
    Unavailable,
    Failed,
    /// Counted, but there was nothing to average.
    Nothing,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub change: f64,
    /// Of the previous value's size; a change from zero has none.
    pub percent: Option<f64>,
    pub way: Way,
    /// That of the alert which stands on this change.
    pub severity: Option<Severity>,
    /// Why the alert is more severe than a change of this size would be by itself.
    pub held: Option<Held>,
    /// It goes the way the metric calls good.
    pub welcome: bool,
    /// Why a change of this size deserves none.
    pub calm: Option<Calm>,
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
pub enum Way {
    Up,
    Down,
    Unchanged,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calm {
    /// Usual for its weekday.
    Usual,
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
        (then, now): (Result<f64, Gap>, Result<f64, Gap>),
        good: Good,
    ) -> Self {
        let outcome = match (then, now) {
            (Ok(then), Ok(now)) => Outcome::Compared(Difference::of(then, now, good)),
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
    fn of(previous: f64, value: f64, good: Good) -> Self {
        let change = exact(value - previous);
        let percent = match previous {
            0.0 if change == 0.0 => Some(0.0),
            0.0 => None,
            _ => Some(exact(change * 100.0 / previous.abs())),
        };
        let way = match change {
            0.0 => Way::Unchanged,
            change if change > 0.0 => Way::Up,
            _ => Way::Down,
        };
        Self {
            change,
            percent,
            way,
            severity: None,
            held: None,
            welcome: way.is_welcome(good),
            calm: None,
        }
    }

    /// From nothing to something.
    pub fn is_new(&self) -> bool {
        self.percent.is_none()
    }
}

impl Way {
    pub(super) fn is_welcome(self, good: Good) -> bool {
        matches!(
            (self, good),
            (Self::Up, Good::Up) | (Self::Down, Good::Down)
        )
    }
}

/// A metric's percent rules with the general thresholds filled in.
pub(super) struct Levels {
    points: bool,
    on: Direction,
    min_base: f64,
    entered: Bounds,
    held: Bounds,
}

/// From where on a change alerts: worked out once, not for every day again.
struct Bounds {
    warning: Option<f64>,
    critical: Option<f64>,
    min_change: f64,
}

impl Levels {
    pub(super) fn of(metric: &Metric, general: Thresholds) -> Self {
        let rule = &metric.alert.percent;
        let level = |own: Option<f64>, general| Some(own.unwrap_or(general)).filter(|at| *at > 0.0);
        let warning = level(rule.warning, general.warning);
        let critical = level(rule.critical, general.critical);
        let min_change = rule.min_change.unwrap_or(general.min_change);
        let bounds = |part: f64| Bounds {
            warning: warning.map(|at| exact(at * part)),
            critical: critical.map(|at| exact(at * part)),
            min_change: exact(min_change * part),
        };
        Self {
            points: metric.moves_in_points(),
            on: rule.on,
            min_base: rule.min_base.unwrap_or(general.min_base),
            entered: bounds(1.0),
            held: bounds(LEAVE),
        }
    }

    /// Whether a change could be one that alerts. Nearly all are not, and saying so must cost next to nothing: a
    /// little more than what alerts is let through, to be looked at exactly.
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
        let (base, size) = (previous.abs(), (value - previous).abs());
        let moved = match self.points {
            true => size + SLACK >= least,
            false => size * 100.0 >= (least - SLACK) * base,
        };
        moved && base >= self.min_base && size + SLACK >= min_change
    }

    pub(super) fn entered(&self, previous: f64, difference: &Difference) -> Option<Severity> {
        self.reached(previous, difference, &self.entered)
    }

    /// What an alert already raised would stay at.
    pub(super) fn held(&self, previous: f64, difference: &Difference) -> Option<Severity> {
        self.reached(previous, difference, &self.held)
    }

    /// An alert of this severity is left below this size.
    pub(super) fn left_below(&self, severity: Severity) -> Option<f64> {
        match severity {
            Severity::Warning => self.held.warning,
            Severity::Critical => self.held.critical,
        }
    }

    fn reached(&self, previous: f64, difference: &Difference, bounds: &Bounds) -> Option<Severity> {
        let watched = match self.on {
            Direction::Both => difference.way != Way::Unchanged,
            Direction::Falls => difference.way == Way::Down,
            Direction::Rises => difference.way == Way::Up,
            Direction::Off => false,
        };
        let size = difference.change.abs();
        if !watched || previous.abs() < self.min_base || size < bounds.min_change {
            return None;
        }
        let moved = if self.points {
            size
        } else {
            difference.percent?.abs()
        };
        let at_least = |level: Option<f64>| level.is_some_and(|at| moved >= at);
        match () {
            () if at_least(bounds.critical) => Some(Severity::Critical),
            () if at_least(bounds.warning) => Some(Severity::Warning),
            () => None,
        }
    }
}

/// Takes off what binary fractions add, so that 50.1 − 40.1 reaches a level of 10.
pub(super) fn exact(number: f64) -> f64 {
    if number.abs() < 1e6 {
        (number * 1e9).round() / 1e9
    } else {
        number
    }
}
