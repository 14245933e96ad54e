//! A value against its thresholds, and the lifecycle of an alert: new, ongoing, worse, recovered. The level to leave is below
//! the level to enter, so that a number around its level does not alert every other time. Works for days and instants.

use crate::catalog::{Good, Limit};

/// An alert is left only below this part of the level that raised it.
pub const LEAVE: f64 = 0.8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Warning,
    Critical,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
    Unchanged,
}

impl Direction {
    pub(super) fn is_welcome(self, good: Good) -> bool {
        matches!(
            (self, good),
            (Self::Up, Good::Up) | (Self::Down, Good::Down)
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    New,
    Ongoing,
    /// A warning became critical.
    Worse,
    /// The first time that it no longer holds.
    Recovered,
}

/// One rule's verdict on a value.
pub enum Verdict {
    /// Unknown: an alert stays as it was.
    Unjudged,
    Judged {
        entered: Option<Severity>,
        /// The severity at which an earlier alert would stay.
        held: Option<Severity>,
        direction: Direction,
    },
}

impl Verdict {
    /// An alert without hysteresis.
    pub fn plain(severity: Option<Severity>, direction: Direction) -> Self {
        Self::Judged {
            entered: severity,
            held: severity,
            direction,
        }
    }

    pub fn quiet(direction: Direction) -> Self {
        Self::plain(None, direction)
    }
}

/// The alert of one rule over time.
#[derive(Debug, Clone)]
pub struct Lifecycle<Time> {
    raised: Option<Raised<Time>>,
}

impl<Time> Default for Lifecycle<Time> {
    fn default() -> Self {
        Self { raised: None }
    }
}

/// What an alert was when it was last judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raised<Time> {
    pub severity: Severity,
    pub direction: Direction,
    pub since: Time,
    pub critical_since: Option<Time>,
}

/// A rule's alert at one time.
pub struct Step<Time> {
    pub severity: Severity,
    pub state: State,
    pub direction: Direction,
    pub at: Time,
    pub since: Time,
    /// Since when it is at least as severe as now.
    pub severe_since: Time,
    /// The value alone would be less severe.
    pub is_held: bool,
}

impl<Time: Copy> Lifecycle<Time> {
    /// Goes on where it was.
    pub fn resume(raised: Option<Raised<Time>>) -> Self {
        Self { raised }
    }

    pub fn raised(&self) -> Option<Raised<Time>> {
        self.raised
    }

    pub fn is_raised(&self) -> bool {
        self.raised.is_some()
    }

    pub fn since(&self) -> Option<Time> {
        self.raised.map(|raised| raised.since)
    }

    /// A fall that follows a rise is another alert.
    pub fn advance(&mut self, verdict: Verdict, at: Time) -> Option<Step<Time>> {
        let Verdict::Judged {
            entered,
            held,
            direction,
        } = verdict
        else {
            return None;
        };
        let before = self.raised.take();
        let same = before.filter(|before| before.direction == direction);
        let held = same.and_then(|before| held.map(|held| held.min(before.severity)));
        let step = |raised: Raised<Time>, state: State| Step {
            severity: raised.severity,
            state,
            direction: raised.direction,
            at,
            since: raised.since,
            severe_since: match raised.severity {
                Severity::Warning => raised.since,
                Severity::Critical => raised.critical_since.unwrap_or(raised.since),
            },
            is_held: entered < Some(raised.severity),
        };
        let Some(severity) = entered.max(held) else {
            return before.map(|before| step(before, State::Recovered));
        };
        let raised = Raised {
            severity,
            direction,
            since: same.map_or(at, |before| before.since),
            critical_since: match severity {
                Severity::Warning => None,
                Severity::Critical => same.and_then(|before| before.critical_since).or(Some(at)),
            },
        };
        self.raised = Some(raised);
        let state = match same {
            None => State::New,
            Some(before) if severity > before.severity => State::Worse,
            Some(_) => State::Ongoing,
        };
        Some(step(raised, state))
    }
}

impl<Time> Step<Time> {
    pub fn is_new(&self) -> bool {
        self.state == State::New
    }

    pub fn is_fall(&self) -> bool {
        self.direction == Direction::Down
    }

    pub fn is_recovery(&self) -> bool {
        self.state == State::Recovered
    }
}

/// A value against a pair of limits; `unit` says where shares end.
pub fn by_limits(limit_of: impl Fn(Severity) -> Option<Limit>, value: f64, unit: &str) -> Verdict {
    let severity = |reached: &dyn Fn(Limit) -> bool| {
        let mut levels = [Severity::Critical, Severity::Warning].into_iter();
        levels.find(|severity| limit_of(*severity).is_some_and(reached))
    };
    Verdict::Judged {
        entered: severity(&|limit| limit.reached(value)),
        held: severity(&|limit| leaving(limit, unit).reached(value)),
        direction: Direction::Unchanged,
    }
}

/// The limit within which an alert stays raised. It is the wider one: `> 20` holds on above 16,
/// `< 10` below 12.5, and `> 0` is left at 0. Shares end at 1 and percentages at 100, where a wider
/// limit could never be left: there the way to that end shrinks instead, so `< 95 %` holds on below 96.
fn leaving(limit: Limit, unit: &str) -> Limit {
    let bound = limit.bound;
    let end = if unit == "%" { 100.0 } else { 1.0 };
    let wider = if limit.over == (bound >= 0.0) {
        bound * LEAVE
    } else if !limit.over && bound <= end {
        (bound / LEAVE).min(end - (end - bound) * LEAVE)
    } else {
        bound / LEAVE
    };
    Limit {
        bound: exact(wider),
        ..limit
    }
}

/// Rounds off errors of binary fractions, so that 50.1 − 40.1 reaches a level of 10.
pub fn exact(number: f64) -> f64 {
    if number.abs() < 1e6 {
        (number * 1e9).round() / 1e9
    } else {
        number
    }
}
