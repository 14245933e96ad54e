//! What one database gave.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::readings::Tallies;
use super::{Cost, Found};

#[derive(Debug, Default)]
pub struct Outcome {
    pub tallies: Tallies,
    /// Metrics that failed, with their errors.
    pub failures: BTreeMap<String, String>,
    pub costs: Vec<Cost>,
    pub recipients: Option<Result<Found, String>>,
    /// When metrics were asked for, where that was not at once.
    pub asked_at: BTreeMap<String, DateTime<Utc>>,
    /// When metrics were read that could not be read together with the others.
    pub read_at: BTreeMap<String, DateTime<Utc>>,
    /// Metrics read from a follower, and the moment of the application's that it has come to.
    pub reached: BTreeMap<String, DateTime<Utc>>,
}
