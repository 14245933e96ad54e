//! Which rows of a declared table count at an instant, as SQL conditions.

use crate::calendar::{AsOf, Edge};
use crate::catalog::{Catalog, Counted, Measure, Metric, Parent, Shape, Table, TimeKind};
use crate::engine::Engine;

use super::facts::Facts;
use super::sql::{Writer, column, renamed, table};
use super::time::{self, TimeColumn, time_column, with_moments};
use super::{Recipe, Statement};

/// What every piece of a plan needs to know.
#[derive(Clone, Copy)]
pub struct PlanContext<'a> {
    pub catalog: &'a Catalog,
    pub facts: &'a Facts,
    pub engine: Engine,
}

impl PlanContext<'_> {
    pub fn table(&self, at: usize) -> &Table {
        &self.catalog.tables[at]
    }

    pub fn born(&self, at: usize) -> Option<TimeColumn> {
        let table = self.table(at);
        Some(self.told(table, table.created_at.as_ref()?, table.time))
    }

    pub fn ended(&self, at: usize) -> Option<TimeColumn> {
        let table = self.table(at);
        Some(self.told(table, table.deleted_at.as_ref()?, table.time))
    }

    /// The column of the metric's window.
    pub fn happened(&self, counted: &Counted) -> Option<TimeColumn> {
        let table = self.table(counted.table);
        let window = counted.window.as_ref()?;
        Some(self.told(table, &window.column, window.time.unwrap_or(table.time)))
    }

    /// A column of the table by which its newest row is found.
    pub fn newest(&self, at: usize, column: &str) -> TimeColumn {
        let table = self.table(at);
        self.told(table, column, table.time)
    }

    /// That of the metric, unless it is the rows' birth: before that they do not count anyway.
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

    fn told(&self, table: &Table, name: &str, kind: TimeKind) -> TimeColumn {
        time_column(table, name, kind, self.engine, self.facts)
    }
}

/// Conditions under which a row of the table itself counts, its parents left aside.
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

/// The table's `where`, which knows no time.
pub fn lasting_conditions(context: PlanContext<'_>, at: usize, alias: &str) -> Vec<String> {
    let condition = context.table(at).condition.as_ref();
    condition
        .map(|text| format!("({})", renamed(text, alias, context.engine)))
        .into_iter()
        .collect()
}

/// Conditions on the row and, nested, on all it belongs to.
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

/// The row's parent counts. Where the database promises that the parent exists, asking for the few
/// that do not count is much cheaper than asking for the many that do.
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
    let alive = conditions(context, link.table, &inner, as_of, writer).join(" AND ");
    let (here, there) = (column(alias, &link.column), column(&inner, &link.key));
    let promised = is_promised(context, at, link);
    match promised {
        true if alive.is_empty() => format!("{here} IS NOT NULL"),
        _ if hashes_dead_parents(context, at, link) => format!(
            "{here} IS NOT NULL AND {here} NOT IN (SELECT {there} FROM {name} AS {inner} WHERE ({alive}) IS NOT TRUE AND {there} IS NOT NULL)"
        ),
        true => format!(
            "{here} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {name} AS {inner} WHERE {there} = {here} AND ({alive}) IS NOT TRUE)"
        ),
        false => {
            let and = if alive.is_empty() {
                String::new()
            } else {
                format!(" AND {alive}")
            };
            format!("EXISTS (SELECT 1 FROM {name} AS {inner} WHERE {there} = {here}{and})")
        }
    }
}

/// Whether the keys of the parents that do not count are put into a set, which every row is then looked up in. PostgreSQL
/// does so only while the set fits its memory, and would read it anew for each row otherwise.
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

/// PostgreSQL can ask for parents by a join, once for all metrics of a statement: the join, and the condition that the
/// row's parent counts. A promised parent is asked for among the few dead, any other among the many living.
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
    let alive = conditions(context, link.table, &inner, as_of, writer).join(" AND ");
    let (here, key) = (column("this", &link.column), column(&inner, &link.key));
    let (filter, counts) = match (promised, alive.is_empty()) {
        (true, true) => return None,
        (true, false) => (
            format!(" WHERE ({alive}) IS NOT TRUE"),
            format!("{inner}_key IS NULL AND {here} IS NOT NULL"),
        ),
        (false, true) => (String::new(), format!("{inner}_key IS NOT NULL")),
        (false, false) => (
            format!(" WHERE {alive}"),
            format!("{inner}_key IS NOT NULL"),
        ),
    };
    let join = format!(
        " LEFT JOIN (SELECT {key} AS {inner}_key FROM {} AS {inner}{filter}) AS {inner} ON {inner}_key = {here}",
        table(&parent.name)
    );
    Some((join, counts))
}

/// The metric's own `where`, window and end of what can be its newest row.
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
    if let (Some(window), Some(told)) = (&counted.window, context.happened(counted)) {
        all.push(time::at_or_after(
            &told,
            "this",
            &as_of.window_start(window.days),
            writer,
        ));
        if declared.created_at.as_ref() != Some(&window.column) {
            let never_null = time::TimeColumn {
                nullable: false,
                ..told
            };
            all.push(time::before(&never_null, "this", &as_of.edge(), writer));
        }
    }
    if let Some(told) = context.newest_after_birth(counted) {
        let never_null = time::TimeColumn {
            nullable: false,
            ..told
        };
        all.push(time::before(&never_null, "this", &as_of.edge(), writer));
    }
    all
}

pub(super) fn finish(
    context: PlanContext<'_>,
    at: usize,
    sql: String,
    writer: Writer,
    recipes: Vec<Recipe>,
    guard: Option<usize>,
    as_of: &AsOf,
) -> Statement {
    let declared = context.table(at);
    Statement {
        database: declared.database.clone(),
        table: declared.name.clone(),
        sql,
        binds: writer.binds,
        recipes,
        guard,
        days: vec![as_of.day],
        quarters: Vec::new(),
        weight: context.facts.of(declared).map_or(0, |facts| facts.bytes),
    }
}

pub fn counted_of<'a>(metric: &'a &Metric) -> Option<(&'a Metric, &'a Counted)> {
    match &metric.shape {
        Shape::Counted(counted) => Some((metric, counted)),
        _ => None,
    }
}
