//! Retention: finds the days that are too old, and deletes them from the book.

use chrono::{Days, NaiveDate};
use thiserror::Error;

use crate::book::{self, Book, BookError};
use crate::calendar::spoken;
use crate::text::counted::{counted, one_or_many};

/// A night deletes one day, or a few after a pause. More needs a decision of the operator.
pub const MOST_AT_ONCE: usize = 7;

/// In days. If the newest entry is older, nobody collected for as long, or this machine's clock is wrong.
pub const LONGEST_SILENCE: i64 = 31;

/// How much was pruned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    pub entries: u64,
    pub runs: u64,
    pub deliveries: u64,
    pub mutes: u64,
}

/// Why days that are too old are not deleted without confirmation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Doubt {
    #[error(
        "{days} days, from {first} on, are older than {retention} days, but at most {MOST_AT_ONCE} are deleted at once: set `[retention] days = {needed}` to keep them, or run `daybook prune --yes`"
    )]
    Many {
        days: usize,
        first: NaiveDate,
        retention: u32,
        /// The retention that keeps the first of them.
        needed: i64,
    },
    #[error(
        "{} older than the retention, but the newest stored day is {}, {} days ago by this machine's clock: if the clock is right, run `daybook prune --yes`",
        are(*.days), spoken(*.newest), (*.today - *.newest).num_days()
    )]
    Silence {
        days: usize,
        newest: NaiveDate,
        today: NaiveDate,
    },
}

fn are(days: usize) -> String {
    let verb = one_or_many(&days, "is", "are");
    format!("{} {verb}", counted(days, "day"))
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

/// Why these days must not be deleted without confirmation. `before` are the days stored before this run, sorted.
pub fn doubt(
    planned: &[NaiveDate],
    before: &[NaiveDate],
    today: NaiveDate,
    retention: u32,
) -> Option<Doubt> {
    let days = planned.len();
    let newest = newest_before(before, today);
    if let Some(newest) = newest.filter(|newest| is_silence(*newest, today)) {
        return Some(Doubt::Silence {
            days,
            newest,
            today,
        });
    }
    let first = planned.iter().min().copied()?;
    (days > MOST_AT_ONCE).then(|| Doubt::Many {
        days,
        first,
        retention,
        needed: (today - first).num_days(),
    })
}

/// The newest of these sorted days that is not in the future.
pub fn newest_before(dates: &[NaiveDate], today: NaiveDate) -> Option<NaiveDate> {
    dates.iter().rev().find(|date| **date <= today).copied()
}

/// Whether the time between two days is too long, the earlier one first.
pub fn is_silence(from: NaiveDate, to: NaiveDate) -> bool {
    (to - from).num_days() > LONGEST_SILENCE
}

/// Deletes the planned days, and the runs and mutes from before the oldest kept day. The ledger stays longer, by as much
/// as the clock may be wrong unnoticed: so no day that is collected again is also sent again.
pub async fn prune(
    book: &Book,
    planned: &[NaiveDate],
    oldest_kept: NaiveDate,
) -> Result<Pruned, BookError> {
    let silence = Days::new(LONGEST_SILENCE.unsigned_abs());
    let oldest_sent = oldest_kept.checked_sub_days(silence);
    let oldest_sent = oldest_sent.unwrap_or(NaiveDate::MIN);
    Ok(Pruned {
        entries: book::remove_entries(book, planned).await?,
        runs: book::remove_runs_before(book, oldest_kept).await?,
        deliveries: book::remove_deliveries_before(book, oldest_sent).await?,
        mutes: book::remove_mutes_before(book, oldest_kept).await?,
    })
}

/// Deletes days that a wrong clock has put into the future, with their planned messages.
pub async fn prune_future(
    book: &Book,
    planned: &[NaiveDate],
    today: NaiveDate,
) -> Result<Pruned, BookError> {
    Ok(Pruned {
        entries: book::remove_entries(book, planned).await?,
        deliveries: book::remove_deliveries_after(book, today).await?,
        ..Pruned::default()
    })
}
