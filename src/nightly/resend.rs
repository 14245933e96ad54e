//! A report sent again on purpose: further copies, beside those that the night has planned.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use thiserror::Error;

use crate::book::{self, Book, BookError, Channel, Delivery, Filter, Subject};
use crate::calendar::spoken;
use crate::config::{Config, Recipient, When, recipient};

use super::days::today;
use super::{Setting, letters, morning, plans};

#[derive(Debug, Error)]
pub enum ResendError {
    #[error("there is no entry for {}; `daybook collect --date {date}` collects it", spoken(*.date))]
    NoEntry { date: NaiveDate },
    #[error("the book holds no entry yet: run `daybook collect`")]
    Empty,
    #[error(transparent)]
    Book(#[from] BookError),
}

/// Sends a day's report again on purpose: to everybody it was for, or to one address; without a day the
/// newest complete one. Gives the new rows as they ended.
pub async fn resend(
    setting: &Setting<'_>,
    book: &Book,
    (date, to): (Option<NaiveDate>, Option<Recipient>),
    retry_for: Duration,
) -> Result<Vec<Delivery>, ResendError> {
    let begun = Instant::now();
    let about = meant(setting, book, date).await?;
    let was_planned = book::planned(book, about.0, about.1).await?.is_some();
    let before = of_report(book, about).await?;
    if !was_planned || (before.is_empty() && to.is_none()) {
        let mut plan = plans::on_purpose(setting, book, about).await?;
        if to.is_some() {
            plan.messages.clear();
        }
        book::plan(book, &plan).await?;
    }
    let ids = match to {
        Some(reader) => copy_for(setting, book, about, (&before, reader)).await?,
        None if before.is_empty() => ids(&of_report(book, about).await?),
        None => again(setting, book, about, &before).await?,
    };
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(morning::due(setting, retry_for, (book, begun), Some(ids)).await?)
}

/// Somebody named on the command line, spoken to as the settings say for this address or else for all.
pub fn reader(config: &Config, text: &str) -> Result<Recipient, String> {
    let (name, address) = recipient::parse(text)?;
    let same = |one: &&Recipient| recipient::folded(&one.address) == recipient::folded(&address);
    let known = config.report.recipients.iter().find(same).cloned();
    Ok(known.unwrap_or(Recipient {
        address,
        name,
        voice: config.report.voice,
        when: When::Daily,
    }))
}

async fn meant(
    setting: &Setting<'_>,
    book: &Book,
    date: Option<NaiveDate>,
) -> Result<(NaiveDate, Subject), ResendError> {
    let today = today(setting);
    let newest = match date {
        Some(_) => None,
        None => match book::newest_complete(book, today).await? {
            Some(entry) => Some(entry),
            None => book::newest(book, today).await?,
        },
    };
    let date = date.or(newest.map(|entry| entry.date));
    let date = date.ok_or(ResendError::Empty)?;
    let subject = letters::subject(book, date).await?;
    Ok((date, subject.ok_or(ResendError::NoEntry { date })?))
}

/// The report's messages, of each reader the newest copy; pings apart.
async fn of_report(
    book: &Book,
    (date, subject): (NaiveDate, Subject),
) -> Result<Vec<Delivery>, BookError> {
    let filter = Filter {
        date: Some(date),
        ..Filter::default()
    };
    let rows = book::deliveries(book, &filter).await?;
    Ok(book::newest_copies(rows, subject))
}

/// By the ways that the report took before; where the settings have none of them any more, by those they have.
async fn again(
    setting: &Setting<'_>,
    book: &Book,
    about: (NaiveDate, Subject),
    before: &[Delivery],
) -> Result<BTreeSet<i64>, BookError> {
    let added = copies(setting, book, about, before).await?;
    if !added.is_empty() {
        return Ok(added);
    }
    let plan = plans::on_purpose(setting, book, about).await?;
    book::plan(book, &plan).await?;
    let mut rows = of_report(book, about).await?;
    rows.retain(|row| is_open(setting.config, row));
    Ok(ids(&rows))
}

async fn copies(
    setting: &Setting<'_>,
    book: &Book,
    about: (NaiveDate, Subject),
    before: &[Delivery],
) -> Result<BTreeSet<i64>, BookError> {
    let copy = |row: &Delivery| book::Message {
        channel: row.channel,
        recipient: row.recipient.clone(),
        name: row.name.clone(),
        voice: row.voice,
        message_id: plans::message_id(setting.config, about, &row.recipient, row.copy + 1),
    };
    let open = before.iter().filter(|row| is_open(setting.config, row));
    let messages: Vec<book::Message> = open.map(copy).collect();
    let (date, subject) = about;
    let added = book::add_copies(book, date, subject, &messages, setting.now).await?;
    Ok(added.into_iter().collect())
}

/// Whether the settings still have the way that the message took.
fn is_open(config: &Config, row: &Delivery) -> bool {
    match row.channel {
        Channel::Email => config.mail.is_some(),
        Channel::Outbox => config.outbox.is_some(),
        Channel::Webhook => config.webhooks.iter().any(|one| one.name == row.recipient),
        Channel::Ping => false,
    }
}

/// A reader of the report keeps name and voice; anybody else gets those of the settings.
async fn copy_for(
    setting: &Setting<'_>,
    book: &Book,
    about: (NaiveDate, Subject),
    (before, reader): (&[Delivery], Recipient),
) -> Result<BTreeSet<i64>, BookError> {
    let is_reader = |row: &&Delivery| row.is_to(Channel::Email, &reader.address);
    if let Some(row) = before.iter().find(is_reader) {
        return copies(setting, book, about, std::slice::from_ref(row)).await;
    }
    let message = plans::mail(setting.config, about, &reader, 1);
    let (date, subject) = about;
    let added = book::add_copies(book, date, subject, &[message], setting.now).await?;
    Ok(added.into_iter().collect())
}

fn ids(rows: &[Delivery]) -> BTreeSet<i64> {
    rows.iter().map(|row| row.id).collect()
}
