//! The states of a delivery: every step checks the state that it leaves.

use chrono::{DateTime, Utc};

use crate::book::lock::DeliveryLock;
use crate::book::row::{Unreadable, plain};
use crate::book::store::{Bind, Transaction};
use crate::book::{Book, BookError};

use super::Delivery;
use super::row::delivery_of;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryEnding {
    Accepted {
        reply: String,
    },
    /// With `retry_at` it is temporary and due again; without, it is final.
    Refused {
        reply: String,
        retry_at: Option<DateTime<Utc>>,
    },
    /// The message left, and the answer was lost.
    Ambiguous {
        reply: String,
    },
}

/// Notes, before the message leaves, that it does; false if it must not be sent any more. The caller holds the delivery
/// lock and has asked [`still_due`](super::still_due) under it.
pub async fn claim(book: &Book, id: i64, at: DateTime<Utc>) -> Result<bool, BookError> {
    const CLAIM: &str = "UPDATE deliveries SET state = 'sending', attempts = attempts + 1, claimed_at = ?1, retry_at = NULL
         WHERE id = ?2 AND (state IN ('planned', 'ambiguous') OR state = 'failed' AND retry_at IS NOT NULL)";
    let mut tx = book.begin("claim a delivery").await?;
    let changed = tx.change(CLAIM, &[at.into(), id.into()]).await?;
    tx.commit().await?;
    Ok(changed == 1)
}

/// Notes how an attempt ended. Counts the attempt if it was not claimed.
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

/// Marks the deliveries that a dead process had claimed, and returns their ids. A mail is in doubt from then on;
/// everything else may be sent twice, so it is due again. Only the holder of the lock knows that the process is dead.
pub async fn mark_abandoned_claims(
    book: &Book,
    lock: &DeliveryLock,
) -> Result<Vec<i64>, BookError> {
    const TASK: &str = "note the deliveries of an ended process";
    const CLAIMED: &str = "SELECT id FROM deliveries WHERE state = 'sending' ORDER BY id";
    const ABANDON: &str =
        "UPDATE deliveries SET reply = 'the process ended while the message was on its way',
             state = CASE channel WHEN 'email' THEN 'ambiguous' ELSE 'failed' END,
             in_doubt_since = CASE channel WHEN 'email' THEN coalesce(in_doubt_since, claimed_at) END,
             retry_at = CASE channel WHEN 'email' THEN NULL ELSE coalesce(claimed_at, planned_at) END
         WHERE id = ?1";
    if book.rows(TASK, CLAIMED, &[]).await?.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = book.begin_with(TASK, lock.proof()).await?;
    let ids = ids(&mut tx, CLAIMED, &[]).await?;
    for id in &ids {
        tx.change(ABANDON, &[(*id).into()]).await?;
    }
    tx.commit().await?;
    Ok(ids)
}

/// Gives up deliveries that were planned before that instant and are still due: they failed for good, with `words` before
/// the last answer. What is in doubt stays in doubt.
pub async fn give_up(
    book: &Book,
    planned_before: DateTime<Utc>,
    words: &str,
) -> Result<Vec<Delivery>, BookError> {
    const TASK: &str = "give up old deliveries";
    const OLD: &str = "SELECT id FROM deliveries WHERE planned_at < ?1
             AND (state = 'planned' OR state = 'failed' AND retry_at IS NOT NULL)
         ORDER BY collection_date, id";
    const GIVE_UP: &str = "UPDATE deliveries SET state = 'failed', retry_at = NULL, reply = ?1 || coalesce(': ' || reply, '')
         WHERE id = ?2";
    const ONE: &str = "SELECT * FROM deliveries WHERE id = ?1";
    let old = [planned_before.into()];
    if book.rows(TASK, OLD, &old).await?.is_empty() {
        return Ok(Vec::new());
    }
    let mut tx = book.begin(TASK).await?;
    let mut given_up = Vec::new();
    for id in ids(&mut tx, OLD, &old).await? {
        tx.change(GIVE_UP, &[words.into(), id.into()]).await?;
        for row in tx.rows(ONE, &[id.into()]).await? {
            given_up.push(delivery_of(book, &row)?);
        }
    }
    tx.commit().await?;
    Ok(given_up)
}

async fn note_accepted(
    book: &Book,
    id: i64,
    reply: &str,
    at: DateTime<Utc>,
) -> Result<(), BookError> {
    const TASK: &str = "note an accepted delivery";
    // MySQL assigns from left to right, so `state` is read before it changes.
    const ACCEPT: &str = "UPDATE deliveries SET attempts = attempts + CASE state WHEN 'sending' THEN 0 ELSE 1 END,
             state = 'accepted', accepted_at = ?1, retry_at = NULL, reply = ?2
         WHERE id = ?3 AND (state IN ('planned', 'sending', 'ambiguous') OR state = 'failed' AND retry_at IS NOT NULL)";
    // A report that waited holds the numbers of when it leaves, not of when it was planned.
    const TELL: &str = "UPDATE reports SET told = (SELECT metrics FROM daily_metrics
             WHERE daily_metrics.collection_date = reports.collection_date)
         WHERE subject = 'report'
             AND collection_date IN (SELECT collection_date FROM daily_metrics)
             AND collection_date IN (SELECT collection_date FROM deliveries
                 WHERE id = ?1 AND subject = 'report' AND channel <> 'ping')
             AND NOT EXISTS (SELECT 1 FROM deliveries
                 WHERE deliveries.collection_date = reports.collection_date AND deliveries.subject = 'report'
                     AND state = 'accepted' AND channel <> 'ping' AND id <> ?1)";
    let binds = [at.into(), reply.into(), id.into()];
    let row = || format!("acceptance of delivery {id}");
    let mut tx = book.begin(TASK).await?;
    tx.change_one(ACCEPT, &binds, row).await?;
    tx.change(TELL, &[id.into()]).await?;
    tx.commit().await
}

/// A mail in doubt stays so when the next attempt is refused temporarily.
async fn note_refused(
    book: &Book,
    id: i64,
    reply: &str,
    retry_at: Option<DateTime<Utc>>,
) -> Result<(), BookError> {
    const REFUSE: &str = "UPDATE deliveries SET attempts = attempts + CASE state WHEN 'sending' THEN 0 ELSE 1 END, reply = ?1,
             state = CASE WHEN in_doubt_since IS NOT NULL AND ?2 IS NOT NULL THEN 'ambiguous' ELSE 'failed' END,
             retry_at = CASE WHEN in_doubt_since IS NULL THEN ?2 END
         WHERE id = ?3 AND (state IN ('planned', 'sending', 'ambiguous') OR state = 'failed' AND retry_at IS NOT NULL)";
    let binds = [reply.into(), retry_at.into(), id.into()];
    let row = || format!("refusal of delivery {id}");
    let mut tx = book.begin("note a refused delivery").await?;
    tx.change_one(REFUSE, &binds, row).await?;
    tx.commit().await
}

async fn note_ambiguous(book: &Book, id: i64, reply: &str) -> Result<(), BookError> {
    const DOUBT: &str = "UPDATE deliveries SET state = 'ambiguous', in_doubt_since = coalesce(in_doubt_since, claimed_at), reply = ?1
         WHERE id = ?2 AND state = 'sending'";
    let binds = [reply.into(), id.into()];
    let row = || format!("doubt about delivery {id}");
    let mut tx = book.begin("note a delivery in doubt").await?;
    tx.change_one(DOUBT, &binds, row).await?;
    tx.commit().await
}

async fn ids(
    tx: &mut Transaction,
    text: &'static str,
    binds: &[Bind],
) -> Result<Vec<i64>, BookError> {
    let rows = tx.rows(text, binds).await?;
    let ids: Result<_, Unreadable> = rows.iter().map(|row| plain(row, "id")).collect();
    ids.map_err(|unreadable| tx.error(unreadable))
}
