//! Who is to get a report: its row, and one delivery for each message.

use chrono::{DateTime, NaiveDate, Utc};

use crate::book::entries::comparable;
use crate::book::row::plain;
use crate::book::store::{Bind, Writing};
use crate::book::{Book, BookError};
use crate::engine::Engine;

use super::row::{also_json, bad_addresses_json, planned_of, recipients_json, recipients_of};
use super::{Channel, Known, Message, Plan, Planned, Subject, addressee, corrections};

/// Plans a report and returns how many messages are new. A report or message that is planned already
/// stays as it is.
pub async fn plan(book: &Book, plan: &Plan) -> Result<u64, BookError> {
    const TASK: &str = "plan a report";
    let mut writing = book.begin(TASK).await?;
    let new = write_plan(book, &mut writing, plan).await?;
    book.commit(TASK, writing).await?;
    Ok(new)
}

pub async fn planned(
    book: &Book,
    date: NaiveDate,
    subject: Subject,
) -> Result<Option<Planned>, BookError> {
    const ASKED: &str = "SELECT * FROM reports WHERE collection_date = ?1 AND subject = ?2";
    let of = [date.into(), subject.word().into()];
    let row = book.store.row(ASKED, &of).await;
    let row = row.map_err(|error| book.error("read a report", error))?;
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
    let mut writing = book.begin(TASK).await?;
    for message in messages {
        let added = add_copy(&mut writing, date, subject, message, at).await;
        let id = added.map_err(|error| book.error(TASK, error))?;
        book.one_row(id.iter().count() as u64, || {
            let (subject, recipient) = (subject.word(), &message.recipient);
            format!("copy for {recipient} of the {subject} of {date}, which was never planned")
        })?;
        ids.extend(id);
    }
    book.commit(TASK, writing).await?;
    Ok(ids)
}

/// The query's recipients of the newest report up to `today` that had any.
pub async fn known_recipients(book: &Book, today: NaiveDate) -> Result<Vec<Known>, BookError> {
    let text = match book.store.engine() {
        Engine::Sqlite | Engine::Postgres => {
            "SELECT collection_date, recipients FROM reports WHERE json_array_length(recipients) > 0 AND collection_date <= ?1
             ORDER BY collection_date DESC, planned_at DESC LIMIT 1"
        }
        Engine::Mysql => {
            "SELECT collection_date, recipients FROM reports WHERE json_length(recipients) > 0 AND collection_date <= ?1
             ORDER BY collection_date DESC, planned_at DESC LIMIT 1"
        }
    };
    let row = book.store.row(text, &[comparable(today)]).await;
    let row = row.map_err(|error| book.error("read the known recipients", error))?;
    row.map_or(Ok(Vec::new()), |row| recipients_of(book, &row))
}

/// The plan within a transaction that may also hold the entry of its day.
pub(in crate::book) async fn write_plan(
    book: &Book,
    writing: &mut Writing,
    plan: &Plan,
) -> Result<u64, BookError> {
    const TASK: &str = "plan a report";
    let report = &plan.report;
    let is_new = write_report(book, writing, report).await?;
    if is_new && report.subject == Subject::Report {
        let done = supersede(writing, report.date).await;
        done.map_err(|error| book.error(TASK, error))?;
        corrections::write(book, writing, report.date).await?;
    }
    let mut new = 0;
    for message in &plan.messages {
        let written = write_message(writing, report, message).await;
        new += u64::from(written.map_err(|error| book.error(TASK, error))?);
    }
    Ok(new)
}

/// The addressee as the column of that name has it.
pub(super) fn stored_addressee(engine: Engine, channel: Channel, recipient: &str) -> String {
    match channel {
        // MySQL knows no way to leave letters outside ASCII as they are.
        Channel::Email if engine == Engine::Mysql => recipient.to_lowercase(),
        _ => addressee(channel, recipient),
    }
}

/// Whether the report was not planned before.
async fn write_report(
    book: &Book,
    writing: &mut Writing,
    report: &Planned,
) -> Result<bool, BookError> {
    const TASK: &str = "plan a report";
    let unwritable = |error: serde_json::Error| book.error(TASK, sqlx::Error::Encode(error.into()));
    const NEW: &str =
        "INSERT INTO reports (collection_date, subject, planned_at, also_dates, recipients, stale_recipients,
             bad_addresses, reason, told)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, CASE ?2 WHEN 'failure' THEN '{}' ELSE
             coalesce((SELECT metrics FROM daily_metrics WHERE collection_date = ?1), '{}') END)";
    let binds = [
        report.date.into(),
        report.subject.word().into(),
        report.planned_at.into(),
        Bind::json(also_json(&report.also).map_err(unwritable)?),
        Bind::json(recipients_json(&report.recipients).map_err(unwritable)?),
        (&report.stale_recipients).into(),
        Bind::json(bad_addresses_json(&report.bad_addresses).map_err(unwritable)?),
        (&report.reason).into(),
    ];
    let added = writing.add_if_new(NEW, &binds).await;
    added.map_err(|error| book.error(TASK, error))
}

/// What perhaps arrived stays in doubt; it is no longer due either.
async fn supersede(writing: &mut Writing, date: NaiveDate) -> sqlx::Result<()> {
    const OPEN: &str = "UPDATE deliveries SET state = 'failed', retry_at = NULL,
             reply = 'superseded by the report of the complete day'
         WHERE collection_date = ?1 AND subject <> 'report'
             AND (state = 'planned' OR state = 'failed' AND retry_at IS NOT NULL)";
    writing.change(OPEN, &[date.into()]).await?;
    Ok(())
}

/// Whether it is new.
async fn write_message(
    writing: &mut Writing,
    report: &Planned,
    message: &Message,
) -> sqlx::Result<bool> {
    let (date, subject) = (report.date, report.subject);
    let binds = message_binds(date, subject, message, report.planned_at, 1);
    writing.add_if_new(MESSAGE, &binds).await
}

const MESSAGE: &str =
    "INSERT INTO deliveries (collection_date, subject, channel, recipient, name, language, numbers, message_id,
         planned_at, copy)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

fn message_binds(
    date: NaiveDate,
    subject: Subject,
    message: &Message,
    at: DateTime<Utc>,
    copy: i64,
) -> [Bind; 10] {
    [
        date.into(),
        subject.word().into(),
        message.channel.word().into(),
        (&message.recipient).into(),
        (&message.name).into(),
        message.locale.language.code().into(),
        message.locale.numbers.code().into(),
        (&message.message_id).into(),
        at.into(),
        copy.into(),
    ]
}

/// `None` where there is no such report.
async fn add_copy(
    writing: &mut Writing,
    date: NaiveDate,
    subject: Subject,
    message: &Message,
    at: DateTime<Utc>,
) -> sqlx::Result<Option<i64>> {
    const EARLIER: &str = "UPDATE deliveries SET state = 'failed', retry_at = NULL,
             reply = 'superseded by a further copy' || coalesce(': ' || reply, '')
         WHERE collection_date = ?1 AND subject = ?2 AND channel = ?3 AND addressee = ?4
             AND (state = 'planned' OR state = 'failed' AND retry_at IS NOT NULL)";
    const NEXT: &str =
        "SELECT (SELECT coalesce(max(copy), 0) + 1 FROM deliveries WHERE collection_date = ?1
                 AND subject = ?2 AND channel = ?3 AND addressee = ?4) AS copy
         FROM reports WHERE collection_date = ?1 AND subject = ?2";
    let to = stored_addressee(writing.engine(), message.channel, &message.recipient);
    let addressed = [
        date.into(),
        subject.word().into(),
        message.channel.word().into(),
        (&to).into(),
    ];
    writing.change(EARLIER, &addressed).await?;
    let Some(row) = writing.row(NEXT, &addressed).await? else {
        return Ok(None);
    };
    let copy: i64 = plain(&row, "copy").map_err(|(_, why)| sqlx::Error::Decode(why.into()))?;
    let binds = message_binds(date, subject, message, at, copy);
    writing.add(MESSAGE, &binds).await.map(Some)
}
