//! Planning a report: its row, and one delivery for each message.

use chrono::{DateTime, NaiveDate, Utc};

use crate::book::entries::comparable;
use crate::book::row::{parsed, plain};
use crate::book::store::{Bind, Transaction};
use crate::book::{Book, BookError};
use crate::engine::Engine;

use super::row::{bad_report, planned_of};
use super::{Channel, KnownRecipient, Message, Plan, Planned, Subject, addressee, corrections};

/// Plans a report and returns how many messages are new. A report or message that is planned already
/// stays as it is.
pub async fn plan(book: &Book, plan: &Plan) -> Result<u64, BookError> {
    const TASK: &str = "plan a report";
    let mut tx = book.begin(TASK).await?;
    let new = write_plan(book, &mut tx, plan).await?;
    tx.commit().await?;
    Ok(new)
}

pub async fn planned(
    book: &Book,
    date: NaiveDate,
    subject: Subject,
) -> Result<Option<Planned>, BookError> {
    const ASKED: &str = "SELECT * FROM reports WHERE collection_date = ?1 AND subject = ?2";
    let binds = [date.into(), subject.word().into()];
    let row = book.row("read a report", ASKED, &binds).await?;
    row.map(|row| planned_of(book, &row)).transpose()
}

/// Plans further copies on purpose and returns their ids. Earlier copies that were still due are not sent any more.
pub async fn add_copies(
    book: &Book,
    date: NaiveDate,
    subject: Subject,
    messages: &[Message],
    at: DateTime<Utc>,
) -> Result<Vec<i64>, BookError> {
    const TASK: &str = "plan further copies";
    let mut ids = Vec::with_capacity(messages.len());
    let mut tx = book.begin(TASK).await?;
    for message in messages {
        ids.push(add_copy(&mut tx, date, subject, message, at).await?);
    }
    tx.commit().await?;
    Ok(ids)
}

/// The query's recipients of the newest report up to `today` that had any.
pub async fn known_recipients(
    book: &Book,
    today: NaiveDate,
) -> Result<Vec<KnownRecipient>, BookError> {
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
    let binds = [comparable(today)];
    let Some(row) = book.row("read the known recipients", text, &binds).await? else {
        return Ok(Vec::new());
    };
    parsed(&row, "recipients").map_err(|unreadable| bad_report(book, &row, unreadable))
}

/// The plan within a transaction that may also hold the entry of its day.
pub(in crate::book) async fn write_plan(
    book: &Book,
    tx: &mut Transaction,
    plan: &Plan,
) -> Result<u64, BookError> {
    let report = &plan.report;
    let is_new = write_report(tx, report).await?;
    if is_new && report.subject == Subject::Report {
        supersede(tx, report.date).await?;
        corrections::write(book, tx, report.date).await?;
    }
    let mut new = 0;
    for message in &plan.messages {
        let binds = message_binds(report.date, report.subject, message, report.planned_at, 1);
        new += u64::from(tx.add_if_new(MESSAGE, &binds).await?);
    }
    Ok(new)
}

/// The addressee as its column holds it.
pub(super) fn stored_addressee(engine: Engine, channel: Channel, recipient: &str) -> String {
    match channel {
        // MySQL cannot leave letters outside ASCII as they are.
        Channel::Email if engine == Engine::Mysql => recipient.to_lowercase(),
        _ => addressee(channel, recipient),
    }
}

/// Whether the report was not planned before.
async fn write_report(tx: &mut Transaction, report: &Planned) -> Result<bool, BookError> {
    let unwritable = |error| tx.error(error);
    const NEW: &str =
        "INSERT INTO reports (collection_date, subject, planned_at, also_dates, recipients, stale_recipients,
             bad_addresses, reason, told)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, CASE ?2 WHEN 'failure' THEN '{}' ELSE
             coalesce((SELECT metrics FROM daily_metrics WHERE collection_date = ?1), '{}') END)";
    let binds = [
        report.date.into(),
        report.subject.word().into(),
        report.planned_at.into(),
        Bind::json(&report.also).map_err(unwritable)?,
        Bind::json(&report.recipients).map_err(unwritable)?,
        (&report.stale_recipients).into(),
        Bind::json(&report.bad_addresses).map_err(unwritable)?,
        (&report.reason).into(),
    ];
    tx.add_if_new(NEW, &binds).await
}

/// Messages in doubt stay so; they are no longer due either.
async fn supersede(tx: &mut Transaction, date: NaiveDate) -> Result<(), BookError> {
    const OPEN: &str = "UPDATE deliveries SET state = 'failed', retry_at = NULL,
             reply = 'superseded by the report of the complete day'
         WHERE collection_date = ?1 AND subject <> 'report'
             AND (state = 'planned' OR state = 'failed' AND retry_at IS NOT NULL)";
    tx.change(OPEN, &[date.into()]).await.map(drop)
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

async fn add_copy(
    tx: &mut Transaction,
    date: NaiveDate,
    subject: Subject,
    message: &Message,
    at: DateTime<Utc>,
) -> Result<i64, BookError> {
    const EARLIER: &str = "UPDATE deliveries SET state = 'failed', retry_at = NULL,
             reply = 'superseded by a further copy' || coalesce(': ' || reply, '')
         WHERE collection_date = ?1 AND subject = ?2 AND channel = ?3 AND addressee = ?4
             AND (state = 'planned' OR state = 'failed' AND retry_at IS NOT NULL)";
    const NEXT: &str =
        "SELECT (SELECT coalesce(max(copy), 0) + 1 FROM deliveries WHERE collection_date = ?1
                 AND subject = ?2 AND channel = ?3 AND addressee = ?4) AS copy
         FROM reports WHERE collection_date = ?1 AND subject = ?2";
    let to = stored_addressee(tx.engine(), message.channel, &message.recipient);
    let addressed = [
        date.into(),
        subject.word().into(),
        message.channel.word().into(),
        (&to).into(),
    ];
    tx.change(EARLIER, &addressed).await?;
    let Some(row) = tx.row(NEXT, &addressed).await? else {
        let (subject, recipient) = (subject.word(), &message.recipient);
        let row =
            format!("copy for {recipient} of the {subject} of {date}, which was never planned");
        return Err(tx.not_written(row, 0));
    };
    let copy = plain(&row, "copy").map_err(|unreadable| tx.error(unreadable))?;
    let binds = message_binds(date, subject, message, at, copy);
    tx.add(MESSAGE, &binds).await
}
