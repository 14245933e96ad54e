//! How many parents have a child that counts, asked from the side that answers fastest.

use crate::calendar::AsOf;
use crate::catalog::{Counted, Measure, Metric, Parts};
use crate::engine::Engine;

use super::rows::{
    PlanContext, conditions, finish, hashes_dead_parents, metric_conditions, own_conditions,
};
use super::sql::{Writer, column, table};
use super::{Recipe, Statement, Take};

/// `distinct = "item_id"` on rows that belong to items: how many items have such a row. MySQL counts distinct keys
/// faster than it looks for one child each, and so does PostgreSQL where it need not look every parent up.
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
        && context
            .facts
            .is_unique(context.table(link.table), &link.key)
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
    let of_parent = conditions(context, link.table, &owner, &edge, &mut writer);
    let (here, there) = (column("this", &link.column), column(&owner, &link.key));
    let sql = match context.engine {
        Engine::Postgres => {
            of_child.insert(0, format!("{here} = {there}"));
            let mut all = of_parent;
            all.push(format!(
                "EXISTS (SELECT 1 FROM {child} AS this WHERE {})",
                of_child.join(" AND ")
            ));
            format!(
                "SELECT count(*) FROM {parent} AS {owner} WHERE {}",
                all.join(" AND ")
            )
        }
        // MySQL never comes here; the `+` keeps SQLite from walking the key's index and fetching every row at random.
        Engine::Sqlite | Engine::Mysql => {
            of_child.push(format!("{here} IS NOT NULL"));
            let filter = if of_parent.is_empty() {
                String::new()
            } else {
                format!(" WHERE {}", of_parent.join(" AND "))
            };
            format!(
                "SELECT count(*) FROM (SELECT {here} AS daybook_key FROM {child} AS this WHERE {} GROUP BY +{here}) AS daybook_keys JOIN {parent} AS {owner} ON {there} = daybook_key{filter}",
                of_child.join(" AND ")
            )
        }
    };
    let recipe = Recipe::new(&metric.key, Take::Count(0));
    finish(
        context,
        counted.table,
        sql,
        writer,
        vec![recipe],
        None,
        as_of,
    )
}
