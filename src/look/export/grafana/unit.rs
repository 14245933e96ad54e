//! How Grafana writes a metric's numbers.

use crate::catalog::{Measure, Metric, Shape};

/// Grafana's name of the unit; an unknown one becomes a suffix.
pub(super) fn unit(metric: &Metric) -> String {
    match metric.unit.as_str() {
        "" => "locale".to_owned(),
        "%" => "percent".to_owned(),
        "bytes" => "bytes".to_owned(),
        "s" | "seconds" => "s".to_owned(),
        "ms" | "milliseconds" => "ms".to_owned(),
        "h" | "hours" => "h".to_owned(),
        other => format!("suffix:{other}"),
    }
}

/// What Grafana may not guess: a count has no decimals.
pub(super) fn decimals(metric: &Metric) -> Option<u32> {
    metric.decimals.or(is_whole(metric).then_some(0))
}

/// Whether every value is a whole number.
pub(super) fn is_whole(metric: &Metric) -> bool {
    match &metric.shape {
        Shape::Live(live) => live.figure.aggregate.counts(),
        _ => matches!(
            measure(metric),
            Some(Measure::Rows | Measure::Filled(_) | Measure::Distinct(_))
        ),
    }
}

/// Whether the parts of a distribution add up to a whole.
pub(super) fn adds_up(metric: &Metric) -> bool {
    let measure = measure(metric);
    matches!(
        measure,
        Some(Measure::Rows | Measure::Filled(_) | Measure::Sum(_))
    )
}

fn measure(metric: &Metric) -> Option<&Measure> {
    match &metric.shape {
        Shape::Counted(counted) => Some(&counted.measure),
        Shape::Sql { .. } | Shape::Live(_) | Shape::Derived(_) => None,
    }
}
