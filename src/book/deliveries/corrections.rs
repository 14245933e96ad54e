//! Numbers that readers were told and that have changed since, each told once.

use chrono::{Days, NaiveDate};
use serde_json::{Map, Value as Json};

use crate::book::entries::comparable;
use crate::book::row::{self, Unreadable, object};
use crate::book::store::{Bind, Row, Writing};
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
    writing: &mut Writing,
    date: NaiveDate,
) -> Result<(), BookError> {
    const TELL: &str =
        "UPDATE reports SET told = ?1 WHERE collection_date = ?2 AND subject = 'report'";
    const NOTE: &str =
        "UPDATE reports SET corrections = ?1 WHERE collection_date = ?2 AND subject = 'report'";
    let failed = |error| book.error(TASK, error);
    let mut all = Vec::new();
    for changed in changed_reports(book, writing, date).await? {
        if changed.corrections.is_empty() {
            continue;
        }
        let told = Bind::json(Json::Object(changed.told).to_string());
        let done = writing.change(TELL, &[told, changed.date.into()]).await;
        book.one_row(done.map_err(failed)?, || {
            format!("report of {}", changed.date)
        })?;
        all.extend(changed.corrections);
    }
    let json = corrections_json(&all).map_err(|error| failed(sqlx::Error::Encode(error.into())))?;
    let done = writing.change(NOTE, &[Bind::json(json), date.into()]).await;
    book.one_row(done.map_err(failed)?, || format!("report of {date}"))
}

/// Only reports that somebody has: a ping tells no numbers.
async fn changed_reports(
    book: &Book,
    writing: &mut Writing,
    date: NaiveDate,
) -> Result<Vec<Changed>, BookError> {
    const TOLD: &str = "SELECT collection_date, told, metrics FROM reports JOIN daily_metrics USING (collection_date)
         WHERE subject = 'report' AND collection_date >= ?1 AND collection_date < ?2
             AND EXISTS (SELECT 1 FROM deliveries
                 WHERE deliveries.collection_date = reports.collection_date AND deliveries.subject = 'report'
                     AND state = 'accepted' AND channel IN ('email', 'outbox', 'webhook'))
         ORDER BY collection_date";
    let first = date.checked_sub_days(DAYS).unwrap_or(NaiveDate::MIN);
    let rows = writing.rows(TOLD, &[comparable(first), date.into()]).await;
    let rows = rows.map_err(|error| book.error(TASK, error))?;
    rows.iter()
        .map(|row| compare(row).map_err(|unreadable| bad_report(book, row, unreadable)))
        .collect()
}

/// A number that was unknown when it was sent is no correction when it becomes known, and stays untold.
fn compare(row: &Row) -> Result<Changed, Unreadable> {
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
