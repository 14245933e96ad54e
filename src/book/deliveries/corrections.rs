//! Numbers that readers were told and that have changed since, each told once.

use chrono::{Days, NaiveDate};
use serde_json::{Map, Value as Json};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::book::entries::comparable;
use crate::book::row::{self, Unreadable, object};
use crate::book::{Book, BookError};
use crate::entry::Value;

use super::Corrected;
use super::row::{bad_report, corrections_json};

/// How far back a changed number is still news.
const DAYS: Days = Days::new(31);

const TASK: &str = "note what has changed since it was sent";

/// An earlier report some of whose numbers have changed.
struct Changed {
    date: NaiveDate,
    told: Map<String, Json>,
    corrections: Vec<Corrected>,
}

/// Writes what has changed into the report of `date`, and into the earlier reports that it is told now.
pub(super) async fn write(
    book: &Book,
    connection: &mut SqliteConnection,
    date: NaiveDate,
) -> Result<(), BookError> {
    let mut all = Vec::new();
    for changed in changed_reports(book, connection, date).await? {
        if changed.corrections.is_empty() {
            continue;
        }
        let told = Json::Object(changed.told).to_string();
        let done = sqlx::query(
            "UPDATE reports SET told = ? WHERE collection_date = ? AND subject = 'report'",
        )
        .bind(told)
        .bind(changed.date.to_string())
        .execute(&mut *connection)
        .await
        .map_err(|error| book.error(TASK, error))?;
        book.one_row(done.rows_affected(), || {
            format!("report of {}", changed.date)
        })?;
        all.extend(changed.corrections);
    }
    let json = corrections_json(&all)
        .map_err(|error| book.error(TASK, sqlx::Error::Encode(error.into())))?;
    let done = sqlx::query(
        "UPDATE reports SET corrections = ? WHERE collection_date = ? AND subject = 'report'",
    )
    .bind(json)
    .bind(date.to_string())
    .execute(connection)
    .await
    .map_err(|error| book.error(TASK, error))?;
    book.one_row(done.rows_affected(), || format!("report of {date}"))
}

/// Only reports that somebody has: a ping tells no numbers.
async fn changed_reports(
    book: &Book,
    connection: &mut SqliteConnection,
    date: NaiveDate,
) -> Result<Vec<Changed>, BookError> {
    let first = date.checked_sub_days(DAYS).unwrap_or(NaiveDate::MIN);
    let rows = sqlx::query(
        "SELECT collection_date, told, metrics FROM reports JOIN daily_metrics USING (collection_date)
         WHERE subject = 'report' AND collection_date >= ? AND collection_date < ?
             AND EXISTS (SELECT 1 FROM deliveries
                 WHERE deliveries.collection_date = reports.collection_date AND deliveries.subject = 'report'
                     AND state = 'accepted' AND channel IN ('email', 'outbox', 'webhook'))
         ORDER BY collection_date",
    )
    .bind(comparable(first))
    .bind(date.to_string())
    .fetch_all(connection)
    .await
    .map_err(|error| book.error(TASK, error))?;
    rows.iter()
        .map(|row| compare(row).map_err(|unreadable| bad_report(book, row, unreadable)))
        .collect()
}

/// A number that was unknown when it was sent is no correction when it becomes known, and stays untold.
fn compare(row: &SqliteRow) -> Result<Changed, Unreadable> {
    let date = row::date(row, "collection_date")?;
    let mut told = object(row, "told")?;
    let metrics = object(row, "metrics")?;
    let mut corrections = Vec::new();
    for (key, sent) in &mut told {
        let Some(present) = metrics.get(key) else {
            continue;
        };
        let numbers = number("told", key, sent)?.zip(number("metrics", key, present)?);
        if let Some((mailed, now)) = numbers.filter(|(mailed, now)| mailed != now) {
            let key = key.clone();
            *sent = present.clone();
            corrections.push(Corrected {
                date,
                key,
                mailed,
                now,
            });
        }
    }
    Ok(Changed {
        date,
        told,
        corrections,
    })
}

fn number(column: &'static str, key: &str, json: &Json) -> Result<Option<f64>, Unreadable> {
    if json.is_null() {
        return Ok(None);
    }
    let value = Value::from_json(json).ok_or_else(|| {
        let why =
            format!("`{key}` is {json}, expected a number, null or the parts of a distribution");
        (column, why)
    })?;
    Ok(value.number())
}
