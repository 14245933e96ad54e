//! Rows of the ledger as the program knows them, and back.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::book::row::{self, Unreadable, count, date_told, optional, parsed, plain};
use crate::book::store::Row;
use crate::book::{Book, BookError};
use crate::locale::{Language, Locale, Numbers};

use super::{Channel, Corrected, Delivery, DeliveryState, Known, Planned, Subject};

pub(super) fn delivery_of(book: &Book, row: &Row) -> Result<Delivery, BookError> {
    read_delivery(row).map_err(|unreadable| {
        let id: i64 = plain(row, "id").unwrap_or_default();
        book.bad_row(format!("delivery {id}"), unreadable)
    })
}

pub(super) fn planned_of(book: &Book, row: &Row) -> Result<Planned, BookError> {
    read_planned(row).map_err(|unreadable| bad_report(book, row, unreadable))
}

pub(super) fn recipients_of(book: &Book, row: &Row) -> Result<Vec<Known>, BookError> {
    recipients(row).map_err(|unreadable| bad_report(book, row, unreadable))
}

pub(super) fn bad_report(book: &Book, row: &Row, unreadable: Unreadable) -> BookError {
    book.bad_row(format!("report of {}", date_told(row)), unreadable)
}

pub(super) fn also_json(also: &[NaiveDate]) -> serde_json::Result<String> {
    serde_json::to_string(also)
}

pub(super) fn bad_addresses_json(bad: &[(String, String)]) -> serde_json::Result<String> {
    serde_json::to_string(bad)
}

pub(super) fn recipients_json(recipients: &[Known]) -> serde_json::Result<String> {
    let written: Vec<WrittenRecipient> = recipients
        .iter()
        .map(|known| WrittenRecipient {
            address: known.address.clone(),
            name: known.name.clone(),
            language: known.locale.language.code().to_owned(),
            numbers: known.locale.numbers.code().to_owned(),
            when: known.when.clone(),
        })
        .collect();
    serde_json::to_string(&written)
}

pub(super) fn corrections_json(corrections: &[Corrected]) -> serde_json::Result<String> {
    let written: Vec<WrittenCorrection> = corrections
        .iter()
        .map(|corrected| WrittenCorrection {
            date: corrected.date,
            key: corrected.key.clone(),
            mailed: corrected.mailed,
            now: corrected.now,
        })
        .collect();
    serde_json::to_string(&written)
}

/// A recipient as it stands in the book.
#[derive(Serialize, Deserialize)]
struct WrittenRecipient {
    address: String,
    name: Option<String>,
    language: String,
    numbers: String,
    when: String,
}

/// A correction as it stands in the book.
#[derive(Serialize, Deserialize)]
struct WrittenCorrection {
    date: NaiveDate,
    key: String,
    mailed: f64,
    now: f64,
}

fn read_delivery(row: &Row) -> Result<Delivery, Unreadable> {
    let language: String = plain(row, "language")?;
    let numbers: String = plain(row, "numbers")?;
    Ok(Delivery {
        id: plain(row, "id")?,
        date: row::date(row, "collection_date")?,
        subject: word(row, "subject", Subject::of)?,
        channel: word(row, "channel", Channel::of)?,
        recipient: plain(row, "recipient")?,
        copy: count(row, "copy")?,
        name: plain(row, "name")?,
        locale: Locale {
            language: language_of(&language).map_err(|why| ("language", why))?,
            numbers: numbers_of(&numbers).map_err(|why| ("numbers", why))?,
        },
        message_id: plain(row, "message_id")?,
        state: word(row, "state", DeliveryState::of)?,
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
    let corrections: Vec<WrittenCorrection> = parsed(row, "corrections")?;
    Ok(Planned {
        date: row::date(row, "collection_date")?,
        subject: word(row, "subject", Subject::of)?,
        planned_at: row::moment(row, "planned_at")?,
        also: parsed(row, "also_dates")?,
        corrections: corrections
            .into_iter()
            .map(|written| Corrected {
                date: written.date,
                key: written.key,
                mailed: written.mailed,
                now: written.now,
            })
            .collect(),
        recipients: recipients(row)?,
        stale_recipients: plain(row, "stale_recipients")?,
        bad_addresses: parsed(row, "bad_addresses")?,
        reason: plain(row, "reason")?,
    })
}

fn recipients(row: &Row) -> Result<Vec<Known>, Unreadable> {
    let written: Vec<WrittenRecipient> = parsed(row, "recipients")?;
    let known = written.into_iter().map(|written| {
        let language = language_of(&written.language)?;
        let numbers = numbers_of(&written.numbers)?;
        Ok(Known {
            address: written.address,
            name: written.name,
            locale: Locale { language, numbers },
            when: written.when,
        })
    });
    known
        .collect::<Result<_, String>>()
        .map_err(|why| ("recipients", why))
}

fn word<T>(row: &Row, column: &'static str, of: fn(&str) -> Option<T>) -> Result<T, Unreadable> {
    let word: String = plain(row, column)?;
    of(&word).ok_or_else(|| (column, format!("`{word}` is not a {column}")))
}

fn language_of(code: &str) -> Result<Language, String> {
    Language::of_code(code).ok_or_else(|| format!("`{code}` is not a language"))
}

fn numbers_of(code: &str) -> Result<Numbers, String> {
    Numbers::of_code(code).ok_or_else(|| format!("`{code}` is not a way to write numbers"))
}
