//! The stored days: whether the newest is there, what is missing among the last, and what failed.

use chrono::{DateTime, Days, NaiveDate, Utc};

use crate::book::{self, Book, BookError, Outcome, Run};
use crate::calendar::{Day, spoken};
use crate::config::Config;
use crate::entry::Entry;
use crate::prune;
use crate::report::expected;
use crate::text::counted::one_or_many;

use super::{Finding, counted, listed};

const AREA: &str = "days";

pub(super) async fn examine(
    config: &Config,
    now: DateTime<Utc>,
    book: &Book,
) -> Result<Vec<Finding>, BookError> {
    let today = Day::containing(now, config.time_zone).date;
    let back = Days::new(u64::from(config.collect.catch_up_days));
    let from = today.checked_sub_days(back).unwrap_or(today);
    let lately = book::entries(book, from..=today).await?;
    let newest = book::newest_complete(book, today).await?;
    let dates = book::all_dates(book).await?;
    let first = dates.first().copied();
    let mut findings = vec![up_to_date(config, now, newest.as_ref())];
    if let (Some(first), Some(newest)) = (first, &newest) {
        findings.extend(holes(config, from.max(first), newest.date, &lately));
        findings.extend(failed(newest));
        findings.extend(unknown(config, newest));
    }
    findings.extend(left_open(today, &lately));
    findings.extend(future(today, &dates));
    findings.extend(too_old(config, today, &dates));
    findings.extend(last_run(config, book::runs(book, 1).await?.first()));
    Ok(findings)
}

fn up_to_date(config: &Config, now: DateTime<Utc>, newest: Option<&Entry>) -> Finding {
    let due = config.report.due;
    let expected = expected(now, config.time_zone, due);
    let Some(newest) = newest else {
        let means = "The first report follows the first complete day: run `daybook collect --date yesterday`.";
        return Finding::ok(AREA, "no complete day is stored yet", means);
    };
    let day = spoken(newest.date);
    if newest.date >= expected || config.catalog.since.is_some_and(|since| expected < since) {
        let what = format!("the newest complete day is {day}");
        let means = format!(
            "None is missing: a day's report is due at {} the next morning.",
            due.format("%H:%M")
        );
        return Finding::ok(AREA, what, means);
    }
    let what = format!(
        "the newest complete day is {day}, and {} is overdue",
        spoken(expected)
    );
    let means = "The last night did not run or did not finish, so its report was not sent.";
    let advice = "Run `daybook collect --catch-up`, and check that its timer still runs: `systemctl list-timers`, `crontab -l`.";
    Finding::error(AREA, what, means, advice)
}

/// Days without an entry before the newest complete one.
fn holes(config: &Config, from: NaiveDate, newest: NaiveDate, lately: &[Entry]) -> Option<Finding> {
    let from = config.catalog.since.map_or(from, |since| from.max(since));
    let is_missing = |date: &NaiveDate| {
        Day::new(*date, config.time_zone).is_ok() && lately.iter().all(|entry| entry.date != *date)
    };
    let missing = from.iter_days().take_while(|date| *date < newest);
    let missing: Vec<NaiveDate> = missing.filter(is_missing).collect();
    let count = counted(missing.len(), "day");
    let verb = one_or_many(&missing.len(), "is", "are");
    let what = format!(
        "{count} of the last {} {verb} missing: {}",
        config.collect.catch_up_days,
        listed(ranges(&missing))
    );
    let means = "Nothing can be compared with these days; their mutable values are lost.";
    let advice = "Run `daybook collect --catch-up`: it counts what can still be known.";
    (!missing.is_empty()).then(|| Finding::warning(AREA, what, means, advice))
}

/// No command takes them for the newest day, but once they are past they look as if counted in time.
fn future(today: NaiveDate, dates: &[NaiveDate]) -> Option<Finding> {
    let future: Vec<NaiveDate> = dates.iter().copied().filter(|date| *date > today).collect();
    let count = counted(future.len(), "stored day");
    let verb = one_or_many(&future.len(), "lies", "lie");
    let what = format!("{count} {verb} in the future: {}", listed(ranges(&future)));
    let means = "A clock was ahead when they were counted, or this clock is behind.";
    let advice = "If the clock is right, delete them with `daybook prune --future --yes`.";
    (!future.is_empty()).then(|| Finding::warning(AREA, what, means, advice))
}

fn too_old(config: &Config, today: NaiveDate, dates: &[NaiveDate]) -> Option<Finding> {
    let planned = prune::plan(dates, today, config.retention_days, None);
    let needed = (today - *planned.first()?).num_days();
    let what = format!(
        "{} are older than the {} days that are kept, from {} on",
        counted(planned.len(), "stored day"),
        config.retention_days,
        planned[0]
    );
    let means = format!(
        "At most {} days are deleted at once; these stay until you decide.",
        prune::MOST_AT_ONCE
    );
    let advice = format!(
        "Set `[retention] days = {needed}` in {} to keep them, or delete them with `daybook prune --yes`.",
        config.file.display()
    );
    (planned.len() > prune::MOST_AT_ONCE).then(|| Finding::warning(AREA, what, means, advice))
}

/// `2025-09-28 to 2025-09-30`, `2025-10-02`
fn ranges(dates: &[NaiveDate]) -> Vec<String> {
    let mut ranges: Vec<(NaiveDate, NaiveDate)> = Vec::new();
    for date in dates {
        match ranges.last_mut() {
            Some((_, last)) if last.succ_opt() == Some(*date) => *last = *date,
            _ => ranges.push((*date, *date)),
        }
    }
    let words = |(first, last): (NaiveDate, NaiveDate)| match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    };
    ranges.into_iter().map(words).collect()
}

fn left_open(today: NaiveDate, lately: &[Entry]) -> Option<Finding> {
    let open = lately
        .iter()
        .filter(|entry| entry.partial && entry.date < today);
    let open: Vec<NaiveDate> = open.map(|entry| entry.date).collect();
    let what = format!("counted only while still open: {}", listed(ranges(&open)));
    let means = "Their numbers cover only part of the day, and no report contains them.";
    let advice = "Run `daybook collect --catch-up`: it counts the whole days.";
    (!open.is_empty()).then(|| Finding::warning(AREA, what, means, advice))
}

fn failed(newest: &Entry) -> Option<Finding> {
    let (_, error) = newest.failures().next()?;
    let keys: Vec<&str> = newest.failures().map(|(key, _)| key).collect();
    let (count, names) = (counted(keys.len(), "metric"), listed(&keys));
    let day = spoken(newest.date);
    let what = format!("{count} failed on {day}: {names}: {error}");
    let means =
        "The report shows the failure instead of the numbers; the next night may fail again.";
    let advice = format!(
        "See the messages on the app database, then run `daybook collect --date {}`.",
        newest.date
    );
    Some(Finding::warning(AREA, what, means, advice))
}

/// Metrics that the catalog has gained since the newest day.
fn unknown(config: &Config, newest: &Entry) -> Option<Finding> {
    let metrics = config.catalog.metrics.iter();
    let new: Vec<&str> = metrics
        .filter(|metric| newest.reading(metric).is_none())
        .map(|metric| metric.key.as_str())
        .collect();
    let day = spoken(newest.date);
    let what = format!("new in the catalog since {day}: {}", listed(&new));
    let means = "The next night counts them.";
    (!new.is_empty()).then(|| Finding::ok(AREA, what, means))
}

fn last_run(config: &Config, run: Option<&Run>) -> Option<Finding> {
    let run = run?;
    let began = run.started_at.with_timezone(&config.time_zone);
    let began = began.format("%Y-%m-%d %H:%M");
    let (what, advice) = match run.outcome {
        Outcome::Failed => {
            let error = run.error.as_deref().unwrap_or("without a reason");
            let when = match &run.dates {
                Some(_) => format!(" after storing {}", counted(run.days as usize, "day")),
                None => String::new(),
            };
            (
                format!("the last run, at {began}, failed{when}: {error}"),
                "Fix the cause, then run `daybook collect --catch-up`.",
            )
        }
        Outcome::Interrupted => (
            format!("the last run, at {began}, was interrupted"),
            "See the system's log for what ended it, then run `daybook collect --catch-up`.",
        ),
        outcome @ (Outcome::Running | Outcome::Stored | Outcome::Nothing) => {
            let how = match outcome {
                Outcome::Running => "is running",
                Outcome::Stored => "stored its days",
                _ => "had nothing to store",
            };
            let what = format!("the last run, at {began}, {how}");
            return Some(Finding::ok(AREA, what, "It ended normally."));
        }
    };
    let means = "Its days may be missing, and their reports with them.";
    Some(Finding::warning(AREA, what, means, advice))
}
