//! Counts the parents that have a child that counts, starting from the faster side.

use crate::calendar::AsOf;
use crate::catalog::{Counted, Measure, Metric, Parts};
use crate::engine::Engine;

use super::rows::{
    PlanContext, conditions, hashes_dead_parents, metric_conditions, own_conditions, statement,
};
use super::sql::{Writer, column, filter, table};
use super::{Recipe, Statement, Take};

/// Whether the metric is `distinct = "item_id"` on rows that belong to items, so that items with such a row can be
/// counted. MySQL counts distinct keys faster, and so does PostgreSQL unless it has to look up every parent.
pub fn is_children_of_parents(context: PlanContext<'_>, counted: &Counted) -> bool {
    let declared = context.table(counted.table);
    let [link] = declared.parents.as_slice() else {
        return false;
    };
    let by_keys = match context.engine {
        Engine::Sqlite => false,
        Engine::Postgres => hashes_dead_parents(context, counted.table, link),
        Engine::Mysql => true,
    };
    !by_keys
        && counted.measure == Measure::Distinct(link.column.clone())
        && counted.parts == Parts::Whole
        && (context.facts).is_unique(context.table(link.table), &link.key)
        && !context.facts.is_collated(declared, &link.column)
}

pub fn parents_with_children(
    context: PlanContext<'_>,
    metric: &Metric,
    counted: &Counted,
    as_of: &AsOf,
) -> Statement {
    let mut writer = Writer::new(context.engine);
    let link = &context.table(counted.table).parents[0];
    let (child, parent) = (
        table(&context.table(counted.table).name),
        table(&context.table(link.table).name),
    );
    let owner = writer.alias();
    let edge = as_of.edge();
    let mut of_child = own_conditions(context, counted.table, "this", &edge, &mut writer);
    of_child.extend(metric_conditions(context, counted, as_of, &mut writer));
    let mut of_parent = conditions(context, link.table, &owner, &edge, &mut writer);
    let (here, there) = (column("this", &link.column), column(&owner, &link.key));
    let sql = match context.engine {
        Engine::Postgres => {
            of_child.insert(0, format!("{here} = {there}"));
            let of_child = filter(&of_child);
            of_parent.push(format!("EXISTS (SELECT 1 FROM {child} AS this{of_child})"));
            let of_parent = filter(&of_parent);
            format!("SELECT count(*) FROM {parent} AS {owner}{of_parent}")
        }
        // MySQL never comes here. The `+` keeps SQLite from reading rows in the order of the key's index, at random.
        Engine::Sqlite | Engine::Mysql => {
            of_child.push(format!("{here} IS NOT NULL"));
            format!(
                "SELECT count(*) FROM (SELECT {here} AS daybook_key FROM {child} AS this{} GROUP BY +{here}) AS daybook_keys JOIN {parent} AS {owner} ON {there} = daybook_key{}",
                filter(&of_child),
                filter(&of_parent)
            )
        }
    };
    let recipes = vec![Recipe::new(&metric.key, Take::Count(0))];
    let days = vec![as_of.day];
    statement(context, counted.table, sql, writer, recipes, days)
}
