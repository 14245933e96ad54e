//! Days as the book keeps them: their values stay the JSON text that they are, for whoever only hands them on.

use std::borrow::Cow;
use std::ops::{ControlFlow, RangeInclusive};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::engine::Engine;

use super::entries::comparable;
use super::row::{self, Unreadable, date_told, json_text, moment, parse_date, parse_moment, plain};
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

/// Between the columns of a day, and between days. Neither stands raw in JSON, nor in an instant or a name.
const UNIT: u8 = 0x1f;
const RECORD: u8 = 0x1e;

/// Up to ten days a row, which share the beginning of their dates: handing a row over costs more than reading a day.
/// Only the beginnings are put in order; sorting the rows would write all of them to a file of its own.
const PACKED: &str = "
SELECT (SELECT group_concat(concat_ws(char(31), collection_date, time_zone, day_start, day_end, as_of, partial,
            collected_at, collection_duration_ms, metrics, provenance), char(30))
        FROM daily_metrics
        WHERE collection_date BETWEEN max(?1, beginning) AND min(?2, beginning || '~')) AS days
FROM (SELECT DISTINCT substr(collection_date, 1, 9) AS beginning
      FROM daily_metrics WHERE collection_date BETWEEN ?1 AND ?2 ORDER BY 1)";

/// On a server, whose rows arrive many at a time.
const PLAIN: &str =
    "SELECT collection_date, time_zone, day_start, day_end, as_of, partial, collected_at,
        collection_duration_ms, metrics, provenance
    FROM daily_metrics WHERE collection_date BETWEEN ?1 AND ?2 ORDER BY collection_date";

/// Why a scan ends early.
enum Early<E> {
    Unreadable(BookError),
    Wanted(E),
}

/// Takes these days, oldest first, one at a time, until there are no more or `take` breaks off.
pub async fn scan_kept<E>(
    book: &Book,
    days: RangeInclusive<NaiveDate>,
    mut take: impl FnMut(&KeptDay<'_>) -> Result<(), E>,
) -> Result<ControlFlow<E>, BookError> {
    let mut taken = |row: &Row| match row {
        Row::Sqlite(_) => packed(book, row, &mut take),
        Row::Postgres(_) | Row::Mysql(_) => {
            let day = kept_on_server(row).map_err(|unreadable| {
                let row = format!("entry of {}", date_told(row));
                Early::Unreadable(book.bad_row(row, unreadable))
            })?;
            take(&day).map_err(Early::Wanted)
        }
    };
    let text = match book.store.engine() {
        Engine::Sqlite => PACKED,
        Engine::Postgres | Engine::Mysql => PLAIN,
    };
    let between = [comparable(*days.start()), comparable(*days.end())];
    let each = |row: Row| match taken(&row) {
        Ok(()) => ControlFlow::Continue(()),
        Err(early) => ControlFlow::Break(early),
    };
    let scanned = book.store.each(text, &between, each).await;
    match scanned.map_err(|error| book.error("read the entries", error))? {
        ControlFlow::Continue(()) => Ok(ControlFlow::Continue(())),
        ControlFlow::Break(Early::Wanted(reason)) => Ok(ControlFlow::Break(reason)),
        ControlFlow::Break(Early::Unreadable(error)) => Err(error),
    }
}

fn packed<E>(
    book: &Book,
    row: &Row,
    take: &mut impl FnMut(&KeptDay<'_>) -> Result<(), E>,
) -> Result<(), Early<E>> {
    let packed: Option<&str> = plain(row, "days").map_err(|(_, why)| {
        Early::Unreadable(book.error("read the entries", sqlx::Error::Decode(why.into())))
    })?;
    // In any order, as far as SQLite promises.
    let mut texts: Vec<&str> = packed.iter().flat_map(|all| split(all, RECORD)).collect();
    texts.sort_unstable();
    for text in texts {
        let day = kept(text).map_err(|unreadable| {
            let date = split(text, UNIT).next().unwrap_or_default();
            Early::Unreadable(book.bad_row(format!("entry of {date}"), unreadable))
        })?;
        take(&day).map_err(Early::Wanted)?;
    }
    Ok(())
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

fn kept_on_server(row: &Row) -> Result<KeptDay<'_>, Unreadable> {
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
