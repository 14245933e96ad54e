//! Retention: which days are too old to keep, and taking them out of the book.

use chrono::{Days, NaiveDate};

use crate::book::{self, Book, BookError};

/// How much a prune took out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    pub entries: u64,
    pub runs: u64,
    pub deliveries: u64,
    pub mutes: u64,
}

/// The first day that is kept: one exactly `retention_days` old stays.
pub fn oldest_kept(today: NaiveDate, retention_days: u32) -> NaiveDate {
    today
        .checked_sub_days(Days::new(u64::from(retention_days)))
        .unwrap_or(NaiveDate::MIN)
}

/// The stored days to delete, by the zone's date of today; never `keep`, the day just written.
pub fn plan(
    dates: &[NaiveDate],
    today: NaiveDate,
    retention_days: u32,
    keep: Option<NaiveDate>,
) -> Vec<NaiveDate> {
    let oldest = oldest_kept(today, retention_days);
    dates
        .iter()
        .copied()
        .filter(|date| *date < oldest && Some(*date) != keep)
        .collect()
}

/// Deletes the planned days, and the runs, deliveries and mutes from before the oldest kept day.
pub async fn prune(
    book: &Book,
    planned: &[NaiveDate],
    oldest_kept: NaiveDate,
) -> Result<Pruned, BookError> {
    Ok(Pruned {
        entries: book::remove_entries(book, planned).await?,
        runs: book::remove_runs_before(book, oldest_kept).await?,
        deliveries: book::remove_deliveries_before(book, oldest_kept).await?,
        mutes: book::remove_mutes_before(book, oldest_kept).await?,
    })
}
