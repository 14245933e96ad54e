//! `daybook explain`: shows how metrics are counted.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value as Json, json};

use crate::calendar::{AsOf, Day, spoken};
use crate::catalog::{Metric, Shape};
use crate::cli::Explain;
use crate::collect::{self, Request, Unreachable};
use crate::config::Config;
use crate::live::grain::Grain;
use crate::live::night::{Answer, Read};
use crate::live_readings::{self, Readings};
use crate::nightly::{NightError, known_keys};
use crate::operate::request::one_day;
use crate::plan::database_of;
use crate::plan::{Bind, Reach, Statement, reach};
use crate::text::counted::counted;

use super::{CommandError, Ended, World, dates, output};

pub async fn run(config: &Config, args: &Explain, world: &World) -> Result<Ended, CommandError> {
    let date = args.date.as_deref().unwrap_or("yesterday");
    let date = dates::read(date, "--date", config, world)?;
    let day =
        Day::new(date, config.time_zone).map_err(|gone| CommandError::Usage(gone.to_string()))?;
    if day.start > world.now {
        return Err(CommandError::Usage(format!(
            "{} is in the future: choose a day up to today",
            spoken(date)
        )));
    }
    let question = Question {
        config,
        keys: known_keys(&config.catalog, args.metric.as_deref()).map_err(NightError::from)?,
        as_of: day.as_of(world.now),
        world,
    };
    let metrics = question.metrics();
    let databases: BTreeSet<&str> = metrics
        .filter_map(|metric| database_of(&config.catalog, metric))
        .collect();
    let mut planned = Vec::new();
    for name in databases {
        planned.extend(question.plan(name).await?);
    }
    let live = question.live().await;
    match args.json {
        true => output::json(&question.as_json(&planned, &live))?,
        false => output::page(&question.as_text(&planned, &live))?,
    }
    Ok(Ended::Done)
}

/// Which metrics are explained, for which day.
struct Question<'a> {
    config: &'a Config,
    keys: Vec<String>,
    as_of: AsOf,
    world: &'a World,
}

struct Planned {
    statement: Statement,
    /// The database's query plan.
    plan: Vec<String>,
    /// Further metrics that the night counts in the same statement.
    companions: Vec<String>,
}

impl Question<'_> {
    fn metrics(&self) -> impl Iterator<Item = &Metric> {
        let metrics = self.config.catalog.metrics.iter();
        metrics.filter(|metric| self.keys.contains(&metric.key))
    }

    async fn plan(&self, name: &str) -> Result<Vec<Planned>, CommandError> {
        let config = self.config;
        let app = config.app(name)?;
        let away = |error| {
            let name = name.to_owned();
            CommandError::Unavailable(Unreachable { name, error }.to_string())
        };
        let everything = || one_day(config, self.as_of, self.world.now, self.world.stop.clone());
        let asked = Request {
            keys: self.keys.clone(),
            ..everything()
        };
        let (statements, plans) = collect::look(name, app, &asked).await.map_err(away)?;
        let (night, _) = collect::look(name, app, &everything())
            .await
            .map_err(away)?;
        let planned = statements.into_iter().zip(plans);
        let planned = planned.map(|(statement, plan)| Planned {
            companions: companions(&statement, &night),
            statement,
            plan,
        });
        Ok(planned.collect())
    }

    /// Live metrics are counted to see from what.
    async fn live(&self) -> Readings {
        let request = live_readings::Request {
            catalog: &self.config.catalog,
            live: self.config.live.as_ref(),
            keys: &self.keys,
            moments: &[self.as_of],
            now: self.world.now,
            grace: self.config.collect.grace(),
            prefers_rollups: false,
        };
        live_readings::readings(&request).await
    }

    fn as_text(&self, planned: &[Planned], live: &Readings) -> String {
        let lines = self.metrics().map(|metric| self.line(metric, live));
        let statements = planned.iter().map(statement);
        let kinds = live
            .reads
            .iter()
            .map(|(read, keys)| self.events(read, keys, live));
        let text: String = lines.chain(statements).chain(kinds).collect();
        format!("{}\n{text}", bounds(&self.as_of))
    }

    /// What is read of a kind.
    fn events(&self, read: &Read, keys: &[String], live: &Readings) -> String {
        let mut text = format!("\n── live {} · {}\n", read.kind, keys.join(", "));
        for metric in self.metrics().filter(|metric| keys.contains(&metric.key)) {
            if let (Shape::Live(asked), Some(answer)) =
                (&metric.shape, live.answers.get(&metric.key))
            {
                let days = counted(self.config.catalog.window_days(metric) as usize, "day");
                let from = source(&answer[0]).unwrap_or("nothing");
                text.push_str(&format!("   {}, {days}: from {from}\n", asked.figure));
            }
        }
        text.push_str(&format!(
            "   read {} with {}, {}; {}\n",
            counted(read.chunks, "chunk"),
            counted(usize::try_from(read.points).unwrap_or_default(), "event"),
            format_args!("{} bytes", read.bytes),
            counted(read.rollups, "rollup")
        ));
        text
    }

    fn line(&self, metric: &Metric, live: &Readings) -> String {
        let Config {
            catalog, collect, ..
        } = self.config;
        let past = match reach(
            metric,
            catalog,
            &self.as_of,
            self.world.now,
            collect.grace(),
        ) {
            _ if live.moments[0]
                .get(&metric.key)
                .is_some_and(|read| !read.is_known()) =>
            {
                let provenance = &live.moments[0][&metric.key].provenance;
                let reason = provenance.reason.as_deref().unwrap_or_default();
                format!(
                    "counted now, it would be {}: {reason}",
                    provenance.kind.word()
                )
            }
            Reach::Unknowable(reason) => format!("counted now, it would be unavailable: {reason}"),
            Reach::Counted(provenance) => {
                format!("counted now, it would be {}", provenance.kind.word())
            }
        };
        let formula = match &metric.shape {
            Shape::Derived(derived) => format!(" = {} / {}", derived.of, derived.per),
            Shape::Live(live) => format!(" = live {}", live.figure),
            _ => String::new(),
        };
        let (key, history) = (&metric.key, metric.history.word());
        format!("  {key}{formula}: history `{history}`; {past}\n")
    }

    fn live_json(&self, metric: &Metric, live: &Readings) -> Option<Json> {
        let Shape::Live(asked) = &metric.shape else {
            return None;
        };
        let days = self.config.catalog.window_days(metric);
        let utc = |instant: DateTime<Utc>| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let labels = asked.figure.labels.iter();
        let labels: BTreeMap<&String, &String> = labels.map(|(name, text)| (name, text)).collect();
        Some(json!({
            "metric": metric.key,
            "kind": asked.figure.kind,
            "value": asked.figure.aggregate.to_string(),
            "labels": labels,
            "window": {
                "days": days,
                "start": utc(self.as_of.window_start(days).instant),
                "end": utc(self.as_of.instant),
            },
            "from": live.answers.get(&metric.key).and_then(|answers| source(&answers[0])),
            "reason": live.moments[0].get(&metric.key).and_then(|read| read.provenance.reason.clone()),
        }))
    }

    fn as_json(&self, planned: &[Planned], live: &Readings) -> Json {
        let as_of = &self.as_of;
        let day = as_of.day;
        let local = |instant: DateTime<Utc>| {
            let local = instant.with_timezone(&day.zone);
            local.to_rfc3339_opts(SecondsFormat::AutoSi, false)
        };
        let utc = |instant: DateTime<Utc>| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let histories = self.metrics();
        let histories: BTreeMap<&str, &str> = histories
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
            "live": self.metrics().filter_map(|metric| self.live_json(metric, live)).collect::<Vec<_>>(),
            "live_read": live.reads.iter().map(|(read, _)| json!({
                "kind": read.kind,
                "chunks": read.chunks,
                "events": read.points,
                "bytes": read.bytes,
                "rollups": read.rollups,
                "duration_ms": read.milliseconds,
                "error": read.error,
            })).collect::<Vec<_>>(),
        })
    }
}

/// From what it was counted, if it was.
fn source(answer: &Answer) -> Option<&'static str> {
    let Answer::Counted(counted) = answer else {
        return None;
    };
    Some(match counted.grain {
        None => "events",
        Some(Grain::Hour) => "hourly rollups",
        Some(Grain::Day) => "daily rollups",
        Some(Grain::Month) => "monthly rollups",
    })
}

fn companions(statement: &Statement, night: &[Statement]) -> Vec<String> {
    let own: Vec<&str> = statement.keys().collect();
    let night = night.iter();
    let shared = night.filter(|other| other.keys().any(|key| own.contains(&key)));
    let others = shared.flat_map(Statement::keys);
    let others = others.filter(|key| !own.contains(key));
    others.map(str::to_owned).collect()
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
    let sql = statement.laid_out();
    for line in sql.lines().map(str::to_owned).chain(statement.bound()) {
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
    let local = |instant: DateTime<Utc>| {
        let local = instant.with_timezone(&day.zone);
        local.format("%Y-%m-%d %H:%M:%S %Z")
    };
    let utc = |instant: DateTime<Utc>| instant.format("%Y-%m-%d %H:%M:%S");
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
