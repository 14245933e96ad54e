//! Reading and writing the days.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};
use futures_util::TryStreamExt;
use sqlx::SqliteConnection;

use crate::entry::Entry;
use crate::entry::merge::{Mode, merge};

use super::deliveries::{Plan, write_plan};
use super::row::{self, entry_of, instant, metrics_json, provenance_json};
use super::{Book, BookError};

/// A backfill lets go of the write lock after this many days, so that nobody waits long for it.
const DAYS_PER_TRANSACTION: usize = 31;

/// What a store found and what it left.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub before: Option<Entry>,
    pub after: Entry,
}

impl Stored {
    pub fn changed(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }
}

pub async fn entry(book: &Book, date: NaiveDate) -> Result<Option<Entry>, BookError> {
    let row = sqlx::query("SELECT * FROM daily_metrics WHERE collection_date = ?")
        .bind(date.to_string())
        .fetch_optional(&book.pool)
        .await
        .map_err(|error| book.error("read an entry", error))?;
    row.map(|row| entry_of(book, &row)).transpose()
}

/// The entries of these days, oldest first.
pub async fn entries(
    book: &Book,
    days: RangeInclusive<NaiveDate>,
) -> Result<Vec<Entry>, BookError> {
    let mut entries = Vec::new();
    scan(book, days, |entry| entries.push(entry)).await?;
    Ok(entries)
}

/// Takes the entries of these days, oldest first, one at a time: a year of rows is as large as its entries.
pub async fn scan(
    book: &Book,
    days: RangeInclusive<NaiveDate>,
    mut take: impl FnMut(Entry),
) -> Result<(), BookError> {
    let mut rows = sqlx::query(
        "SELECT * FROM daily_metrics WHERE collection_date BETWEEN ? AND ? ORDER BY collection_date",
    )
    .bind(comparable(*days.start()))
    .bind(comparable(*days.end()))
    .fetch(&book.pool);
    while let Some(row) = rows
        .try_next()
        .await
        .map_err(|error| book.error("read the entries", error))?
    {
        take(entry_of(book, &row)?);
    }
    Ok(())
}

/// The day of every entry, partial or complete, oldest first.
pub async fn all_dates(book: &Book) -> Result<Vec<NaiveDate>, BookError> {
    let dates: Vec<String> =
        sqlx::query_scalar("SELECT collection_date FROM daily_metrics ORDER BY collection_date")
            .fetch_all(&book.pool)
            .await
            .map_err(|error| book.error("read the days", error))?;
    dates.iter().map(|text| readable(book, text)).collect()
}

pub async fn first_date(book: &Book) -> Result<Option<NaiveDate>, BookError> {
    let first: Option<String> =
        sqlx::query_scalar("SELECT min(collection_date) FROM daily_metrics")
            .fetch_one(&book.pool)
            .await
            .map_err(|error| book.error("read the first day", error))?;
    first.map(|text| readable(book, &text)).transpose()
}

/// The entry of the latest day.
pub async fn newest(book: &Book) -> Result<Option<Entry>, BookError> {
    const LATEST: &str = "SELECT * FROM daily_metrics ORDER BY collection_date DESC LIMIT 1";
    only(book, LATEST).await
}

/// The entry of the latest day that was over when it was counted.
pub async fn newest_complete(book: &Book) -> Result<Option<Entry>, BookError> {
    const LATEST: &str =
        "SELECT * FROM daily_metrics WHERE partial = 0 ORDER BY collection_date DESC LIMIT 1";
    only(book, LATEST).await
}

/// Lays the entry over the stored one of its day. Both happen under one write lock, so no value that
/// another writer has just made known is lost.
pub async fn store(book: &Book, entry: Entry, mode: Mode) -> Result<Stored, BookError> {
    let mut stored = store_many(book, vec![entry], mode).await?;
    Ok(stored.remove(0))
}

/// Stores each entry as [`store`] does, about a month to a transaction.
pub async fn store_many(
    book: &Book,
    entries: Vec<Entry>,
    mode: Mode,
) -> Result<Vec<Stored>, BookError> {
    store_and_plan(book, entries, mode, None).await
}

/// Stores all entries or none, and tells of each what it found and left.
pub async fn store_at_once(
    book: &Book,
    entries: impl Iterator<Item = Entry>,
    mode: Mode,
    mut told: impl FnMut(&Stored),
) -> Result<(), BookError> {
    const TASK: &str = "store the entries";
    let mut transaction = book.begin(TASK).await?;
    for entry in entries {
        told(&lay_over(book, &mut transaction, entry, mode).await?);
    }
    let committed = transaction.commit().await;
    committed.map_err(|error| book.error(TASK, error))
}

/// Stores the entries as [`store_many`] does, and the plan in one transaction with the entry of its day:
/// no day is stored without what is to be sent about it. That transaction is the last, so that the plan
/// finds every number corrected by the same run.
pub async fn store_and_plan(
    book: &Book,
    entries: Vec<Entry>,
    mode: Mode,
    plan: Option<&Plan>,
) -> Result<Vec<Stored>, BookError> {
    const TASK: &str = "store the entries";
    let mut all = Vec::with_capacity(entries.len());
    let mut batches = batches(entries, plan).into_iter().peekable();
    while let Some(batch) = batches.next() {
        let mut transaction = book.begin(TASK).await?;
        for (position, entry) in batch {
            let stored = lay_over(book, &mut transaction, entry, mode).await?;
            all.push((position, stored));
        }
        if let Some(plan) = plan.filter(|_| batches.peek().is_none()) {
            write_plan(book, &mut transaction, plan).await?;
        }
        let committed = transaction.commit().await;
        committed.map_err(|error| book.error(TASK, error))?;
    }
    all.sort_by_key(|(position, _)| *position);
    Ok(all.into_iter().map(|(_, stored)| stored).collect())
}

/// The entries with their positions, a transaction's worth at a time, the planned day in the last. A plan
/// without entries has a transaction too.
fn batches(entries: Vec<Entry>, plan: Option<&Plan>) -> Vec<Vec<(usize, Entry)>> {
    let mut batches: Vec<Vec<(usize, Entry)>> = Vec::new();
    for (position, entry) in entries.into_iter().enumerate() {
        match batches.last_mut() {
            Some(batch) if batch.len() < DAYS_PER_TRANSACTION => batch.push((position, entry)),
            _ => batches.push(vec![(position, entry)]),
        }
    }
    if let Some(plan) = plan {
        if batches.is_empty() {
            batches.push(Vec::new());
        }
        let planned = plan.report.date;
        batches.sort_by_key(|batch| batch.iter().any(|(_, entry)| entry.date == planned));
    }
    batches
}

async fn lay_over(
    book: &Book,
    connection: &mut SqliteConnection,
    new: Entry,
    mode: Mode,
) -> Result<Stored, BookError> {
    let row = sqlx::query("SELECT * FROM daily_metrics WHERE collection_date = ?")
        .bind(new.date.to_string())
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| book.error("read an entry", error))?;
    let before = row.map(|row| entry_of(book, &row)).transpose()?;
    let after = merge(before.as_ref(), new, mode);
    let stored = Stored { before, after };
    if stored.changed() {
        write(book, connection, &stored.after).await?;
    }
    Ok(stored)
}

async fn write(
    book: &Book,
    connection: &mut SqliteConnection,
    entry: &Entry,
) -> Result<(), BookError> {
    const TASK: &str = "store an entry";
    let provenance = provenance_json(&entry.readings)
        .map_err(|error| book.error(TASK, sqlx::Error::Encode(error.into())))?;
    let done = sqlx::query(
        "INSERT INTO daily_metrics (collection_date, collected_at, as_of, partial, time_zone, day_start, day_end,
             collection_duration_ms, catalog_hash, metrics, provenance)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (collection_date) DO UPDATE SET
             collected_at = excluded.collected_at, as_of = excluded.as_of, partial = excluded.partial,
             time_zone = excluded.time_zone, day_start = excluded.day_start, day_end = excluded.day_end,
             collection_duration_ms = excluded.collection_duration_ms, catalog_hash = excluded.catalog_hash,
             metrics = excluded.metrics, provenance = excluded.provenance, revision = revision + 1",
    )
    .bind(entry.date.to_string())
    .bind(instant(entry.collected_at))
    .bind(instant(entry.as_of))
    .bind(entry.partial)
    .bind(entry.time_zone.name())
    .bind(instant(entry.day_start))
    .bind(instant(entry.day_end))
    .bind(entry.duration_ms)
    .bind(&entry.catalog_hash)
    .bind(metrics_json(&entry.readings))
    .bind(provenance)
    .execute(connection)
    .await
    .map_err(|error| book.error(TASK, error))?;
    book.one_row(done.rows_affected(), || format!("entry of {}", entry.date))
}

/// Days are compared as text, which only orders years of four digits.
pub(super) fn comparable(date: NaiveDate) -> String {
    match date.year() {
        ..0 => "0000-01-01".to_owned(),
        0..=9999 => date.to_string(),
        10_000.. => "9999-12-31".to_owned(),
    }
}

async fn only(book: &Book, text: &'static str) -> Result<Option<Entry>, BookError> {
    let row = sqlx::query(text)
        .fetch_optional(&book.pool)
        .await
        .map_err(|error| book.error("read the newest entry", error))?;
    row.map(|row| entry_of(book, &row)).transpose()
}

fn readable(book: &Book, text: &str) -> Result<NaiveDate, BookError> {
    row::parse_date(text)
        .map_err(|why| book.bad_row(format!("entry of {text}"), ("collection_date", why)))
}
