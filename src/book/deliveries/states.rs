//! What becomes of a delivery: every step checks the state that it leaves.

use chrono::{DateTime, Utc};

use crate::book::lock::DeliveryLock;
use crate::book::row::instant;
use crate::book::{Book, BookError};

use super::Delivery;
use super::row::delivery_of;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryEnding {
    Accepted {
        reply: String,
    },
    /// With `retry_at` it may pass and is due again; without it is final.
    Refused {
        reply: String,
        retry_at: Option<DateTime<Utc>>,
    },
    /// It left, and the answer was lost.
    Ambiguous {
        reply: String,
    },
}

/// Notes, before the message leaves, that it does; false when it is not to be sent any more. Whoever claims
/// holds the delivery lock and has asked [`still_due`](super::still_due) under it.
pub async fn claim(book: &Book, id: i64, at: DateTime<Utc>) -> Result<bool, BookError> {
    let done = sqlx::query(
        "UPDATE deliveries SET state = 'sending', attempts = attempts + 1, claimed_at = ?, retry_at = NULL
         WHERE id = ? AND (state IN ('planned', 'ambiguous') OR state = 'failed' AND retry_at IS NOT NULL)",
    )
    .bind(instant(at))
    .bind(id)
    .execute(&book.pool)
    .await
    .map_err(|error| book.error("claim a delivery", error))?;
    Ok(done.rows_affected() == 1)
}

/// Notes how an attempt ended. One that was not claimed is counted now.
pub async fn note(
    book: &Book,
    id: i64,
    ending: &DeliveryEnding,
    at: DateTime<Utc>,
) -> Result<(), BookError> {
    match ending {
        DeliveryEnding::Accepted { reply } => note_accepted(book, id, reply, at).await,
        DeliveryEnding::Refused { reply, retry_at } => {
            note_refused(book, id, reply, *retry_at).await
        }
        DeliveryEnding::Ambiguous { reply } => note_ambiguous(book, id, reply).await,
    }
}

/// Takes over what a dead process had claimed, as only the holder of the lock can tell. A mail is in doubt
/// from then on; everything else may be handed over again, so it is due again. Gives their numbers in the ledger.
pub async fn bury_claims(book: &Book, _lock: &DeliveryLock) -> Result<Vec<i64>, BookError> {
    sqlx::query_scalar(
        "UPDATE deliveries SET reply = 'the process ended while the message was on its way',
             state = CASE channel WHEN 'email' THEN 'ambiguous' ELSE 'failed' END,
             in_doubt_since = CASE channel WHEN 'email' THEN coalesce(in_doubt_since, claimed_at) END,
             retry_at = CASE channel WHEN 'email' THEN NULL ELSE coalesce(claimed_at, planned_at) END
         WHERE state = 'sending' RETURNING id",
    )
    .fetch_all(&book.pool)
    .await
    .map_err(|error| book.error("note the deliveries of an ended process", error))
}

/// Gives up what was planned before and is still to be sent: it failed for good, with `words` before the
/// last answer. What is in doubt stays in doubt.
pub async fn give_up(
    book: &Book,
    planned_before: DateTime<Utc>,
    words: &str,
) -> Result<Vec<Delivery>, BookError> {
    let rows = sqlx::query(
        "UPDATE deliveries SET state = 'failed', retry_at = NULL, reply = ? || coalesce(': ' || reply, '')
         WHERE planned_at < ? AND (state = 'planned' OR state = 'failed' AND retry_at IS NOT NULL)
         RETURNING *",
    )
    .bind(words)
    .bind(instant(planned_before))
    .fetch_all(&book.pool)
    .await
    .map_err(|error| book.error("give up old deliveries", error))?;
    let given_up: Result<Vec<Delivery>, BookError> =
        rows.iter().map(|row| delivery_of(book, row)).collect();
    let mut given_up = given_up?;
    given_up.sort_by_key(|delivery| (delivery.date, delivery.id));
    Ok(given_up)
}

async fn note_accepted(
    book: &Book,
    id: i64,
    reply: &str,
    at: DateTime<Utc>,
) -> Result<(), BookError> {
    const TASK: &str = "note an accepted delivery";
    let mut transaction = book.begin(TASK).await?;
    let done = sqlx::query(
        "UPDATE deliveries SET state = 'accepted', attempts = attempts + (state <> 'sending'), accepted_at = ?,
             retry_at = NULL, reply = ?
         WHERE id = ? AND (state IN ('planned', 'sending', 'ambiguous') OR state = 'failed' AND retry_at IS NOT NULL)",
    )
    .bind(instant(at))
    .bind(reply)
    .bind(id)
    .execute(&mut *transaction)
    .await
    .map_err(|error| book.error(TASK, error))?;
    book.one_row(done.rows_affected(), || {
        format!("acceptance of delivery {id}")
    })?;
    // A report that waited tells the numbers of the day it leaves, not of the day it was planned.
    sqlx::query(
        "UPDATE reports SET told = (SELECT metrics FROM daily_metrics
             WHERE daily_metrics.collection_date = reports.collection_date)
         WHERE subject = 'report'
             AND collection_date IN (SELECT collection_date FROM daily_metrics)
             AND collection_date IN (SELECT collection_date FROM deliveries
                 WHERE id = ?1 AND subject = 'report' AND channel <> 'ping')
             AND NOT EXISTS (SELECT 1 FROM deliveries
                 WHERE deliveries.collection_date = reports.collection_date AND deliveries.subject = 'report'
                     AND state = 'accepted' AND channel <> 'ping' AND id <> ?1)",
    )
    .bind(id)
    .execute(&mut *transaction)
    .await
    .map_err(|error| book.error(TASK, error))?;
    let committed = transaction.commit().await;
    committed.map_err(|error| book.error(TASK, error))
}

/// A mail that perhaps arrived before stays in doubt when the next attempt is refused in passing.
async fn note_refused(
    book: &Book,
    id: i64,
    reply: &str,
    retry_at: Option<DateTime<Utc>>,
) -> Result<(), BookError> {
    let done = sqlx::query(
        "UPDATE deliveries SET attempts = attempts + (state <> 'sending'), reply = ?1,
             state = CASE WHEN in_doubt_since IS NOT NULL AND ?2 IS NOT NULL THEN 'ambiguous' ELSE 'failed' END,
             retry_at = CASE WHEN in_doubt_since IS NULL THEN ?2 END
         WHERE id = ?3 AND (state IN ('planned', 'sending', 'ambiguous') OR state = 'failed' AND retry_at IS NOT NULL)",
    )
    .bind(reply)
    .bind(retry_at.map(instant))
    .bind(id)
    .execute(&book.pool)
    .await
    .map_err(|error| book.error("note a refused delivery", error))?;
    book.one_row(done.rows_affected(), || format!("refusal of delivery {id}"))
}

async fn note_ambiguous(book: &Book, id: i64, reply: &str) -> Result<(), BookError> {
    let done = sqlx::query(
        "UPDATE deliveries SET state = 'ambiguous', in_doubt_since = coalesce(in_doubt_since, claimed_at), reply = ?
         WHERE id = ? AND state = 'sending'",
    )
    .bind(reply)
    .bind(id)
    .execute(&book.pool)
    .await
    .map_err(|error| book.error("note a delivery in doubt", error))?;
    book.one_row(done.rows_affected(), || {
        format!("doubt about delivery {id}")
    })
}
