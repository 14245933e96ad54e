//! Who is to get a report: its row, and one delivery for each message.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::SqliteConnection;

use crate::book::row::instant;
use crate::book::{Book, BookError};

use super::row::{also_json, bad_addresses_json, planned_of, recipients_json, recipients_of};
use super::{Channel, Known, Message, Plan, Planned, Subject, corrections};

/// Plans a report and returns how many messages are new. A report or message that is planned already
/// stays as it is.
pub async fn plan(book: &Book, plan: &Plan) -> Result<u64, BookError> {
    const TASK: &str = "plan a report";
    let mut transaction = book.begin(TASK).await?;
    let new = write_plan(book, &mut transaction, plan).await?;
    let committed = transaction.commit().await;
    committed.map_err(|error| book.error(TASK, error))?;
    Ok(new)
}

pub async fn planned(
    book: &Book,
    date: NaiveDate,
    subject: Subject,
) -> Result<Option<Planned>, BookError> {
    let row = sqlx::query("SELECT * FROM reports WHERE collection_date = ? AND subject = ?")
        .bind(date.to_string())
        .bind(subject.word())
        .fetch_optional(&book.pool)
        .await
        .map_err(|error| book.error("read a report", error))?;
    row.map(|row| planned_of(book, &row)).transpose()
}

/// Plans further copies on purpose and returns their numbers in the ledger. Earlier copies that were still
/// due are not sent beside them.
pub async fn add_copies(
    book: &Book,
    date: NaiveDate,
    subject: Subject,
    messages: &[Message],
    at: DateTime<Utc>,
) -> Result<Vec<i64>, BookError> {
    const TASK: &str = "plan further copies";
    let mut ids = Vec::with_capacity(messages.len());
    let mut transaction = book.begin(TASK).await?;
    for message in messages {
        let added = add_copy(&mut transaction, (date, subject), message, at).await;
        let id = added.map_err(|error| book.error(TASK, error))?;
        book.one_row(id.iter().count() as u64, || {
            let (subject, recipient) = (subject.word(), &message.recipient);
            format!("copy for {recipient} of the {subject} of {date}, which was never planned")
        })?;
        ids.extend(id);
    }
    let committed = transaction.commit().await;
    committed.map_err(|error| book.error(TASK, error))?;
    Ok(ids)
}

/// The query's recipients of the newest report that had any.
pub async fn known_recipients(book: &Book) -> Result<Vec<Known>, BookError> {
    let row = sqlx::query(
        "SELECT collection_date, recipients FROM reports WHERE json_array_length(recipients) > 0
         ORDER BY collection_date DESC, planned_at DESC LIMIT 1",
    )
    .fetch_optional(&book.pool)
    .await
    .map_err(|error| book.error("read the known recipients", error))?;
    row.map_or(Ok(Vec::new()), |row| recipients_of(book, &row))
}

/// The plan within a transaction that may also hold the entry of its day.
pub(in crate::book) async fn write_plan(
    book: &Book,
    connection: &mut SqliteConnection,
    plan: &Plan,
) -> Result<u64, BookError> {
    const TASK: &str = "plan a report";
    let report = &plan.report;
    let is_new = write_report(book, connection, report).await?;
    if is_new && report.subject == Subject::Report {
        let done = supersede(connection, report.date).await;
        done.map_err(|error| book.error(TASK, error))?;
        corrections::write(book, connection, report.date).await?;
    }
    let mut new = 0;
    for message in &plan.messages {
        let written = write_message(connection, report, message).await;
        new += written.map_err(|error| book.error(TASK, error))?;
    }
    Ok(new)
}

/// The addressee as the ledger compares it: letters of an address may be of either case.
pub(super) fn addressee(channel: Channel, recipient: &str) -> String {
    match channel {
        Channel::Email => recipient.to_ascii_lowercase(),
        Channel::Outbox | Channel::Webhook | Channel::Ping => recipient.to_owned(),
    }
}

/// Whether the report was not planned before.
async fn write_report(
    book: &Book,
    connection: &mut SqliteConnection,
    report: &Planned,
) -> Result<bool, BookError> {
    const TASK: &str = "plan a report";
    let unwritable = |error: serde_json::Error| book.error(TASK, sqlx::Error::Encode(error.into()));
    let done = sqlx::query(
        "INSERT INTO reports (collection_date, subject, planned_at, also_dates, recipients, stale_recipients,
             bad_addresses, reason, told)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, CASE ?2 WHEN 'failure' THEN '{}' ELSE
             coalesce((SELECT metrics FROM daily_metrics WHERE collection_date = ?1), '{}') END)
         ON CONFLICT DO NOTHING",
    )
    .bind(report.date.to_string())
    .bind(report.subject.word())
    .bind(instant(report.planned_at))
    .bind(also_json(&report.also).map_err(unwritable)?)
    .bind(recipients_json(&report.recipients).map_err(unwritable)?)
    .bind(&report.stale_recipients)
    .bind(bad_addresses_json(&report.bad_addresses).map_err(unwritable)?)
    .bind(&report.reason)
    .execute(connection)
    .await
    .map_err(|error| book.error(TASK, error))?;
    Ok(done.rows_affected() == 1)
}

/// What perhaps arrived stays in doubt; it is no longer due either.
async fn supersede(connection: &mut SqliteConnection, date: NaiveDate) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE deliveries SET state = 'failed', retry_at = NULL,
             reply = 'superseded by the report of the complete day'
         WHERE collection_date = ? AND subject <> 'report'
             AND (state = 'planned' OR state = 'failed' AND retry_at IS NOT NULL)",
    )
    .bind(date.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_message(
    connection: &mut SqliteConnection,
    report: &Planned,
    message: &Message,
) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "INSERT INTO deliveries (collection_date, subject, channel, recipient, name, language, numbers, message_id,
             planned_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )
    .bind(report.date.to_string())
    .bind(report.subject.word())
    .bind(message.channel.word())
    .bind(&message.recipient)
    .bind(&message.name)
    .bind(message.voice.language.code())
    .bind(message.voice.numbers.code())
    .bind(&message.message_id)
    .bind(instant(report.planned_at))
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// `None` where there is no such report.
async fn add_copy(
    connection: &mut SqliteConnection,
    (date, subject): (NaiveDate, Subject),
    message: &Message,
    at: DateTime<Utc>,
) -> sqlx::Result<Option<i64>> {
    let addressee = addressee(message.channel, &message.recipient);
    sqlx::query(
        "UPDATE deliveries SET state = 'failed', retry_at = NULL,
             reply = 'superseded by a further copy' || coalesce(': ' || reply, '')
         WHERE collection_date = ? AND subject = ? AND channel = ? AND addressee = ?
             AND (state = 'planned' OR state = 'failed' AND retry_at IS NOT NULL)",
    )
    .bind(date.to_string())
    .bind(subject.word())
    .bind(message.channel.word())
    .bind(&addressee)
    .execute(&mut *connection)
    .await?;
    sqlx::query_scalar(
        "INSERT INTO deliveries (collection_date, subject, channel, recipient, name, language, numbers, message_id,
             planned_at, copy)
         SELECT collection_date, subject, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
             (SELECT coalesce(max(copy), 0) + 1 FROM deliveries WHERE collection_date = ?1 AND subject = ?2
                 AND channel = ?3 AND addressee = ?10)
         FROM reports WHERE collection_date = ?1 AND subject = ?2
         RETURNING id",
    )
    .bind(date.to_string())
    .bind(subject.word())
    .bind(message.channel.word())
    .bind(&message.recipient)
    .bind(&message.name)
    .bind(message.voice.language.code())
    .bind(message.voice.numbers.code())
    .bind(&message.message_id)
    .bind(instant(at))
    .bind(&addressee)
    .fetch_optional(connection)
    .await
}
