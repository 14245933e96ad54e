//! `daybook prune`: retention by hand; every night does it too.

use std::time::Duration;

use serde_json::json;

use crate::book::{self, Book};
use crate::calendar::Day;
use crate::cli::Prune;
use crate::config::Config;
use crate::prune;

use super::{CommandError, Ended, World, open_book, output};

/// How long a prune waits for a collect to end.
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn run(config: &Config, args: &Prune, world: &World) -> Result<Ended, CommandError> {
    let today = Day::containing(world.now, config.time_zone).date;
    let book = open_book(config).await?;
    let planned = prune::plan(
        &book::all_dates(&book).await?,
        today,
        config.retention_days,
        None,
    );
    if !args.dry_run {
        let lock = Book::wait_for_lock(&config.book.url, PATIENCE).await?;
        let book = Book::open_under(&lock).await?;
        prune::prune(
            &book,
            &planned,
            prune::oldest_kept(today, config.retention_days),
        )
        .await?;
        book.close().await;
    }
    if args.json {
        output::json(
            &json!({ "schema": 1, "dry_run": args.dry_run, "retention_days": config.retention_days, "dates": planned }),
        )?;
        return Ok(Ended::Done);
    }
    let verb = if args.dry_run {
        "would be pruned"
    } else {
        "pruned"
    };
    for date in &planned {
        output::data(&date.to_string())?;
    }
    output::say(&format!(
        "{} entries beyond {} days {verb}",
        planned.len(),
        config.retention_days
    ));
    Ok(Ended::Done)
}
