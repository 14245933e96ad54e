//! An entry as a row of the book, and back.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};
use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, MySql, Postgres, Row as _, Sqlite, Type, ValueRef};

use crate::entry::{Entry, Provenance, Reading, Value};

use super::store::Row;
use super::{Book, BookError};

/// A column that cannot be read, and why.
pub(super) type Unreadable = (&'static str, String);

pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Every value by its key; `null` where there is none.
pub(super) fn metrics_json(readings: &BTreeMap<String, Reading>) -> String {
    let values = readings.iter().map(|(key, reading)| {
        let json = reading.value.as_ref().map_or(Json::Null, Value::to_json);
        (key.clone(), json)
    });
    Json::Object(values.collect()).to_string()
}

/// Only what is not plainly observed.
pub(super) fn provenance_json(readings: &BTreeMap<String, Reading>) -> serde_json::Result<String> {
    let plain = Provenance::default();
    let told: BTreeMap<&String, &Provenance> = readings
        .iter()
        .map(|(key, reading)| (key, &reading.provenance))
        .filter(|(_, provenance)| **provenance != plain)
        .collect();
    serde_json::to_string(&told)
}

pub(super) fn entry_of(book: &Book, row: &Row) -> Result<Entry, BookError> {
    read_entry(row).map_err(|(column, why)| {
        book.bad_row(format!("entry of {}", date_told(row)), (column, why))
    })
}

impl Book {
    pub(super) fn bad_row(&self, row: String, (column, why): Unreadable) -> BookError {
        BookError::BadRow {
            book: self.name(),
            row,
            column,
            why,
        }
    }
}

fn read_entry(row: &Row) -> Result<Entry, Unreadable> {
    let zone: String = plain(row, "time_zone")?;
    Ok(Entry {
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
        catalog_hash: plain(row, "catalog_hash")?,
        readings: readings(row)?,
    })
}

fn readings(row: &Row) -> Result<BTreeMap<String, Reading>, Unreadable> {
    let metrics: BTreeMap<String, &RawValue> = parsed(row, "metrics")?;
    let mut told: BTreeMap<String, &RawValue> = parsed(row, "provenance")?;
    let reading = |(key, json): (String, &RawValue)| {
        let value = match json.get() {
            "null" => None,
            text => Some(Value::from_text(text).ok_or_else(|| {
                let why = format!(
                    "`{key}` is {text}, expected a number, null or the parts of a distribution"
                );
                ("metrics", why)
            })?),
        };
        let provenance = match told.remove(&key) {
            None => Provenance::default(),
            Some(json) => serde_json::from_str(json.get())
                .map_err(|error| ("provenance", format!("`{key}`: {error}")))?,
        };
        Ok((key, Reading { value, provenance }))
    };
    // Collected at once the map is packed, and a year of them is held; grown one by one it is half empty.
    let readings: BTreeMap<String, Reading> =
        metrics.into_iter().map(reading).collect::<Result<_, _>>()?;
    match told.keys().next() {
        None => Ok(readings),
        Some(key) => Err((
            "provenance",
            format!("`{key}` has no value in column `metrics`"),
        )),
    }
}

pub(super) fn object(row: &Row, column: &'static str) -> Result<Map<String, Json>, Unreadable> {
    parsed(row, column)
}

/// Read at once as what is wanted: maps that keep the order of their keys cost more than they are read for.
pub(super) fn parsed<'r, T: Deserialize<'r>>(
    row: &'r Row,
    column: &'static str,
) -> Result<T, Unreadable> {
    let text = json_text(row, column)?;
    serde_json::from_str(text).map_err(|error| (column, error.to_string()))
}

/// JSON as it stands there; the servers have types of their own for it.
pub(super) fn json_text<'r>(row: &'r Row, column: &'static str) -> Result<&'r str, Unreadable> {
    let text = match row {
        Row::Sqlite(row) => row.try_get(column),
        Row::Postgres(row) => row.try_get_unchecked(column),
        Row::Mysql(row) => row.try_get_unchecked(column),
    };
    text.map_err(|error| (column, error.to_string()))
}

pub(super) fn plain<'r, T>(row: &'r Row, column: &'static str) -> Result<T, Unreadable>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
    T: Decode<'r, Postgres> + Type<Postgres>,
    T: Decode<'r, MySql> + Type<MySql>,
{
    let value = match row {
        Row::Sqlite(row) => row.try_get(column),
        Row::Postgres(row) => row.try_get(column),
        Row::Mysql(row) => row.try_get(column),
    };
    value.map_err(|error| (column, error.to_string()))
}

/// A whole number that is never negative.
pub(super) fn count(row: &Row, column: &'static str) -> Result<u32, Unreadable> {
    let whole: i64 = plain(row, column)?;
    u32::try_from(whole).map_err(|_| (column, format!("`{whole}` is out of range")))
}

pub(super) fn date(row: &Row, column: &'static str) -> Result<NaiveDate, Unreadable> {
    match row {
        Row::Sqlite(row) => {
            let text: String = of_file(row, column)?;
            parse_date(&text).map_err(|why| (column, why))
        }
        Row::Postgres(row) => of_postgres(row, column),
        Row::Mysql(row) => of_mysql(row, column),
    }
}

/// The day of a row that cannot be read otherwise.
pub(super) fn date_told(row: &Row) -> String {
    const COLUMN: &str = "collection_date";
    match row {
        Row::Sqlite(row) => of_file(row, COLUMN).unwrap_or_default(),
        Row::Postgres(_) | Row::Mysql(_) => {
            date(row, COLUMN).map_or_else(|_| String::new(), |date| date.to_string())
        }
    }
}

pub(super) fn parse_date(text: &str) -> Result<NaiveDate, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not a date like 2025-10-03"))
}

pub(super) fn moment(row: &Row, column: &'static str) -> Result<DateTime<Utc>, Unreadable> {
    match row {
        Row::Sqlite(row) => parse_moment(column, of_file(row, column)?),
        Row::Postgres(row) => of_postgres(row, column),
        Row::Mysql(row) => {
            let at: NaiveDateTime = of_mysql(row, column)?;
            Ok(at.and_utc())
        }
    }
}

pub(super) fn parse_moment(column: &'static str, text: &str) -> Result<DateTime<Utc>, Unreadable> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.with_timezone(&Utc))
        .map_err(|_| {
            let why = format!("`{text}` is not an instant like 2025-10-03T22:00:00.000000Z");
            (column, why)
        })
}

/// Absent, or read by `read`.
pub(super) fn optional<T>(
    row: &Row,
    column: &'static str,
    read: fn(&Row, &'static str) -> Result<T, Unreadable>,
) -> Result<Option<T>, Unreadable> {
    let is_null = match row {
        Row::Sqlite(row) => row.try_get_raw(column).map(|value| value.is_null()),
        Row::Postgres(row) => row.try_get_raw(column).map(|value| value.is_null()),
        Row::Mysql(row) => row.try_get_raw(column).map(|value| value.is_null()),
    };
    match is_null.map_err(|error| (column, error.to_string()))? {
        true => Ok(None),
        false => read(row, column).map(Some),
    }
}

fn of_file<'r, T>(row: &'r SqliteRow, column: &'static str) -> Result<T, Unreadable>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    row.try_get(column)
        .map_err(|error| (column, error.to_string()))
}

fn of_postgres<'r, T>(row: &'r PgRow, column: &'static str) -> Result<T, Unreadable>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    row.try_get(column)
        .map_err(|error| (column, error.to_string()))
}

fn of_mysql<'r, T>(row: &'r MySqlRow, column: &'static str) -> Result<T, Unreadable>
where
    T: Decode<'r, MySql> + Type<MySql>,
{
    row.try_get(column)
        .map_err(|error| (column, error.to_string()))
}
