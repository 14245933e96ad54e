//! What becomes of a delivery: every step checks the state that it leaves.

use chrono::{DateTime, Utc};

use crate::book::lock::DeliveryLock;
use crate::book::row::plain;
use crate::book::store::{Bind, Writing};
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
    const CLAIM: &str = "UPDATE deliveries SET state = 'sending', attempts = attempts + 1, claimed_at = ?1, retry_at = NULL
         WHERE id = ?2 AND (state IN ('planned', 'ambiguous') OR state = 'failed' AND retry_at IS NOT NULL)";
    let changed = change(book, "claim a delivery", CLAIM, &[at.into(), id.into()]).await?;
    Ok(changed == 1)
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
pub async fn mark_abandoned_claims(
    book: &Book,
    lock: &DeliveryLock,
) -> Result<Vec<i64>, BookError> {
    const TASK: &str = "note the deliveries of an ended process";
    const CLAIMED: &str = "SELECT id FROM deliveries WHERE state = 'sending' ORDER BY id";
    const BURY: &str =
        "UPDATE deliveries SET reply = 'the process ended while the message was on its way',
             state = CASE channel WHEN 'email' THEN 'ambiguous' ELSE 'failed' END,
             in_doubt_since = CASE channel WHEN 'email' THEN coalesce(in_doubt_since, claimed_at) END,
             retry_at = CASE channel WHEN 'email' THEN NULL ELSE coalesce(claimed_at, planned_at) END
         WHERE id = ?1";
    let failed = |error| book.error(TASK, error);
    if book
        .store
        .rows(CLAIMED, &[])
        .await
        .map_err(failed)?
        .is_empty()
    {
        return Ok(Vec::new());
    }
    let mut writing = book.begin_with(TASK, lock.proof()).await?;
    let ids = ids(&mut writing, CLAIMED, &[]).await.map_err(failed)?;
    for id in &ids {
        writing
            .change(BURY, &[(*id).into()])
            .await
            .map_err(failed)?;
    }
    book.commit(TASK, writing).await?;
    Ok(ids)
}

/// Gives up what was planned before and is still to be sent: it failed for good, with `words` before the
/// last answer. What is in doubt stays in doubt.
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
    let failed = |error| book.error(TASK, error);
    let old = [planned_before.into()];
    if book.store.rows(OLD, &old).await.map_err(failed)?.is_empty() {
        return Ok(Vec::new());
    }
    let mut writing = book.begin(TASK).await?;
    let mut given_up = Vec::new();
    for id in ids(&mut writing, OLD, &old).await.map_err(failed)? {
        let done = writing.change(GIVE_UP, &[words.into(), id.into()]).await;
        done.map_err(failed)?;
        let row = "SELECT * FROM deliveries WHERE id = ?1";
        let rows = writing.rows(row, &[id.into()]).await.map_err(failed)?;
        for row in &rows {
            given_up.push(delivery_of(book, row)?);
        }
    }
    book.commit(TASK, writing).await?;
    Ok(given_up)
}

async fn note_accepted(
    book: &Book,
    id: i64,
    reply: &str,
    at: DateTime<Utc>,
) -> Result<(), BookError> {
    const TASK: &str = "note an accepted delivery";
    // MySQL assigns from left to right: what a column was is asked before it changes.
    const ACCEPT: &str = "UPDATE deliveries SET attempts = attempts + CASE state WHEN 'sending' THEN 0 ELSE 1 END,
             state = 'accepted', accepted_at = ?1, retry_at = NULL, reply = ?2
         WHERE id = ?3 AND (state IN ('planned', 'sending', 'ambiguous') OR state = 'failed' AND retry_at IS NOT NULL)";
    // A report that waited tells the numbers of the day it leaves, not of the day it was planned.
    const TELL: &str = "UPDATE reports SET told = (SELECT metrics FROM daily_metrics
             WHERE daily_metrics.collection_date = reports.collection_date)
         WHERE subject = 'report'
             AND collection_date IN (SELECT collection_date FROM daily_metrics)
             AND collection_date IN (SELECT collection_date FROM deliveries
                 WHERE id = ?1 AND subject = 'report' AND channel <> 'ping')
             AND NOT EXISTS (SELECT 1 FROM deliveries
                 WHERE deliveries.collection_date = reports.collection_date AND deliveries.subject = 'report'
                     AND state = 'accepted' AND channel <> 'ping' AND id <> ?1)";
    let failed = |error| book.error(TASK, error);
    let mut writing = book.begin(TASK).await?;
    let binds = [at.into(), reply.into(), id.into()];
    let changed = writing.change(ACCEPT, &binds).await.map_err(failed)?;
    book.one_row(changed, || format!("acceptance of delivery {id}"))?;
    writing.change(TELL, &[id.into()]).await.map_err(failed)?;
    book.commit(TASK, writing).await
}

/// A mail that perhaps arrived before stays in doubt when the next attempt is refused in passing.
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
    let changed = change(book, "note a refused delivery", REFUSE, &binds).await?;
    book.one_row(changed, || format!("refusal of delivery {id}"))
}

async fn note_ambiguous(book: &Book, id: i64, reply: &str) -> Result<(), BookError> {
    const DOUBT: &str = "UPDATE deliveries SET state = 'ambiguous', in_doubt_since = coalesce(in_doubt_since, claimed_at), reply = ?1
         WHERE id = ?2 AND state = 'sending'";
    let binds = [reply.into(), id.into()];
    let changed = change(book, "note a delivery in doubt", DOUBT, &binds).await?;
    book.one_row(changed, || format!("doubt about delivery {id}"))
}

async fn change(
    book: &Book,
    task: &'static str,
    text: &'static str,
    binds: &[Bind],
) -> Result<u64, BookError> {
    let mut writing = book.begin(task).await?;
    let changed = writing.change(text, binds).await;
    let changed = changed.map_err(|error| book.error(task, error))?;
    book.commit(task, writing).await?;
    Ok(changed)
}

async fn ids(writing: &mut Writing, text: &'static str, binds: &[Bind]) -> sqlx::Result<Vec<i64>> {
    let rows = writing.rows(text, binds).await?;
    let ids = rows.iter().map(|row| plain(row, "id"));
    let ids: Result<Vec<i64>, _> = ids.collect();
    ids.map_err(|(_, why)| sqlx::Error::Decode(why.into()))
}
