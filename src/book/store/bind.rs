//! A value bound to a place of a statement, in the form that each engine takes.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use serde::Serialize;
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

/// JSON that the server stores as written.
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
    pub(in crate::book) fn json(value: &impl Serialize) -> sqlx::Result<Self> {
        let text =
            serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))?;
        Ok(Self::Json(Some(text)))
    }

    /// The same text for every engine, in which an empty text differs from none.
    pub(in crate::book) fn canonical(&self) -> String {
        let text = match self {
            Self::Text(text) | Self::Json(text) => text.clone(),
            Self::Whole(whole) => whole.map(|whole| whole.to_string()),
            Self::Truth(truth) => Some(truth.to_string()),
            Self::Day(day) => day.map(|day| day.to_string()),
            Self::Instant(at) => at.map(instant),
        };
        text.map_or("0".to_owned(), |text| format!("1{text}"))
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

/// Servers know no instants beyond years of four digits; a comparison with such a bound means all or none.
fn within_years(at: NaiveDateTime) -> NaiveDateTime {
    let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day);
    let clamped = match at.year() {
        ..1 => day(1, 1, 1),
        1..=9999 => None,
        10_000.. => day(9999, 12, 31),
    };
    clamped.map_or(at, |day| day.and_time(chrono::NaiveTime::MIN))
}

macro_rules! bind_from {
    ($($type:ty, $value:ident => $bind:expr;)*) => {$(
        impl From<$type> for Bind {
            fn from($value: $type) -> Self {
                $bind
            }
        }
    )*};
}

bind_from! {
    &str, text => Self::Text(Some(text.to_owned()));
    &String, text => Self::Text(Some(text.clone()));
    &Option<String>, text => Self::Text(text.clone());
    i64, whole => Self::Whole(Some(whole));
    Option<i64>, whole => Self::Whole(whole);
    bool, truth => Self::Truth(truth);
    NaiveDate, day => Self::Day(Some(day));
    Option<NaiveDate>, day => Self::Day(day);
    DateTime<Utc>, at => Self::Instant(Some(at));
    Option<DateTime<Utc>>, at => Self::Instant(at);
}
