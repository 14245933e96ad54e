//! Muted alerts: until when, and why.

use chrono::NaiveDate;

use super::Metric;

/// Alerts of a metric, or of a whole family, on the days `from` to `until`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mute {
    pub key: String,
    pub from: NaiveDate,
    pub until: NaiveDate,
    pub because: String,
}

impl Mute {
    /// A renamed metric stays muted.
    pub fn is_about(&self, metric: &Metric) -> bool {
        let was = metric.was.as_ref();
        self.key == metric.key || self.key == metric.family || was == Some(&self.key)
    }

    pub fn holds(&self, date: NaiveDate) -> bool {
        self.from <= date && date <= self.until
    }
}
