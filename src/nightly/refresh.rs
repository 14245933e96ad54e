//! Stored days looked at once more: rows that came late, rows that vanished, and what has changed by them.

use crate::calendar::AsOf;
use crate::catalog::{Catalog, History, Metric};
use crate::entry::merge::Mode;
use crate::entry::value::agree;
use crate::entry::{Entry, Value, is_wanting};
use crate::plan::{Reach, reach};

use super::todo::{has_the_bounds, lacks, of_other_bounds, with_inputs};
use super::{DayDone, Setting, Task, grace};

/// A metric of a refreshed day that reads otherwise than before. `None` is no value.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub key: String,
    pub was: Option<Value>,
    pub now: Option<Value>,
}

/// What is to be counted again of a stored day, or why nothing is.
pub(super) fn task(
    setting: &Setting<'_>,
    as_of: &AsOf,
    stored: Option<&Entry>,
) -> Result<Task, String> {
    let Some(entry) = stored else {
        return Err("it is not stored yet; --catch-up collects it".to_owned());
    };
    if entry.partial {
        return Err("it was counted while it was open; --catch-up counts it to its end".to_owned());
    }
    if !has_the_bounds(entry, as_of) {
        return Err(of_other_bounds(entry, as_of));
    }
    let keys = keys(setting, as_of, entry);
    if keys.is_empty() {
        return Err("none of its metrics can be recounted".to_owned());
    }
    Ok(Task {
        days: Vec::new(),
        keys,
        mode: Mode::Refresh,
        refill: false,
    })
}

/// In the catalog's order, so that days with the same metrics share a scan.
fn keys(setting: &Setting<'_>, as_of: &AsOf, entry: &Entry) -> Vec<String> {
    let catalog = &setting.config.catalog;
    let wanted = |metric: &&Metric| {
        let can_be_counted = || {
            let reach = reach(metric, catalog, as_of, setting.now, grace(setting.config));
            matches!(reach, Reach::Counted(_))
        };
        is_recountable(metric) && can_be_counted() || lacks(setting, entry, as_of, &metric.key)
    };
    let wanted = catalog.metrics.iter().filter(wanted);
    let wanted: Vec<String> = wanted.map(|metric| metric.key.clone()).collect();
    with_inputs(catalog, &wanted)
}

fn is_recountable(metric: &Metric) -> bool {
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
pub(super) fn done(
    catalog: &Catalog,
    (before, after): (Option<&Entry>, Entry),
    failed: Vec<(String, String)>,
) -> DayDone {
    let changes = changes(catalog, before, &after);
    DayDone {
        date: after.date,
        entry: (before != Some(&after)).then_some(after),
        refilled: false,
        changes: Some(changes),
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
