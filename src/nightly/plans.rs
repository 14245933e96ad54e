//! Who gets which message about a day: decided once, when the day is stored, and written into the ledger.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};
use sha2::{Digest, Sha256};

use crate::book::{self, Book, BookError, Channel, Message, Plan, Planned, Subject};
use crate::collect::Found;
use crate::compare;
use crate::config::{Config, Recipient, When, recipient as address};
use crate::deliver::message::domain;
use crate::deliver::signals::{FAILURE, SUCCESS};
use crate::entry::Entry;
use crate::entry::merge::Mode;
use crate::report::{self, Report, State};

use super::readers::{Readers, known, readers};
use super::{Setting, Todo};

/// Who is written to only on some days hears at least this often that all goes on.
const SIGN_OF_LIFE: TimeDelta = TimeDelta::days(7);

/// The day that the run reports, and the others that it only names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    pub date: NaiveDate,
    pub subject: Subject,
    pub also: Vec<NaiveDate>,
}

/// The newest complete day of those collected; while there is none, the one that is still open. What was only
/// refreshed is no topic: its changes are told as corrections.
pub fn topic(todo: &Todo) -> Option<Topic> {
    let collected = todo.tasks.iter().filter(|task| task.mode != Mode::Refresh);
    let counted = collected.flat_map(|task| &task.days);
    let counted: BTreeSet<(bool, NaiveDate)> =
        counted.map(|as_of| (!as_of.open, as_of.day.date)).collect();
    let settled = todo.settled.iter().map(|date| {
        let stored = todo.stored.get(date);
        (stored.is_some_and(|entry| !entry.partial), *date)
    });
    let (complete, date) = settled.chain(counted.iter().copied()).max()?;
    let others = counted
        .into_iter()
        .filter(|(complete, other)| *complete && *other != date);
    Some(Topic {
        date,
        subject: Subject::of_day(!complete),
        also: others.map(|(_, other)| other).collect(),
    })
}

/// The plan for a day with numbers. `entries` hold the day as it will be stored, and those it is compared with.
pub(super) async fn report(
    setting: &Setting<'_>,
    book: Option<&Book>,
    topic: &Topic,
    entries: &[Entry],
    found: Option<Result<Found, String>>,
) -> Result<Option<Plan>, BookError> {
    let catalog = &setting.config.catalog;
    let mutes = match book {
        Some(book) => book::mutes(book, setting.config.time_zone).await?,
        None => Vec::new(),
    };
    let judgement = compare::judge_day(topic.date, entries, mutes, catalog);
    let Some(report) = report::of_day(topic.date, entries, &judgement, catalog) else {
        return Ok(None);
    };
    let subject = Subject::of_day(report.partial);
    let readers = readers(setting, book, found).await?;
    let mut interested = Vec::new();
    for reader in &readers.all {
        if wants(reader, &report) || is_sign_of_life_due(reader, book, topic.date).await? {
            interested.push(reader);
        }
    }
    let mut messages = messages(setting.config, (topic.date, subject), &interested);
    if setting.config.ping.is_some() {
        let to = (Channel::Ping, SUCCESS);
        messages.push(message(setting.config, (topic.date, subject), to));
    }
    Ok(Some(Plan {
        report: Planned {
            also: topic.also.clone(),
            ..planned(setting, (topic.date, subject), &readers)
        },
        messages,
    }))
}

/// The plan for a night that failed: everybody hears of it, whatever they wish to hear.
pub(super) async fn failure(
    setting: &Setting<'_>,
    book: &Book,
    date: NaiveDate,
    reason: &str,
) -> Result<Plan, BookError> {
    let about = (date, Subject::Failure);
    let readers = readers(setting, Some(book), None).await?;
    let all: Vec<&Recipient> = readers.all.iter().collect();
    let mut messages = messages(setting.config, about, &all);
    if setting.config.ping.is_some() {
        messages.push(message(setting.config, about, (Channel::Ping, FAILURE)));
    }
    Ok(Plan {
        messages,
        report: Planned {
            reason: Some(reason.to_owned()),
            ..planned(setting, about, &readers)
        },
    })
}

/// The plan of somebody who asks for the report now: everybody gets it.
pub(super) async fn on_purpose(
    setting: &Setting<'_>,
    book: &Book,
    about: (NaiveDate, Subject),
) -> Result<Plan, BookError> {
    let readers = readers(setting, Some(book), None).await?;
    let all: Vec<&Recipient> = readers.all.iter().collect();
    Ok(Plan {
        messages: messages(setting.config, about, &all),
        report: planned(setting, about, &readers),
    })
}

/// A mail for a reader.
pub(super) fn mail(
    config: &Config,
    about: (NaiveDate, Subject),
    reader: &Recipient,
    copy: u32,
) -> Message {
    Message {
        channel: Channel::Email,
        name: reader.name.clone(),
        voice: reader.voice,
        message_id: message_id(config, about, &reader.address, copy),
        recipient: reader.address.clone(),
    }
}

/// `<report.2025-10-03.4f1c…@example.org>`: the same for every attempt, another for every reader and copy.
pub(super) fn message_id(
    config: &Config,
    (date, subject): (NaiveDate, Subject),
    recipient: &str,
    copy: u32,
) -> String {
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
    format!("<{}.{date}.{hash}@{domain}>", subject.word())
}

/// One mail for each reader, and what other ways out the settings have; pings apart.
fn messages(config: &Config, about: (NaiveDate, Subject), readers: &[&Recipient]) -> Vec<Message> {
    let mut messages = Vec::new();
    if config.mail.is_some() {
        let mails = readers.iter().map(|reader| mail(config, about, reader, 1));
        messages.extend(mails);
    }
    if config.outbox.is_some() {
        messages.push(message(config, about, (Channel::Outbox, "outbox")));
    }
    let webhooks = config.webhooks.iter();
    messages.extend(
        webhooks.map(|webhook| message(config, about, (Channel::Webhook, webhook.name.as_str()))),
    );
    messages
}

fn message(
    config: &Config,
    about: (NaiveDate, Subject),
    (channel, recipient): (Channel, &str),
) -> Message {
    Message {
        channel,
        recipient: recipient.to_owned(),
        name: None,
        voice: config.report.voice,
        message_id: message_id(config, about, recipient, 1),
    }
}

fn planned(
    setting: &Setting<'_>,
    (date, subject): (NaiveDate, Subject),
    readers: &Readers,
) -> Planned {
    Planned {
        date,
        subject,
        planned_at: setting.now,
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
    let mut heard = report.alerts.iter().filter(|notice| notice.muted.is_none());
    match reader.when {
        When::Daily => true,
        When::Alerts => failed || report.counts.critical + report.counts.warnings > 0,
        When::Changes => failed || heard.any(|notice| moved(notice.alert.state)),
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
