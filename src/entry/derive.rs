//! Ratios and percentages, computed last from the other values.

use chrono::{DateTime, Utc};

use crate::catalog::{Catalog, Derived, Shape};

use super::value::Value;
use super::{Entry, Kind, Provenance, Reading};

/// Computes every derived metric of the catalog for which both inputs were read.
pub fn derive(entry: &mut Entry, catalog: &Catalog) {
    for metric in &catalog.metrics {
        let read = |key: &str| entry.reading(catalog.metric(key)?);
        if let Shape::Derived(derived) = &metric.shape
            && let (Some(of), Some(per)) = (read(&derived.of), read(&derived.per))
        {
            let reading = divide(derived, of, per, metric.decimals.unwrap_or(2));
            entry.readings.insert(metric.key.clone(), reading);
        }
    }
}

fn divide(derived: &Derived, of: &Reading, per: &Reading, decimals: u32) -> Reading {
    for (key, input) in [(&derived.of, of), (&derived.per, per)] {
        if !input.is_known() {
            let why = input.provenance.reason.as_deref().unwrap_or("unknown");
            let reason = format!("made of `{key}`: {why}");
            return match input.provenance.kind {
                Kind::Failed => Reading::failed(reason),
                _ => Reading::unavailable(reason),
            };
        }
    }
    let value = match (of.number(), per.number()) {
        (Some(_), Some(0.0)) | (None, _) | (_, None) => None,
        (Some(of), Some(per)) if derived.percent => Value::rounded(of / per * 100.0, decimals),
        (Some(of), Some(per)) => Value::rounded(of / per, decimals),
    };
    let value = match value.map(Value::exactly).transpose() {
        Ok(value) => value,
        Err(why) => return Reading::failed(why),
    };
    Reading {
        value,
        provenance: weaker(&of.provenance, &per.provenance),
    }
}

/// A quotient is as good as the worse of its inputs: one with a reason is worse than one without.
fn weaker(one: &Provenance, other: &Provenance) -> Provenance {
    let doubt = |half: &Provenance| (half.kind != Kind::Observed, half.reason.is_some());
    let worse = if doubt(other) > doubt(one) {
        other
    } else {
        one
    };
    Provenance {
        kind: worse.kind,
        reason: worse.reason.clone(),
        observed_at: earlier(one.observed_at, other.observed_at),
        nulls: None,
    }
}

/// A quotient is as old as its older input.
fn earlier(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}
