//! One day's values with their provenance.

pub mod derive;
pub mod merge;
pub mod value;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::calendar::AsOf;
use crate::catalog::Metric;

pub use derive::derive;
pub use merge::{is_wanting, keep_better_renamed_values, merge};
pub use value::{Part, PartKey, Value, part_name};

/// One day's row.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub date: NaiveDate,
    pub time_zone: Tz,
    pub day_start: DateTime<Utc>,
    pub day_end: DateTime<Utc>,
    pub as_of: DateTime<Utc>,
    /// The day was still open when it was counted.
    pub partial: bool,
    pub collected_at: DateTime<Utc>,
    pub duration_ms: i64,
    pub catalog_hash: String,
    pub readings: BTreeMap<String, Reading>,
}

/// A metric's value for the day.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// `None` when it could not be known, or when there was nothing to measure.
    pub value: Option<Value>,
    pub provenance: Provenance,
}

/// How a value came about. The default, observed at as-of, is not stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    pub kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// When a mutable value was read, if not at as-of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observed_at: Option<DateTime<Utc>>,
    /// Rows that counted as nothing because the column was null.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub nulls: Option<i64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    #[default]
    Observed,
    Reconstructed,
    Unavailable,
    Failed,
    Imported,
}

impl Entry {
    pub fn empty(as_of: &AsOf, collected_at: DateTime<Utc>, catalog_hash: &str) -> Self {
        Self {
            date: as_of.day.date,
            time_zone: as_of.day.zone,
            day_start: as_of.day.start,
            day_end: as_of.day.end,
            as_of: as_of.instant,
            partial: as_of.open,
            collected_at,
            duration_ms: 0,
            catalog_hash: catalog_hash.to_owned(),
            readings: BTreeMap::new(),
        }
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        self.readings.get(key)?.number()
    }

    /// The metric's reading, in an older entry under its former key. A known value under the former key counts if there is
    /// none under the new one.
    pub fn reading(&self, metric: &Metric) -> Option<&Reading> {
        let own = self.readings.get(&metric.key);
        let renamed = metric.was.as_ref().and_then(|was| self.readings.get(was));
        match own {
            Some(own) if own.is_known() => Some(own),
            _ => renamed.filter(|old| old.is_known()).or(own).or(renamed),
        }
    }

    pub fn hours(&self) -> f64 {
        (self.day_end - self.day_start).num_seconds() as f64 / 3600.0
    }

    /// Failed metrics with their errors.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        let failed = self
            .readings
            .iter()
            .filter(|(_, reading)| reading.provenance.kind == Kind::Failed);
        failed.map(|(key, reading)| {
            (
                key.as_str(),
                reading.provenance.reason.as_deref().unwrap_or_default(),
            )
        })
    }
}

impl Reading {
    pub fn observed(value: Option<Value>) -> Self {
        Self {
            value,
            provenance: Provenance::default(),
        }
    }

    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::without_value(Kind::Unavailable, reason.into())
    }

    pub fn failed(reason: impl Into<String>) -> Self {
        Self::without_value(Kind::Failed, reason.into())
    }

    fn without_value(kind: Kind, reason: String) -> Self {
        let provenance = Provenance {
            kind,
            reason: Some(reason),
            ..Provenance::default()
        };
        Self {
            value: None,
            provenance,
        }
    }

    /// The value was counted, even if there was nothing to measure.
    pub fn is_known(&self) -> bool {
        !matches!(self.provenance.kind, Kind::Unavailable | Kind::Failed)
    }

    pub fn number(&self) -> Option<f64> {
        self.value.as_ref().and_then(Value::number)
    }
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Reconstructed => "reconstructed",
            Self::Unavailable => "unavailable",
            Self::Failed => "failed",
            Self::Imported => "imported",
        }
    }
}
