//! Which rows of a declared table count at an instant, as SQL conditions.

use crate::calendar::{AsOf, Day, Edge};
use crate::catalog::{Catalog, Counted, Measure, Metric, Parent, Shape, Table, TimeKind};
use crate::engine::Engine;

use super::facts::Facts;
use super::sql::{Writer, column, filter, renamed, table};
use super::time::{self, TimeColumn, time_column, with_moments};
use super::{KnownDatabases, Recipe, Statement};

/// What every piece of a plan needs.
#[derive(Clone, Copy)]
pub struct PlanContext<'a> {
    pub catalog: &'a Catalog,
    pub facts: &'a Facts,
    pub engine: Engine,
}

impl<'a> KnownDatabases<'a> {
    /// `None` for a derived metric, and for a database that is not known.
    pub fn context(self, catalog: &'a Catalog, metric: &Metric) -> Option<PlanContext<'a>> {
        Some(PlanContext {
            catalog,
            facts: self.facts,
            engine: *self.engines.get(database_of(catalog, metric)?)?,
        })
    }
}

impl PlanContext<'_> {
    pub fn table(&self, at: usize) -> &Table {
        &self.catalog.tables[at]
    }

    /// In lower case; empty if unknown.
    pub fn column_type(&self, counted: &Counted, column: &str) -> &str {
        self.facts.column_type(self.table(counted.table), column)
    }

    pub fn is_collated(&self, counted: &Counted, column: &str) -> bool {
        self.facts.is_collated(self.table(counted.table), column)
    }

    pub fn born(&self, at: usize) -> Option<TimeColumn> {
        let table = self.table(at);
        Some(self.time_column(table, table.created_at.as_ref()?, table.time))
    }

    pub fn ended(&self, at: usize) -> Option<TimeColumn> {
        let table = self.table(at);
        Some(self.time_column(table, table.deleted_at.as_ref()?, table.time))
    }

    /// The column of the metric's window.
    pub fn happened(&self, counted: &Counted) -> Option<TimeColumn> {
        let table = self.table(counted.table);
        let window = counted.window.as_ref()?;
        Some(self.time_column(table, &window.column, window.time.unwrap_or(table.time)))
    }

    /// A column of the table by which its newest row is found.
    pub fn newest(&self, at: usize, column: &str) -> TimeColumn {
        let table = self.table(at);
        self.time_column(table, column, table.time)
    }

    /// The metric's own such column, unless it is the birth of the rows: before that they do not count anyway.
    pub fn newest_after_birth(&self, counted: &Counted) -> Option<TimeColumn> {
        match &counted.measure {
            Measure::Newest(column)
                if self.table(counted.table).created_at.as_ref() != Some(column) =>
            {
                Some(self.newest(counted.table, column))
            }
            _ => None,
        }
    }

    fn time_column(&self, table: &Table, name: &str, kind: TimeKind) -> TimeColumn {
        time_column(table, name, kind, self.engine, self.facts)
    }
}

/// The app database a metric is read from; none for derived and live ones.
pub fn database_of<'a>(catalog: &'a Catalog, metric: &'a Metric) -> Option<&'a str> {
    match &metric.shape {
        Shape::Counted(counted) => Some(&catalog.tables[counted.table].database),
        Shape::Sql { database, .. } => Some(database),
        Shape::Live(_) | Shape::Derived(_) => None,
    }
}

/// The metrics that these keys name, in the catalog's order.
pub fn named<'a>(catalog: &'a Catalog, keys: &[String]) -> impl Iterator<Item = &'a Metric> {
    let metrics = catalog.metrics.iter();
    metrics.filter(|metric| keys.contains(&metric.key))
}

/// Conditions under which a row of the table counts, leaving its parents aside.
pub fn own_conditions(
    context: PlanContext<'_>,
    at: usize,
    alias: &str,
    as_of: &Edge,
    writer: &mut Writer,
) -> Vec<String> {
    let mut conditions = lasting_conditions(context, at, alias);
    if let Some(born) = context.born(at) {
        conditions.push(time::before(&born, alias, as_of, writer));
    }
    if let Some(ended) = context.ended(at) {
        conditions.push(time::not_ended(&ended, alias, as_of, writer));
    }
    conditions
}

/// The table's `where`, which does not depend on time.
pub fn lasting_conditions(context: PlanContext<'_>, at: usize, alias: &str) -> Vec<String> {
    let condition = context.table(at).condition.as_ref();
    condition
        .map(|text| format!("({})", renamed(text, alias, context.engine)))
        .into_iter()
        .collect()
}

/// Conditions on the row and, nested, on all its parents.
pub fn conditions(
    context: PlanContext<'_>,
    at: usize,
    alias: &str,
    as_of: &Edge,
    writer: &mut Writer,
) -> Vec<String> {
    let mut all = own_conditions(context, at, alias, as_of, writer);
    for link in &context.table(at).parents {
        all.push(parent_counts(context, at, link, alias, as_of, writer));
    }
    all
}

/// The condition that the row's parent counts. If the database guarantees that the parent exists, looking for the few
/// parents that do not count is much cheaper.
pub fn parent_counts(
    context: PlanContext<'_>,
    at: usize,
    link: &Parent,
    alias: &str,
    as_of: &Edge,
    writer: &mut Writer,
) -> String {
    let inner = writer.alias();
    let name = table(&context.table(link.table).name);
    let mut living = conditions(context, link.table, &inner, as_of, writer);
    let alive = living.join(" AND ");
    let (here, there) = (column(alias, &link.column), column(&inner, &link.key));
    match is_promised(context, at, link) {
        true if alive.is_empty() => format!("{here} IS NOT NULL"),
        _ if hashes_dead_parents(context, at, link) => format!(
            "{here} IS NOT NULL AND {here} NOT IN (SELECT {there} FROM {name} AS {inner} WHERE ({alive}) IS NOT TRUE AND {there} IS NOT NULL)"
        ),
        true => format!(
            "{here} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {name} AS {inner} WHERE {there} = {here} AND ({alive}) IS NOT TRUE)"
        ),
        false => {
            living.insert(0, format!("{there} = {here}"));
            let found = filter(&living);
            format!("EXISTS (SELECT 1 FROM {name} AS {inner}{found})")
        }
    }
}

/// Whether the keys of parents that do not count form a set, in which each row's key is looked up. PostgreSQL does so only
/// while the set fits into memory, and would otherwise compute it again for each row.
pub fn hashes_dead_parents(context: PlanContext<'_>, at: usize, link: &Parent) -> bool {
    let fits = match context.engine {
        Engine::Sqlite => true,
        Engine::Postgres => context.facts.keys_fit_memory(context.table(link.table)),
        Engine::Mysql => false,
    };
    fits && is_promised(context, at, link)
}

fn is_promised(context: PlanContext<'_>, at: usize, link: &Parent) -> bool {
    let (child, parent) = (context.table(at), context.table(link.table));
    context.facts.is_promised(child, link, parent)
}

/// On PostgreSQL, a join to the parents that all metrics of a statement share, and the condition that the row's parent
/// counts. A promised parent is looked up among the few dead ones, any other among the many living.
pub fn parent_join(
    context: PlanContext<'_>,
    at: usize,
    link: &Parent,
    as_of: &Edge,
    writer: &mut Writer,
) -> Option<(String, String)> {
    let promised = is_promised(context, at, link);
    let parent = context.table(link.table);
    let found_once = promised || context.facts.is_unique(parent, &link.key);
    if context.engine != Engine::Postgres || !found_once {
        return None;
    }
    let inner = writer.alias();
    let living = conditions(context, link.table, &inner, as_of, writer);
    let (here, key) = (column("this", &link.column), column(&inner, &link.key));
    let (joined, counts) = match promised {
        true if living.is_empty() => return None,
        true => (
            format!(" WHERE ({}) IS NOT TRUE", living.join(" AND ")),
            format!("{inner}_key IS NULL AND {here} IS NOT NULL"),
        ),
        false => (filter(&living), format!("{inner}_key IS NOT NULL")),
    };
    let join = format!(
        " LEFT JOIN (SELECT {key} AS {inner}_key FROM {} AS {inner}{joined}) AS {inner} ON {inner}_key = {here}",
        table(&parent.name)
    );
    Some((join, counts))
}

/// The metric's own `where` and window, and the end of what can be its newest row.
pub(super) fn metric_conditions(
    context: PlanContext<'_>,
    counted: &Counted,
    as_of: &AsOf,
    writer: &mut Writer,
) -> Vec<String> {
    let declared = context.table(counted.table);
    let mut all: Vec<String> = counted
        .condition
        .iter()
        .map(|text| {
            format!(
                "({})",
                with_moments(&renamed(text, "this", context.engine), as_of, writer)
            )
        })
        .collect();
    let mut ends = Vec::new();
    if let (Some(window), Some(happened)) = (&counted.window, context.happened(counted)) {
        let start = as_of.window_start(window.days);
        all.push(time::at_or_after(&happened, "this", &start, writer));
        if declared.created_at.as_ref() != Some(&window.column) {
            ends.push(happened);
        }
    }
    ends.extend(context.newest_after_birth(counted));
    for end in ends {
        let never_null = TimeColumn {
            nullable: false,
            ..end
        };
        all.push(time::before(&never_null, "this", &as_of.edge(), writer));
    }
    all
}

/// A statement on the declared table, without a guard.
pub(super) fn statement(
    context: PlanContext<'_>,
    at: usize,
    sql: String,
    writer: Writer,
    recipes: Vec<Recipe>,
    days: Vec<Day>,
) -> Statement {
    let declared = context.table(at);
    let facts = context.facts.declared(declared);
    Statement {
        database: declared.database.clone(),
        table: declared.name.clone(),
        sql,
        binds: writer.binds,
        recipes,
        guard: None,
        days,
        quarters: Vec::new(),
        weight: facts.map_or(0, |facts| facts.bytes),
    }
}

pub fn counted_of(metric: &Metric) -> Option<&Counted> {
    match &metric.shape {
        Shape::Counted(counted) => Some(counted),
        _ => None,
    }
}
