//! Declared histories: whether past days can be recounted.

use crate::catalog::document::NodeMistakes;
use crate::catalog::written::Metric;
use crate::catalog::{Catalog, History, Table};

use super::shape::table_of;

pub(super) fn is_possible(metric: &Metric, catalog: &Catalog, mistakes: &mut NodeMistakes<'_>) {
    let Some(history) = metric.history else {
        return;
    };
    if metric.percent.is_some() || metric.ratio.is_some() {
        mistakes.push(
            &["history"],
            "a derived metric has the history of what it is made of",
        );
    }
    if metric.live.is_some() {
        mistakes.push(
            &["history"],
            "live events are born and never change: leave `history` out",
        );
    }
    let Some(table) = table_of(metric, catalog) else {
        return;
    };
    let lineage = catalog.lineage(table);
    let any = |what: fn(&Table) -> bool| lineage.iter().any(|at| what(&catalog.tables[*at]));
    let message = match history {
        History::Now => return,
        _ if any(|table| table.created_at.is_none()) => {
            "a past day can be recounted only where the table and its parents have `created_at`"
        }
        History::Interval if !any(|table| table.deleted_at.is_some()) => {
            "`interval` needs `deleted_at` on the table or on a parent"
        }
        History::Event if any(|table| table.deleted_at.is_some()) => {
            "rows that have `deleted_at` are not events: their history is `interval`"
        }
        _ => return,
    };
    mistakes.push(&["history"], message);
}
