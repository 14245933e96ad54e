//! Whether a metric's value for a day can still be known when it is counted.

use chrono::{DateTime, TimeDelta, Utc};

use crate::calendar::AsOf;
use crate::catalog::{Catalog, History, Metric, Shape};
use crate::entry::{Kind, Provenance};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It can be counted; its value will carry this provenance.
    Counted(Provenance),
    /// Why it can no longer be known.
    Unknowable(String),
}

/// For `grace` after a day's end, a mutable column still represents that day.
pub fn reach(
    metric: &Metric,
    catalog: &Catalog,
    as_of: &AsOf,
    now: DateTime<Utc>,
    grace: TimeDelta,
) -> Reach {
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
        History::Now => Reach::Unknowable(why_unknowable(metric, catalog).to_owned()),
    }
}

/// These texts are stored, and `render::phrases` translates them.
const NO_BIRTH: &str = "no column tells when a row was created; past days are unknown";
const WINDOW: &str = "the window's column is overwritten; past days are unknown";
const COLUMN: &str = "it depends on a column that changes; past days are unknown";
const SQL: &str = "the SQL only sees the present; past days are unknown";
const DECLARED: &str = "the catalog declares `history = \"now\"`; past days are unknown";

/// Why the past of a metric with the history `now` is unknown.
fn why_unknowable(metric: &Metric, catalog: &Catalog) -> &'static str {
    let Shape::Counted(counted) = &metric.shape else {
        return SQL;
    };
    let lineage = catalog.lineage(counted.table);
    let mut tables = lineage.iter().map(|at| &catalog.tables[*at]);
    let born = &catalog.tables[counted.table].created_at;
    let mut windows = counted.window.iter();
    match () {
        () if tables.clone().any(|table| table.created_at.is_none()) => NO_BIRTH,
        () if windows.any(|window| born.as_ref() != Some(&window.column)) => WINDOW,
        () if !counted.needs_only_lives(&catalog.tables[counted.table])
            || tables.any(|table| table.condition.is_some()) =>
        {
            COLUMN
        }
        () => DECLARED,
    }
}
