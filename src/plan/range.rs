//! Counts many past days in one scan, by the days on which rows were born, ended and happened.

use crate::calendar::{Day, Edge, days_between};
use crate::catalog::{Catalog, Counted, Measure, Metric};
use crate::engine::Engine;

use super::pass::{Pass, Passes, add_to_pass, grouping_column, guard, recipe};
use super::rows::{PlanContext, counted_of, lasting_conditions, named, statement};
use super::sql::{Writer, column, filter, renamed, table};
use super::time::{self, TimeColumn, bucket, names_moments, quarter_of};
use super::{KnownDatabases, Life, Scale, Statement};

/// Statements that fold into all days of a range, and the metrics that have to be counted day by day.
pub struct RangePlan {
    pub statements: Vec<Statement>,
    pub day_by_day: Vec<String>,
}

/// Plans the counted metrics of `keys` over complete days that have ended.
pub fn range(
    catalog: &Catalog,
    keys: &[String],
    days: &[Day],
    known: KnownDatabases<'_>,
) -> RangePlan {
    let mut passes = Passes::new();
    let mut day_by_day = Vec::new();
    for metric in named(catalog, keys) {
        let Some(context) = known.context(catalog, metric) else {
            continue;
        };
        match counted_of(metric).filter(|counted| folds(context, counted)) {
            None => day_by_day.push(metric.key.clone()),
            Some(counted) => {
                let parted = grouping_column(&counted.parts).map_or("", String::as_str);
                let table = context.table(counted.table);
                let name = format!("{}/{}/{parted}", table.database, table.id);
                add_to_pass(&mut passes, name, metric);
            }
        }
    }
    let mut statements = Vec::new();
    for (_, members) in &passes {
        let context = known.context(catalog, members[0]);
        match context.and_then(|context| scan(context, members, days)) {
            Some(statement) => statements.push(statement),
            None => day_by_day.extend(members.iter().map(|metric| metric.key.clone())),
        }
    }
    RangePlan {
        statements,
        day_by_day,
    }
}

/// Whether the number of each day is births minus deaths, or the newest of the rows alive: each row must be found once,
/// with all its parents.
fn folds(context: PlanContext<'_>, counted: &Counted) -> bool {
    let lineage = context.catalog.lineage(counted.table);
    let folds_by_days = match counted.measure {
        Measure::Rows
        | Measure::Filled(_)
        | Measure::Sum(_)
        | Measure::Avg(_)
        | Measure::Newest(_) => true,
        Measure::Min(_) | Measure::Max(_) | Measure::Distinct(_) => false,
    };
    let mut links = lineage.iter().flat_map(|at| &context.table(*at).parents);
    let found_once = links.all(|link| {
        let parent = context.table(link.table);
        context.facts.is_unique(parent, &link.key)
    });
    let times = lineage
        .iter()
        .map(|at| context.born(*at))
        .chain(counted.window.is_some().then(|| context.happened(counted)))
        .chain(context.newest_after_birth(counted).map(Some));
    let clocks: Vec<Option<bool>> = times.map(|time| time.map(|time| time.local)).collect();
    let one_clock = clocks
        .iter()
        .all(|clock| clock.is_some() && *clock == clocks[0]);
    let condition = counted.condition.as_deref();
    let same_every_day = !condition.is_some_and(|text| names_moments(text, context.engine));
    folds_by_days && found_once && one_clock && same_every_day
}

/// `None` if a day does not begin on a quarter hour and the engine groups by quarter hours.
fn scan(context: PlanContext<'_>, members: &[&Metric], wanted: &[Day]) -> Option<Statement> {
    let counted = members.iter().copied();
    let counted = counted.filter_map(|metric| Some((metric, counted_of(metric)?)));
    let counted: Vec<(&Metric, &Counted)> = counted.collect();
    let at = counted.first()?.1.table;
    let days = days_needed(&counted, wanted)?;
    let edges = edges(&days);
    let born = context.born(at)?;
    let (scale, quarters) = match context.engine {
        Engine::Postgres => (Scale::Position, Vec::new()),
        Engine::Sqlite | Engine::Mysql => {
            let quarters = edges.iter().map(|edge| quarter_of(&born, edge));
            (Scale::Quarter, quarters.collect::<Option<_>>()?)
        }
    };
    let mut writer = Writer::new(context.engine);
    let mut pass = Pass::default();
    let lives = lives(context, at, "this", &edges, &mut writer);
    let birth = pass.group(&lives.birth);
    let death = lives.death.as_ref().map(|death| pass.group(death));
    let windows: Vec<Option<(usize, u32)>> = counted
        .iter()
        .map(|(_, counted)| window(context, counted, &edges, &mut pass, &mut writer))
        .collect();
    let happened: Vec<Option<usize>> = counted
        .iter()
        .map(|(_, counted)| {
            let time = context.newest_after_birth(counted)?;
            Some(pass.group(&bucket(&time, "this", &edges, &mut writer)))
        })
        .collect();
    pass.group_by_parts(context, &counted);
    let mut recipes = Vec::new();
    for (((metric, counted), window), happened) in counted.iter().zip(windows).zip(happened) {
        let condition = counted.condition.iter();
        let rest: Vec<String> = condition
            .map(|text| format!("({})", renamed(text, "this", context.engine)))
            .collect();
        let mut made = recipe(context, metric, counted, &rest, true, &mut pass);
        made.life = Some(Life {
            birth,
            death,
            happened,
            window,
            scale,
        });
        recipes.push(made);
    }
    let guard = guard(context, &counted, &mut pass);
    let mut conditions = lives.conditions;
    conditions.push(time::before(&born, "this", edges.last()?, &mut writer));
    let sql = format!(
        "SELECT {} FROM {} AS this{}{}{}",
        pass.select(),
        table(&context.table(at).name),
        lives.joins,
        filter(&conditions),
        pass.group_by(context.engine)
    );
    Some(Statement {
        guard,
        quarters,
        ..statement(context, at, sql, writer, recipes, days)
    })
}

/// Every day from the earliest that a window includes to the last one wanted.
fn days_needed(counted: &[(&Metric, &Counted)], wanted: &[Day]) -> Option<Vec<Day>> {
    let longest = counted
        .iter()
        .filter_map(|(_, counted)| counted.window.as_ref())
        .map(|window| window.days)
        .max();
    let first = wanted.iter().map(|day| day.date).min()?
        - chrono::Days::new(u64::from(longest.unwrap_or(1)) - 1);
    let last = wanted.iter().map(|day| day.date).max()?;
    Some(days_between(first, last, wanted.first()?.zone))
}

fn edges(days: &[Day]) -> Vec<Edge> {
    let begins = days.iter().map(Day::opening);
    begins
        .chain(days.last().map(|day| day.close().edge()))
        .collect()
}

/// When a row and its parents began and ended, with the joins to those parents.
struct Lives {
    birth: String,
    death: Option<String>,
    joins: String,
    conditions: Vec<String>,
}

/// Joins parents as nested queries that show only their key and their life, so that bare column names in configured
/// conditions stay unambiguous.
fn lives(
    context: PlanContext<'_>,
    at: usize,
    alias: &str,
    edges: &[Edge],
    writer: &mut Writer,
) -> Lives {
    let mut buckets = |time: Option<TimeColumn>| -> Vec<String> {
        let bucket = time.map(|time| bucket(&time, alias, edges, writer));
        bucket.into_iter().collect()
    };
    let mut births = buckets(context.born(at));
    let mut deaths = buckets(context.ended(at));
    let mut joins = String::new();
    for link in &context.table(at).parents {
        let parent = writer.alias();
        let life = lives(context, link.table, &parent, edges, writer);
        let mut shown = format!(
            "{} AS {parent}_key, {} AS {parent}_birth",
            column(&parent, &link.key),
            life.birth
        );
        births.push(format!("{parent}_birth"));
        if let Some(death) = &life.death {
            shown.push_str(&format!(", {death} AS {parent}_death"));
            deaths.push(format!("{parent}_death"));
        }
        let name = table(&context.table(link.table).name);
        let here = column(alias, &link.column);
        joins.push_str(&format!(
            " JOIN (SELECT {shown} FROM {name} AS {parent}{}{}) AS {parent} ON {parent}_key = {here}",
            life.joins,
            filter(&life.conditions)
        ));
    }
    Lives {
        birth: outermost(&births, context.engine, &LATEST).unwrap_or_default(),
        death: outermost(&deaths, context.engine, &EARLIEST),
        joins,
        conditions: lasting_conditions(context, at, alias),
    }
}

/// How engines pick one of several times, and what stands for a time that is missing.
struct Pick {
    function: &'static str,
    sqlite_function: &'static str,
    missing: &'static str,
}

const LATEST: Pick = Pick {
    function: "GREATEST",
    sqlite_function: "max",
    missing: "0",
};

const EARLIEST: Pick = Pick {
    function: "LEAST",
    sqlite_function: "min",
    missing: "9223372036854775807",
};

/// The latest birth or the earliest death; only PostgreSQL's functions ignore nulls.
fn outermost(buckets: &[String], engine: Engine, pick: &Pick) -> Option<String> {
    let filled = || {
        let filled = |bucket: &String| format!("coalesce({bucket}, {})", pick.missing);
        buckets.iter().map(filled).collect::<Vec<_>>().join(", ")
    };
    Some(match (buckets, engine) {
        ([], _) => return None,
        ([one], _) => one.clone(),
        (many, Engine::Postgres) => format!("{}({})", pick.function, many.join(", ")),
        (_, Engine::Sqlite) => format!("{}({})", pick.sqlite_function, filled()),
        (_, Engine::Mysql) => format!("{}({})", pick.function, filled()),
    })
}

fn window(
    context: PlanContext<'_>,
    counted: &Counted,
    edges: &[Edge],
    pass: &mut Pass,
    writer: &mut Writer,
) -> Option<(usize, u32)> {
    let happened = context.happened(counted)?;
    let days = counted.window.as_ref()?.days;
    Some((pass.group(&bucket(&happened, "this", edges, writer)), days))
}
