//! Alerts: the metric, its rule, and since when.

use chrono::NaiveDate;

use crate::catalog::{Limit, Metric};
use crate::entry::PartKey;
use crate::threshold::{Severity, State, Step};

use super::change::{Change, Difference, Week};
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
    /// It recovered because its level has become usual.
    pub settled: bool,
}

/// The part of a distribution that an alert is about.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertedPart {
    /// Never [`PartKey::Other`].
    pub key: PartKey,
    /// The label on that day.
    pub label: String,
    /// The part is not listed, so the value is the most that it can be.
    pub at_most: bool,
    pub usual: Option<Usual>,
    /// How many more parts alert on that day and are left out, at one alert of the day.
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
    /// The last seven days against the four weeks before, a slow slide; reported once.
    Week(Week),
    /// Zero for so many days, the longest in a year.
    Zero(u32),
    /// Another value after `days` days of `before`; reported once.
    Stirred {
        before: f64,
        days: u32,
    },
    /// The same value for so many days, longer than ever.
    Flat(u32),
}

/// What kind of rule, in the order in which they are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleKind {
    Absolute,
    /// Against the day so many days before.
    Change(u32),
    Week,
    Zero,
    Stirred,
    Flat,
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

    pub(super) fn from_change(change: &Change) -> Option<Self> {
        Some(Self::Change {
            days: change.days,
            date: change.date,
            previous: change.previous?,
            difference: change.difference()?.clone(),
        })
    }
}

pub(super) fn alert(step: &Step<NaiveDate>, metric: &Metric, value: f64, rule: Rule) -> Alert {
    let day = (step.at - step.since).num_days() + 1;
    let is_limit = matches!(rule, Rule::Absolute(_));
    Alert {
        key: metric.key.clone(),
        part: None,
        rule,
        severity: step.severity,
        state: step.state,
        day: u32::try_from(day).unwrap_or(u32::MAX),
        since: step.since,
        welcome: !is_limit && step.direction.is_welcome(metric.good),
        value,
        settled: false,
    }
}

pub(super) fn limit_of(metric: &Metric, severity: Severity) -> Option<Limit> {
    match severity {
        Severity::Warning => metric.alert.warning,
        Severity::Critical => metric.alert.critical,
    }
}
