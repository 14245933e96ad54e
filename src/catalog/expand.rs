//! Expands the written catalog: every window, split value and helper becomes a metric.

mod split;

use super::document::NodeMistakes;
use super::gather::Written;
use super::written;
use super::{
    Catalog, Counted, Derived, Distribution, Good, History, Limit, Live, Measure, Metric, Parent,
    Parts, Rules, Shape, Table, Window,
};
use crate::kinds::{Aggregate, Figure, Kind, Kinds, Summary};
use crate::text::mistake::Mistake;
use crate::text::plain::capitalized;
use crate::text::suggest::did_you_mean;

pub fn spell_out(written: &Written<'_>, mistakes: &mut Vec<Mistake>) -> Catalog {
    let tables = tables(written, mistakes);
    let mut catalog = Catalog {
        tables,
        known_days: written.known_days.clone(),
        since: written.since,
        ..Catalog::default()
    };
    for (metric, node) in &written.metrics {
        let mistakes = &mut node.mistakes(mistakes);
        let family = family(metric, &catalog, written.kinds, mistakes);
        catalog.metrics.extend(family);
    }
    catalog
}

fn tables(written: &Written<'_>, mistakes: &mut Vec<Mistake>) -> Vec<Table> {
    let ids: Vec<&str> = written.tables.iter().map(|(id, ..)| id.as_str()).collect();
    let mut tables = Vec::new();
    for (id, table, node) in &written.tables {
        let mistakes = &mut node.mistakes(mistakes);
        let mut parents = Vec::new();
        for (at, link) in table.belongs_to.iter().enumerate() {
            match ids.iter().position(|known| *known == link.table) {
                Some(parent) if parent == tables.len() => {
                    mistakes.push(
                        &["belongs_to"],
                        format!("table `{id}` cannot belong to itself"),
                    );
                }
                Some(parent) => parents.push(Parent {
                    table: parent,
                    column: link.column.clone(),
                    key: link.key.clone(),
                }),
                None => mistakes.push(
                    &["belongs_to", &at.to_string(), "table"],
                    format!(
                        "no table `{}` is declared{}",
                        link.table,
                        did_you_mean(&link.table, ids.iter().copied())
                    ),
                ),
            }
        }
        tables.push(Table {
            id: id.clone(),
            database: table.database.clone(),
            name: table.name.clone(),
            created_at: table.created_at.clone(),
            deleted_at: table.deleted_at.clone(),
            condition: table.condition.clone(),
            time: table.time,
            text_form: table.text_form.clone(),
            parents,
        });
    }
    tables
}

/// All metrics that one `[[metrics]]` piece stands for.
fn family(
    written: &written::Metric,
    catalog: &Catalog,
    kinds: Option<&Kinds>,
    mistakes: &mut NodeMistakes<'_>,
) -> Vec<Metric> {
    let Some(shape) = shape(written, catalog, mistakes) else {
        return Vec::new();
    };
    let measured = Measured::new(&shape, kinds);
    let unit = unit(written, &measured);
    let alert = rules(written, &unit, mistakes);
    let since = written.since.as_ref().and_then(|text| match text.parse() {
        Ok(date) => Some(date),
        Err(_) => {
            mistakes.push(
                &["since"],
                format!("`{text}` is not a date like 2025-10-03"),
            );
            None
        }
    });
    let head = Metric {
        key: written.key.clone(),
        label: written
            .label
            .clone()
            .unwrap_or_else(|| humanised(&written.key)),
        section: written.section.clone(),
        description: written.description.clone(),
        unit,
        decimals: written
            .decimals
            .or(measured.decimals)
            .or(written.usual_decimals()),
        good: written.good.unwrap_or(usual_good(written)),
        hidden: written.hidden,
        prometheus: written.prometheus.clone(),
        since,
        was: written.was.clone(),
        same_as: written.same_as.clone(),
        history: written
            .history
            .unwrap_or_else(|| inferred_history(written, &shape, catalog)),
        shape,
        alert,
        family: written.key.clone(),
    };
    let members = split::by_split(head, written, mistakes.node)
        .into_iter()
        .flat_map(|member| by_window(member, written))
        .collect();
    match &written.per {
        Some(per) => members_per_parent(members, per, catalog),
        None => members,
    }
}

/// What a kind declares of the value that a live metric measures.
#[derive(Default)]
struct Measured {
    unit: String,
    decimals: Option<u32>,
}

impl Measured {
    fn new(shape: &Shape, kinds: Option<&Kinds>) -> Self {
        let Shape::Live(Live { figure, .. }) = shape else {
            return Self::default();
        };
        let kind: Option<&Kind> = kinds.and_then(|kinds| kinds.get(&figure.kind));
        kind.map_or_else(Self::default, |kind| Self {
            unit: figure.aggregate.unit(kind).to_owned(),
            // Nobody reads all digits of a mean.
            decimals: match (figure.aggregate.decimals(kind), &figure.aggregate) {
                (None, Aggregate::Of(Summary::Avg, _)) => Some(2),
                (decimals, _) => decimals,
            },
        })
    }
}

fn unit(written: &written::Metric, measured: &Measured) -> String {
    match &written.unit {
        Some(unit) => unit.clone(),
        None if written.percent.is_some() => "%".to_owned(),
        None if written.newest.is_some() => "h".to_owned(),
        None => measured.unit.clone(),
    }
}

/// A small age means that rows keep coming.
fn usual_good(written: &written::Metric) -> Good {
    match written.newest {
        Some(_) => Good::Down,
        None => Good::Neutral,
    }
}

fn shape(
    written: &written::Metric,
    catalog: &Catalog,
    mistakes: &mut NodeMistakes<'_>,
) -> Option<Shape> {
    let derived = |of: &String, per: &String, percent| {
        let (of, per) = (of.clone(), per.clone());
        Some(Shape::Derived(Derived { of, per, percent }))
    };
    if let Some(percent) = &written.percent {
        return derived(&percent.of, &percent.whole, true);
    }
    if let Some(ratio) = &written.ratio {
        return derived(&ratio.of, &ratio.per, false);
    }
    if let Some(text) = &written.sql {
        return Some(Shape::Sql {
            database: written.database.clone(),
            text: text.clone(),
        });
    }
    if let Some(live) = &written.live {
        let aggregate = Aggregate::parse(&live.value);
        let aggregate = aggregate.map_err(|why| mistakes.push(&["live", "value"], why));
        let figure = Figure {
            kind: live.kind.clone(),
            aggregate: aggregate.ok()?,
            labels: live.labels.clone().into_iter().collect(),
        };
        return Some(Shape::Live(Live { figure, days: None }));
    }
    let Some(name) = &written.table else {
        if !mistakes.node.flawed {
            mistakes.push(&["key"],
                format!("metric `{}` counts nothing: give it `table` with `count`, `sum`, …, or `percent`, `ratio`, `sql` or `live`", written.key));
        }
        return None;
    };
    let Some(table) = catalog.tables.iter().position(|table| table.id == *name) else {
        let ids = catalog.tables.iter().map(|table| table.id.as_str());
        mistakes.push(
            &["table"],
            format!("no table `{name}` is declared{}", did_you_mean(name, ids)),
        );
        return None;
    };
    let Some(measure) = measure(written) else {
        if !mistakes.node.flawed {
            mistakes.push(&["key"],
                format!(
                    "metric `{}` needs one of `count`, `sum`, `avg`, `min`, `max`, `newest`, `distinct`",
                    written.key
                ));
        }
        return None;
    };
    let parts = match &written.by {
        Some(by) => Parts::By(Distribution {
            column: by.column.clone(),
            except: Vec::new(),
            top: by.top,
            label: by.label.clone(),
        }),
        None => Parts::Whole,
    };
    Some(Shape::Counted(Counted {
        table,
        measure,
        condition: written.condition.clone(),
        window: None,
        parts,
        fuse: written.fuse,
    }))
}

fn measure(written: &written::Metric) -> Option<Measure> {
    let (key, column) = written.measured().next()?;
    let measure = match key {
        "count" if column == "*" => return Some(Measure::Rows),
        "count" => Measure::Filled,
        "sum" => Measure::Sum,
        "avg" => Measure::Avg,
        "min" => Measure::Min,
        "max" => Measure::Max,
        "newest" => Measure::Newest,
        _ => Measure::Distinct,
    };
    Some(measure(column.clone()))
}

fn by_window(head: Metric, written: &written::Metric) -> Vec<Metric> {
    let Some(within) = &written.within else {
        return vec![head];
    };
    let shape = |days: u32| match &head.shape {
        Shape::Counted(counted) => Shape::Counted(Counted {
            window: Some(Window {
                // Its absence is reported with the other mistakes.
                column: within.column.clone().unwrap_or_default(),
                time: within.time,
                days,
            }),
            ..counted.clone()
        }),
        Shape::Live(live) => Shape::Live(Live {
            days: Some(days),
            ..live.clone()
        }),
        other => other.clone(),
    };
    if matches!(head.shape, Shape::Sql { .. } | Shape::Derived(_)) {
        return vec![head];
    }
    let member = |days: &u32| {
        let (suffix, words) = match days {
            1 => ("24h".to_owned(), "24 h".to_owned()),
            _ => (format!("{days}d"), format!("{days} days")),
        };
        let of_window = |name: &String| format!("{name}_{suffix}");
        Metric {
            key: of_window(&head.key),
            label: format!("{}, {words}", head.label),
            prometheus: head.prometheus.as_ref().map(of_window),
            shape: shape(*days),
            ..head.clone()
        }
    };
    within.days.iter().map(member).collect()
}

/// `per = "items"` is a ratio of two hidden counts.
fn members_per_parent(members: Vec<Metric>, per: &str, catalog: &Catalog) -> Vec<Metric> {
    let Some(parents) = catalog.tables.iter().position(|table| table.id == per) else {
        return members;
    };
    let mut all = Vec::new();
    for member in members {
        let children = format!("of_{}", member.key);
        let rows = format!("per_{}", member.key);
        let parent_rows = Shape::Counted(Counted {
            table: parents,
            measure: Measure::Rows,
            condition: None,
            window: None,
            parts: Parts::Whole,
            fuse: true,
        });
        let helper = |key: &String, shape: Shape| Metric {
            key: key.clone(),
            hidden: true,
            decimals: None,
            unit: String::new(),
            alert: Rules::default(),
            shape,
            ..member.clone()
        };
        let ratio = Shape::Derived(Derived {
            of: children.clone(),
            per: rows.clone(),
            percent: false,
        });
        all.push(helper(&children, member.shape.clone()));
        all.push(helper(&rows, parent_rows));
        all.push(Metric {
            shape: ratio,
            ..member
        });
    }
    all
}

fn rules(written: &written::Metric, unit: &str, mistakes: &mut NodeMistakes<'_>) -> Rules {
    let alert = &written.alert;
    let mut limit = |text: &Option<String>, key: &str| {
        let read = limit(text.as_ref()?, unit);
        read.map_err(|why| mistakes.push(&["alert", key], why)).ok()
    };
    let warning = limit(&alert.warning, "warning");
    let critical = limit(&alert.critical, "critical");
    if let (Some(warning), Some(critical)) = (warning, critical)
        && warning.over == critical.over
        && (warning.bound > critical.bound) == warning.over
        && warning.bound != critical.bound
    {
        let message = "every value beyond the warning is critical: make the critical limit the harder one to reach";
        mistakes.push(&["alert", "critical"], message);
    }
    Rules {
        warning,
        critical,
        percent: percent_rule(written),
        reach: alert.reach,
        parts: alert.parts,
    }
}

/// From 0.1 h to 0.4 h an age grows by 300 %, which means nothing: its changes are judged only if the catalog asks.
fn percent_rule(written: &written::Metric) -> written::PercentRule {
    let usual = written::PercentRule {
        on: match written.newest {
            Some(_) => written::AlertOn::Off,
            None => written::AlertOn::Both,
        },
        ..written::PercentRule::default()
    };
    written.alert.percent.clone().unwrap_or(usual)
}

/// Reads `> 26`, or `> 26 h` for a metric in `h`.
pub fn limit(text: &str, unit: &str) -> Result<Limit, String> {
    let no_rule = || format!("`{text}` is not a rule like `> 20`, `>= 5`, `< 1` or `<= 0`");
    let rule = text.trim();
    let signs = [
        (">=", true, true),
        (">", true, false),
        ("<=", false, true),
        ("<", false, false),
    ];
    let found = signs.into_iter().find(|(sign, ..)| rule.starts_with(sign));
    let (sign, over, inclusive) = found.ok_or_else(no_rule)?;
    let bound = rule[sign.len()..].trim();
    let number = match (bound.parse(), bound.strip_suffix(unit)) {
        (Err(_), Some(number)) => number.trim_end().parse(),
        (number, _) => number,
    };
    match number {
        Ok(bound) if f64::is_finite(bound) => Ok(Limit {
            over,
            inclusive,
            bound,
        }),
        Ok(_) => Err(no_rule()),
        Err(_) => Err(other_unit(text, bound, unit).unwrap_or_else(no_rule)),
    }
}

/// The message that another unit than the metric's follows the number.
fn other_unit(text: &str, bound: &str, unit: &str) -> Option<String> {
    let is_number = |end: &usize| {
        let number = bound[..*end].trim_end().parse();
        number.is_ok_and(f64::is_finite)
    };
    let ends = bound.char_indices().map(|(end, _)| end);
    let end = ends.rev().find(is_number)?;
    let other = bound[end..].trim();
    Some(match unit {
        "" => format!(
            "`{text}` is in `{other}`, but the metric has no unit: leave it out, or set `unit = \"{other}\"`"
        ),
        _ => format!(
            "`{text}` is in `{other}`, but the metric is in `{unit}`: write the bound in `{unit}`"
        ),
    })
}

/// Without a declaration, only shapes without mutable columns have a past.
fn inferred_history(written: &written::Metric, shape: &Shape, catalog: &Catalog) -> History {
    let counted = match shape {
        Shape::Counted(counted) => counted,
        Shape::Live(_) => return History::Event,
        Shape::Sql { .. } | Shape::Derived(_) => return History::Now,
    };
    let lineage: Vec<&Table> = catalog
        .lineage(counted.table)
        .into_iter()
        .map(|at| &catalog.tables[at])
        .collect();
    let born = &catalog.tables[counted.table].created_at;
    let plain = counted.needs_only_lives(&catalog.tables[counted.table])
        && written.split.is_none()
        && written
            .within
            .as_ref()
            .is_none_or(|within| born.as_ref() == within.column.as_ref())
        && lineage
            .iter()
            .all(|table| table.condition.is_none() && table.created_at.is_some());
    match plain {
        true if lineage.iter().any(|table| table.deleted_at.is_some()) => History::Interval,
        true => History::Event,
        false => History::Now,
    }
}

fn humanised(key: &str) -> String {
    capitalized(&key.replace('_', " "))
}
