//! What can honestly be said about a metric for a day, at the moment it is counted.

use chrono::{DateTime, TimeDelta, Utc};

use crate::calendar::AsOf;
use crate::catalog::{History, Metric};
use crate::entry::{Kind, Provenance};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It can be counted; its value will carry this provenance.
    Counted(Provenance),
    /// It cannot be known any more, and why.
    Unknowable(String),
}

/// `grace` is how long after a day's end a mutable column still speaks for that day.
pub fn reach(metric: &Metric, as_of: &AsOf, now: DateTime<Utc>, grace: TimeDelta) -> Reach {
    if metric.since.is_some_and(|since| as_of.day.date < since) {
        return Reach::Unknowable("the metric begins later".to_owned());
    }
    let late = now - as_of.instant;
    let counted_late = Provenance {
        observed_at: Some(now),
        ..Provenance::default()
    };
    let recounted = |reason: Option<&str>| {
        Reach::Counted(Provenance {
            kind: Kind::Reconstructed,
            reason: reason.map(str::to_owned),
            ..Provenance::default()
        })
    };
    match metric.history {
        _ if late <= TimeDelta::zero() => Reach::Counted(Provenance::default()),
        History::Event | History::Interval if late <= grace => {
            Reach::Counted(Provenance::default())
        }
        History::Survivors | History::Now if late <= grace => Reach::Counted(counted_late),
        History::Event | History::Interval => recounted(None),
        History::Survivors => recounted(Some("rows deleted since are missing")),
        History::Now => Reach::Unknowable(
            "it depends on a column that changes, so the past cannot be known".to_owned(),
        ),
    }
}
