//! Plans the statements of one instant: metrics on one table share a pass.

use crate::calendar::AsOf;
use crate::catalog::{Catalog, Counted, Measure, Metric, Parent, Parts, Shape};
use crate::engine::Engine;

use super::columns::{is_none_of, is_one_of, matched};
use super::deduct::{deducted, share_distributions};
use super::owners::{is_children_of_parents, parents_with_children};
use super::pass::{Pass, Passes, add_to_pass, guard, recipe};
use super::rows::{
    PlanContext, counted_of, hashes_dead_parents, metric_conditions, named, own_conditions,
    parent_counts, parent_join, statement,
};
use super::sql::{Writer, filter, table, wrapped};
use super::time::with_moments;
use super::{Facts, KnownDatabases, Recipe, Statement, Take};

/// A distribution with more parts keeps only its largest ones, and the sum of all.
pub const PARTS_MAX: usize = 1000;

/// Plans the counted and `sql` metrics of `keys`. Unless `fused`, each gets its own statement.
pub fn night(
    catalog: &Catalog,
    keys: &[String],
    as_of: &AsOf,
    known: KnownDatabases<'_>,
    fused: bool,
) -> Vec<Statement> {
    let mut passes = Passes::new();
    for metric in named(catalog, keys) {
        if let Some(context) = known.context(catalog, metric) {
            let name = match fused {
                true => pass_of(catalog, metric, context.engine),
                false => metric.key.clone(),
            };
            add_to_pass(&mut passes, name, metric);
        }
    }
    share_distributions(&mut passes);
    let plan = |(_, members): &(String, Vec<&Metric>)| {
        let context = known.context(catalog, members[0])?;
        let from_index = fused.then(|| deducted(context, members, as_of)).flatten();
        let planned = match (from_index, &members[0].shape) {
            (Some(from_index), _) => from_index,
            (None, Shape::Sql { database, text }) => {
                configured(members[0], database, text, as_of, context.engine)
            }
            (None, Shape::Counted(counted)) if is_children_of_parents(context, counted) => {
                parents_with_children(context, members[0], counted, as_of)
            }
            _ => one_pass(context, members, as_of),
        };
        let is_ranked = members.len() == 1 && counted_of(members[0]).is_some_and(can_be_ranked);
        let planned = match is_ranked {
            true => ranked(planned, context.engine),
            false => planned,
        };
        Some(Statement {
            weight: weight(&planned, known.facts),
            ..planned
        })
    };
    passes.iter().filter_map(plan).collect()
}

/// How much the statement reads: the sizes of all tables it names, as often as it names them.
fn weight(statement: &Statement, facts: &Facts) -> i64 {
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let bytes = |word: &str| -> i64 {
        let tables = facts.tables.iter();
        let named = tables.filter(|((database, name), _)| {
            *database == statement.database && name.rsplit('.').next() == Some(word)
        });
        named.map(|(_, facts)| facts.bytes).max().unwrap_or(0)
    };
    let words = statement.sql.split(|letter| !is_name(letter));
    let named: i64 = words.map(bytes).sum();
    named.max(statement.weight)
}

/// The name of the metric's pass. A distribution on SQLite or MySQL has its own pass, since they sort to group; so has a
/// count of distinct values, which sorts on every engine.
fn pass_of(catalog: &Catalog, metric: &Metric, engine: Engine) -> String {
    let is_shared = |counted: &&Counted| {
        counted.fuse
            && !matches!(counted.measure, Measure::Distinct(_))
            && (engine == Engine::Postgres || !matches!(counted.parts, Parts::By(_)))
    };
    match counted_of(metric).filter(is_shared) {
        Some(counted) => {
            let table = &catalog.tables[counted.table];
            format!("table {}/{}", table.database, table.name)
        }
        None => format!("metric {}", metric.key),
    }
}

/// Whether the database can rank the distribution's parts: none are merged by name.
fn can_be_ranked(counted: &Counted) -> bool {
    match &counted.parts {
        Parts::By(by) => !by.label.as_ref().is_some_and(|label| label.merge),
        _ => false,
    }
}

/// One pass over a table for all its metrics: conditions of all metrics are in WHERE, the others in FILTER.
pub(super) fn one_pass(context: PlanContext<'_>, members: &[&Metric], as_of: &AsOf) -> Statement {
    let mut writer = Writer::new(context.engine);
    let mut pass = Pass::default();
    let counted = members.iter().copied();
    let counted = counted.filter_map(|metric| Some((metric, counted_of(metric)?)));
    let counted: Vec<(&Metric, &Counted)> = counted.collect();
    let table_at = counted[0].1.table;
    let mut joins = Joins {
        of_all: counted.iter().all(|(_, one)| one.table == table_at),
        ..Joins::default()
    };
    let grouped = counted
        .iter()
        .any(|(_, counted)| matches!(counted.parts, Parts::By(_)));
    let wanted: Vec<Vec<String>> = counted
        .iter()
        .map(|(_, counted)| {
            let mut all = row_conditions(context, counted, as_of, &mut joins, &mut writer);
            all.extend(parts_condition(context, counted, grouped));
            all
        })
        .collect();
    let common: Vec<String> = wanted[0]
        .iter()
        .filter(|one| wanted.iter().all(|all| all.contains(one)))
        .cloned()
        .collect();
    if grouped {
        pass.group_by_parts(context, &counted);
    }
    let mut recipes = Vec::new();
    for ((metric, counted), all) in counted.iter().zip(&wanted) {
        let rest: Vec<String> = all
            .iter()
            .filter(|one| !common.contains(one))
            .cloned()
            .collect();
        recipes.push(recipe(context, metric, counted, &rest, grouped, &mut pass));
    }
    let guard = guard(context, &counted, &mut pass);
    let sql = format!(
        "SELECT {} FROM {} AS this{}{}{}",
        pass.select(),
        table(&context.table(table_at).name),
        joins.text,
        filter(&common),
        pass.group_by(context.engine)
    );
    let days = vec![as_of.day];
    Statement {
        guard,
        ..statement(context, table_at, sql, writer, recipes, days)
    }
}

/// The condition for the metric's part of the rows; `None` if the groups already separate it.
fn parts_condition(context: PlanContext<'_>, counted: &Counted, grouped: bool) -> Option<String> {
    let (column, values, is_listed) = match &counted.parts {
        Parts::Share { column, values } if !grouped => (column, values, true),
        Parts::Rest { column, values } if !grouped => (column, values, false),
        Parts::By(by) if !by.except.is_empty() => (&by.column, &by.except, false),
        _ => return None,
    };
    let values = matched(context, counted, column, values);
    Some(match is_listed {
        true => is_one_of(context, counted, column, &values),
        false => is_none_of(context, counted, column, &values),
    })
}

/// Joins to parents, shared by the metrics of a pass.
#[derive(Default)]
struct Joins {
    /// Every metric of the pass needs the same parents.
    of_all: bool,
    made: Vec<(Parent, String)>,
    text: String,
}

fn row_conditions(
    context: PlanContext<'_>,
    counted: &Counted,
    as_of: &AsOf,
    joins: &mut Joins,
    writer: &mut Writer,
) -> Vec<String> {
    let edge = as_of.edge();
    let declared = context.table(counted.table);
    let mut all = own_conditions(context, counted.table, "this", &edge, writer);
    for link in &declared.parents {
        if let Some((_, known)) = joins.made.iter().find(|(made, _)| made == link) {
            all.push(known.clone());
            continue;
        }
        // A set is faster than a join, but each metric would make its own.
        let table = counted.table;
        let by_set = joins.of_all && hashes_dead_parents(context, table, link);
        let join = match by_set {
            true => None,
            false => parent_join(context, table, link, &edge, writer),
        };
        let condition = match join {
            Some((join, condition)) => {
                joins.text.push_str(&join);
                condition
            }
            None => parent_counts(context, table, link, "this", &edge, writer),
        };
        joins.made.push((link.clone(), condition.clone()));
        all.push(condition);
    }
    all.extend(metric_conditions(context, counted, as_of, writer));
    all
}

/// A distribution alone: rows without a value, the largest parts, and the total unless all parts are listed. Rows of
/// another text form are counted over all parts.
pub(super) fn ranked(mut statement: Statement, engine: Engine) -> Statement {
    const LISTED: usize = 1 + PARTS_MAX;
    let take = statement.recipes[0].take;
    let columns = 1 + take.columns() + usize::from(statement.guard.is_some());
    let order = match engine {
        Engine::Mysql => "c0 IS NOT NULL, c1 IS NULL, c1 DESC, CAST(c0 AS binary)",
        _ => "c0 IS NOT NULL, c1 DESC NULLS LAST, c0",
    };
    let own = (0..columns).map(|at| match statement.guard {
        Some(guard) if guard == at => format!("sum(c{at}) OVER ()"),
        _ => format!("c{at}"),
    });
    let whole = (1..=take.columns())
        .map(|at| format!("CASE WHEN count(*) OVER () > {LISTED} THEN sum(c{at}) OVER () END"));
    let selected: Vec<String> = own.chain(whole).collect();
    statement.sql = format!(
        "SELECT {} FROM ({}) AS daybook_ranked ORDER BY {order} LIMIT {LISTED}",
        selected.join(", "),
        statement.sql
    );
    statement.recipes[0].whole = Some(match take {
        Take::Sum { .. } => Take::Sum {
            sum: columns,
            nulls: columns + 1,
        },
        _ => Take::Count(columns),
    });
    statement
}

/// A configured query, with its parameters bound.
fn configured(
    metric: &Metric,
    database: &str,
    query: &str,
    as_of: &AsOf,
    engine: Engine,
) -> Statement {
    let mut writer = Writer::new(engine);
    let sql = with_moments(&wrapped(query), as_of, &mut writer);
    let recipe = Recipe::new(&metric.key, Take::Single(0));
    Statement {
        database: database.to_owned(),
        table: format!("sql of {}", metric.key),
        sql,
        binds: writer.binds,
        recipes: vec![recipe],
        guard: None,
        days: vec![as_of.day],
        quarters: Vec::new(),
        weight: i64::MAX,
    }
}
