//! Reading and writing the days.

use std::ops::{ControlFlow, RangeInclusive};

use chrono::{Datelike, NaiveDate};

use crate::entry::Entry;
use crate::entry::merge::{Mode, merge};

use super::deliveries::{Plan, write_plan};
use super::row::{self, entry_of, metrics_json, provenance_json};
use super::store::{Bind, Row, Transaction};
use super::{Book, BookError};

/// A backfill lets go of the write lock after this many days, so that nobody waits long for it.
const DAYS_PER_TRANSACTION: usize = 31;

const OF_DAY: &str = "SELECT * FROM daily_metrics WHERE collection_date = ?1";

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
    let row = book.row("read an entry", OF_DAY, &[date.into()]).await?;
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

/// Passes the entries of these days to `take`, oldest first, one at a time: a year of rows is as large as its entries.
pub async fn scan(
    book: &Book,
    days: RangeInclusive<NaiveDate>,
    mut take: impl FnMut(Entry),
) -> Result<(), BookError> {
    scan_rows(book, days, |row| entry_of(book, row).map(&mut take)).await
}

pub(super) async fn scan_rows<E: From<BookError>>(
    book: &Book,
    days: RangeInclusive<NaiveDate>,
    mut take: impl FnMut(&Row) -> Result<(), E>,
) -> Result<(), E> {
    const OLDEST_FIRST: &str = "SELECT * FROM daily_metrics WHERE collection_date BETWEEN ?1 AND ?2 ORDER BY collection_date";
    let between = [comparable(*days.start()), comparable(*days.end())];
    let each = |row: Row| match take(&row) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    };
    let scanned = book.store.each(OLDEST_FIRST, &between, each).await;
    match scanned.map_err(|error| book.error("read the entries", error))? {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// The day of every entry, partial or complete, oldest first.
pub async fn all_dates(book: &Book) -> Result<Vec<NaiveDate>, BookError> {
    const ALL: &str = "SELECT collection_date FROM daily_metrics ORDER BY collection_date";
    let rows = book.rows("read the days", ALL, &[]).await?;
    rows.iter().map(|row| date_of(book, row)).collect()
}

pub async fn first_date(book: &Book) -> Result<Option<NaiveDate>, BookError> {
    const FIRST: &str =
        "SELECT collection_date FROM daily_metrics ORDER BY collection_date LIMIT 1";
    let row = book.row("read the first day", FIRST, &[]).await?;
    row.map(|row| date_of(book, &row)).transpose()
}

/// The entry of the latest day up to `today`: a wrong clock made the later ones.
pub async fn newest(book: &Book, today: NaiveDate) -> Result<Option<Entry>, BookError> {
    const LATEST: &str = "SELECT * FROM daily_metrics WHERE collection_date <= ?1
         ORDER BY collection_date DESC LIMIT 1";
    latest(book, LATEST, today).await
}

/// The entry of the latest day up to `today` that was over when it was counted.
pub async fn newest_complete(book: &Book, today: NaiveDate) -> Result<Option<Entry>, BookError> {
    const LATEST: &str = "SELECT * FROM daily_metrics WHERE NOT partial AND collection_date <= ?1
         ORDER BY collection_date DESC LIMIT 1";
    latest(book, LATEST, today).await
}

/// Lays the entry over the stored one of its day, under one write lock, so that no other writer's value is lost.
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

/// Stores all entries or none, each laid over the stored one by `over`, and passes what it found and left to `take`.
pub async fn store_at_once(
    book: &Book,
    entries: impl Iterator<Item = Entry>,
    over: impl Fn(Option<&Entry>, Entry) -> Entry,
    mut take: impl FnMut(&Stored),
) -> Result<(), BookError> {
    const TASK: &str = "store the entries";
    let mut tx = book.begin(TASK).await?;
    for entry in entries {
        take(&lay_over(book, &mut tx, entry, &over).await?);
    }
    tx.commit().await
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
        let mut tx = book.begin(TASK).await?;
        for (position, entry) in batch {
            let over = |stored: Option<&Entry>, new| merge(stored, new, mode);
            let stored = lay_over(book, &mut tx, entry, over).await?;
            all.push((position, stored));
        }
        if let Some(plan) = plan.filter(|_| batches.peek().is_none()) {
            write_plan(book, &mut tx, plan).await?;
        }
        tx.commit().await?;
    }
    all.sort_by_key(|(position, _)| *position);
    Ok(all.into_iter().map(|(_, stored)| stored).collect())
}

/// The entries with their positions in batches, one for each transaction, the planned day in the last. A plan without
/// entries has a batch too.
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
    tx: &mut Transaction,
    new: Entry,
    over: impl Fn(Option<&Entry>, Entry) -> Entry,
) -> Result<Stored, BookError> {
    let row = tx.row(OF_DAY, &[new.date.into()]).await?;
    let before = row.map(|row| entry_of(book, &row)).transpose()?;
    let after = over(before.as_ref(), new);
    let stored = Stored { before, after };
    if stored.changed() {
        write(tx, &stored).await?;
    }
    Ok(stored)
}

/// Nobody else writes meanwhile, so a row that was there is there.
async fn write(tx: &mut Transaction, stored: &Stored) -> Result<(), BookError> {
    const NEW: &str =
        "INSERT INTO daily_metrics (collection_date, collected_at, as_of, partial, time_zone, day_start, day_end,
             collection_duration_ms, catalog_hash, metrics, provenance)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    const AGAIN: &str = "UPDATE daily_metrics SET collected_at = ?2, as_of = ?3, partial = ?4, time_zone = ?5,
             day_start = ?6, day_end = ?7, collection_duration_ms = ?8, catalog_hash = ?9, metrics = ?10,
             provenance = ?11, revision = revision + 1
         WHERE collection_date = ?1";
    let entry = &stored.after;
    let provenance = provenance_json(&entry.readings).map_err(|error| tx.error(error))?;
    let text = match stored.before {
        None => NEW,
        Some(_) => AGAIN,
    };
    let binds = [
        entry.date.into(),
        entry.collected_at.into(),
        entry.as_of.into(),
        entry.partial.into(),
        entry.time_zone.name().into(),
        entry.day_start.into(),
        entry.day_end.into(),
        entry.duration_ms.into(),
        (&entry.catalog_hash).into(),
        Bind::Json(Some(metrics_json(&entry.readings))),
        provenance,
    ];
    let row = || format!("entry of {}", entry.date);
    tx.change_one(text, &binds, row).await
}

/// SQLite compares days as text, which only orders years of four digits, and no server knows others.
pub(super) fn comparable(date: NaiveDate) -> Bind {
    let within = match date.year() {
        ..0 => NaiveDate::from_ymd_opt(0, 1, 1),
        0..=9999 => None,
        10_000.. => NaiveDate::from_ymd_opt(9999, 12, 31),
    };
    within.unwrap_or(date).into()
}

async fn latest(
    book: &Book,
    text: &'static str,
    today: NaiveDate,
) -> Result<Option<Entry>, BookError> {
    let binds = [comparable(today)];
    let row = book.row("read the newest entry", text, &binds).await?;
    row.map(|row| entry_of(book, &row)).transpose()
}

fn date_of(book: &Book, row: &Row) -> Result<NaiveDate, BookError> {
    row::date(row, "collection_date").map_err(|unreadable| book.bad_entry(row, unreadable))
}
