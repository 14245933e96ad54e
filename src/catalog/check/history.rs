//! Histories that are declared: can the past really be recounted?

use crate::catalog::document::Place;
use crate::catalog::written::Metric;
use crate::catalog::{Catalog, History, Table};
use crate::text::mistake::Mistake;

pub(super) fn is_possible(
    metric: &Metric,
    place: Place<'_>,
    catalog: &Catalog,
    mistakes: &mut Vec<Mistake>,
) {
    let Some(history) = metric.history else {
        return;
    };
    if metric.percent.is_some() || metric.ratio.is_some() {
        mistakes.push(place.mistake(
            &["history"],
            "a derived metric has the history of what it is made of",
        ));
    }
    let table = metric
        .table
        .as_ref()
        .and_then(|id| catalog.tables.iter().position(|table| table.id == *id));
    let Some(table) = table else { return };
    let lineage = catalog.lineage(table);
    let told = |what: fn(&Table) -> bool| lineage.iter().any(|at| what(&catalog.tables[*at]));
    let message = match history {
        History::Now => return,
        _ if told(|table| table.created_at.is_none()) => {
            "a past day can be recounted only where the table and its parents have `created_at`"
        }
        History::Interval if !told(|table| table.deleted_at.is_some()) => {
            "`interval` needs `deleted_at` on the table or on a parent"
        }
        History::Event if told(|table| table.deleted_at.is_some()) => {
            "rows that have `deleted_at` are not events: their history is `interval`"
        }
        _ => return,
    };
    mistakes.push(place.mistake(&["history"], message));
}
