//! Finds what a stored day lacks, and whether it can still be counted.

use crate::calendar::AsOf;
use crate::catalog::{Catalog, Metric, Shape};
use crate::entry::{Entry, Kind, Reading, is_wanting};
use crate::plan::{Reach, reach};

use super::super::types::NightContext;

/// The same day in another zone begins and ends at other times.
pub(super) fn has_same_bounds(entry: &Entry, as_of: &AsOf) -> bool {
    (entry.day_start, entry.day_end) == (as_of.day.start, as_of.day.end)
}

pub(super) fn other_bounds(entry: &Entry, as_of: &AsOf) -> String {
    format!(
        "it was counted in {}, and begins or ends at another time in {}; recount it with --force",
        entry.time_zone, as_of.day.zone
    )
}

/// Whether a metric was not yet measured when the day was stored, or is wanting and can still be counted. An unavailable
/// value is final, unless the catalog has changed so that it can be known.
pub(super) fn lacks(context: &NightContext<'_>, entry: &Entry, as_of: &AsOf, key: &str) -> bool {
    let metric = context.config.catalog.metric(key);
    let Some((metric, reading)) = metric.and_then(|metric| Some((metric, entry.reading(metric)?)))
    else {
        return true;
    };
    match reading.provenance.kind {
        Kind::Unavailable => can_be_known(context, entry, as_of, metric),
        _ => {
            is_wanting(entry, reading)
                && (!reading.is_known() || is_countable(context, as_of, metric))
        }
    }
}

/// A derived metric can be known if each input is known or can be. What is unknown of live events stays so: a refresh looks
/// for late ones.
fn can_be_known(context: &NightContext<'_>, entry: &Entry, as_of: &AsOf, metric: &Metric) -> bool {
    let derived = match &metric.shape {
        Shape::Derived(derived) => derived,
        Shape::Live(_) => return false,
        _ => return is_countable(context, as_of, metric),
    };
    let mut inputs = [&derived.of, &derived.per].into_iter();
    inputs.all(|key| {
        let input = context.config.catalog.metric(key);
        input.is_some_and(|input| {
            let is_known = entry.reading(input).is_some_and(Reading::is_known);
            is_known || can_be_known(context, entry, as_of, input)
        })
    })
}

pub(super) fn is_countable(context: &NightContext<'_>, as_of: &AsOf, metric: &Metric) -> bool {
    let catalog = &context.config.catalog;
    let reach = reach(metric, catalog, as_of, context.now, context.grace());
    matches!(reach, Reach::Counted(_))
}

/// Adds the inputs of derived metrics, from which those are derived again.
pub(super) fn with_inputs(catalog: &Catalog, keys: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for key in keys {
        for each in catalog.closure(key) {
            if !all.contains(&each) {
                all.push(each);
            }
        }
    }
    all
}
