//! Days whose values stay the JSON text that the book holds, for exports.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use chrono::NaiveDate;

use crate::engine::Engine;
use crate::entry::Entry;

use super::entries::{comparable, scan_rows};
use super::row::{Unreadable, frame, json_text, plain, unreadable};
use super::store::Row;
use super::{Book, BookError};

/// One day's row, its values unread.
#[derive(Debug, Clone, PartialEq)]
pub struct RawDay<'a> {
    /// Without readings.
    pub frame: Entry,
    /// A JSON object on one line.
    pub metrics: Cow<'a, str>,
    /// A JSON object on one line.
    pub provenance: Cow<'a, str>,
}

/// Passes these days to `take`, oldest first, one at a time, until it fails.
pub async fn scan_raw<E: From<BookError>>(
    book: &Book,
    days: RangeInclusive<NaiveDate>,
    mut take: impl FnMut(&RawDay<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let each = |row: &Row| {
        let day = raw_day(row).map_err(|unreadable| book.bad_entry(row, unreadable));
        take(&day?)
    };
    scan_rows(book, days, each).await
}

/// How many of these days there are.
pub async fn count_days(book: &Book, days: RangeInclusive<NaiveDate>) -> Result<usize, BookError> {
    const COUNT: &str =
        "SELECT count(*) AS days FROM daily_metrics WHERE collection_date BETWEEN ?1 AND ?2";
    let between = [comparable(*days.start()), comparable(*days.end())];
    let row = book.row("count the entries", COUNT, &between).await?;
    let count: i64 = row.and_then(|row| plain(&row, "days").ok()).unwrap_or(0);
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Every key that any day of the book has, in the order of their letters.
pub async fn keys(book: &Book) -> Result<Vec<String>, BookError> {
    const TASK: &str = "read the metrics' keys";
    let text = match book.store.engine() {
        Engine::Sqlite => {
            "SELECT DISTINCT value.key AS name FROM daily_metrics, json_each(daily_metrics.metrics) AS value
             WHERE typeof(value.key) = 'text'"
        }
        Engine::Postgres => {
            "SELECT DISTINCT name FROM daily_metrics, json_object_keys(metrics) AS name"
        }
        Engine::Mysql => "SELECT DISTINCT CAST(json_keys(metrics) AS char) AS name FROM daily_metrics",
    };
    let rows = book.rows(TASK, text, &[]).await?;
    let names = rows.iter().map(|row| plain(row, "name"));
    let names: Result<Vec<String>, Unreadable> = names.collect();
    let mut keys = names.map_err(|unreadable| book.error(TASK, unreadable))?;
    if book.store.engine() == Engine::Mysql {
        // Each is a list of names there.
        let lists = keys.iter().map(|list| serde_json::from_str(list));
        let lists: Result<Vec<Vec<String>>, _> = lists.collect();
        let unreadable = |error| book.error(TASK, sqlx::Error::decode(error));
        keys = lists.map_err(unreadable)?.concat();
    }
    // The database would put every key of every day in order.
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

fn raw_day(row: &Row) -> Result<RawDay<'_>, Unreadable> {
    Ok(RawDay {
        frame: frame(row)?,
        metrics: object("metrics", json_text(row, "metrics")?)?,
        provenance: object("provenance", json_text(row, "provenance")?)?,
    })
}

/// The table's constraint makes it JSON; its first letter says whether it is an object.
fn object<'a>(column: &'static str, text: &'a str) -> Result<Cow<'a, str>, Unreadable> {
    let text = text.trim_ascii();
    let has_lines = text.contains('\n') || text.contains('\r');
    match text.starts_with('{') {
        true if !has_lines => Ok(Cow::Borrowed(text)),
        // In JSON a line break only ever stands between values.
        true => Ok(Cow::Owned(text.replace(['\n', '\r'], " "))),
        false => Err(unreadable(column, "expected a JSON object")),
    }
}
