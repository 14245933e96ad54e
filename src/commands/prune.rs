//! `daybook prune`: deletes old days by hand, as every night does.

use std::time::Duration;

use chrono::NaiveDate;
use serde_json::json;

use crate::book::{self, Book, BookError};
use crate::calendar::spoken;
use crate::cli::Prune;
use crate::config::Config;
use crate::prune::{self, doubt};
use crate::text::counted::counted;

use super::{CommandError, Ended, World, dates, open_book, output};

/// How long to wait for a running collect.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

pub async fn run(config: &Config, args: &Prune, world: &World) -> Result<Ended, CommandError> {
    let today = dates::today(config, world);
    let stored = book::all_dates(&open_book(config).await?).await?;
    let future = stored.iter().copied().filter(|date| *date > today);
    let planned = match args.future {
        true => future.collect(),
        false => prune::plan(&stored, today, config.retention_days, None),
    };
    let doubt = match args.future {
        _ if planned.is_empty() => None,
        true => in_the_future(&planned, today),
        false => {
            let doubt = doubt(&planned, &stored, today, config.retention_days);
            doubt.map(|doubt| doubt.to_string())
        }
    };
    match &doubt {
        Some(doubt) if !args.yes && !args.dry_run => {
            return Err(CommandError::Usage(format!("nothing was pruned: {doubt}")));
        }
        _ if !args.dry_run => delete(config, args, &planned, today).await?,
        _ => {}
    }
    if args.json {
        output::json(
            &json!({ "schema": 1, "dry_run": args.dry_run, "retention_days": config.retention_days, "dates": planned }),
        )?;
        return Ok(Ended::Done);
    }
    let verb = match args.dry_run {
        true => "would be pruned",
        false => "pruned",
    };
    for date in &planned {
        output::data(&date.to_string())?;
    }
    let which = match args.future {
        true => format!("after {}", spoken(today)),
        false => format!("older than {}", counted(config.retention_days, "day")),
    };
    let rows = counted(planned.len(), "row");
    output::say(&format!("{rows} {which} {verb}"));
    if let (Some(doubt), true) = (doubt, args.dry_run) {
        output::say(&doubt);
    }
    Ok(Ended::Done)
}

async fn delete(
    config: &Config,
    args: &Prune,
    planned: &[NaiveDate],
    today: NaiveDate,
) -> Result<(), BookError> {
    let lock = Book::wait_for_lock(&config.book.url, LOCK_TIMEOUT).await?;
    let book = Book::open_under(&lock).await?;
    let pruned = match args.future {
        true => prune::prune_future(&book, planned, today).await,
        false => {
            let oldest = prune::oldest_kept(today, config.retention_days);
            prune::prune(&book, planned, oldest).await
        }
    };
    book.close().await;
    pruned.map(drop)
}

/// If the clock is behind, these days are right.
fn in_the_future(planned: &[NaiveDate], today: NaiveDate) -> Option<String> {
    let (first, last) = planned.first().zip(planned.last())?;
    let (which, verb) = match first == last {
        true => (first.to_string(), "is"),
        false => (format!("from {first} to {last}"), "are"),
    };
    Some(format!(
        "{}, {which}, {verb} after today, {}: if this machine's clock is right, run `daybook prune --future --yes` to delete them and their reports",
        counted(planned.len(), "stored day"),
        spoken(today)
    ))
}
