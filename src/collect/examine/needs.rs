//! The tables and columns that a metric needs, as far as the catalog names them: conditions are not parsed.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Catalog, Counted, Measure, Metric, Parts, Shape, Table, TimeKind};

/// Columns by real table name.
pub(super) type Needs = BTreeMap<String, BTreeSet<String>>;

/// A time column, and how it holds its times.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::collect) struct TimeNeed {
    pub table: String,
    pub column: String,
    pub kind: TimeKind,
}

pub(super) fn needs(catalog: &Catalog, metric: &Metric) -> Needs {
    let mut needs = Needs::new();
    let Shape::Counted(counted) = &metric.shape else {
        return needs;
    };
    for at in catalog.lineage(counted.table) {
        let table = &catalog.tables[at];
        let columns = needs.entry(table.name.clone()).or_default();
        columns.extend(table.created_at.iter().chain(&table.deleted_at).cloned());
        columns.extend(table.parents.iter().map(|parent| parent.column.clone()));
        for parent in &table.parents {
            let columns = needs.entry(catalog.tables[parent.table].name.clone());
            columns.or_default().insert(parent.key.clone());
        }
    }
    let own = needs.entry(catalog.tables[counted.table].name.clone());
    own.or_default().extend(own_columns(counted));
    if let Parts::By(by) = &counted.parts
        && let Some(label) = &by.label
    {
        let columns = needs.entry(label.table.clone()).or_default();
        columns.extend([label.key.clone(), label.column.clone()]);
    }
    needs
}

fn own_columns(counted: &Counted) -> Vec<String> {
    let mut columns = Vec::new();
    match &counted.measure {
        Measure::Rows => {}
        Measure::Filled(column)
        | Measure::Sum(column)
        | Measure::Avg(column)
        | Measure::Min(column)
        | Measure::Max(column)
        | Measure::Newest(column)
        | Measure::Distinct(column) => columns.push(column.clone()),
    }
    match &counted.parts {
        Parts::Whole => {}
        Parts::Share { column, .. } | Parts::Rest { column, .. } => columns.push(column.clone()),
        Parts::By(by) => columns.push(by.column.clone()),
    }
    columns.extend(counted.window.iter().map(|window| window.column.clone()));
    columns
}

/// A column of which a metric takes the minimum, maximum, sum or mean.
pub(super) struct MeasuredColumn {
    pub metric: String,
    pub table: String,
    pub column: String,
    /// The metric is one of the column's values, not calculated from all.
    pub as_it_is: bool,
}

pub(super) fn measured(catalog: &Catalog, keys: &[String]) -> Vec<MeasuredColumn> {
    let metrics = keys.iter().filter_map(|key| catalog.metric(key));
    let columns = metrics.filter_map(|metric| {
        let Shape::Counted(counted) = &metric.shape else {
            return None;
        };
        let (column, as_it_is) = match &counted.measure {
            Measure::Rows | Measure::Filled(_) | Measure::Newest(_) | Measure::Distinct(_) => {
                return None;
            }
            Measure::Sum(column) | Measure::Avg(column) => (column, false),
            Measure::Min(column) | Measure::Max(column) => (column, true),
        };
        Some(MeasuredColumn {
            metric: metric.key.clone(),
            table: catalog.tables[counted.table].name.clone(),
            column: column.clone(),
            as_it_is,
        })
    });
    columns.collect()
}

/// Every time column of one app database.
pub(super) fn times(catalog: &Catalog, database: &str) -> BTreeSet<TimeNeed> {
    let mut times = births(catalog, database);
    for table in catalog.tables.iter().filter(|one| one.database == database) {
        let ends = table.deleted_at.iter();
        times.extend(ends.map(|at| need(table, at, table.time)));
    }
    times
}

/// Columns with the times at which something began or happened, which are never later than now.
pub(in crate::collect) fn births(catalog: &Catalog, database: &str) -> BTreeSet<TimeNeed> {
    let mut times = BTreeSet::new();
    for table in catalog.tables.iter().filter(|one| one.database == database) {
        let births = table.created_at.iter();
        times.extend(births.map(|at| need(table, at, table.time)));
    }
    for metric in &catalog.metrics {
        if let Shape::Counted(counted) = &metric.shape
            && let table = &catalog.tables[counted.table]
            && table.database == database
        {
            if let Some(window) = &counted.window {
                let kind = window.time.unwrap_or(table.time);
                times.insert(need(table, &window.column, kind));
            }
            if let Measure::Newest(column) = &counted.measure {
                times.insert(need(table, column, table.time));
            }
        }
    }
    times
}

pub(in crate::collect) fn need(table: &Table, column: &str, kind: TimeKind) -> TimeNeed {
    TimeNeed {
        table: table.name.clone(),
        column: column.to_owned(),
        kind,
    }
}
