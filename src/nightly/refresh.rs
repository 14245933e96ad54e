//! What a recount of a stored day says, and what has changed by it.

use crate::book::Stored;
use crate::catalog::{Catalog, History, Metric};
use crate::entry::value::agree;
use crate::entry::{Entry, is_wanting};

use super::types::{Change, DayDone};

pub(super) fn is_recountable(metric: &Metric) -> bool {
    matches!(metric.history, History::Event | History::Interval)
}

/// Takes out of a recount what it has no say in: what came to the same, and known values that were counted
/// again only because something that was lacking is made of them. A renamed metric is looked up under both names.
pub(super) fn keep_what_counts(catalog: &Catalog, counted: &mut Entry, stored: &Entry) {
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

/// A refreshed day has an entry only where something in it has changed.
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
