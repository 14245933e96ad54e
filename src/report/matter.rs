//! What deserves attention: one matter for each metric that alerts, however many of its rules do.

use chrono::NaiveDate;

use crate::catalog::Catalog;
use crate::entry::Entry;

use super::{Notice, Report, Row, Rule, Severity, State};

/// A metric that deserves attention, told by the rule that says most.
#[derive(Debug, Clone)]
pub struct Matter {
    /// Its place in [`Report::rows`].
    pub row: usize,
    pub severity: Severity,
    pub state: State,
    pub day: u32,
    pub since: NaiveDate,
    pub welcome: bool,
    pub value: f64,
    pub rule: Rule,
    /// The part of the metric's distribution that moved most, against the day of `rule`.
    pub mover: Option<Mover>,
}

/// `web_mobile −2'312 of −2'594`
#[derive(Debug, Clone, PartialEq)]
pub struct Mover {
    pub part: String,
    pub change: f64,
    /// The whole metric's change.
    pub of: f64,
}

/// The day in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The day is still open: nothing is judged.
    Open,
    Critical,
    Warning,
    /// Nothing alerts, but some metrics failed.
    Incomplete,
    Ok,
}

pub(super) fn of(_alerts: &[Notice], _rows: &[Row], _world: (&[Entry], &Catalog)) -> Vec<Matter> {
    Vec::new()
}

impl Report {
    pub fn verdict(&self) -> Verdict {
        match self.counts {
            _ if self.partial => Verdict::Open,
            counts if counts.critical > 0 => Verdict::Critical,
            counts if counts.warnings > 0 => Verdict::Warning,
            _ if self.failed().next().is_some() => Verdict::Incomplete,
            _ => Verdict::Ok,
        }
    }
}
