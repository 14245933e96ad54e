//! A metric for each value of a split, and for the rows that it does not list.

use crate::catalog::document::Node;
use crate::catalog::written::{self, IGNORE};
use crate::catalog::{Counted, Measure, Metric, Parts, Rules, Shape};

use super::humanised;

pub(super) fn by_split(head: Metric, written: &written::Metric, node: Node<'_>) -> Vec<Metric> {
    let (Some(split), Shape::Counted(counted)) = (&written.split, &head.shape) else {
        return vec![head];
    };
    let mut shares: Vec<(&str, Vec<String>)> = Vec::new();
    for (value, key) in &split.into {
        match shares.iter_mut().find(|(known, _)| known == key) {
            Some((_, values)) => values.push(value.clone()),
            None => shares.push((key, vec![value.clone()])),
        }
    }
    shares.sort_by_key(|(_, values)| node.offset(&["split", "into", &values[0]]));
    let rest = rest(&head, counted, split, &shares);
    let share = |(key, values): (&str, Vec<String>)| {
        let parts = Parts::Share {
            column: split.column.clone(),
            values,
        };
        member(&head, counted, split, key, parts)
    };
    shares.into_iter().map(share).chain(rest).collect()
}

fn member(
    head: &Metric,
    counted: &Counted,
    split: &written::Split,
    key: &str,
    parts: Parts,
) -> Metric {
    let label = split.labels.get(key).cloned();
    Metric {
        key: key.to_owned(),
        prometheus: head.prometheus.as_ref().map(|name| format!("{name}_{key}")),
        label: label.unwrap_or_else(|| humanised(key)),
        shape: Shape::Counted(Counted {
            parts,
            ..counted.clone()
        }),
        ..head.clone()
    }
}

/// The rows that no share counts: a metric of their own, or, where nothing is said of them, a hidden count.
fn rest(
    head: &Metric,
    counted: &Counted,
    split: &written::Split,
    shares: &[(&str, Vec<String>)],
) -> Option<Metric> {
    let declared = split.rest.as_deref();
    let (first, _) = shares.first()?;
    if declared == Some(IGNORE) {
        return None;
    }
    let parts = Parts::Rest {
        column: split.column.clone(),
        values: shares
            .iter()
            .flat_map(|(_, values)| values.clone())
            .collect(),
    };
    if let Some(key) = declared {
        return Some(member(head, counted, split, key, parts));
    }
    let measure = match &counted.measure {
        Measure::Filled(column) => Measure::Filled(column.clone()),
        _ => Measure::Rows,
    };
    Some(Metric {
        // As long as a column's name may be, with a window behind it.
        key: format!("rest_of_{}", first.chars().take(50).collect::<String>()),
        hidden: true,
        prometheus: None,
        unit: String::new(),
        decimals: None,
        alert: Rules::default(),
        shape: Shape::Counted(Counted {
            measure,
            parts,
            ..counted.clone()
        }),
        ..head.clone()
    })
}
