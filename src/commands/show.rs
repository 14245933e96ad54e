//! `daybook show`: prints one day as a table or as JSON.

use chrono::{Days, NaiveDate};

use crate::book::{self, Book, BookError};
use crate::calendar::spoken;
use crate::catalog::Catalog;
use crate::cli::Show;
use crate::compare::{DAYS_JUDGED, History};
use crate::config::Config;
use crate::entry::Entry;
use crate::render::{self, Look};
use crate::report::{self, Report, TREND_DAYS};

use super::{CommandError, Ended, World, dates, open_book, output};

pub async fn run(config: &Config, args: &Show, world: &World) -> Result<Ended, CommandError> {
    let report = report(config, dates::asked(&args.date, config, world)?, world).await?;
    if args.date.is_none()
        && let Some(stale) = stale(&report, config, world)
    {
        output::say(&format!("daybook: {stale}"));
    }
    match args.json {
        true => output::json(&render::json::show(&report))?,
        false => output::data(&render::table::show(&report, look(world)))?,
    }
    Ok(Ended::Done)
}

/// Says that days newer than the newest stored one are missing.
fn stale(report: &Report, config: &Config, world: &World) -> Option<String> {
    let expected = report::expected(world.now, config.time_zone, config.report.due);
    if report.date >= expected {
        return None;
    }
    let missing = match report.partial {
        true => "no complete day yet".to_owned(),
        false => format!("no complete day since {}", spoken(report.date)),
    };
    Some(format!("{missing}; `daybook doctor` finds out why"))
}

/// Prints the day's table, as `collect --verbose` and `demo` do.
pub async fn print(
    config: &Config,
    date: Option<NaiveDate>,
    world: &World,
) -> Result<(), CommandError> {
    let report = report(config, date, world).await?;
    output::data(&render::table::show(&report, look(world)))
}

pub async fn report(
    config: &Config,
    date: Option<NaiveDate>,
    world: &World,
) -> Result<Report, CommandError> {
    let book = open_book(config).await?;
    let date = day(&book, date, dates::today(config, world)).await?;
    let (entries, history) = past(&book, date, &config.catalog).await?;
    let mutes = book::mutes(&book, config.time_zone).await?;
    let judgement = history.muted(mutes).judge_day(date, &config.catalog);
    let report = report::of_day(date, &entries, &judgement, &config.catalog);
    report.ok_or_else(|| no_entry(date))
}

/// The entries of the days that a report shows, and the numbers of the more numerous days that judge it.
async fn past(
    book: &Book,
    date: NaiveDate,
    catalog: &Catalog,
) -> Result<(Vec<Entry>, History), BookError> {
    let before = |days| date.checked_sub_days(Days::new(days)).unwrap_or(date);
    let (judged, shown) = (before(DAYS_JUDGED), before(TREND_DAYS));
    let mut history = History::new(catalog);
    let mut entries = Vec::new();
    book::scan(book, judged..=date, |entry| {
        history.add(&entry, catalog);
        if entry.date >= shown {
            entries.push(entry);
        }
    })
    .await?;
    Ok((entries, history))
}

/// The day asked for, else the newest complete one, else the newest there is.
pub async fn day(
    book: &Book,
    asked: Option<NaiveDate>,
    today: NaiveDate,
) -> Result<NaiveDate, CommandError> {
    if let Some(date) = asked {
        return Ok(date);
    }
    let newest = match book::newest_complete(book, today).await? {
        Some(entry) => Some(entry),
        None => book::newest(book, today).await?,
    };
    newest
        .map(|entry| entry.date)
        .ok_or_else(|| CommandError::Usage("the book is empty: run `daybook collect`".to_owned()))
}

pub fn no_entry(date: NaiveDate) -> CommandError {
    CommandError::Usage(format!(
        "no row for {}: run `daybook collect --date {date}`",
        spoken(date)
    ))
}

pub fn look(world: &World) -> Look {
    let variable = |name| world.environment.get(name).map_or("", String::as_str);
    let plain = !variable("NO_COLOR").is_empty() || variable("TERM") == "dumb";
    Look {
        color: world.stdout_is_terminal && !plain,
        width: world.width,
    }
}
