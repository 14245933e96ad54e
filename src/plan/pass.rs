//! One pass over a table: the select list that its metrics share, and how each metric is read from it.

use crate::catalog::{Counted, Measure, Metric, Parts};
use crate::engine::Engine;

use super::columns::{exact, matched, summed};
use super::rows::PlanContext;
use super::sql::column;
use super::time;
use super::{Clock, Only, Recipe, Take};

/// Metrics by the name of the pass they share.
pub type Passes<'a> = Vec<(String, Vec<&'a Metric>)>;

pub fn add_to_pass<'a>(passes: &mut Passes<'a>, name: String, metric: &'a Metric) {
    match passes.iter_mut().find(|(known, _)| *known == name) {
        Some((_, members)) => members.push(metric),
        None => passes.push((name, vec![metric])),
    }
}

pub fn recipe(
    context: PlanContext<'_>,
    metric: &Metric,
    counted: &Counted,
    rest: &[String],
    grouped: bool,
    pass: &mut Pass,
) -> Recipe {
    let grouping = grouping_column(&counted.parts).filter(|_| grouped);
    let group = grouping.and_then(|name| {
        let exact = exact(context, counted, name);
        pass.groups.iter().position(|group| *group == exact)
    });
    let (only, parts) = match (&counted.parts, group) {
        (Parts::Share { column, values } | Parts::Rest { column, values }, Some(group)) => {
            let only = Only {
                group,
                values: matched(context, counted, column, values),
                listed: matches!(counted.parts, Parts::Share { .. }),
            };
            (Some(only), None)
        }
        (_, at) => (None, at),
    };
    let take = take(context, counted, rest, pass);
    Recipe {
        only,
        parts,
        ..Recipe::new(&metric.key, take)
    }
}

pub fn grouping_column(parts: &Parts) -> Option<&String> {
    match parts {
        Parts::Whole => None,
        Parts::Share { column, .. } | Parts::Rest { column, .. } => Some(column),
        Parts::By(by) => Some(&by.column),
    }
}

/// Text, so that a value of any type can be read.
pub fn as_text(expression: &str, engine: Engine) -> String {
    match engine {
        Engine::Mysql => format!("CAST({expression} AS char)"),
        _ => format!("CAST({expression} AS text)"),
    }
}

/// A select list under construction: group columns first, then aggregates, each only once.
#[derive(Default)]
pub struct Pass {
    pub groups: Vec<String>,
    /// The group columns as selected.
    shown: Vec<String>,
    aggregates: Vec<String>,
}

impl Pass {
    pub fn group(&mut self, expression: &str) -> usize {
        self.group_shown(expression, expression.to_owned())
    }

    /// Rows can be grouped by any type of column; selected as text, its values can be read.
    pub fn group_by_parts(&mut self, context: PlanContext<'_>, counted: &[(&Metric, &Counted)]) {
        for (_, counted) in counted {
            if let Some(name) = grouping_column(&counted.parts) {
                let exact = exact(context, counted, name);
                self.group_shown(&exact, as_text(&exact, context.engine));
            }
        }
    }

    fn group_shown(&mut self, expression: &str, shown: String) -> usize {
        let at = position_or_push(&mut self.groups, expression);
        if at == self.shown.len() {
            self.shown.push(shown);
        }
        at
    }

    /// The aggregate's column. All groups must be known before.
    pub fn aggregate(&mut self, expression: &str) -> usize {
        self.groups.len() + position_or_push(&mut self.aggregates, expression)
    }

    pub fn select(&self) -> String {
        let all = self.shown.iter().chain(&self.aggregates).enumerate();
        all.map(|(at, expression)| format!("{expression} AS c{at}"))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The `+` keeps SQLite from reading rows in the order of an index, at random.
    pub fn group_by(&self, engine: Engine) -> String {
        if self.groups.is_empty() {
            return String::new();
        }
        let (start, separator) = match engine {
            Engine::Sqlite => (" GROUP BY +", ", +"),
            _ => (" GROUP BY ", ", "),
        };
        format!("{start}{}", self.groups.join(separator))
    }
}

fn position_or_push(list: &mut Vec<String>, expression: &str) -> usize {
    list.iter()
        .position(|known| known == expression)
        .unwrap_or_else(|| {
            list.push(expression.to_owned());
            list.len() - 1
        })
}

fn take(context: PlanContext<'_>, counted: &Counted, rest: &[String], pass: &mut Pass) -> Take {
    let condition = rest.join(" AND ");
    let mut add = |aggregate: Aggregate, argument: &str| {
        pass.aggregate(&aggregate.over(argument, &condition, context.engine))
    };
    let this = |name: &String| column("this", name);
    match &counted.measure {
        Measure::Rows => Take::Count(add(Aggregate::Count, "*")),
        Measure::Filled(name) => Take::Count(add(Aggregate::Count, &this(name))),
        Measure::Distinct(name) => {
            Take::Count(add(Aggregate::Distinct, &exact(context, counted, name)))
        }
        Measure::Sum(name) => {
            let sum = add(Aggregate::Sum, &summed(context, counted, name));
            let is_null = format!("{} IS NULL", this(name));
            let none = [rest, &[is_null]].concat().join(" AND ");
            let nulls = pass.aggregate(&Aggregate::Count.over("*", &none, context.engine));
            Take::Sum { sum, nulls }
        }
        Measure::Avg(name) => Take::Mean {
            sum: add(Aggregate::Sum, &summed(context, counted, name)),
            count: add(Aggregate::Count, &this(name)),
        },
        Measure::Min(name) => Take::Least(add(Aggregate::Min, &this(name))),
        Measure::Max(name) => Take::Greatest(add(Aggregate::Max, &this(name))),
        Measure::Newest(name) => {
            let time = context.newest(counted.table, name);
            let sorted = time::sorted(&time, "this", context.engine);
            Take::Newest(add(Aggregate::Max, &sorted), Clock::for_column(&time))
        }
    }
}

#[derive(Clone, Copy)]
enum Aggregate {
    Count,
    Distinct,
    Sum,
    Min,
    Max,
}

impl Aggregate {
    /// Over the rows that meet the condition, or over all if it is empty. MySQL has no FILTER.
    fn over(self, argument: &str, condition: &str, engine: Engine) -> String {
        let (name, distinct) = match self {
            Self::Count => ("count", ""),
            Self::Distinct => ("count", "DISTINCT "),
            Self::Sum => ("sum", ""),
            Self::Min => ("min", ""),
            Self::Max => ("max", ""),
        };
        match (condition, engine) {
            ("", _) => format!("{name}({distinct}{argument})"),
            (_, Engine::Mysql) => {
                let argument = if argument == "*" { "1" } else { argument };
                format!("{name}({distinct}CASE WHEN {condition} THEN {argument} END)")
            }
            _ => format!("{name}({distinct}{argument}) FILTER (WHERE {condition})"),
        }
    }
}

/// Counts rows whose text times have another form than the sampled one.
pub fn guard(
    context: PlanContext<'_>,
    counted: &[(&Metric, &Counted)],
    pass: &mut Pass,
) -> Option<usize> {
    let condition = misshapen(context, counted);
    let count = || Aggregate::Count.over("*", &condition, context.engine);
    (!condition.is_empty()).then(|| pass.aggregate(&count()))
}

/// The condition for such rows; empty if the metrics read no times from text.
pub fn misshapen(context: PlanContext<'_>, counted: &[(&Metric, &Counted)]) -> String {
    let mut columns: Vec<String> = Vec::new();
    for (_, counted) in counted {
        let times = [
            context.born(counted.table),
            context.ended(counted.table),
            context.happened(counted),
            context.newest_after_birth(counted),
        ];
        for time in times.into_iter().flatten() {
            if let Some(condition) = time::misshapen(&time, "this") {
                position_or_push(&mut columns, &condition);
            }
        }
    }
    columns.join(" OR ")
}
