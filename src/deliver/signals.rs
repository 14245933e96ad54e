//! Signals success to the health check when every message of a report was accepted, and failure until then.

use crate::book::{self, Book, BookError, Channel, Delivery};
use crate::config::Config;
use crate::text::plain::printable;

use super::ping::{Signal, ping};
use super::{Attempt, Delivering, Refusal};

/// The recipients of pings in the ledger: for a report that everybody got, and for a night without numbers.
pub const SUCCESS: &str = "success";
pub const FAILURE: &str = "failure";

/// The number of undelivered messages to name: a health check's page has little room.
const NAMED: usize = 10;

/// Signals the health check, if there is one. The error says what went wrong.
pub async fn signal(config: &Config, signal: Signal, words: &str) -> Result<(), String> {
    let Some(settings) = &config.ping else {
        return Ok(());
    };
    match ping(settings, signal, words).await {
        Attempt::Accepted { .. } => Ok(()),
        Attempt::Refused { reply, .. } | Attempt::InDoubt { reply } => Err(reply),
    }
}

/// `None` while messages of the report are still due. If one of them can no longer arrive, signals failure instead, and
/// the success ping ends as refused.
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
        let reason = reason.unwrap_or_default();
        let words = format!("no numbers for {}: {reason}", row.date);
        return Ok(Some(ping(settings, Signal::Failure, &words).await));
    }
    let Some(lack) = lack(work.book, row).await? else {
        let words = format!("{} of {} delivered", row.subject.word(), row.date);
        return Ok(Some(ping(settings, Signal::Success, &words).await));
    };
    Ok(Some(match ping(settings, Signal::Failure, &lack).await {
        Attempt::Accepted { .. } => Refusal::for_good(lack).into(),
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

/// Signals why the success of a report still waits. The answer is not recorded, since the success ping stays due.
pub(super) async fn failures(work: &Delivering<'_>, due: &[Delivery]) -> Result<(), BookError> {
    let rings = |row: &&Delivery| row.channel == Channel::Ping && row.recipient == SUCCESS;
    for row in due.iter().filter(rings) {
        if let Some(lack) = lack(work.book, row).await? {
            drop(signal(work.config, Signal::Failure, &lack).await);
        }
    }
    Ok(())
}

/// `report of 2025-10-03: 1 of 3 not delivered: bea@example.org: 550 No such user`; `None` if nothing is missing.
async fn lack(book: &Book, row: &Delivery) -> Result<Option<String>, BookError> {
    let messages = book::newest_copies(book, row.date, row.subject).await?;
    let missing = messages.iter().filter(|row| !row.has_arrived());
    let reasons = missing.map(|row| {
        let reply = row.reply.as_deref().unwrap_or("not sent yet");
        printable(&format!("{}: {reply}", row.recipient))
    });
    let reasons: Vec<String> = reasons.collect();
    Ok((!reasons.is_empty()).then(|| {
        format!(
            "{} of {}: {} of {} not delivered: {}",
            row.subject.word(),
            row.date,
            reasons.len(),
            messages.len(),
            reasons[..reasons.len().min(NAMED)].join("; ")
        )
    }))
}
