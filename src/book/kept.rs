//! Days as the book keeps them: their values stay the JSON text that they are, for whoever only hands them on.

use std::borrow::Cow;
use std::ops::{ControlFlow, RangeInclusive};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::engine::Engine;

use super::entries::comparable;
use super::row::{self, Unreadable, date_told, json_text, moment, plain};
use super::store::Row;
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

/// Takes these days, oldest first, one at a time, until there are no more or `take` fails.
pub async fn scan_kept<E: From<BookError>>(
    book: &Book,
    days: RangeInclusive<NaiveDate>,
    mut take: impl FnMut(&KeptDay<'_>) -> Result<(), E>,
) -> Result<(), E> {
    const OLDEST_FIRST: &str =
        "SELECT collection_date, time_zone, day_start, day_end, as_of, partial, collected_at,
            collection_duration_ms, metrics, provenance
        FROM daily_metrics WHERE collection_date BETWEEN ?1 AND ?2 ORDER BY collection_date";
    let between = [comparable(*days.start()), comparable(*days.end())];
    let each = |row: Row| {
        let day = kept(&row).map_err(|unreadable| {
            let row = format!("entry of {}", date_told(&row));
            E::from(book.bad_row(row, unreadable))
        });
        match day.and_then(|day| take(&day)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    };
    let scanned = book.store.each(OLDEST_FIRST, &between, each).await;
    match scanned.map_err(|error| book.error("read the entries", error))? {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// How many of these days there are.
pub async fn count_days(book: &Book, days: RangeInclusive<NaiveDate>) -> Result<usize, BookError> {
    const COUNT: &str =
        "SELECT count(*) AS days FROM daily_metrics WHERE collection_date BETWEEN ?1 AND ?2";
    let between = [comparable(*days.start()), comparable(*days.end())];
    let row = book.store.row(COUNT, &between).await;
    let row = row.map_err(|error| book.error("count the entries", error))?;
    let count: i64 = row.and_then(|row| plain(&row, "days").ok()).unwrap_or(0);
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Every key that any day of the book has, in the order of their letters.
pub async fn keys(book: &Book) -> Result<Vec<String>, BookError> {
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
    let failed = |error| book.error("read the metrics' keys", error);
    let rows = book.store.rows(text, &[]).await.map_err(failed)?;
    let names = rows.iter().map(|row| plain(row, "name"));
    let names: Result<Vec<String>, Unreadable> = names.collect();
    let mut keys = names.map_err(|(_, why)| failed(sqlx::Error::Decode(why.into())))?;
    if book.store.engine() == Engine::Mysql {
        // Each is a list of names there.
        let lists = keys.iter().map(|list| serde_json::from_str(list));
        let lists: Result<Vec<Vec<String>>, _> = lists.collect();
        keys = lists
            .map_err(|error| failed(sqlx::Error::Decode(error.into())))?
            .concat();
    }
    // The database would put every key of every day in order.
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

fn kept(row: &Row) -> Result<KeptDay<'_>, Unreadable> {
    let zone: String = plain(row, "time_zone")?;
    Ok(KeptDay {
        date: row::date(row, "collection_date")?,
        time_zone: zone
            .parse()
            .map_err(|_| ("time_zone", format!("`{zone}` is not a time zone")))?,
        day_start: moment(row, "day_start")?,
        day_end: moment(row, "day_end")?,
        as_of: moment(row, "as_of")?,
        partial: plain(row, "partial")?,
        collected_at: moment(row, "collected_at")?,
        duration_ms: plain(row, "collection_duration_ms")?,
        metrics: object("metrics", json_text(row, "metrics")?)?,
        provenance: object("provenance", json_text(row, "provenance")?)?,
    })
}

/// The table itself sees to it that this is JSON; that it is an object can be told by its beginning.
fn object<'a>(column: &'static str, text: &'a str) -> Result<Cow<'a, str>, Unreadable> {
    let text = text.trim_ascii();
    let has_lines = text.contains('\n') || text.contains('\r');
    match text.starts_with('{') {
        true if !has_lines => Ok(Cow::Borrowed(text)),
        // In JSON a line break only ever stands between values.
        true => Ok(Cow::Owned(text.replace(['\n', '\r'], " "))),
        false => Err((column, "expected a JSON object".to_owned())),
    }
}
