//! Numbers that were sent and have changed since; each change is reported once.

use chrono::{Days, NaiveDate};
use serde_json::{Map, Value as Json};

use crate::book::entries::comparable;
use crate::book::row::{self, Unreadable, not_a_value, parsed};
use crate::book::store::{Bind, Row, Transaction};
use crate::book::{Book, BookError};
use crate::entry::Value;

use super::Corrected;
use super::row::bad_report;

/// How far back a changed number is still news.
const DAYS: Days = Days::new(31);

/// An earlier report some of whose numbers have changed.
struct Changed {
    date: NaiveDate,
    /// The numbers as readers know them from now on.
    sent: Map<String, Json>,
    corrections: Vec<Corrected>,
}

/// Writes the changes into the report of `date`, and the new numbers into the earlier reports.
pub(super) async fn write(
    book: &Book,
    tx: &mut Transaction,
    date: NaiveDate,
) -> Result<(), BookError> {
    const TELL: &str =
        "UPDATE reports SET told = ?1 WHERE collection_date = ?2 AND subject = 'report'";
    const NOTE: &str =
        "UPDATE reports SET corrections = ?1 WHERE collection_date = ?2 AND subject = 'report'";
    let mut all = Vec::new();
    for changed in changed_reports(book, tx, date).await? {
        if changed.corrections.is_empty() {
            continue;
        }
        let sent = Bind::json(&changed.sent).map_err(|error| tx.error(error))?;
        let row = || format!("report of {}", changed.date);
        tx.change_one(TELL, &[sent, changed.date.into()], row)
            .await?;
        all.extend(changed.corrections);
    }
    let corrections = Bind::json(&all).map_err(|error| tx.error(error))?;
    let row = || format!("report of {date}");
    tx.change_one(NOTE, &[corrections, date.into()], row).await
}

/// Only reports that a reader has: a ping holds no numbers.
async fn changed_reports(
    book: &Book,
    tx: &mut Transaction,
    date: NaiveDate,
) -> Result<Vec<Changed>, BookError> {
    const SENT: &str = "SELECT collection_date, told, metrics FROM reports JOIN daily_metrics USING (collection_date)
         WHERE subject = 'report' AND collection_date >= ?1 AND collection_date < ?2
             AND EXISTS (SELECT 1 FROM deliveries
                 WHERE deliveries.collection_date = reports.collection_date AND deliveries.subject = 'report'
                     AND state = 'accepted' AND channel IN ('email', 'outbox', 'webhook'))
         ORDER BY collection_date";
    let first = date.checked_sub_days(DAYS).unwrap_or(NaiveDate::MIN);
    let rows = tx.rows(SENT, &[comparable(first), date.into()]).await?;
    rows.iter()
        .map(|row| compare(row).map_err(|unreadable| bad_report(book, row, unreadable)))
        .collect()
}

/// A number that was unknown when the report was sent is no correction when it becomes known.
fn compare(row: &Row) -> Result<Changed, Unreadable> {
    let date = row::date(row, "collection_date")?;
    let mut sent: Map<String, Json> = parsed(row, "told")?;
    let metrics: Map<String, Json> = parsed(row, "metrics")?;
    let mut corrections = Vec::new();
    for (key, value) in &mut sent {
        let Some(present) = metrics.get(key) else {
            continue;
        };
        let numbers = number("told", key, value)?.zip(number("metrics", key, present)?);
        if let Some((mailed, now)) = numbers.filter(|(mailed, now)| mailed != now) {
            let key = key.clone();
            *value = present.clone();
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
        sent,
        corrections,
    })
}

fn number(column: &'static str, key: &str, json: &Json) -> Result<Option<f64>, Unreadable> {
    if json.is_null() {
        return Ok(None);
    }
    let value = Value::from_json(json).ok_or_else(|| not_a_value(column, key, json))?;
    Ok(value.number())
}
