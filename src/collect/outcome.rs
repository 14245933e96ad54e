//! The results of one database, or of several.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::plan::Tally;

use super::{Cost, Found};

/// Each metric's result for each day.
pub type Tallies = BTreeMap<(String, NaiveDate), Tally>;

#[derive(Debug, Default)]
pub struct Outcome {
    pub tallies: Tallies,
    /// Metrics that failed, with their errors.
    pub failures: BTreeMap<String, String>,
    pub costs: Vec<Cost>,
    pub recipients: Option<Result<Found, String>>,
    /// When metrics were asked for, if not at once.
    pub asked_at: BTreeMap<String, DateTime<Utc>>,
    /// When metrics were read, if not together with the others.
    pub read_at: BTreeMap<String, DateTime<Utc>>,
    /// Metrics read from a follower, and the moment up to which it had replayed.
    pub reached: BTreeMap<String, DateTime<Utc>>,
}

impl Outcome {
    pub fn absorb(&mut self, other: Self) {
        self.tallies.extend(other.tallies);
        self.failures.extend(other.failures);
        self.costs.extend(other.costs);
        self.recipients = self.recipients.take().or(other.recipients);
        self.asked_at.extend(other.asked_at);
        self.read_at.extend(other.read_at);
        self.reached.extend(other.reached);
    }

    pub fn fail<'a>(&mut self, keys: impl IntoIterator<Item = &'a str>, why: &str) {
        let failed = |key: &str| (key.to_owned(), why.to_owned());
        self.failures.extend(keys.into_iter().map(failed));
    }
}
