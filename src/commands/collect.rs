//! `daybook collect`: the night, by cron or by hand.

mod changes;
mod elsewhere;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::book::{self, BookError, Message};
use crate::calendar::spoken;
use crate::catalog::Catalog;
use crate::cli::Collect;
use crate::config::Config;
use crate::entry::{Entry, Kind};
use crate::nightly::{self, DayDone, Night, NightContext, NightError, Orders, Which};
use crate::plan::night::database_of;
use crate::text::counted::counted;
use crate::{compare, render, report};

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
    let bar = Bar::new(world.terminal.1 && many && !args.quiet && !args.verbose).quiet(args.quiet);
    let context = NightContext::new(config, world.now, world.stop.clone(), &bar);
    let night = nightly::run(&context, &orders).await;
    bar.clear();
    let night = night?;
    match args.json {
        true => output::json(&as_json(&night, args.dry_run))?,
        // Said even where only trouble is: the other may be counting other days.
        false if night.elsewhere => output::say(&elsewhere::told(config, file, args).await),
        false => tell(config, &night, args, world).await?,
    }
    for (date, key, error) in failures(&night) {
        output::say_line(&format!("{date} {key} failed: {error}"));
    }
    tell_delivered(config, &night, args, world);
    match night.broke_off {
        Some(NightError::Unavailable(_)) => return Ok(Ended::Unavailable),
        Some(error) => return Err(error.into()),
        None => {}
    }
    Ok(match &night {
        night if !night.unreachable.is_empty() => Ended::Unavailable,
        night if failures(night).next().is_some() || night.readers_missing => Ended::Incomplete,
        night if !night.deliveries.iter().all(delivered::is_accepted) => Ended::Undelivered,
        _ => Ended::Done,
    })
}

/// What became of the report; what did not arrive is said even where only trouble is.
fn tell_delivered(config: &Config, night: &Night, args: &Collect, world: &World) {
    if let Some(NightError::Unavailable(away)) = &night.broke_off {
        output::say_line(&format!("daybook: {away}"));
    }
    if let Some(doubt) = &night.unpruned {
        output::say_line(&format!("nothing was pruned: {doubt}"));
    }
    delivered::tell(&night.deliveries, config, (world, args.quiet || args.json));
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
            output::say_line(&format!("about {day} by {channel}: {recipient}"));
        }
    }
}

fn every_database_is_configured(config: &Config) -> Result<(), CommandError> {
    let catalog = &config.catalog;
    let needed: BTreeSet<&str> = catalog
        .metrics
        .iter()
        .filter_map(|metric| database_of(catalog, metric))
        .collect();
    for name in needed {
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
            with: match &args.date {
                Some(date) => Some(read(date, "--date")?),
                None => None,
            },
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

/// Somebody who watches would rather know at once.
pub(super) fn retry_for(config: &Config, world: &World) -> Duration {
    let usual = match world.terminal.1 {
        true => Duration::ZERO,
        false => Duration::from_secs(300),
    };
    config.collect.retry_for.unwrap_or(usual)
}

async fn tell(
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
    for (date, reason) in abridged(&night.skipped) {
        output::say(&format!("{date} skipped: {reason}"));
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
        (written, days) => output::say(&collected(config, (written, days), night)),
    }
    if night.pruned > 0 {
        output::say(&format!(
            "{} older than {} pruned",
            counted(night.pruned, "row"),
            counted(config.retention_days, "day")
        ));
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

/// What became of the days asked for, in one line.
fn collected(config: &Config, (written, days): (&[&Entry], &[&DayDone]), night: &Night) -> String {
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
            let told = summary(&config.catalog, one, &failed);
            format!("{}: {told}", spoken(one.date))
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

/// `59 metrics, 3 unavailable, in 0.4 s`; `31 of 38 metrics, 7 failed, in 0.4 s`, also where the day keeps older values.
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

fn seconds(milliseconds: i64) -> String {
    format!("{:.2} s", milliseconds as f64 / 1000.0)
}

fn failures(night: &Night) -> impl Iterator<Item = (chrono::NaiveDate, &str, &str)> {
    night.days.iter().flat_map(|day| {
        let failed = day.failed.iter();
        failed.map(|(key, error)| (day.date, key.as_str(), error.as_str()))
    })
}

/// The first and last of many skipped days say enough.
fn abridged(skipped: &[(chrono::NaiveDate, String)]) -> Vec<(String, String)> {
    match skipped {
        [] => Vec::new(),
        [(date, reason)] => vec![(date.to_string(), reason.clone())],
        [(first, reason), .., (last, same)] if reason == same => {
            vec![(
                format!("{} days from {first} to {last}", skipped.len()),
                reason.clone(),
            )]
        }
        many => many
            .iter()
            .map(|(date, reason)| (date.to_string(), reason.clone()))
            .collect(),
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
    let skipped = night
        .skipped
        .iter()
        .map(|(date, reason)| json!({ "date": date, "reason": reason }));
    let mut unreachable: Vec<String> = Vec::new();
    unreachable.extend(night.unreachable.iter().map(ToString::to_string));
    if let Some(NightError::Unavailable(away)) = &night.broke_off {
        unreachable.push(away.to_string());
    }
    let mut told = json!({
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
        told["error"] = error.to_string().into();
    }
    if let Some(doubt) = &night.unpruned {
        told["unpruned"] = doubt.to_string().into();
    }
    if let Some((date, messages)) = &night.would_send {
        let one = |message: &Message| json!({ "date": date, "channel": message.channel.word(), "recipient": message.recipient });
        told["would_send"] = messages.iter().map(one).collect();
    }
    told
}

fn day_json(day: &DayDone) -> Json {
    let failed: Vec<Json> = day
        .failed
        .iter()
        .map(|(key, error)| json!({ "key": key, "error": error }))
        .collect();
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
    let values: serde_json::Map<String, Json> = entry
        .readings
        .iter()
        .map(|(key, reading)| {
            (
                key.clone(),
                reading
                    .value
                    .as_ref()
                    .map_or(Json::Null, |value| value.to_json()),
            )
        })
        .collect();
    json!({
        "date": day.date,
        "outcome": if day.refilled { "refilled" } else { "counted" },
        "partial": entry.partial,
        "metrics": values,
        "failed": failed,
    })
}
