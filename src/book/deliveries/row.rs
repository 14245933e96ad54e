//! Rows of the ledger.

use crate::book::row::{self, Unreadable, count, date_text, optional, parsed, plain, word};
use crate::book::store::Row;
use crate::book::{Book, BookError};
use crate::locale::{Language, Locale, Numbers};

use super::{Channel, Delivery, DeliveryState, Planned, Subject};

pub(super) fn delivery_of(book: &Book, row: &Row) -> Result<Delivery, BookError> {
    read_delivery(row).map_err(|unreadable| {
        let id: i64 = plain(row, "id").unwrap_or_default();
        book.bad_row(format!("delivery {id}"), unreadable)
    })
}

pub(super) fn planned_of(book: &Book, row: &Row) -> Result<Planned, BookError> {
    read_planned(row).map_err(|unreadable| bad_report(book, row, unreadable))
}

pub(super) fn bad_report(book: &Book, row: &Row, unreadable: Unreadable) -> BookError {
    book.bad_row(format!("report of {}", date_text(row)), unreadable)
}

fn read_delivery(row: &Row) -> Result<Delivery, Unreadable> {
    Ok(Delivery {
        id: plain(row, "id")?,
        date: row::date(row, "collection_date")?,
        subject: word(row, "subject", Subject::from_word)?,
        channel: word(row, "channel", Channel::from_word)?,
        recipient: plain(row, "recipient")?,
        copy: count(row, "copy")?,
        name: plain(row, "name")?,
        locale: Locale {
            language: word(row, "language", Language::from_code)?,
            numbers: word(row, "numbers", Numbers::from_code)?,
        },
        message_id: plain(row, "message_id")?,
        state: word(row, "state", DeliveryState::from_word)?,
        attempts: count(row, "attempts")?,
        planned_at: row::moment(row, "planned_at")?,
        claimed_at: optional(row, "claimed_at", row::moment)?,
        in_doubt_since: optional(row, "in_doubt_since", row::moment)?,
        retry_at: optional(row, "retry_at", row::moment)?,
        accepted_at: optional(row, "accepted_at", row::moment)?,
        reply: plain(row, "reply")?,
    })
}

fn read_planned(row: &Row) -> Result<Planned, Unreadable> {
    Ok(Planned {
        date: row::date(row, "collection_date")?,
        subject: word(row, "subject", Subject::from_word)?,
        planned_at: row::moment(row, "planned_at")?,
        also: parsed(row, "also_dates")?,
        corrections: parsed(row, "corrections")?,
        recipients: parsed(row, "recipients")?,
        stale_recipients: plain(row, "stale_recipients")?,
        bad_addresses: parsed(row, "bad_addresses")?,
        reason: plain(row, "reason")?,
    })
}
