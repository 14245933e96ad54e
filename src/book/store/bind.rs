//! What is bound to a place of a statement, as each engine keeps it.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::mysql::MySqlArguments;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Encode, MySql, Postgres, Sqlite, Type};

use crate::book::row::instant;

#[derive(Debug, Clone, PartialEq)]
pub(in crate::book) enum Bind {
    Text(Option<String>),
    Whole(Option<i64>),
    Truth(bool),
    Day(Option<NaiveDate>),
    Instant(Option<DateTime<Utc>>),
    Json(Option<String>),
}

/// A JSON text, kept by the server as it is written.
#[derive(Debug)]
struct JsonText(String);

/// The server's own number for its type `json`.
const JSON: Oid = Oid(114);

impl Type<Postgres> for JsonText {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(JSON)
    }
}

impl Encode<'_, Postgres> for JsonText {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

impl Bind {
    pub(in crate::book) fn json(text: String) -> Self {
        Self::Json(Some(text))
    }

    /// In the same words whatever engine it came from; nothing at all is told apart from an empty text.
    pub(in crate::book) fn told(&self) -> String {
        let told = match self {
            Self::Text(text) | Self::Json(text) => text.clone(),
            Self::Whole(whole) => whole.map(|whole| whole.to_string()),
            Self::Truth(truth) => Some(truth.to_string()),
            Self::Day(day) => day.map(|day| day.to_string()),
            Self::Instant(at) => at.map(instant),
        };
        told.map_or("0".to_owned(), |told| format!("1{told}"))
    }

    pub(super) fn to_sqlite<'q>(
        &self,
        query: Query<'q, Sqlite, SqliteArguments>,
    ) -> Query<'q, Sqlite, SqliteArguments> {
        match self {
            Self::Text(text) | Self::Json(text) => query.bind(text.clone()),
            Self::Whole(whole) => query.bind(*whole),
            Self::Truth(truth) => query.bind(*truth),
            Self::Day(day) => query.bind(day.map(|day| day.to_string())),
            Self::Instant(at) => query.bind(at.map(instant)),
        }
    }

    pub(super) fn to_postgres<'q>(
        &self,
        query: Query<'q, Postgres, PgArguments>,
    ) -> Query<'q, Postgres, PgArguments> {
        match self {
            Self::Text(text) => query.bind(text.clone()),
            Self::Json(text) => query.bind(text.clone().map(JsonText)),
            Self::Whole(whole) => query.bind(*whole),
            Self::Truth(truth) => query.bind(*truth),
            Self::Day(day) => query.bind(*day),
            Self::Instant(at) => query.bind(at.map(|at| within_years(at.naive_utc()).and_utc())),
        }
    }

    pub(super) fn to_mysql<'q>(
        &self,
        query: Query<'q, MySql, MySqlArguments>,
    ) -> Query<'q, MySql, MySqlArguments> {
        match self {
            Self::Text(text) | Self::Json(text) => query.bind(text.clone()),
            Self::Whole(whole) => query.bind(*whole),
            Self::Truth(truth) => query.bind(*truth),
            Self::Day(day) => query.bind(*day),
            Self::Instant(at) => query.bind(at.map(|at| within_years(at.naive_utc()))),
        }
    }
}

/// Servers know no instants beyond years of four digits; whoever compares with one means all or none.
fn within_years(at: NaiveDateTime) -> NaiveDateTime {
    let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day);
    let clamped = match at.year() {
        ..1 => day(1, 1, 1),
        1..=9999 => None,
        10_000.. => day(9999, 12, 31),
    };
    clamped.map_or(at, |day| day.and_time(chrono::NaiveTime::MIN))
}

impl From<&str> for Bind {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<&String> for Bind {
    fn from(text: &String) -> Self {
        Self::Text(Some(text.clone()))
    }
}

impl From<&Option<String>> for Bind {
    fn from(text: &Option<String>) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i64> for Bind {
    fn from(whole: i64) -> Self {
        Self::Whole(Some(whole))
    }
}

impl From<Option<i64>> for Bind {
    fn from(whole: Option<i64>) -> Self {
        Self::Whole(whole)
    }
}

impl From<bool> for Bind {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

impl From<NaiveDate> for Bind {
    fn from(day: NaiveDate) -> Self {
        Self::Day(Some(day))
    }
}

impl From<Option<NaiveDate>> for Bind {
    fn from(day: Option<NaiveDate>) -> Self {
        Self::Day(day)
    }
}

impl From<DateTime<Utc>> for Bind {
    fn from(at: DateTime<Utc>) -> Self {
        Self::Instant(Some(at))
    }
}

impl From<Option<DateTime<Utc>>> for Bind {
    fn from(at: Option<DateTime<Utc>>) -> Self {
        Self::Instant(at)
    }
}
