//! Sends a report again on request, as further copies of the planned messages.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveDate;
use thiserror::Error;

use crate::book::{self, Book, BookError, Channel, Delivery};
use crate::calendar::spoken;
use crate::config::{Config, Recipient, When, recipient};

use super::types::{About, NightContext};
use super::{deliver, letters, plan};

#[derive(Debug, Error)]
pub enum ResendError {
    #[error("no row for {}: run `daybook collect --date {date}`", spoken(*.date))]
    NoEntry { date: NaiveDate },
    #[error("the book is empty: run `daybook collect`")]
    Empty,
    #[error(transparent)]
    Book(#[from] BookError),
}

/// Sends a day's report again, to everybody it was for or to one address. Without a day, it sends the newest complete
/// one. Returns the new rows as they ended.
pub async fn resend(
    context: &NightContext<'_>,
    book: &Book,
    date: Option<NaiveDate>,
    to: Option<Recipient>,
    retry_for: Duration,
) -> Result<Vec<Delivery>, ResendError> {
    let about = meant(context, book, date).await?;
    let was_planned = book::planned(book, about.date, about.subject)
        .await?
        .is_some();
    let before = book::newest_copies(book, about.date, about.subject).await?;
    if !was_planned || (before.is_empty() && to.is_none()) {
        let mut planned = plan::resend(context, book, about).await?;
        if to.is_some() {
            planned.messages.clear();
        }
        book::plan(book, &planned).await?;
    }
    let ids = match to {
        Some(reader) => copy_for(context, book, about, &before, &reader).await?,
        None if before.is_empty() => {
            ids(&book::newest_copies(book, about.date, about.subject).await?)
        }
        None => again(context, book, about, &before).await?,
    };
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(deliver::due(context, book, retry_for, Some(ids)).await?)
}

/// A recipient named on the command line, with the settings for this address or the general ones.
pub fn reader(config: &Config, text: &str) -> Result<Recipient, String> {
    let (name, address) = recipient::parse(text)?;
    let same = |one: &&Recipient| recipient::folded(&one.address) == recipient::folded(&address);
    let known = config.report.recipients.iter().find(same).cloned();
    Ok(known.unwrap_or(Recipient {
        address,
        name,
        locale: config.report.locale,
        when: When::Daily,
    }))
}

async fn meant(
    context: &NightContext<'_>,
    book: &Book,
    date: Option<NaiveDate>,
) -> Result<About, ResendError> {
    let today = context.today();
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
    let subject = subject.ok_or(ResendError::NoEntry { date })?;
    Ok(About { date, subject })
}

/// Uses the channels that the report used before, or the configured ones if none of those is configured any more.
async fn again(
    context: &NightContext<'_>,
    book: &Book,
    about: About,
    before: &[Delivery],
) -> Result<BTreeSet<i64>, BookError> {
    let added = copies(context, book, about, before).await?;
    if !added.is_empty() {
        return Ok(added);
    }
    let planned = plan::resend(context, book, about).await?;
    book::plan(book, &planned).await?;
    let mut rows = book::newest_copies(book, about.date, about.subject).await?;
    rows.retain(|row| is_configured(context.config, row));
    Ok(ids(&rows))
}

async fn copies(
    context: &NightContext<'_>,
    book: &Book,
    about: About,
    before: &[Delivery],
) -> Result<BTreeSet<i64>, BookError> {
    let copy = |row: &Delivery| book::Message {
        channel: row.channel,
        recipient: row.recipient.clone(),
        name: row.name.clone(),
        locale: row.locale,
        message_id: plan::message_id(context.config, about, &row.recipient, row.copy + 1),
    };
    let open = before
        .iter()
        .filter(|row| is_configured(context.config, row));
    let messages: Vec<book::Message> = open.map(copy).collect();
    add_copies(context, book, about, &messages).await
}

async fn add_copies(
    context: &NightContext<'_>,
    book: &Book,
    about: About,
    messages: &[book::Message],
) -> Result<BTreeSet<i64>, BookError> {
    let About { date, subject } = about;
    let added = book::add_copies(book, date, subject, messages, context.now).await?;
    Ok(added.into_iter().collect())
}

/// Whether the message's channel is still configured.
fn is_configured(config: &Config, row: &Delivery) -> bool {
    match row.channel {
        Channel::Email => config.mail.is_some(),
        Channel::Outbox => config.outbox.is_some(),
        Channel::Webhook => config.webhooks.iter().any(|one| one.name == row.recipient),
        Channel::Ping => false,
    }
}

/// A reader of the report keeps name and locale; others get those of the settings.
async fn copy_for(
    context: &NightContext<'_>,
    book: &Book,
    about: About,
    before: &[Delivery],
    reader: &Recipient,
) -> Result<BTreeSet<i64>, BookError> {
    let is_reader = |row: &&Delivery| row.is_to(Channel::Email, &reader.address);
    if let Some(row) = before.iter().find(is_reader) {
        return copies(context, book, about, std::slice::from_ref(row)).await;
    }
    let message = plan::mail(context.config, about, reader, 1);
    add_copies(context, book, about, &[message]).await
}

fn ids(rows: &[Delivery]) -> BTreeSet<i64> {
    rows.iter().map(|row| row.id).collect()
}
