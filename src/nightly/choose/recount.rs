//! Recounts stored days, for rows that came late or vanished.

use crate::calendar::AsOf;
use crate::catalog::Metric;
use crate::entry::Entry;
use crate::entry::merge::Mode;

use super::super::refresh::is_recountable;
use super::super::types::{NightContext, Task};
use super::lacking::{has_same_bounds, is_countable, lacks, other_bounds, with_inputs};

/// The recount of a stored day, or why there is none.
pub(super) fn task(
    context: &NightContext<'_>,
    as_of: &AsOf,
    stored: Option<&Entry>,
) -> Result<Task, String> {
    let Some(entry) = stored else {
        return Err("it is not stored yet; collect it with --catch-up".to_owned());
    };
    if entry.partial {
        return Err("it was counted while still open; complete it with --catch-up".to_owned());
    }
    if !has_same_bounds(entry, as_of) {
        return Err(other_bounds(entry, as_of));
    }
    let keys = keys(context, as_of, entry);
    if keys.is_empty() {
        return Err("none of its metrics can be recounted".to_owned());
    }
    Ok(Task::new(keys, Mode::Refresh))
}

/// In the catalog's order, so that days with the same metrics share a scan.
fn keys(context: &NightContext<'_>, as_of: &AsOf, entry: &Entry) -> Vec<String> {
    let catalog = &context.config.catalog;
    let wanted = |metric: &&Metric| {
        is_recountable(metric) && is_countable(context, as_of, metric)
            || lacks(context, entry, as_of, &metric.key)
    };
    let wanted = catalog.metrics.iter().filter(wanted);
    let wanted: Vec<String> = wanted.map(|metric| metric.key.clone()).collect();
    with_inputs(catalog, &wanted)
}
