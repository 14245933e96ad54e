//! Series names must be unique, or a monitoring system refuses them all.

use std::collections::BTreeMap;

use crate::catalog::document::{Document, Node};
use crate::catalog::gather::Written;
use crate::catalog::series::{is_own, name};
use crate::catalog::{Catalog, Metric};
use crate::text::mistake::Mistake;

/// Needs the settings, which have the prefix of series without a name of their own.
pub fn series_are_unique(
    documents: &[Document<'_>],
    catalog: &Catalog,
    prefix: &str,
    mistakes: &mut Vec<Mistake>,
) {
    // Its mistakes are reported elsewhere.
    let written = Written::gather(documents, &mut Vec::new());
    let mut known: BTreeMap<String, &Metric> = BTreeMap::new();
    for metric in catalog.shown() {
        let series = name(metric, prefix);
        let key = &metric.key;
        let message = if is_own(&series, prefix) {
            format!(
                "`{series}` is a series of Daybook's own, so `{key}` cannot have it: set another `prometheus`"
            )
        } else if let Some(other) = known.get(&series) {
            let other = &other.key;
            format!(
                "`{series}` would be the series of both `{other}` and `{key}`: set another `prometheus` for one of them"
            )
        } else {
            known.insert(series, metric);
            continue;
        };
        if let Some(node) = node_of(metric, &written) {
            let path = if metric.prometheus.is_some() {
                "prometheus"
            } else {
                "key"
            };
            mistakes.push(node.mistake(&[path], message));
        }
    }
}

/// The metric's node: of several families with one key, the one that gave this name.
fn node_of<'a>(metric: &Metric, written: &Written<'a>) -> Option<Node<'a>> {
    let family = written.metrics.iter();
    let family = family.filter(|(written, _)| written.key == metric.family);
    let gave = |name: &Option<String>| match (name, &metric.prometheus) {
        (Some(name), Some(series)) => series.starts_with(name.as_str()),
        (name, series) => name.is_none() && series.is_none(),
    };
    let mut family = family.filter(|(written, _)| gave(&written.prometheus));
    family.next_back().map(|(_, node)| *node)
}
