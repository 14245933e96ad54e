//! One pass over a table: the select list that its metrics share, and how each is read off it.

use crate::catalog::{Counted, Measure, Metric, Parts};
use crate::engine::Engine;

use super::columns::{exact, matched, summed};
use super::rows::PlanContext;
use super::sql::column;
use super::time;
use super::{Clock, Only, Recipe, Take};

pub fn recipe(
    context: PlanContext<'_>,
    metric: &Metric,
    counted: &Counted,
    rest: &[String],
    grouped: bool,
    pass: &mut Pass,
) -> Recipe {
    let place = grouping_column(&counted.parts)
        .filter(|_| grouped)
        .and_then(|name| {
            pass.groups
                .iter()
                .position(|group| *group == exact(context, counted, name))
        });
    let (only, parts) = match (&counted.parts, place) {
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

/// Written out, so that a value of any type can be read.
pub fn as_text(expression: &str, engine: Engine) -> String {
    match engine {
        Engine::Mysql => format!("CAST({expression} AS char)"),
        _ => format!("CAST({expression} AS text)"),
    }
}

/// Select list under construction: group columns first, then aggregates, each only once.
#[derive(Default)]
pub struct Pass {
    pub groups: Vec<String>,
    /// How group columns are shown, where not as they are.
    shown: Vec<String>,
    aggregates: Vec<String>,
}

impl Pass {
    pub fn group(&mut self, expression: &str) -> usize {
        self.group_shown(expression, expression.to_owned())
    }

    /// Any type of column can be grouped by; shown as text, every one of them can be read.
    pub fn group_as_text(
        &mut self,
        context: PlanContext<'_>,
        counted: &Counted,
        name: &str,
    ) -> usize {
        let exact = exact(context, counted, name);
        let shown = as_text(&exact, context.engine);
        self.group_shown(&exact, shown)
    }

    fn group_shown(&mut self, expression: &str, shown: String) -> usize {
        let at = position_or_push(&mut self.groups, expression);
        if at == self.shown.len() {
            self.shown.push(shown);
        }
        at
    }

    /// The aggregate's column; groups must be complete by then.
    pub fn aggregate(&mut self, expression: &str) -> usize {
        self.groups.len() + position_or_push(&mut self.aggregates, expression)
    }

    pub fn select(&self) -> String {
        let all = self.shown.iter().chain(&self.aggregates).enumerate();
        all.map(|(at, expression)| format!("{expression} AS c{at}"))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The `+` keeps SQLite from walking an index and fetching every row at random.
    pub fn group_by(&self, engine: Engine) -> String {
        let plus = if engine == Engine::Sqlite { "+" } else { "" };
        let keys: Vec<String> = self
            .groups
            .iter()
            .map(|group| format!("{plus}{group}"))
            .collect();
        if keys.is_empty() {
            String::new()
        } else {
            format!(" GROUP BY {}", keys.join(", "))
        }
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
    let mut of = |aggregate: Aggregate, argument: &str| {
        pass.aggregate(&aggregate.over(argument, &condition, context.engine))
    };
    let this = |name: &String| column("this", name);
    match &counted.measure {
        Measure::Rows => Take::Count(of(Aggregate::Count, "*")),
        Measure::Filled(name) => Take::Count(of(Aggregate::Count, &this(name))),
        Measure::Distinct(name) => {
            Take::Count(of(Aggregate::Distinct, &exact(context, counted, name)))
        }
        Measure::Sum(name) => {
            let sum = of(Aggregate::Sum, &summed(context, counted, name));
            let none = rest
                .iter()
                .cloned()
                .chain([format!("{} IS NULL", this(name))]);
            let none = none.collect::<Vec<_>>().join(" AND ");
            let nulls = pass.aggregate(&Aggregate::Count.over("*", &none, context.engine));
            Take::Sum { sum, nulls }
        }
        Measure::Avg(name) => Take::Mean {
            sum: of(Aggregate::Sum, &summed(context, counted, name)),
            count: of(Aggregate::Count, &this(name)),
        },
        Measure::Min(name) => Take::Least(of(Aggregate::Min, &this(name))),
        Measure::Max(name) => Take::Greatest(of(Aggregate::Max, &this(name))),
        Measure::Newest(name) => {
            let told = context.newest(counted.table, name);
            let sorted = time::sorted(&told, "this", context.engine);
            Take::Newest(of(Aggregate::Max, &sorted), Clock::of(&told))
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
    /// Over the rows that meet the condition, or all where it is empty. MySQL knows no FILTER.
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

/// The condition for such rows; empty where no time that the metrics look at is kept as text.
pub fn misshapen(context: PlanContext<'_>, counted: &[(&Metric, &Counted)]) -> String {
    let mut columns: Vec<String> = Vec::new();
    for (_, counted) in counted {
        let told = context
            .born(counted.table)
            .into_iter()
            .chain(context.ended(counted.table))
            .chain(context.happened(counted))
            .chain(context.newest_after_birth(counted));
        for condition in told.filter_map(|told| time::misshapen(&told, "this")) {
            if !columns.contains(&condition) {
                columns.push(condition);
            }
        }
    }
    columns.join(" OR ")
}
