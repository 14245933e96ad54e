//! An entry as a row of the book, and back.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::entry::{Entry, Provenance, Reading, Value};

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

pub(super) fn entry_of(book: &Book, row: &SqliteRow) -> Result<Entry, BookError> {
    read_entry(row).map_err(|(column, why)| {
        let date: String = row.try_get("collection_date").unwrap_or_default();
        book.bad_row(format!("entry of {date}"), (column, why))
    })
}

impl Book {
    pub(super) fn bad_row(&self, row: String, (column, why): Unreadable) -> BookError {
        BookError::BadRow {
            path: self.path.clone(),
            row,
            column,
            why,
        }
    }
}

fn read_entry(row: &SqliteRow) -> Result<Entry, Unreadable> {
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

fn readings(row: &SqliteRow) -> Result<BTreeMap<String, Reading>, Unreadable> {
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

pub(super) fn object(
    row: &SqliteRow,
    column: &'static str,
) -> Result<Map<String, Json>, Unreadable> {
    parsed(row, column)
}

/// Read at once as what is wanted: maps that keep the order of their keys cost more than they are read for.
pub(super) fn parsed<'r, T: Deserialize<'r>>(
    row: &'r SqliteRow,
    column: &'static str,
) -> Result<T, Unreadable> {
    let text: &str = plain(row, column)?;
    serde_json::from_str(text).map_err(|error| (column, error.to_string()))
}

pub(super) fn plain<'r, T>(row: &'r SqliteRow, column: &'static str) -> Result<T, Unreadable>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(column)
        .map_err(|error| (column, error.to_string()))
}

pub(super) fn date(row: &SqliteRow, column: &'static str) -> Result<NaiveDate, Unreadable> {
    let text: String = plain(row, column)?;
    parse_date(&text).map_err(|why| (column, why))
}

pub(super) fn parse_date(text: &str) -> Result<NaiveDate, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not a date like 2025-10-03"))
}

pub(super) fn moment(row: &SqliteRow, column: &'static str) -> Result<DateTime<Utc>, Unreadable> {
    parse_moment(column, plain(row, column)?)
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
    row: &SqliteRow,
    column: &'static str,
    read: fn(&SqliteRow, &'static str) -> Result<T, Unreadable>,
) -> Result<Option<T>, Unreadable> {
    let text: Option<String> = plain(row, column)?;
    text.map(|_| read(row, column)).transpose()
}
