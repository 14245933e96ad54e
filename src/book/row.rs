//! An entry as a row of the book, and back.

use std::collections::BTreeMap;
use std::fmt::Display;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;
use sqlx::{Decode, MySql, Postgres, Row as _, Sqlite, Type, ValueRef};

use crate::entry::{Entry, Provenance, Reading, Value};

use super::store::{Bind, Row};
use super::{Book, BookError};

/// A column that cannot be read, and why.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) column: &'static str,
    pub(super) why: String,
}

pub(super) fn unreadable(column: &'static str, why: impl ToString) -> Unreadable {
    let why = why.to_string();
    Unreadable { column, why }
}

impl From<Unreadable> for sqlx::Error {
    fn from(unreadable: Unreadable) -> Self {
        Self::Decode(unreadable.why.into())
    }
}

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
pub(super) fn provenance_json(readings: &BTreeMap<String, Reading>) -> sqlx::Result<Bind> {
    let plain = Provenance::default();
    let notable: BTreeMap<&String, &Provenance> = readings
        .iter()
        .map(|(key, reading)| (key, &reading.provenance))
        .filter(|(_, provenance)| **provenance != plain)
        .collect();
    Bind::json(&notable)
}

pub(super) fn entry_of(book: &Book, row: &Row) -> Result<Entry, BookError> {
    read_entry(row).map_err(|unreadable| book.bad_entry(row, unreadable))
}

impl Book {
    pub(super) fn bad_row(&self, row: String, unreadable: Unreadable) -> BookError {
        BookError::BadRow {
            book: self.name(),
            row,
            column: unreadable.column,
            why: unreadable.why,
        }
    }

    pub(super) fn bad_entry(&self, row: &Row, unreadable: Unreadable) -> BookError {
        self.bad_row(format!("entry of {}", date_text(row)), unreadable)
    }
}

fn read_entry(row: &Row) -> Result<Entry, Unreadable> {
    Ok(Entry {
        readings: readings(row)?,
        ..frame(row)?
    })
}

/// The entry without its readings.
pub(super) fn frame(row: &Row) -> Result<Entry, Unreadable> {
    let zone: String = plain(row, "time_zone")?;
    Ok(Entry {
        date: date(row, "collection_date")?,
        time_zone: zone
            .parse()
            .map_err(|_| unreadable("time_zone", format!("`{zone}` is not a time zone")))?,
        day_start: moment(row, "day_start")?,
        day_end: moment(row, "day_end")?,
        as_of: moment(row, "as_of")?,
        partial: plain(row, "partial")?,
        collected_at: moment(row, "collected_at")?,
        duration_ms: plain(row, "collection_duration_ms")?,
        catalog_hash: plain(row, "catalog_hash")?,
        readings: BTreeMap::new(),
    })
}

fn readings(row: &Row) -> Result<BTreeMap<String, Reading>, Unreadable> {
    let metrics: BTreeMap<String, &RawValue> = parsed(row, "metrics")?;
    let mut provenances: BTreeMap<String, &RawValue> = parsed(row, "provenance")?;
    let reading = |(key, json): (String, &RawValue)| {
        let value = match json.get() {
            "null" => None,
            text => Some(Value::from_text(text).ok_or_else(|| not_a_value("metrics", &key, text))?),
        };
        let provenance = match provenances.remove(&key) {
            None => Provenance::default(),
            Some(json) => serde_json::from_str(json.get())
                .map_err(|error| unreadable("provenance", format!("`{key}`: {error}")))?,
        };
        Ok((key, Reading { value, provenance }))
    };
    // Collected at once the map is packed, and a year of them is held; grown one by one it is half empty.
    let readings: BTreeMap<String, Reading> =
        metrics.into_iter().map(reading).collect::<Result<_, _>>()?;
    match provenances.keys().next() {
        None => Ok(readings),
        Some(key) => {
            let why = format!("`{key}` has no value in column `metrics`");
            Err(unreadable("provenance", why))
        }
    }
}

pub(super) fn not_a_value(column: &'static str, key: &str, json: impl Display) -> Unreadable {
    let why = format!("`{key}` is {json}, expected a number, null or the parts of a distribution");
    unreadable(column, why)
}

/// Read at once as what is wanted: maps that keep the order of their keys cost more than they are read for.
pub(super) fn parsed<'r, T: Deserialize<'r>>(
    row: &'r Row,
    column: &'static str,
) -> Result<T, Unreadable> {
    let text = json_text(row, column)?;
    serde_json::from_str(text).map_err(|error| unreadable(column, error))
}

/// JSON as it stands there; the servers have types of their own for it.
pub(super) fn json_text<'r>(row: &'r Row, column: &'static str) -> Result<&'r str, Unreadable> {
    let text = match row {
        Row::Sqlite(row) => row.try_get(column),
        Row::Postgres(row) => row.try_get_unchecked(column),
        Row::Mysql(row) => row.try_get_unchecked(column),
    };
    text.map_err(|error| unreadable(column, error))
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
    value.map_err(|error| unreadable(column, error))
}

/// A word of an enum.
pub(super) fn word<T>(
    row: &Row,
    column: &'static str,
    from_word: fn(&str) -> Option<T>,
) -> Result<T, Unreadable> {
    let word: String = plain(row, column)?;
    from_word(&word).ok_or_else(|| unreadable(column, format!("unknown value `{word}`")))
}

/// A whole number that is never negative.
pub(super) fn count(row: &Row, column: &'static str) -> Result<u32, Unreadable> {
    let whole: i64 = plain(row, column)?;
    u32::try_from(whole).map_err(|_| unreadable(column, format!("`{whole}` is out of range")))
}

pub(super) fn date(row: &Row, column: &'static str) -> Result<NaiveDate, Unreadable> {
    let date = match row {
        Row::Sqlite(_) => return parse_date(column, plain(row, column)?),
        Row::Postgres(row) => row.try_get(column),
        Row::Mysql(row) => row.try_get(column),
    };
    date.map_err(|error| unreadable(column, error))
}

/// The day of a row that cannot be read otherwise.
pub(super) fn date_text(row: &Row) -> String {
    const COLUMN: &str = "collection_date";
    match row {
        Row::Sqlite(_) => plain(row, COLUMN).unwrap_or_default(),
        Row::Postgres(_) | Row::Mysql(_) => {
            date(row, COLUMN).map_or_else(|_| String::new(), |date| date.to_string())
        }
    }
}

fn parse_date(column: &'static str, text: &str) -> Result<NaiveDate, Unreadable> {
    let wrong = |_| unreadable(column, format!("`{text}` is not a date like 2025-10-03"));
    text.parse().map_err(wrong)
}

pub(super) fn moment(row: &Row, column: &'static str) -> Result<DateTime<Utc>, Unreadable> {
    let at = match row {
        Row::Sqlite(_) => return parse_moment(column, plain(row, column)?),
        Row::Postgres(row) => row.try_get(column),
        Row::Mysql(row) => row.try_get(column).map(|at: NaiveDateTime| at.and_utc()),
    };
    at.map_err(|error| unreadable(column, error))
}

fn parse_moment(column: &'static str, text: &str) -> Result<DateTime<Utc>, Unreadable> {
    let at = DateTime::parse_from_rfc3339(text);
    at.map(|at| at.to_utc()).map_err(|_| {
        let why = format!("`{text}` is not an instant like 2025-10-03T22:00:00.000000Z");
        unreadable(column, why)
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
    match is_null.map_err(|error| unreadable(column, error))? {
        true => Ok(None),
        false => read(row, column).map(Some),
    }
}
