//! Decides who gets which message about a day: once, when the day is stored, and in the ledger.

mod readers;

use chrono::{NaiveDate, TimeDelta};
use sha2::{Digest, Sha256};

use crate::book::{self, Book, BookError, Channel, Message, Plan, Planned, Subject};
use crate::collect::Found;
use crate::compare;
use crate::config::{Config, Recipient, When, recipient as address};
use crate::deliver::message::domain;
use crate::deliver::signals::{FAILURE, SUCCESS};
use crate::entry::Entry;
use crate::report::{self, Report, State};

use super::types::{About, NightContext, Topic};

use readers::{Readers, known, readers};

/// Readers who get mail only on some days get one at least this often.
const SIGN_OF_LIFE: TimeDelta = TimeDelta::days(7);

/// The plan for a day with numbers. `entries` hold the day as it will be stored, and those it is compared with.
pub(super) async fn report(
    context: &NightContext<'_>,
    book: Option<&Book>,
    topic: &Topic,
    entries: &[Entry],
    found: Option<Result<Found, String>>,
) -> Result<Option<Plan>, BookError> {
    let catalog = &context.config.catalog;
    let mutes = match book {
        Some(book) => book::mutes(book, context.config.time_zone).await?,
        None => Vec::new(),
    };
    let judgement = compare::judge_day(topic.about.date, entries, mutes, catalog);
    let Some(report) = report::of_day(topic.about.date, entries, &judgement, catalog) else {
        return Ok(None);
    };
    let about = About {
        date: topic.about.date,
        subject: Subject::of_day(report.partial),
    };
    let readers = readers(context, book, found).await?;
    let mut interested = Vec::new();
    for reader in &readers.all {
        if wants(reader, &report) || is_sign_of_life_due(reader, book, topic.about.date).await? {
            interested.push(reader);
        }
    }
    let mut messages = messages(context.config, about, &interested);
    if context.config.ping.is_some() {
        messages.push(message(context.config, about, Channel::Ping, SUCCESS));
    }
    Ok(Some(Plan {
        report: Planned {
            also: topic.also.clone(),
            ..planned(context, about, &readers)
        },
        messages,
    }))
}

/// The plan for a night that failed: every reader is informed.
pub(super) async fn failure(
    context: &NightContext<'_>,
    book: Option<&Book>,
    date: NaiveDate,
    reason: &str,
) -> Result<Plan, BookError> {
    let about = About {
        date,
        subject: Subject::Failure,
    };
    let readers = readers(context, book, None).await?;
    let all: Vec<&Recipient> = readers.all.iter().collect();
    let mut messages = messages(context.config, about, &all);
    if context.config.ping.is_some() {
        messages.push(message(context.config, about, Channel::Ping, FAILURE));
    }
    Ok(Plan {
        messages,
        report: Planned {
            reason: Some(reason.to_owned()),
            ..planned(context, about, &readers)
        },
    })
}

/// The plan of a report that is sent on request: every recipient gets it.
pub(super) async fn resend(
    context: &NightContext<'_>,
    book: &Book,
    about: About,
) -> Result<Plan, BookError> {
    let readers = readers(context, Some(book), None).await?;
    let all: Vec<&Recipient> = readers.all.iter().collect();
    Ok(Plan {
        messages: messages(context.config, about, &all),
        report: planned(context, about, &readers),
    })
}

/// A mail for a reader.
pub(super) fn mail(config: &Config, about: About, reader: &Recipient, copy: u32) -> Message {
    Message {
        channel: Channel::Email,
        name: reader.name.clone(),
        locale: reader.locale,
        message_id: message_id(config, about, &reader.address, copy),
        recipient: reader.address.clone(),
    }
}

/// `<report.2025-10-03.4f1c…@example.org>`: the same for every attempt, another for every reader and copy.
pub(super) fn message_id(config: &Config, about: About, recipient: &str, copy: u32) -> String {
    let addressee = address::folded(recipient);
    let digest = Sha256::digest(format!("{addressee}\n{copy}\n{}", config.name));
    let hash: String = digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let domain = match &config.mail {
        Some(mail) => domain(&mail.from.address),
        None => "daybook.invalid",
    };
    format!("<{}.{}.{hash}@{domain}>", about.subject.word(), about.date)
}

/// One mail for each reader, and a message for each other channel except pings.
fn messages(config: &Config, about: About, readers: &[&Recipient]) -> Vec<Message> {
    let mut messages = Vec::new();
    if config.mail.is_some() {
        let mails = readers.iter().map(|reader| mail(config, about, reader, 1));
        messages.extend(mails);
    }
    if config.outbox.is_some() {
        messages.push(message(config, about, Channel::Outbox, "outbox"));
    }
    let webhooks = config.webhooks.iter();
    messages
        .extend(webhooks.map(|webhook| message(config, about, Channel::Webhook, &webhook.name)));
    messages
}

fn message(config: &Config, about: About, channel: Channel, recipient: &str) -> Message {
    Message {
        channel,
        recipient: recipient.to_owned(),
        name: None,
        locale: config.report.locale,
        message_id: message_id(config, about, recipient, 1),
    }
}

fn planned(context: &NightContext<'_>, about: About, readers: &Readers) -> Planned {
    Planned {
        date: about.date,
        subject: about.subject,
        planned_at: context.now,
        also: Vec::new(),
        corrections: Vec::new(),
        recipients: readers.asked.iter().map(known).collect(),
        stale_recipients: readers.stale.clone(),
        bad_addresses: readers.bad.clone(),
        reason: None,
    }
}

fn wants(reader: &Recipient, report: &Report) -> bool {
    let failed = report.failed().next().is_some();
    let moved = |state: State| matches!(state, State::New | State::Worse | State::Recovered);
    let mut unmuted = report.alerts.iter().filter(|notice| notice.muted.is_none());
    match reader.when {
        When::Daily => true,
        When::Alerts => failed || report.counts.critical + report.counts.warnings > 0,
        When::Changes => failed || unmuted.any(|notice| moved(notice.alert.state)),
    }
}

async fn is_sign_of_life_due(
    reader: &Recipient,
    book: Option<&Book>,
    date: NaiveDate,
) -> Result<bool, BookError> {
    let last = match book {
        Some(book) => book::last_planned_to(book, Channel::Email, &reader.address, date).await?,
        None => None,
    };
    Ok(last.is_none_or(|last| date - last >= SIGN_OF_LIFE))
}
