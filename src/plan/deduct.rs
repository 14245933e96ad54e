//! A distribution read from its column's index, minus the few rows that do not count: SQLite reads an index many times
//! faster than it sorts a table.

use crate::calendar::AsOf;
use crate::catalog::{Counted, Measure, Metric, Parts};
use crate::engine::Engine;

use super::pass::{Passes, misshapen};
use super::rows::{
    PlanContext, conditions, counted_of, metric_conditions, own_conditions, statement,
};
use super::sql::{Writer, column, table};
use super::{Recipe, Statement, Take};

/// The first member is the distribution; the others count all its rows. `None` if an index or a foreign key is missing.
pub fn deducted(context: PlanContext<'_>, members: &[&Metric], as_of: &AsOf) -> Option<Statement> {
    let counted = counted_of(members.first()?)?;
    let Parts::By(by) = &counted.parts else {
        return None;
    };
    let declared = context.table(counted.table);
    let indexed = context.facts.is_indexed(declared, &by.column)
        && !context.facts.is_collated(declared, &by.column);
    let plain = counted.measure == Measure::Rows && declared.parents.len() < 2;
    if context.engine != Engine::Sqlite || !indexed || !plain {
        return None;
    }
    let mut writer = Writer::new(context.engine);
    let (key, name) = (column("this", &by.column), table(&declared.name));
    let mut own = own_conditions(context, counted.table, "this", &as_of.edge(), &mut writer);
    own.extend(metric_conditions(context, counted, as_of, &mut writer));
    let of_dead = match declared.parents.first() {
        None => String::new(),
        Some(_) => of_dead_parents(context, counted, &key, &mut own, as_of, &mut writer)?,
    };
    let other_form = misshapen(context, &[(members[0], counted)]);
    let or = |condition: String, otherwise: &str| match condition.is_empty() {
        true => otherwise.to_owned(),
        false => condition,
    };
    let guard = (!other_form.is_empty()).then_some(2);
    let looked_at = or(other_form, "FALSE");
    let counts = or(own.join(" AND "), "TRUE");
    let sql = format!(
        "SELECT CAST(daybook_key AS text) AS c0, sum(daybook_count) AS c1, sum(daybook_guard) AS c2 FROM (\
         SELECT {key} AS daybook_key, count(*) AS daybook_count, 0 AS daybook_guard FROM {name} AS this GROUP BY {key} \
         UNION ALL SELECT {key}, -count(*) FILTER (WHERE ({counts}) IS NOT TRUE), count(*) FILTER (WHERE {looked_at}) \
         FROM {name} AS this WHERE ({counts}) IS NOT TRUE OR {looked_at} GROUP BY +{key}{of_dead}\
         ) AS daybook_parts GROUP BY daybook_key"
    );
    let recipes = members.iter().enumerate().map(|(at, metric)| Recipe {
        parts: (at == 0).then_some(0),
        ..Recipe::new(&metric.key, Take::Count(1))
    });
    let (recipes, days) = (recipes.collect(), vec![as_of.day]);
    Some(Statement {
        guard,
        ..statement(context, counted.table, sql, writer, recipes, days)
    })
}

/// Subtracts the live rows of parents that do not count, found through those parents. The condition that a row has a
/// parent goes into `own`.
fn of_dead_parents(
    context: PlanContext<'_>,
    counted: &Counted,
    key: &str,
    own: &mut Vec<String>,
    as_of: &AsOf,
    writer: &mut Writer,
) -> Option<String> {
    let declared = context.table(counted.table);
    let link = declared.parents.first()?;
    let parent = context.table(link.table);
    let found = context.facts.is_promised(declared, link, parent)
        && context.facts.is_unique(parent, &link.key)
        && context.facts.is_indexed(declared, &link.column);
    if !found {
        return None;
    }
    let here = column("this", &link.column);
    own.push(format!("{here} IS NOT NULL"));
    let alias = writer.alias();
    let alive = conditions(context, link.table, &alias, &as_of.edge(), writer).join(" AND ");
    if alive.is_empty() {
        return Some(String::new());
    }
    let (there, name) = (column(&alias, &link.key), table(&parent.name));
    Some(format!(
        " UNION ALL SELECT {key}, -count(*), 0 \
         FROM (SELECT {there} AS daybook_dead FROM {name} AS {alias} WHERE ({alive}) IS NOT TRUE) AS daybook_deads \
         CROSS JOIN {} AS this ON {here} = daybook_dead WHERE {} GROUP BY +{key}",
        table(&declared.name),
        own.join(" AND ")
    ))
}

/// If a table's other pass only counts all rows, the distribution's pass counts them too.
pub fn share_distributions(passes: &mut Passes<'_>) {
    let mut at = 0;
    while at < passes.len() {
        let totals = passes[at].1.clone();
        let distribution = passes.iter().position(|(_, members)| {
            let mut totals = totals.iter();
            totals.all(|total| is_total_of(total, members[0]))
        });
        match distribution {
            Some(distribution) => {
                passes[distribution].1.extend(totals);
                passes.remove(at);
            }
            None => at += 1,
        }
    }
}

/// Whether a plain count of all rows is the sum of this distribution.
fn is_total_of(total: &Metric, distribution: &Metric) -> bool {
    let (Some(total), Some(distribution)) = (counted_of(total), counted_of(distribution)) else {
        return false;
    };
    let bare = |counted: &Counted| {
        counted.measure == Measure::Rows
            && counted.condition.is_none()
            && counted.window.is_none()
            && counted.fuse
    };
    total.table == distribution.table
        && bare(total)
        && bare(distribution)
        && total.parts == Parts::Whole
        && matches!(distribution.parts, Parts::By(_))
}
