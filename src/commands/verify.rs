//! `daybook verify`: a day counted again, each metric by itself, beside the night's way and the book.

use chrono::NaiveDate;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};
use serde_json::{Value as Json, json};

use crate::book::{self, BookError};
use crate::calendar::{Day, spoken};
use crate::cli::Verify;
use crate::collect::{self, Request, Work};
use crate::config::Config;
use crate::database::Trouble;
use crate::entry::{Entry, Value};
use crate::nightly::{NightError, known_keys};
use crate::operate::verify::{Check, Verdict, Verified, verify};
use crate::text::counted::counted;
use crate::text::plain::printable;

use super::collect::retry_for;
use super::{CommandError, Ended, World, dates, open_book, output, progress};

pub async fn run(config: &Config, args: &Verify, world: &World) -> Result<Ended, CommandError> {
    let (date, stored) = meant(config, args, world).await?;
    // A stored day is held against itself, also where the zone is another by now.
    let zone = stored
        .as_ref()
        .map_or(config.time_zone, |entry| entry.time_zone);
    let day = Day::of(date, zone).map_err(|gone| CommandError::Usage(gone.to_string()))?;
    if day.end > world.now {
        let day = spoken(date);
        let message =
            format!("{day} is not over: choose a day that has ended, such as `yesterday`");
        return Err(CommandError::Usage(message));
    }
    let request = Request {
        catalog: &config.catalog,
        keys: known_keys(&config.catalog, args.metric.as_deref()).map_err(NightError::from)?,
        work: Work::Night(day.close()),
        now: world.now,
        grace: config.collect.grace(),
        retry_for: retry_for(config, world),
        follower_patience: retry_for(config, world),
        limits: collect::limits(config, world.stop.clone()),
        recipients: None,
        progress: &|_, _| {},
        retrying: &progress::say_retrying,
    };
    let complete = stored.filter(|entry| !entry.partial);
    let verified = verify(&config.apps, &request, complete.as_ref()).await;
    let stopped = |trouble| trouble == Trouble::Stopped;
    if verified
        .unreachable
        .iter()
        .any(|one| stopped(one.error.trouble))
    {
        return Err(CommandError::Interrupted);
    }
    match args.json {
        true => output::json(&as_json(date, &verified))?,
        false => output::page(&as_table(&verified, world))?,
    }
    for away in &verified.unreachable {
        output::say_line(&away.to_string());
    }
    output::say(&summary(date, &verified.checks));
    Ok(match &verified {
        verified if !verified.unreachable.is_empty() => Ended::Unavailable,
        verified if verified.checks.iter().any(|one| one.verdict.is_wrong()) => Ended::Unsound,
        _ => Ended::Done,
    })
}

/// The day asked for, else the newest complete one, with what the book holds of it.
async fn meant(
    config: &Config,
    args: &Verify,
    world: &World,
) -> Result<(NaiveDate, Option<Entry>), CommandError> {
    let read = |text: &str| dates::read(text, "--date", config, world);
    let asked = args.date.as_deref().map(read).transpose()?;
    let book = match open_book(config).await {
        Ok(book) => book,
        Err(BookError::NoBook { .. }) => {
            return Ok((asked.map_or_else(|| read("yesterday"), Ok)?, None));
        }
        Err(error) => return Err(error.into()),
    };
    let entry = match asked {
        Some(date) => book::entry(&book, date).await?,
        None => book::newest_complete(&book, dates::today(config, world)).await?,
    };
    book.close().await;
    let date = asked.or(entry.as_ref().map(|entry| entry.date));
    Ok((date.map_or_else(|| read("yesterday"), Ok)?, entry))
}

fn told(check: &Check) -> String {
    match &check.verdict {
        Verdict::Equal => "equal".to_owned(),
        Verdict::Differs => "differs: rows arrived late or were deleted".to_owned(),
        Verdict::Contradicted => format!(
            "the night's statement gives {}: this is a bug in Daybook, please report it",
            number(check.at_night.as_ref())
        ),
        Verdict::NotStored => "not in the book".to_owned(),
        other => format!("{}: {}", other.word(), other.why().unwrap_or_default()),
    }
}

fn number(value: Option<&Value>) -> String {
    match value {
        Some(Value::Parts(parts)) => counted(parts.len(), "part"),
        Some(value) => value.to_json().to_string(),
        None => "–".to_owned(),
    }
}

fn as_table(verified: &Verified, world: &World) -> String {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(world.width)
        .set_header(["metric", "stored", "counted now", "verdict"]);
    for check in &verified.checks {
        table.add_row([
            check.key.clone(),
            number(check.stored.as_ref()),
            number(check.counted.as_ref()),
            printable(&told(check)),
        ]);
    }
    for column in table.column_iter_mut().skip(1).take(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    output::plain(table)
}

/// `Fri 3 Oct 2025: 57 equal, 1 differs, 1 unavailable`
fn summary(date: NaiveDate, checks: &[Check]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for check in checks {
        let word = check.verdict.word();
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let words = counts.iter();
    let words: Vec<String> = words
        .map(|(word, count)| format!("{count} {}", word.replace('_', " ")))
        .collect();
    format!("{}: {}", spoken(date), words.join(", "))
}

fn as_json(date: NaiveDate, verified: &Verified) -> Json {
    let json = |value: &Option<Value>| value.as_ref().map(Value::to_json);
    let one = |check: &Check| {
        json!({
            "key": check.key,
            "verdict": check.verdict.word(),
            "stored": json(&check.stored),
            "counted": json(&check.counted),
            "counted_at_night": json(&check.at_night),
            "reason": check.verdict.why(),
        })
    };
    json!({
        "schema": 1,
        "date": date,
        "metrics": verified.checks.iter().map(one).collect::<Vec<_>>(),
        "unreachable": verified.unreachable.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
