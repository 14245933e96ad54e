//! The health check hears of success when every message of a report was accepted, and of trouble until then.

use crate::book::{self, Book, BookError, Channel, Delivery};
use crate::config::Config;
use crate::text::plain::printable;

use super::ping::{Signal, ping};
use super::{Attempt, Delivering};

/// The pings of the ledger, by their recipient: a report that everybody got, and a night without numbers.
pub const SUCCESS: &str = "success";
pub const FAILURE: &str = "failure";

/// As many undelivered messages as a health check's page has room for.
const NAMED: usize = 10;

/// Tells the health check, if there is one; what went wrong with that, in words.
pub async fn signal(config: &Config, signal: Signal, words: &str) -> Result<(), String> {
    let Some(settings) = &config.ping else {
        return Ok(());
    };
    match ping(settings, signal, words).await {
        Attempt::Accepted { .. } => Ok(()),
        Attempt::Refused { reply, .. } | Attempt::InDoubt { reply } => Err(reply),
    }
}

/// `None` while messages of the report are on their way. When one of them will not arrive any more, the
/// health check hears of that instead, and the success is over.
pub(super) async fn ring(
    work: &Delivering<'_>,
    row: &Delivery,
) -> Result<Option<Attempt>, BookError> {
    if waits(work, row).await? {
        return Ok(None);
    }
    let Some(settings) = &work.config.ping else {
        return Ok(Some(super::refused("no ping is configured any more")));
    };
    if row.recipient == FAILURE {
        let planned = book::planned(work.book, row.date, row.subject).await?;
        let reason = planned.and_then(|planned| planned.reason);
        let words = format!(
            "no numbers for {}: {}",
            row.date,
            reason.unwrap_or_default()
        );
        return Ok(Some(ping(settings, Signal::Failure, &words).await));
    }
    let Some(lack) = lack(work.book, row).await? else {
        let words = format!("{} of {} delivered", row.subject.word(), row.date);
        return Ok(Some(ping(settings, Signal::Success, &words).await));
    };
    Ok(Some(match ping(settings, Signal::Failure, &lack).await {
        Attempt::Accepted { .. } => Attempt::Refused {
            reply: lack,
            may_pass: false,
        },
        unheard => unheard,
    }))
}

/// Success waits for messages that may still be accepted.
pub(super) async fn waits(work: &Delivering<'_>, row: &Delivery) -> Result<bool, BookError> {
    if row.recipient != SUCCESS {
        return Ok(false);
    }
    let messages = book::newest_copies(work.book, row.date, row.subject).await?;
    let due = book::due(work.book, &work.terms()).await?;
    let is_due = |message: &Delivery| due.iter().any(|row| row.id == message.id);
    Ok(messages.iter().any(is_due))
}

/// Tells why the success of a report still waits. What the health check makes of it is noted nowhere: the
/// success stays due and says more.
pub(super) async fn failures(work: &Delivering<'_>, due: &[Delivery]) -> Result<(), BookError> {
    let rings = |row: &&Delivery| row.channel == Channel::Ping && row.recipient == SUCCESS;
    for row in due.iter().filter(rings) {
        if let Some(lack) = lack(work.book, row).await? {
            drop(signal(work.config, Signal::Failure, &lack).await);
        }
    }
    Ok(())
}

/// `report of 2025-10-03: 1 of 3 not delivered: bea@example.org: 550 No such user`; `None` when nothing is missing.
async fn lack(book: &Book, row: &Delivery) -> Result<Option<String>, BookError> {
    let messages = book::newest_copies(book, row.date, row.subject).await?;
    let missing = messages.iter().filter(|row| !row.has_arrived());
    let missing: Vec<&Delivery> = missing.collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let of = messages.len();
    let named: Vec<String> = missing.iter().take(NAMED).map(|row| reason(row)).collect();
    Ok(Some(format!(
        "{} of {}: {} of {of} not delivered: {}",
        row.subject.word(),
        row.date,
        missing.len(),
        named.join("; ")
    )))
}

fn reason(row: &Delivery) -> String {
    let reply = row.reply.as_deref().unwrap_or("not sent yet");
    printable(&format!("{}: {reply}", row.recipient))
}
