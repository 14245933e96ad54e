//! `daybook collect`: runs a night, by cron or by hand.

mod changes;
mod elsewhere;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use chrono::NaiveDate;
use serde_json::{Value as Json, json};

use crate::book::{self, BookError, Message};
use crate::calendar::spoken;
use crate::catalog::Catalog;
use crate::cli::Collect;
use crate::config::Config;
use crate::entry::{Entry, Kind, Value};
use crate::nightly::{self, DayDone, Night, NightContext, NightError, Orders, Which};
use crate::plan::database_of;
use crate::text::counted::counted;
use crate::{compare, render, report};

use super::output::seconds;
use super::progress::Bar;
use super::{CommandError, Ended, World, dates, delivered, open_book, output, runs, show};

/// `file` is the configuration file as the command line names it, if it does.
pub async fn run(
    config: &Config,
    file: Option<&Path>,
    args: &Collect,
    world: &World,
) -> Result<Ended, CommandError> {
    every_database_is_configured(config)?;
    let orders = orders(config, args, world)?;
    let many = !matches!(orders.which, Which::One(_));
    let bar = Bar::new(world.stderr_is_terminal && many && !args.quiet && !args.verbose)
        .quiet(args.quiet);
    let context = NightContext::new(config, world.now, world.stop.clone(), &bar);
    let night = nightly::run(&context, &orders).await;
    bar.clear();
    let night = night?;
    match args.json {
        true => output::json(&as_json(&night, args.dry_run))?,
        // Even with --quiet: the other run may be counting other days.
        false if night.elsewhere => output::say(&elsewhere::message(config, file, args).await),
        false => say(config, &night, args, world).await?,
    }
    for (date, key, error) in failures(&night) {
        output::say_line(&format!("{date} {key} failed: {error}"));
    }
    say_delivered(config, &night, args, world);
    match night.broke_off {
        Some(NightError::Unavailable(_)) => return Ok(Ended::Unavailable),
        Some(error) => return Err(error.into()),
        None => {}
    }
    Ok(match &night {
        night if !night.unreachable.is_empty() => Ended::Unavailable,
        night if failures(night).next().is_some() || night.readers_missing => Ended::Incomplete,
        night => delivered::ended(&night.deliveries),
    })
}

/// Deliveries and remarks; failures even with --quiet.
fn say_delivered(config: &Config, night: &Night, args: &Collect, world: &World) {
    if let Some(NightError::Unavailable(away)) = &night.broke_off {
        output::say_line(&format!("daybook: {away}"));
    }
    if let Some(doubt) = &night.unpruned {
        output::say_line(&format!("nothing was pruned: {doubt}"));
    }
    delivered::say(&night.deliveries, config, world, args.quiet || args.json);
    for remark in &night.remarks {
        output::say_line(remark);
    }
    if let (Some((date, messages)), false) = (&night.would_send, args.json) {
        let day = spoken(*date);
        if messages.is_empty() {
            output::say(&format!("dry run: no messages about {day}"));
        }
        for message in messages {
            let (channel, recipient) = (message.channel.word(), &message.recipient);
            output::say_line(&format!(
                "would write to {recipient} by {channel} about {day}"
            ));
        }
    }
}

fn every_database_is_configured(config: &Config) -> Result<(), CommandError> {
    let catalog = &config.catalog;
    let metrics = catalog.metrics.iter();
    for name in metrics.filter_map(|metric| database_of(catalog, metric)) {
        config.app(name)?;
    }
    Ok(())
}

fn orders(config: &Config, args: &Collect, world: &World) -> Result<Orders, CommandError> {
    let read = |text: &str, option: &str| dates::read(text, option, config, world);
    let which = match (&args.from, &args.to) {
        (Some(from), Some(to)) => Which::Range(read(from, "--from")?, read(to, "--to")?),
        _ if args.catch_up => Which::CatchUp,
        _ if let Some(days) = args.refresh => Which::Refresh {
            days,
            with: dates::asked(&args.date, config, world)?,
        },
        _ => Which::One(read(args.date.as_deref().unwrap_or("today"), "--date")?),
    };
    Ok(Orders {
        which,
        metric: args.metric.clone(),
        force: args.force,
        dry_run: args.dry_run,
        send: args.send_email,
        retry_for: retry_for(config, world),
    })
}

/// At a terminal, an error is better than a wait.
pub(super) fn retry_for(config: &Config, world: &World) -> Duration {
    let usual = match world.stderr_is_terminal {
        true => Duration::ZERO,
        false => Duration::from_secs(300),
    };
    config.collect.retry_for.unwrap_or(usual)
}

async fn say(
    config: &Config,
    night: &Night,
    args: &Collect,
    world: &World,
) -> Result<(), CommandError> {
    if args.dry_run {
        output::say(match args.send_email {
            true => "dry run: nothing is stored, nothing is sent",
            false => "dry run: nothing is stored",
        });
    }
    for one in &night.unreachable {
        output::say_line(&one.to_string());
    }
    if args.quiet {
        return Ok(());
    }
    for line in abridged(&night.skipped) {
        output::say(&line);
    }
    let (refreshed, days): (Vec<&DayDone>, Vec<&DayDone>) =
        night.days.iter().partition(|day| day.changes.is_some());
    if !refreshed.is_empty() {
        output::say(&changes::lines(&refreshed).join("\n"));
    }
    let written: Vec<&Entry> = days.iter().filter_map(|day| day.entry.as_ref()).collect();
    match (written.as_slice(), days.as_slice()) {
        ([], []) if night.broke_off.is_some() || !refreshed.is_empty() => {}
        ([], []) if args.refresh.is_some() => output::say("no stored day to refresh"),
        (written, days) => output::say(&collected(config, written, days, night)),
    }
    if night.pruned > 0 {
        let rows = counted(night.pruned, "row");
        let days = counted(config.retention_days, "day");
        output::say(&format!("{rows} older than {days} pruned"));
    }
    match written.last() {
        Some(last) if args.dry_run => output::data(&table_of(config, last, world).await?)?,
        Some(last) if args.verbose => {
            show::print(config, Some(last.date), world).await?;
            runs::print_last(config, world).await?;
        }
        None if args.verbose && !refreshed.is_empty() && !args.dry_run => {
            runs::print_last(config, world).await?;
        }
        _ => {}
    }
    Ok(())
}

/// The result for the days asked for, in one line.
fn collected(config: &Config, written: &[&Entry], days: &[&DayDone], night: &Night) -> String {
    match (written, days) {
        ([], []) => "nothing to collect".to_owned(),
        ([], [only]) => format!(
            "{} is already complete; recount it with --force",
            spoken(only.date)
        ),
        ([], days) => format!("all {} days are already complete", days.len()),
        ([one], _) => {
            let failed = failures(night).filter(|(date, ..)| *date == one.date);
            let failed = failed.map(|(_, key, _)| key);
            let before = one.failures().map(|(key, _)| key);
            let failed = failed.chain(before).collect();
            let summary = summary(&config.catalog, one, &failed);
            format!("{}: {summary}", spoken(one.date))
        }
        (many, _) => format!("{} days in {}", many.len(), seconds(night.duration_ms)),
    }
}

/// The counted day as it would stand in the book.
async fn table_of(config: &Config, entry: &Entry, world: &World) -> Result<String, CommandError> {
    let (mut entries, mutes) = match open_book(config).await {
        Ok(book) => (
            nightly::letters::judged_entries(&book, entry.date).await?,
            book::mutes(&book, config.time_zone).await?,
        ),
        Err(BookError::NoBook { .. }) => Default::default(),
        Err(error) => return Err(error.into()),
    };
    entries.retain(|stored| stored.date != entry.date);
    entries.push(entry.clone());
    let judgement = compare::judge_day(entry.date, &entries, mutes, &config.catalog);
    let report = report::of_day(entry.date, &entries, &judgement, &config.catalog);
    Ok(report.map_or_else(String::new, |report| {
        render::table::show(&report, show::look(world))
    }))
}

/// `59 metrics, 3 unavailable, in 0.4 s`; `31 of 38 metrics, 7 failed, in 0.4 s`, even if the day keeps older values.
fn summary(catalog: &Catalog, entry: &Entry, failed: &BTreeSet<&str>) -> String {
    let shown = catalog.shown().map(|metric| metric.key.as_str());
    let (failed, stored): (Vec<&str>, Vec<&str>) = shown.partition(|key| failed.contains(key));
    let is_unavailable = |key: &&&str| {
        let reading = entry.readings.get(**key);
        reading.is_some_and(|reading| reading.provenance.kind == Kind::Unavailable)
    };
    let unavailable = stored.iter().filter(is_unavailable).count();
    let known = stored.len() - unavailable;
    let mut words = vec![match (known, failed.len()) {
        (known, 0) => counted(known, "metric"),
        (known, failed) => format!("{known} of {}", counted(known + failed, "metric")),
    }];
    for (count, word) in [(unavailable, "unavailable"), (failed.len(), "failed")] {
        if count > 0 {
            words.push(format!("{count} {word}"));
        }
    }
    if entry.partial {
        words.push("the day is still open".to_owned());
    }
    format!("{}, in {}", words.join(", "), seconds(entry.duration_ms))
}

fn failures(night: &Night) -> impl Iterator<Item = (NaiveDate, &str, &str)> {
    night.days.iter().flat_map(|day| {
        let failed = day.failed.iter();
        failed.map(|(key, error)| (day.date, key.as_str(), error.as_str()))
    })
}

/// One line for many days that were skipped for the same reason.
fn abridged(skipped: &[(NaiveDate, String)]) -> Vec<String> {
    let line = |(date, reason): &(NaiveDate, String)| format!("{date} skipped: {reason}");
    match skipped {
        [(first, reason), .., (last, same)] if reason == same => {
            let count = skipped.len();
            vec![format!(
                "{count} days from {first} to {last} skipped: {reason}"
            )]
        }
        few => few.iter().map(line).collect(),
    }
}

fn as_json(night: &Night, dry_run: bool) -> Json {
    let outcome = match night {
        _ if night.elsewhere => "elsewhere",
        _ if dry_run => "dry_run",
        Night {
            broke_off: Some(NightError::Unavailable(_)),
            ..
        } => "unavailable",
        night if night.broke_off.is_some() => "failed",
        night if night.days.iter().any(|day| day.entry.is_some()) => "stored",
        _ => "nothing",
    };
    let skipped = night.skipped.iter();
    let skipped = skipped.map(|(date, reason)| json!({ "date": date, "reason": reason }));
    let unreachable = night.unreachable.iter().map(ToString::to_string);
    let mut unreachable: Vec<String> = unreachable.collect();
    if let Some(NightError::Unavailable(away)) = &night.broke_off {
        unreachable.push(away.to_string());
    }
    let mut result = json!({
        "schema": 1,
        "outcome": outcome,
        "days": night.days.iter().map(day_json).collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
        "unreachable": unreachable,
        "deliveries": night.deliveries.iter().map(delivered::as_json).collect::<Vec<_>>(),
        "pruned": night.pruned,
        "duration_ms": night.duration_ms,
    });
    if let Some(error) = &night.broke_off {
        result["error"] = error.to_string().into();
    }
    if let Some(doubt) = &night.unpruned {
        result["unpruned"] = doubt.to_string().into();
    }
    if let Some((date, messages)) = &night.would_send {
        let one = |message: &Message| json!({ "date": date, "channel": message.channel.word(), "recipient": message.recipient });
        result["would_send"] = messages.iter().map(one).collect();
    }
    result
}

fn day_json(day: &DayDone) -> Json {
    let failed = day.failed.iter();
    let failed = failed.map(|(key, error)| json!({ "key": key, "error": error }));
    let failed: Vec<Json> = failed.collect();
    if let Some(changes) = &day.changes {
        return json!({
            "date": day.date,
            "outcome": if day.entry.is_some() { "refreshed" } else { "unchanged" },
            "changes": changes.iter().map(changes::as_json).collect::<Vec<_>>(),
            "failed": failed,
        });
    }
    let Some(entry) = &day.entry else {
        return json!({ "date": day.date, "outcome": "complete" });
    };
    let values = entry.readings.iter().map(|(key, reading)| {
        let value = reading.value.as_ref().map(Value::to_json);
        (key.clone(), Json::from(value))
    });
    let values: serde_json::Map<String, Json> = values.collect();
    json!({
        "date": day.date,
        "outcome": if day.refilled { "refilled" } else { "counted" },
        "partial": entry.partial,
        "metrics": values,
        "failed": failed,
    })
}
