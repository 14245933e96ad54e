//! Writes the letter about a day: judges its numbers, and adds what the ledger knows around them.

use chrono::{DateTime, Days, NaiveDate, Utc};

use crate::book::{self, Book, BookError, Corrected, Delivery, DeliveryState, Planned, Subject};
use crate::calendar::{Day, spoken};
use crate::catalog::Catalog;
use crate::compare::{self, DAYS_JUDGED};
use crate::config::Config;
use crate::deliver::Composed;
use crate::entry::Entry;
use crate::live_alerts;
use crate::report::{
    self, Around, Content, Correction, Letter, LiveAlert, NoNumbers, Undelivered, due_after,
    next_due,
};

use super::types::About;

/// The letter for a subject of a day, or why there is none.
pub async fn letter(
    config: &Config,
    book: &Book,
    about: About,
    now: DateTime<Utc>,
) -> Result<Composed, BookError> {
    let About { date, subject } = about;
    let planned = book::planned(book, date, subject).await?;
    let content = match subject {
        Subject::Failure => no_numbers(config, date, now, planned.as_ref()),
        Subject::Report | Subject::Open => match day(config, book, date).await? {
            Some(content) => content,
            None => return Ok(Err(format!("no row for {}", spoken(date)))),
        },
    };
    Ok(Ok(Letter {
        name: config.name.clone(),
        content,
        around: Around {
            next_due: Some(following(config, about, now)),
            ..around(config, book, date, planned).await?
        },
    }))
}

/// The subject of a day's letter: its numbers or, if a failure was planned later, that there are none. `None` if nothing
/// is known about the day.
pub async fn subject(book: &Book, date: NaiveDate) -> Result<Option<Subject>, BookError> {
    let entry = book::entry(book, date).await?;
    if entry.as_ref().is_some_and(|entry| !entry.partial) {
        return Ok(Some(Subject::Report));
    }
    let failure = book::planned(book, date, Subject::Failure).await?;
    Ok(match (entry, failure) {
        (Some(entry), Some(failure)) if failure.planned_at > entry.collected_at => {
            Some(Subject::Failure)
        }
        (Some(_), _) => Some(Subject::Open),
        (None, failure) => failure.map(|_| Subject::Failure),
    })
}

/// The day's entry, and those it is compared with.
pub async fn judged_entries(book: &Book, date: NaiveDate) -> Result<Vec<Entry>, BookError> {
    book::entries(book, date - Days::new(DAYS_JUDGED)..=date).await
}

async fn day(config: &Config, book: &Book, date: NaiveDate) -> Result<Option<Content>, BookError> {
    let entries = judged_entries(book, date).await?;
    let mutes = book::mutes(book, config.time_zone).await?;
    let judgement = compare::judge_day(date, &entries, mutes, &config.catalog);
    let report = report::of_day(date, &entries, &judgement, &config.catalog);
    Ok(report.map(|report| Content::Day(Box::new(report))))
}

fn no_numbers(
    config: &Config,
    date: NaiveDate,
    now: DateTime<Utc>,
    planned: Option<&Planned>,
) -> Content {
    let reason = planned.and_then(|planned| planned.reason.clone());
    Content::NoNumbers(NoNumbers {
        date,
        time_zone: config.time_zone,
        reason: reason.unwrap_or_else(|| "the reason is no longer known".to_owned()),
        since: planned.map_or(now, |planned| planned.planned_at),
    })
}

async fn around(
    config: &Config,
    book: &Book,
    date: NaiveDate,
    planned: Option<Planned>,
) -> Result<Around, BookError> {
    let settings = &config.report;
    let lost = book::lost_to_readers(book, date, date, settings.give_up).await?;
    let around = Around {
        live_alerts: raised_on(config, date).await,
        undelivered: lost.into_iter().map(undelivered).collect(),
        link: settings.public_url.as_ref().map(ToString::to_string),
        ..Around::default()
    };
    let Some(planned) = planned else {
        return Ok(Around {
            bad_addresses: settings.bad_addresses.clone(),
            ..around
        });
    };
    let corrections = planned.corrections.into_iter();
    let corrections = corrections.map(|one| correction(one, &config.catalog));
    Ok(Around {
        corrections: corrections.collect(),
        also: planned.also,
        bad_addresses: planned.bad_addresses,
        stale_recipients: planned.stale_recipients,
        ..around
    })
}

/// Numbers of the book are told although live events cannot be read.
async fn raised_on(config: &Config, date: NaiveDate) -> Vec<LiveAlert> {
    let (Some(live), Ok(day)) = (&config.live, Day::new(date, config.time_zone)) else {
        return Vec::new();
    };
    let raised = live_alerts::raised_between(live, day.start, day.end).await;
    raised.unwrap_or_else(|error| {
        tracing::warn!("the letter is without alerts about live events: {error}");
        Vec::new()
    })
}

/// The next report is due: after a letter about an open day, that day's own report.
fn following(config: &Config, about: About, now: DateTime<Utc>) -> DateTime<Utc> {
    let (zone, due) = (config.time_zone, config.report.due);
    match about.subject {
        Subject::Open => next_due(now, zone, due),
        Subject::Report | Subject::Failure => due_after(about.date, now, zone, due),
    }
}

fn undelivered(row: Delivery) -> Undelivered {
    Undelivered {
        date: row.date,
        channel: row.channel.word().to_owned(),
        recipient: row.recipient,
        in_doubt: row.state == DeliveryState::Ambiguous,
        reply: row.reply.unwrap_or_default(),
    }
}

/// A metric that has left the catalog is named by its key.
fn correction(one: Corrected, catalog: &Catalog) -> Correction {
    let metric = catalog.metric(&one.key);
    Correction {
        date: one.date,
        label: metric.map_or_else(|| one.key.clone(), |metric| metric.label.clone()),
        unit: metric.map_or_else(String::new, |metric| metric.unit.clone()),
        decimals: metric.and_then(|metric| metric.decimals),
        key: one.key,
        mailed: one.mailed,
        now: one.now,
    }
}
