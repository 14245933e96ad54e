//! What a recount of a stored day may change, and what it has changed.

use crate::book::Stored;
use crate::catalog::{Catalog, History, Metric};
use crate::entry::value::agree;
use crate::entry::{Entry, is_wanting};

use super::types::{Change, DayDone};

pub(super) fn is_recountable(metric: &Metric) -> bool {
    matches!(metric.history, History::Event | History::Interval)
}

/// Removes readings that a recount must not change: equal values, and known values that were recounted only as inputs of
/// missing ones. A renamed metric is looked up under both names.
pub(super) fn keep_changes(catalog: &Catalog, counted: &mut Entry, stored: &Entry) {
    counted.readings.retain(|key, new| {
        let old = catalog
            .metric(key)
            .and_then(|metric| Some((metric, stored.reading(metric)?)));
        match old {
            Some((metric, old)) if old.is_known() && !is_wanting(stored, old) => {
                let same = agree(old.value.as_ref(), new.value.as_ref());
                !new.is_known() || is_recountable(metric) && !same
            }
            _ => true,
        }
    });
}

/// A refreshed day has an entry only if something has changed.
pub(super) fn done(catalog: &Catalog, stored: Stored, failed: Vec<(String, String)>) -> DayDone {
    DayDone {
        date: stored.after.date,
        changes: Some(changes(catalog, stored.before.as_ref(), &stored.after)),
        entry: stored.changed().then_some(stored.after),
        refilled: false,
        failed,
    }
}

fn changes(catalog: &Catalog, before: Option<&Entry>, after: &Entry) -> Vec<Change> {
    let value = |entry: &Entry, metric: &Metric| entry.reading(metric)?.value.clone();
    let change = |metric: &Metric| {
        let was = before.and_then(|entry| value(entry, metric));
        let now = value(after, metric);
        let moved = !agree(was.as_ref(), now.as_ref());
        moved.then(|| Change {
            key: metric.key.clone(),
            was,
            now,
        })
    };
    catalog.metrics.iter().filter_map(change).collect()
}
