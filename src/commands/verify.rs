//! `daybook verify`: recounts a day and compares it with the book.

use chrono::NaiveDate;
use serde_json::{Value as Json, json};

use crate::book::{self, BookError};
use crate::calendar::{Day, spoken};
use crate::cli::Verify;
use crate::collect::Request;
use crate::config::Config;
use crate::database::Trouble;
use crate::entry::{Entry, Value};
use crate::nightly::{NightError, known_keys};
use crate::operate::request::one_day;
use crate::operate::verify::{Check, Verdict, Verified, verify};
use crate::text::plain::printable;

use super::collect::retry_for;
use super::output::number;
use super::{CommandError, Ended, World, dates, open_book, output, progress};

/// In place of a value that is not known.
const NONE: &str = "–";

pub async fn run(config: &Config, args: &Verify, world: &World) -> Result<Ended, CommandError> {
    let (date, stored) = meant(config, args, world).await?;
    // A stored day is recounted in its own zone, even if the configured one has changed.
    let zone = stored.as_ref().map(|entry| entry.time_zone);
    let zone = zone.unwrap_or(config.time_zone);
    let day = Day::new(date, zone).map_err(|gone| CommandError::Usage(gone.to_string()))?;
    if day.end > world.now {
        return Err(CommandError::Usage(format!(
            "{} is not over: choose a day that has ended, such as `yesterday`",
            spoken(date)
        )));
    }
    let request = Request {
        keys: known_keys(&config.catalog, args.metric.as_deref()).map_err(NightError::from)?,
        retry_for: retry_for(config, world),
        follower_timeout: retry_for(config, world),
        retrying: &progress::say_retrying,
        ..one_day(config, day.close(), world.now, world.stop.clone())
    };
    let complete = stored.filter(|entry| !entry.partial);
    let verified = verify(config, &request, complete.as_ref()).await;
    let mut unreachable = verified.unreachable.iter();
    if unreachable.any(|one| one.error.trouble == Trouble::Stopped) {
        return Err(CommandError::Interrupted);
    }
    // A table of nothing but one error says nothing more.
    let has_numbers = verified.checks.iter().any(|check| check.counted.is_some());
    let is_worth_a_table = has_numbers || verified.unreachable.is_empty();
    if args.json {
        output::json(&as_json(date, &verified))?;
    } else if is_worth_a_table {
        output::page(&as_table(&verified, world))?;
    }
    for away in &verified.unreachable {
        output::say_line(&away.to_string());
    }
    if is_worth_a_table {
        output::say(&summary(date, &verified.checks));
    }
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
    let asked = dates::asked(&args.date, config, world)?;
    let read = |text: &str| dates::read(text, "--date", config, world);
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

fn described(check: &Check) -> String {
    match &check.verdict {
        Verdict::Equal => "equal".to_owned(),
        Verdict::Differs => "differs: rows arrived late or were deleted".to_owned(),
        Verdict::Contradicted => format!(
            "the night's statement gives {}: this is a bug in Daybook, please report it",
            number(check.at_night.as_ref(), NONE)
        ),
        Verdict::NotStored => "not in the book".to_owned(),
        other => format!("{}: {}", other.word(), other.why().unwrap_or_default()),
    }
}

fn as_table(verified: &Verified, world: &World) -> String {
    let header = ["metric", "stored", "counted now", "verdict"];
    let mut table = output::table(header, 1..3, world.width);
    for check in &verified.checks {
        table.add_row([
            check.key.clone(),
            number(check.stored.as_ref(), NONE),
            number(check.counted.as_ref(), NONE),
            printable(&described(check)),
        ]);
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
    let words = words.map(|(word, count)| format!("{count} {}", word.replace('_', " ")));
    let words = words.collect::<Vec<_>>().join(", ");
    format!("{}: {words}", spoken(date))
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
