//! One pass over a table: the select list that its metrics share, and how each is read off it.

use crate::catalog::{Counted, Engine, Measure, Metric, Parts};

use super::columns::{matched, summed};
use super::rows::Ground;
use super::sql::column;
use super::time;
use super::{Recipe, Take};

pub fn recipe(
    ground: Ground<'_>,
    (metric, counted): (&Metric, &Counted),
    rest: &[String],
    grouped: bool,
    pass: &mut Pass,
) -> Recipe {
    let place = grouping_column(&counted.parts)
        .filter(|_| grouped)
        .and_then(|name| {
            pass.groups
                .iter()
                .position(|group| *group == column("this", name))
        });
    let (only, parts) = match (&counted.parts, place) {
        (Parts::Share { column, values }, Some(at)) => {
            let values = matched(ground, counted, column, values);
            (Some((at, values)), None)
        }
        (_, at) => (None, at),
    };
    let take = take(ground, counted, rest, pass);
    Recipe {
        only,
        parts,
        ..Recipe::new(&metric.key, take)
    }
}

pub fn grouping_column(parts: &Parts) -> Option<&String> {
    match parts {
        Parts::Whole => None,
        Parts::Share { column, .. } => Some(column),
        Parts::By(by) => Some(&by.column),
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
    pub fn group_as_text(&mut self, expression: &str) -> usize {
        self.group_shown(expression, format!("CAST({expression} AS text)"))
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

fn take(ground: Ground<'_>, counted: &Counted, rest: &[String], pass: &mut Pass) -> Take {
    let filtered = |aggregate: String, more: Option<String>| {
        let conditions: Vec<&str> = rest.iter().chain(&more).map(String::as_str).collect();
        match conditions.is_empty() {
            true => aggregate,
            false => format!("{aggregate} FILTER (WHERE {})", conditions.join(" AND ")),
        }
    };
    let this = |name: &String| column("this", name);
    let summed = |name: &String| format!("sum({})", summed(ground, counted, name));
    match &counted.measure {
        Measure::Rows => Take::Count(pass.aggregate(&filtered("count(*)".to_owned(), None))),
        Measure::Filled(name) => {
            Take::Count(pass.aggregate(&filtered(format!("count({})", this(name)), None)))
        }
        Measure::Distinct(name) => {
            Take::Count(pass.aggregate(&filtered(format!("count(DISTINCT {})", this(name)), None)))
        }
        Measure::Sum(name) => Take::Sum {
            sum: pass.aggregate(&filtered(summed(name), None)),
            nulls: pass.aggregate(&filtered(
                "count(*)".to_owned(),
                Some(format!("{} IS NULL", this(name))),
            )),
        },
        Measure::Avg(name) => Take::Mean {
            sum: pass.aggregate(&filtered(summed(name), None)),
            count: pass.aggregate(&filtered(format!("count({})", this(name)), None)),
        },
        Measure::Min(name) => {
            Take::Least(pass.aggregate(&filtered(format!("min({})", this(name)), None)))
        }
        Measure::Max(name) => {
            Take::Greatest(pass.aggregate(&filtered(format!("max({})", this(name)), None)))
        }
    }
}

/// Counts rows whose text times have another form than the sampled one.
pub fn guard(
    ground: Ground<'_>,
    counted: &[(&Metric, &Counted)],
    pass: &mut Pass,
) -> Option<usize> {
    let condition = misshapen(ground, counted);
    (!condition.is_empty()).then(|| pass.aggregate(&format!("count(*) FILTER (WHERE {condition})")))
}

/// The condition for such rows; empty where no time that the metrics look at is kept as text.
pub fn misshapen(ground: Ground<'_>, counted: &[(&Metric, &Counted)]) -> String {
    let mut columns: Vec<String> = Vec::new();
    for (_, counted) in counted {
        let told = ground
            .born(counted.table)
            .into_iter()
            .chain(ground.ended(counted.table))
            .chain(ground.happened(counted));
        for condition in told.filter_map(|told| time::misshapen(&told, "this")) {
            if !columns.contains(&condition) {
                columns.push(condition);
            }
        }
    }
    columns.join(" OR ")
}
