//! Many past days in one scan: rows are counted by the days they were born, ended and happened in.

use crate::calendar::{Day, Edge, days_between};
use crate::catalog::{Catalog, Counted, Measure, Metric};
use crate::engine::Engine;

use super::night::database_of;
use super::pass::{Pass, grouping_column, guard, recipe};
use super::rows::{PlanContext, counted_of, lasting_conditions};
use super::sql::{Writer, column, renamed, table};
use super::time::{self, TimeColumn, bucket, names_moments, quarter_of};
use super::{KnownDatabases, Life, Scale, Statement};

/// What a range of days needs: statements that fold into all of them, and the metrics that no sum over
/// days can give, which are counted day by day.
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
    let KnownDatabases { engines, facts } = known;
    let mut groups: Vec<(String, Vec<&Metric>)> = Vec::new();
    let mut day_by_day = Vec::new();
    for metric in catalog
        .metrics
        .iter()
        .filter(|metric| keys.contains(&metric.key))
    {
        let Some(database) = database_of(catalog, metric) else {
            continue;
        };
        let Some(engine) = engines.get(database) else {
            continue;
        };
        let context = PlanContext {
            catalog,
            facts,
            engine: *engine,
        };
        match counted_of(&metric).filter(|(_, counted)| folds(context, counted)) {
            None => day_by_day.push(metric.key.clone()),
            Some((_, counted)) => {
                let parted = grouping_column(&counted.parts).map_or("", String::as_str);
                let pass = format!("{database}/{}/{parted}", context.table(counted.table).id);
                match groups.iter_mut().find(|(name, _)| *name == pass) {
                    Some((_, members)) => members.push(metric),
                    None => groups.push((pass, vec![metric])),
                }
            }
        }
    }
    let mut statements = Vec::new();
    for (_, members) in &groups {
        let engine = database_of(catalog, members[0]).and_then(|name| engines.get(name));
        let statement = engine.and_then(|engine| {
            scan(
                PlanContext {
                    catalog,
                    facts,
                    engine: *engine,
                },
                members,
                days,
            )
        });
        match statement {
            Some(statement) => statements.push(statement),
            None => day_by_day.extend(members.iter().map(|metric| metric.key.clone())),
        }
    }
    RangePlan {
        statements,
        day_by_day,
    }
}

/// Whether births minus deaths, or the newest of the rows alive, give the number of every day: each row must be found
/// once, with its whole lineage.
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
    let found_once = lineage.iter().all(|at| {
        let links = &context.table(*at).parents;
        links.iter().all(|link| {
            context
                .facts
                .is_unique(context.table(link.table), &link.key)
        })
    });
    let clocks = lineage
        .iter()
        .map(|at| context.born(*at))
        .chain(counted.window.is_some().then(|| context.happened(counted)))
        .chain(context.newest_after_birth(counted).map(Some));
    let clocks: Vec<Option<bool>> = clocks.map(|told| told.map(|told| told.local)).collect();
    let one_clock = clocks
        .iter()
        .all(|clock| clock.is_some() && *clock == clocks[0]);
    let same_every_day = !counted
        .condition
        .as_deref()
        .is_some_and(|text| names_moments(text, context.engine));
    folds_by_days && found_once && one_clock && same_every_day
}

/// `None` when a day does not begin on a quarter hour and the engine can only tell those.
fn scan(context: PlanContext<'_>, members: &[&Metric], wanted: &[Day]) -> Option<Statement> {
    let counted: Vec<(&Metric, &Counted)> = members.iter().filter_map(counted_of).collect();
    let at = counted.first()?.1.table;
    let declared = context.table(at);
    let days = spine(&counted, wanted)?;
    let edges = edges(&days);
    let born = context.born(at)?;
    let quarters: Option<Vec<i64>> = match context.engine {
        Engine::Postgres => Some(Vec::new()),
        Engine::Sqlite | Engine::Mysql => {
            edges.iter().map(|edge| quarter_of(&born, edge)).collect()
        }
    };
    let quarters = quarters?;
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
            let told = context.newest_after_birth(counted)?;
            Some(pass.group(&bucket(&told, "this", &edges, &mut writer)))
        })
        .collect();
    for (_, counted) in &counted {
        if let Some(name) = grouping_column(&counted.parts) {
            pass.group_as_text(context, counted, name);
        }
    }
    let scale = match context.engine {
        Engine::Postgres => Scale::Position,
        Engine::Sqlite | Engine::Mysql => Scale::Quarter,
    };
    let mut recipes = Vec::new();
    for (((metric, counted), window), happened) in counted.iter().zip(windows).zip(happened) {
        let rest: Vec<String> = counted
            .condition
            .iter()
            .map(|text| format!("({})", renamed(text, "this", context.engine)))
            .collect();
        let mut made = recipe(context, metric, counted, &rest, true, &mut pass);
        made.life = Some(Life {
            birth,
            death,
            happened,
            window,
            scale: scale.clone(),
        });
        recipes.push(made);
    }
    let guard = guard(context, &counted, &mut pass);
    let last = edges.last()?;
    let mut conditions = lives.conditions;
    conditions.push(time::before(&born, "this", last, &mut writer));
    let sql = format!(
        "SELECT {} FROM {} AS this{} WHERE {}{}",
        pass.select(),
        table(&declared.name),
        lives.joins,
        conditions.join(" AND "),
        pass.group_by(context.engine)
    );
    Some(Statement {
        database: declared.database.clone(),
        table: declared.name.clone(),
        sql,
        binds: writer.binds,
        recipes,
        guard,
        days,
        quarters,
        weight: context.facts.of(declared).map_or(0, |facts| facts.bytes),
    })
}

/// Every day from the earliest that a window looks back to, to the last one wanted.
fn spine(counted: &[(&Metric, &Counted)], wanted: &[Day]) -> Option<Vec<Day>> {
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

/// When a row and all it belongs to began and ended, with the joins that reach them.
struct Lives {
    birth: String,
    death: Option<String>,
    joins: String,
    conditions: Vec<String>,
}

/// Parents are joined as nested queries that show nothing but their key and their life, so that a
/// configured condition's bare column names stay unambiguous.
fn lives(
    context: PlanContext<'_>,
    at: usize,
    alias: &str,
    edges: &[Edge],
    writer: &mut Writer,
) -> Lives {
    let mut told =
        |column: Option<TimeColumn>| column.map(|told| bucket(&told, alias, edges, writer));
    let mut births: Vec<String> = told(context.born(at)).into_iter().collect();
    let mut deaths: Vec<String> = told(context.ended(at)).into_iter().collect();
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
        let filter = match life.conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", life.conditions.join(" AND ")),
        };
        let here = column(alias, &link.column);
        let of = format!(
            "SELECT {shown} FROM {name} AS {parent}{}{filter}",
            life.joins
        );
        joins.push_str(&format!(
            " JOIN ({of}) AS {parent} ON {parent}_key = {here}"
        ));
    }
    Lives {
        birth: outermost(&births, context.engine, ("GREATEST", "max", "0")).unwrap_or_default(),
        death: outermost(
            &deaths,
            context.engine,
            ("LEAST", "min", "9223372036854775807"),
        ),
        joins,
        conditions: lasting_conditions(context, at, alias),
    }
}

/// The latest birth or earliest death; only PostgreSQL's form leaves out those that are null.
fn outermost(buckets: &[String], engine: Engine, names: (&str, &str, &str)) -> Option<String> {
    let (standard, sqlite, none) = names;
    match (buckets, engine) {
        ([], _) => None,
        ([one], _) => Some(one.clone()),
        (many, Engine::Postgres) => Some(format!("{standard}({})", many.join(", "))),
        (many, Engine::Sqlite | Engine::Mysql) => {
            let filled: Vec<String> = many
                .iter()
                .map(|one| format!("coalesce({one}, {none})"))
                .collect();
            let name = if engine == Engine::Sqlite {
                sqlite
            } else {
                standard
            };
            Some(format!("{name}({})", filled.join(", ")))
        }
    }
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
