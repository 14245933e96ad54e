//! Days as the book keeps them: their values stay the JSON text that they are, for whoever only hands them on.

use std::ops::{ControlFlow, RangeInclusive};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use futures_util::TryStreamExt;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::entries::comparable;
use super::row::{Unreadable, date, moment, plain};
use super::{Book, BookError};

/// Signals and timers get their turn after this many rows, also where every row is there at once.
const ROWS_AT_A_STRETCH: usize = 64;

/// One day's row, its values unread.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptDay {
    pub date: NaiveDate,
    pub time_zone: Tz,
    pub day_start: DateTime<Utc>,
    pub day_end: DateTime<Utc>,
    pub as_of: DateTime<Utc>,
    pub partial: bool,
    pub collected_at: DateTime<Utc>,
    pub duration_ms: i64,
    /// A JSON object on one line.
    pub metrics: String,
    /// A JSON object on one line.
    pub provenance: String,
}

impl KeptDay {
    pub fn hours(&self) -> f64 {
        (self.day_end - self.day_start).num_seconds() as f64 / 3600.0
    }
}

/// Takes these days, oldest first, one at a time, until there are no more or `take` breaks off.
pub async fn scan_kept<E>(
    book: &Book,
    days: RangeInclusive<NaiveDate>,
    mut take: impl FnMut(&KeptDay) -> Result<(), E>,
) -> Result<ControlFlow<E>, BookError> {
    let mut rows = sqlx::query(
        "SELECT collection_date, time_zone, day_start, day_end, as_of, partial, collected_at,
             collection_duration_ms, metrics, provenance
         FROM daily_metrics WHERE collection_date BETWEEN ? AND ? ORDER BY collection_date",
    )
    .bind(comparable(*days.start()))
    .bind(comparable(*days.end()))
    .fetch(&book.pool);
    let mut count: usize = 0;
    while let Some(row) = rows
        .try_next()
        .await
        .map_err(|error| book.error("read the entries", error))?
    {
        let day = kept(&row).map_err(|unreadable| {
            let date: String = row.try_get("collection_date").unwrap_or_default();
            book.bad_row(format!("entry of {date}"), unreadable)
        })?;
        if let Err(reason) = take(&day) {
            return Ok(ControlFlow::Break(reason));
        }
        count += 1;
        if count.is_multiple_of(ROWS_AT_A_STRETCH) {
            tokio::task::yield_now().await;
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// How many of these days there are.
pub async fn count_days(book: &Book, days: RangeInclusive<NaiveDate>) -> Result<usize, BookError> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM daily_metrics WHERE collection_date BETWEEN ? AND ?",
    )
    .bind(comparable(*days.start()))
    .bind(comparable(*days.end()))
    .fetch_one(&book.pool)
    .await
    .map_err(|error| book.error("count the entries", error))?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Every key that any day of the book has, in the order of their letters.
pub async fn keys(book: &Book) -> Result<Vec<String>, BookError> {
    sqlx::query_scalar(
        "SELECT DISTINCT value.key FROM daily_metrics, json_each(daily_metrics.metrics) AS value
         WHERE typeof(value.key) = 'text' ORDER BY 1",
    )
    .fetch_all(&book.pool)
    .await
    .map_err(|error| book.error("read the metrics' keys", error))
}

fn kept(row: &SqliteRow) -> Result<KeptDay, Unreadable> {
    let zone: &str = plain(row, "time_zone")?;
    Ok(KeptDay {
        date: date(row, "collection_date")?,
        time_zone: zone
            .parse()
            .map_err(|_| ("time_zone", format!("`{zone}` is not a time zone")))?,
        day_start: moment(row, "day_start")?,
        day_end: moment(row, "day_end")?,
        as_of: moment(row, "as_of")?,
        partial: plain(row, "partial")?,
        collected_at: moment(row, "collected_at")?,
        duration_ms: plain(row, "collection_duration_ms")?,
        metrics: object(row, "metrics")?,
        provenance: object(row, "provenance")?,
    })
}

/// The table itself sees to it that this is JSON; that it is an object can be told by its beginning.
fn object(row: &SqliteRow, column: &'static str) -> Result<String, Unreadable> {
    let text: &str = plain(row, column)?;
    let text = text.trim_ascii();
    match text.starts_with('{') {
        // In JSON a line break only ever stands between values.
        true if text.contains(['\n', '\r']) => Ok(text.replace(['\n', '\r'], " ")),
        true => Ok(text.to_owned()),
        false => Err((column, "expected a JSON object".to_owned())),
    }
}
