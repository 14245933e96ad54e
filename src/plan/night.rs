//! The statements of one as-of: metrics on one table share a pass.

use crate::calendar::AsOf;
use crate::catalog::{Catalog, Counted, Measure, Metric, Parent, Parts, Shape};
use crate::engine::Engine;

use super::columns::{is_none_of, is_one_of, matched};
use super::deduct::{deducted, share_distributions};
use super::owners::{is_children_of_parents, parents_with_children};
use super::pass::{Pass, grouping_column, guard, recipe};
use super::rows::{
    PlanContext, counted_of, finish, hashes_dead_parents, metric_conditions, own_conditions,
    parent_counts, parent_join,
};
use super::sql::{Writer, table, wrapped};
use super::time::with_moments;
use super::{Facts, KnownDatabases, Recipe, Statement, Take};

/// Beyond this many parts a distribution keeps only its largest, and the sum of all.
pub const PARTS_MAX: usize = 1000;

/// Plans the counted and `sql` metrics of `keys` for one as-of. `fused` false gives each its own statement.
pub fn night(
    catalog: &Catalog,
    keys: &[String],
    as_of: &AsOf,
    known: KnownDatabases<'_>,
    fused: bool,
) -> Vec<Statement> {
    let KnownDatabases { engines, facts } = known;
    let mut groups: Vec<(String, Vec<&Metric>)> = Vec::new();
    for metric in catalog
        .metrics
        .iter()
        .filter(|metric| keys.contains(&metric.key))
    {
        let Some(engine) = database_of(catalog, metric).and_then(|name| engines.get(name)) else {
            continue;
        };
        let pass = if fused {
            pass_of(catalog, metric, *engine)
        } else {
            metric.key.clone()
        };
        match groups.iter_mut().find(|(name, _)| *name == pass) {
            Some((_, members)) => members.push(metric),
            None => groups.push((pass, vec![metric])),
        }
    }
    share_distributions(&mut groups);
    let plan = |members: &Vec<&Metric>| {
        let engine = *engines.get(database_of(catalog, members[0])?)?;
        let context = PlanContext {
            catalog,
            facts,
            engine,
        };
        let from_index = fused.then(|| deducted(context, members, as_of)).flatten();
        if let Some(statement) = from_index {
            return Some(match ranked_column(counted_of(&members[0])?.1) {
                Some(_) if members.len() == 1 => ranked(statement, engine),
                _ => statement,
            });
        }
        Some(match &members[0].shape {
            Shape::Sql { database, text } => configured(members[0], database, text, as_of, engine),
            Shape::Counted(counted) if is_children_of_parents(context, counted) => {
                parents_with_children(context, members[0], counted, as_of)
            }
            Shape::Counted(counted) if members.len() == 1 && ranked_column(counted).is_some() => {
                ranked(one_pass(context, members, as_of), engine)
            }
            _ => one_pass(context, members, as_of),
        })
    };
    groups
        .iter()
        .filter_map(|(_, members)| plan(members))
        .map(|statement| Statement {
            weight: weight(&statement, facts),
            ..statement
        })
        .collect()
}

/// How much it has to read: the sizes of all tables that it names, as often as it names them.
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

/// The app database a metric is read from; none for derived ones.
pub fn database_of<'a>(catalog: &'a Catalog, metric: &'a Metric) -> Option<&'a str> {
    match &metric.shape {
        Shape::Counted(counted) => Some(&catalog.tables[counted.table].database),
        Shape::Sql { database, .. } => Some(database),
        Shape::Derived(_) => None,
    }
}

/// Metrics of one pass share its name. SQLite and MySQL sort to group, so a distribution there goes by
/// itself; counting distinct values sorts on every engine.
fn pass_of(catalog: &Catalog, metric: &Metric, engine: Engine) -> String {
    match &metric.shape {
        Shape::Counted(counted) => {
            let table = &catalog.tables[counted.table];
            let apart = !counted.fuse
                || matches!(counted.measure, Measure::Distinct(_))
                || engine != Engine::Postgres && matches!(counted.parts, Parts::By(_));
            if apart {
                format!("metric {}", metric.key)
            } else {
                format!("table {}/{}", table.database, table.name)
            }
        }
        _ => format!("metric {}", metric.key),
    }
}

/// The column of a distribution whose parts the database itself can rank: those of one name stay apart.
fn ranked_column(counted: &Counted) -> Option<&String> {
    match &counted.parts {
        Parts::By(by) if !by.label.as_ref().is_some_and(|label| label.merge) => Some(&by.column),
        _ => None,
    }
}

/// One pass over a table for all its metrics: what all rows must meet stands in WHERE, the rest in FILTER.
pub(super) fn one_pass(context: PlanContext<'_>, members: &[&Metric], as_of: &AsOf) -> Statement {
    let mut writer = Writer::new(context.engine);
    let mut pass = Pass::default();
    let counted: Vec<(&Metric, &Counted)> = members
        .iter()
        .filter_map(|metric| counted_of(metric))
        .collect();
    let mut joins = Joins {
        of_all: counted
            .iter()
            .all(|(_, one)| one.table == counted[0].1.table),
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
        for (_, counted) in &counted {
            if let Some(name) = grouping_column(&counted.parts) {
                pass.group_as_text(context, counted, name);
            }
        }
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
    let table_at = counted[0].1.table;
    let guard = guard(context, &counted, &mut pass);
    let select = pass.select();
    let mut sql = format!(
        "SELECT {select} FROM {} AS this{}",
        table(&context.table(table_at).name),
        joins.text
    );
    if !common.is_empty() {
        sql.push_str(&format!(" WHERE {}", common.join(" AND ")));
    }
    sql.push_str(&pass.group_by(context.engine));
    finish(context, table_at, sql, writer, recipes, guard, as_of)
}

/// Which rows the metric's part of the column is; nothing where groups tell it.
fn parts_condition(context: PlanContext<'_>, counted: &Counted, grouped: bool) -> Option<String> {
    let matched = |name: &str, values: &[String]| matched(context, counted, name, values);
    match &counted.parts {
        Parts::Share { column, values } if !grouped => Some(is_one_of(
            context,
            counted,
            column,
            &matched(column, values),
        )),
        Parts::Rest { column, values } if !grouped => Some(is_none_of(
            context,
            counted,
            column,
            &matched(column, values),
        )),
        Parts::By(by) if !by.except.is_empty() => {
            let values = matched(&by.column, &by.except);
            Some(is_none_of(context, counted, &by.column, &values))
        }
        _ => None,
    }
}

/// Joins to parents, shared by the metrics of a pass.
#[derive(Default)]
struct Joins {
    /// Every metric of the pass asks for the same parents.
    of_all: bool,
    made: Vec<(Parent, Vec<String>)>,
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
            all.extend(known.clone());
            continue;
        }
        // A set is looked up faster than a join, but each metric would make its own.
        let by_set = joins.of_all && hashes_dead_parents(context, counted.table, link);
        let join = match by_set {
            true => None,
            false => parent_join(context, counted.table, link, &edge, writer),
        };
        let made = match join {
            Some((join, condition)) => {
                joins.text.push_str(&join);
                vec![condition]
            }
            None => vec![parent_counts(
                context,
                counted.table,
                link,
                "this",
                &edge,
                writer,
            )],
        };
        joins.made.push((link.clone(), made.clone()));
        all.extend(made);
    }
    all.extend(metric_conditions(context, counted, as_of, writer));
    all
}

/// A distribution by itself: what has no value and its largest parts, however many there are, and what all come to where
/// not all are listed. Rows of another text form are counted over all parts.
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
