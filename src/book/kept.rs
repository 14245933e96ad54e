//! Days as the book keeps them: their values stay the JSON text that they are, for whoever only hands them on.

use std::borrow::Cow;
use std::ops::{ControlFlow, RangeInclusive};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use futures_util::TryStreamExt;
use sqlx::Row;

use super::entries::comparable;
use super::row::{Unreadable, parse_date, parse_moment};
use super::{Book, BookError};

/// One day's row, its values unread.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptDay<'a> {
    pub date: NaiveDate,
    pub time_zone: Tz,
    pub day_start: DateTime<Utc>,
    pub day_end: DateTime<Utc>,
    pub as_of: DateTime<Utc>,
    pub partial: bool,
    pub collected_at: DateTime<Utc>,
    pub duration_ms: i64,
    /// A JSON object on one line.
    pub metrics: Cow<'a, str>,
    /// A JSON object on one line.
    pub provenance: Cow<'a, str>,
}

impl KeptDay<'_> {
    pub fn hours(&self) -> f64 {
        (self.day_end - self.day_start).num_seconds() as f64 / 3600.0
    }
}

/// Between the columns of a day, and between days. Neither stands raw in JSON, nor in an instant or a name.
const UNIT: u8 = 0x1f;
const RECORD: u8 = 0x1e;

/// Up to ten days a row, which share the beginning of their dates: handing a row over costs more than reading a day.
/// Only the beginnings are put in order; sorting the rows would write all of them to a file of its own.
const PACKED: &str = "
SELECT (SELECT group_concat(concat_ws(char(31), collection_date, time_zone, day_start, day_end, as_of, partial,
            collected_at, collection_duration_ms, metrics, provenance), char(30))
        FROM daily_metrics
        WHERE collection_date BETWEEN max(?1, beginning) AND min(?2, beginning || '~'))
FROM (SELECT DISTINCT substr(collection_date, 1, 9) AS beginning
      FROM daily_metrics WHERE collection_date BETWEEN ?1 AND ?2 ORDER BY 1)";

/// Takes these days, oldest first, one at a time, until there are no more or `take` breaks off.
pub async fn scan_kept<E>(
    book: &Book,
    days: RangeInclusive<NaiveDate>,
    mut take: impl FnMut(&KeptDay<'_>) -> Result<(), E>,
) -> Result<ControlFlow<E>, BookError> {
    let mut rows = sqlx::query(PACKED)
        .bind(comparable(*days.start()))
        .bind(comparable(*days.end()))
        .fetch(&book.pool);
    while let Some(row) = rows
        .try_next()
        .await
        .map_err(|error| book.error("read the entries", error))?
    {
        let packed: Option<&str> = row
            .try_get(0)
            .map_err(|error| book.error("read the entries", error))?;
        // In any order, as far as SQLite promises.
        let mut texts: Vec<&str> = packed.iter().flat_map(|all| split(all, RECORD)).collect();
        texts.sort_unstable();
        for text in texts {
            let day = kept(text).map_err(|unreadable| {
                let date = split(text, UNIT).next().unwrap_or_default();
                book.bad_row(format!("entry of {date}"), unreadable)
            })?;
            if let Err(reason) = take(&day) {
                return Ok(ControlFlow::Break(reason));
            }
        }
        // Signals and timers get their turn, also where every row is there at once.
        tokio::task::yield_now().await;
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
    let mut keys: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT value.key FROM daily_metrics, json_each(daily_metrics.metrics) AS value
         WHERE typeof(value.key) = 'text'",
    )
    .fetch_all(&book.pool)
    .await
    .map_err(|error| book.error("read the metrics' keys", error))?;
    // The database would put every key of every day in order.
    keys.sort_unstable();
    Ok(keys)
}

fn kept(text: &str) -> Result<KeptDay<'_>, Unreadable> {
    let mut columns = split(text, UNIT);
    let mut next = || columns.next().unwrap_or_default();
    let date = next();
    let zone = next();
    Ok(KeptDay {
        date: parse_date(date).map_err(|why| ("collection_date", why))?,
        time_zone: zone
            .parse()
            .map_err(|_| ("time_zone", format!("`{zone}` is not a time zone")))?,
        day_start: parse_moment("day_start", next())?,
        day_end: parse_moment("day_end", next())?,
        as_of: parse_moment("as_of", next())?,
        partial: next() != "0",
        collected_at: parse_moment("collected_at", next())?,
        duration_ms: next().parse().map_err(|_| {
            (
                "collection_duration_ms",
                "expected a whole number".to_owned(),
            )
        })?,
        metrics: object("metrics", next())?,
        provenance: object("provenance", next())?,
    })
}

fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let ends = memchr::memchr_iter(separator, text.as_bytes());
    let mut from = 0;
    ends.chain([text.len()]).map(move |end| {
        let piece = &text[from..end];
        from = end + 1;
        piece
    })
}

/// The table itself sees to it that this is JSON; that it is an object can be told by its beginning.
fn object<'a>(column: &'static str, text: &'a str) -> Result<Cow<'a, str>, Unreadable> {
    let text = text.trim_ascii();
    let is_line = memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_none();
    match text.starts_with('{') {
        true if is_line => Ok(Cow::Borrowed(text)),
        // In JSON a line break only ever stands between values.
        true => Ok(Cow::Owned(text.replace(['\n', '\r'], " "))),
        false => Err((column, "expected a JSON object".to_owned())),
    }
}
