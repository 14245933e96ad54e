//! `daybook explain`: how metrics are counted, for people who want to check the numbers.

use std::collections::{BTreeMap, BTreeSet};

use chrono::SecondsFormat;
use serde_json::{Value as Json, json};

use crate::calendar::{AsOf, Day, spoken};
use crate::cli::Explain;
use crate::collect::{self, Request, Unreachable, Work};
use crate::config::Config;
use crate::nightly::{NightError, known_keys};
use crate::plan::night::database_of;
use crate::plan::{Bind, Reach, Statement, reach};

use super::{CommandError, Ended, World, dates, output};

pub async fn run(config: &Config, args: &Explain, world: &World) -> Result<Ended, CommandError> {
    let date = dates::read(
        args.date.as_deref().unwrap_or("yesterday"),
        "--date",
        config,
        world,
    )?;
    let day =
        Day::of(date, config.time_zone).map_err(|gone| CommandError::Usage(gone.to_string()))?;
    if day.start > world.now {
        return Err(CommandError::Usage(format!(
            "{} is in the future: choose a day up to today",
            spoken(date)
        )));
    }
    let as_of = day.as_of(world.now);
    let keys = known_keys(&config.catalog, args.metric.as_deref()).map_err(NightError::from)?;
    let databases: BTreeSet<&str> = config
        .catalog
        .metrics
        .iter()
        .filter(|metric| keys.contains(&metric.key))
        .filter_map(|metric| database_of(&config.catalog, metric))
        .collect();
    let mut planned = Vec::new();
    for name in databases {
        planned.extend(plans_of(name, config, &keys, (as_of, world)).await?);
    }
    match args.json {
        true => output::json(&as_json(config, &keys, &as_of, &planned))?,
        false => output::page(&as_text(config, &keys, (&as_of, world), &planned))?,
    }
    Ok(Ended::Done)
}

struct Planned {
    statement: Statement,
    /// The database's own account of how it would run it.
    plan: Vec<String>,
    /// What the night counts in the same statement, besides what was asked for.
    companions: Vec<String>,
}

async fn plans_of(
    name: &str,
    config: &Config,
    keys: &[String],
    (as_of, world): (AsOf, &World),
) -> Result<Vec<Planned>, CommandError> {
    let request = |keys: Vec<String>| Request {
        catalog: &config.catalog,
        keys,
        work: Work::Night(as_of),
        now: world.now,
        grace: config.collect.grace(),
        retry_for: std::time::Duration::ZERO,
        follower_patience: std::time::Duration::ZERO,
        limits: collect::limits(config, world.stop.clone()),
        recipients: None,
        progress: &|_, _| {},
        retrying: &|_, _| {},
    };
    let app = config.app(name)?;
    let away = |error| {
        let name = name.to_owned();
        CommandError::Unavailable(Unreachable { name, error }.to_string())
    };
    let asked = request(keys.to_vec());
    let (statements, plans) = collect::look(name, app, &asked).await.map_err(away)?;
    let everything = request(known_keys(&config.catalog, None).map_err(NightError::from)?);
    let (night, _) = collect::look(name, app, &everything).await.map_err(away)?;
    let planned = statements.into_iter().zip(plans);
    Ok(planned
        .map(|(statement, plan)| Planned {
            companions: companions(&statement, &night),
            statement,
            plan,
        })
        .collect())
}

fn companions(statement: &Statement, night: &[Statement]) -> Vec<String> {
    let own: Vec<&str> = statement.keys().collect();
    let shared = night
        .iter()
        .filter(|other| other.keys().any(|key| own.contains(&key)));
    shared
        .flat_map(Statement::keys)
        .filter(|key| !own.contains(key))
        .map(str::to_owned)
        .collect()
}

fn as_text(
    config: &Config,
    keys: &[String],
    (as_of, world): (&AsOf, &World),
    planned: &[Planned],
) -> String {
    let mut text = format!("{}\n", bounds(as_of));
    text.push_str(&metrics(config, keys, (as_of, world)));
    for one in planned {
        text.push_str(&statement(one));
    }
    text
}

fn statement(planned: &Planned) -> String {
    let Planned {
        statement,
        plan,
        companions,
    } = planned;
    let keys: Vec<&str> = statement.keys().collect();
    let mut text = format!("\n── {} · {}\n", statement.table, keys.join(", "));
    if !companions.is_empty() {
        let others = companions.join(", ");
        text.push_str(&format!("   at night in one scan with {others}\n"));
    }
    for line in statement
        .laid_out()
        .lines()
        .map(str::to_owned)
        .chain(statement.bound())
    {
        text.push_str(&format!("   {line}\n"));
    }
    for line in plan {
        text.push_str(&format!("   | {line}\n"));
    }
    text
}

/// The day in local time and in UTC.
fn bounds(as_of: &AsOf) -> String {
    let day = as_of.day;
    let local = |instant: chrono::DateTime<chrono::Utc>| {
        instant
            .with_timezone(&day.zone)
            .format("%Y-%m-%d %H:%M:%S %Z")
    };
    let utc = |instant: chrono::DateTime<chrono::Utc>| instant.format("%Y-%m-%d %H:%M:%S");
    format!(
        "{} in {}: {} h\n  local  from {} to {}\n  UTC    from {} to {}\n  as of  {} ({} UTC){}",
        spoken(day.date),
        day.zone,
        day.hours(),
        local(day.start),
        local(day.end),
        utc(day.start),
        utc(day.end),
        local(as_of.instant),
        utc(as_of.instant),
        if as_of.open { ", still open" } else { "" }
    )
}

fn metrics(config: &Config, keys: &[String], (as_of, world): (&AsOf, &World)) -> String {
    let mut text = String::new();
    for metric in config
        .catalog
        .metrics
        .iter()
        .filter(|metric| keys.contains(&metric.key))
    {
        let past = match reach(
            metric,
            &config.catalog,
            as_of,
            world.now,
            config.collect.grace(),
        ) {
            Reach::Unknowable(reason) => format!("counted now, it would be unavailable: {reason}"),
            Reach::Counted(provenance) => {
                format!("counted now, it would be {}", provenance.kind.word())
            }
        };
        let made = match &metric.shape {
            crate::catalog::Shape::Derived(derived) => {
                format!(" = {} / {}", derived.of, derived.per)
            }
            _ => String::new(),
        };
        text.push_str(&format!(
            "  {}{made}: history `{}`; {past}\n",
            metric.key,
            metric.history.word()
        ));
    }
    text
}

fn as_json(config: &Config, keys: &[String], as_of: &AsOf, planned: &[Planned]) -> Json {
    let day = as_of.day;
    let local = |instant: chrono::DateTime<chrono::Utc>| {
        instant
            .with_timezone(&day.zone)
            .to_rfc3339_opts(SecondsFormat::AutoSi, false)
    };
    let utc = |instant: chrono::DateTime<chrono::Utc>| {
        instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    };
    let histories: BTreeMap<&str, &str> = config
        .catalog
        .metrics
        .iter()
        .filter(|metric| keys.contains(&metric.key))
        .map(|metric| (metric.key.as_str(), metric.history.word()))
        .collect();
    let statements = planned.iter().map(|planned| {
        let statement = &planned.statement;
        json!({
            "database": statement.database,
            "table": statement.table,
            "metrics": statement.keys().collect::<Vec<_>>(),
            "shares_scan_with": planned.companions,
            "sql": statement.sql,
            "binds": statement.binds.iter().map(Bind::to_string).collect::<Vec<_>>(),
            "plan": planned.plan,
        })
    });
    json!({
        "schema": 1,
        "date": day.date,
        "time_zone": day.zone.name(),
        "hours": day.hours(),
        "local": { "start": local(day.start), "end": local(day.end), "as_of": local(as_of.instant) },
        "utc": { "start": utc(day.start), "end": utc(day.end), "as_of": utc(as_of.instant) },
        "history": histories,
        "statements": statements.collect::<Vec<_>>(),
    })
}
