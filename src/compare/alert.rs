//! The life of an alert: new, ongoing, worse, recovered. It is left later than it is entered, so
//! that a number swinging about its level does not ring every other day.

use chrono::NaiveDate;

use crate::catalog::{Limit, Metric};
use crate::entry::PartKey;

use super::change::{Change, Difference, LEAVE, Severity, Way, Week, exact};
use super::usual::Usual;

#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    pub key: String,
    /// Of a distribution; nothing where the metric itself alerts.
    pub part: Option<AlertedPart>,
    pub rule: Rule,
    pub severity: Severity,
    pub state: State,
    /// One on the first day. Calendar days count, stored or not: a day that was missed or could not
    /// be judged neither ends an alert nor stops its count.
    pub day: u32,
    pub since: NaiveDate,
    pub welcome: bool,
    pub value: f64,
    /// It recovered because the level that it told of has become usual.
    pub settled: bool,
}

/// The part of a distribution that an alert is about.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertedPart {
    /// Never [`PartKey::Other`].
    pub key: PartKey,
    /// As the data have it on that day.
    pub label: String,
    /// It is among those that are not named: the value is the most that it can be.
    pub at_most: bool,
    pub usual: Option<Usual>,
    /// How many more of the metric's parts alert on that day without being told; said once a day.
    pub left_out: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    Absolute(Limit),
    Change {
        days: u32,
        date: NaiveDate,
        previous: f64,
        difference: Difference,
    },
    /// The last seven days against the four weeks before, a slow slide; told once.
    Week(Week),
    /// Nothing for so many days, longer than ever in a year.
    Zero(u32),
    /// Another value, after so many days of one and the same; told once.
    Stirred {
        before: f64,
        days: u32,
    },
    /// One and the same value for so many days, where it never was.
    Flat(u32),
}

/// What kind of rule, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleKind {
    Absolute,
    /// Against so many days before.
    Change(u32),
    Week,
    Zero,
    Stirred,
    Flat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    New,
    Ongoing,
    /// A warning became critical.
    Worse,
    /// The first day on which it no longer holds.
    Recovered,
}

impl Rule {
    pub fn kind(&self) -> RuleKind {
        match self {
            Self::Absolute(_) => RuleKind::Absolute,
            Self::Change { days, .. } => RuleKind::Change(*days),
            Self::Week(_) => RuleKind::Week,
            Self::Zero(_) => RuleKind::Zero,
            Self::Stirred { .. } => RuleKind::Stirred,
            Self::Flat(_) => RuleKind::Flat,
        }
    }

    pub(super) fn of(change: &Change) -> Option<Self> {
        Some(Self::Change {
            days: change.days,
            date: change.date,
            previous: change.previous?,
            difference: change.difference()?.clone(),
        })
    }
}

/// What a day says about one rule.
pub(super) enum Verdict {
    /// Nothing can be said: what stood before still stands.
    Unjudged,
    Judged {
        entered: Option<Severity>,
        /// What an alert raised before would stay at.
        held: Option<Severity>,
        way: Way,
    },
}

impl Verdict {
    /// As long as it is so severe, it stands.
    pub(super) fn plain(severity: Option<Severity>, way: Way) -> Self {
        Self::Judged {
            entered: severity,
            held: severity,
            way,
        }
    }

    pub(super) fn calm(way: Way) -> Self {
        Self::plain(None, way)
    }
}

/// One rule of one metric from day to day.
#[derive(Debug, Clone, Default)]
pub(super) struct Lifecycle {
    raised: Option<Raised>,
}

#[derive(Debug, Clone, Copy)]
struct Raised {
    severity: Severity,
    way: Way,
    since: NaiveDate,
    critical_since: Option<NaiveDate>,
}

/// What becomes of a rule on one day.
pub(super) struct Step {
    pub(super) severity: Severity,
    state: State,
    way: Way,
    since: NaiveDate,
    /// Since when it is at least as severe as now.
    pub(super) severe_since: NaiveDate,
    /// The day alone would make less of it.
    pub(super) is_held: bool,
    day: u32,
}

impl Lifecycle {
    pub(super) fn is_raised(&self) -> bool {
        self.raised.is_some()
    }

    pub(super) fn since(&self) -> Option<NaiveDate> {
        self.raised.map(|raised| raised.since)
    }

    /// A fall that follows a rise is another alert, not more of the same.
    pub(super) fn advance(&mut self, verdict: Verdict, date: NaiveDate) -> Option<Step> {
        let Verdict::Judged { entered, held, way } = verdict else {
            return None;
        };
        let before = self.raised.take();
        let same = before.filter(|before| before.way == way);
        let kept = same.and_then(|before| held.map(|held| held.min(before.severity)));
        let step = |raised: Raised, state: State| {
            let day = (date - raised.since).num_days() + 1;
            Step {
                severity: raised.severity,
                state,
                way: raised.way,
                since: raised.since,
                severe_since: match raised.severity {
                    Severity::Warning => raised.since,
                    Severity::Critical => raised.critical_since.unwrap_or(raised.since),
                },
                is_held: entered < Some(raised.severity),
                day: u32::try_from(day).unwrap_or(u32::MAX),
            }
        };
        let Some(severity) = entered.max(kept) else {
            return before.map(|before| step(before, State::Recovered));
        };
        let raised = Raised {
            severity,
            way,
            since: same.map_or(date, |before| before.since),
            critical_since: match severity {
                Severity::Warning => None,
                Severity::Critical => same.and_then(|before| before.critical_since).or(Some(date)),
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

impl Step {
    pub(super) fn is_new(&self) -> bool {
        self.state == State::New
    }

    pub(super) fn is_fall(&self) -> bool {
        self.way == Way::Down
    }

    pub(super) fn is_recovery(&self) -> bool {
        self.state == State::Recovered
    }

    pub(super) fn alert(self, metric: &Metric, value: f64, rule: Rule) -> Alert {
        let is_limit = matches!(rule, Rule::Absolute(_));
        Alert {
            key: metric.key.clone(),
            part: None,
            rule,
            severity: self.severity,
            state: self.state,
            day: self.day,
            since: self.since,
            welcome: !is_limit && self.way.is_welcome(metric.good),
            value,
            settled: false,
        }
    }
}

pub(super) fn by_limits(metric: &Metric, value: f64) -> Verdict {
    let severity = |reached: &dyn Fn(Limit) -> bool| {
        let levels = [Severity::Critical, Severity::Warning];
        levels
            .into_iter()
            .find(|severity| limit_of(metric, *severity).is_some_and(reached))
    };
    Verdict::Judged {
        entered: severity(&|limit| limit.reached(value)),
        held: severity(&|limit| leaving(limit, &metric.unit).reached(value)),
        way: Way::Unchanged,
    }
}

pub(super) fn limit_of(metric: &Metric, severity: Severity) -> Option<Limit> {
    match severity {
        Severity::Warning => metric.alert.warning,
        Severity::Critical => metric.alert.critical,
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
