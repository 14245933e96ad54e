//! A metric's series on one day: its number, or one for each part.

use std::collections::HashMap;

use rust_decimal::Decimal;

use crate::catalog::{Catalog, Metric};
use crate::compare::has_begun;
use crate::entry::{Entry, Part, PartKey, Value};

use crate::text::exposition::labels;

/// The labels and the number of each of the metric's series that day; none where nothing is known.
pub(in crate::look::export) fn numbers(
    entry: &Entry,
    metric: &Metric,
    catalog: &Catalog,
) -> Vec<(String, String)> {
    if !has_begun(metric, entry.date, catalog) {
        return Vec::new();
    }
    let known = entry.reading(metric).filter(|reading| reading.is_known());
    match known.and_then(|reading| reading.value.as_ref()) {
        None => Vec::new(),
        Some(Value::Whole(whole)) => vec![(String::new(), whole.to_string())],
        Some(Value::Decimal(decimal)) => vec![(String::new(), decimal.to_string())],
        Some(Value::Parts(parts)) => of_parts(parts),
    }
}

/// Adds up parts of the same labels, since a series may appear only once.
fn of_parts(parts: &[Part]) -> Vec<(String, String)> {
    let mut all: Vec<(String, Decimal)> = Vec::with_capacity(parts.len());
    let mut places: HashMap<String, usize> = HashMap::with_capacity(parts.len());
    for part in parts {
        let labels = part_labels(part);
        match places.get(&labels) {
            Some(at) => all[*at].1 += part.count,
            None => {
                places.insert(labels.clone(), all.len());
                all.push((labels, part.count));
            }
        }
    }
    let number = |(labels, count): (String, Decimal)| (labels, count.normalize().to_string());
    all.into_iter().map(number).collect()
}

/// Rows without a value and the rest have a label that no part has, since a part may have any key and name.
fn part_labels(part: &Part) -> String {
    match &part.key {
        PartKey::Value(key) => labels(&[("key", key), ("label", &part.label)]),
        PartKey::None => labels(&[("label", PartKey::NO_VALUE), ("none", "true")]),
        PartKey::Other => labels(&[("label", "other"), ("rest", "true")]),
    }
}
