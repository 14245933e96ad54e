//! Spans that somebody began by hand: open until they are ended or expire, and remembered a day longer, so that whoever
//! asks again gets the same answer.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::super::batch::{Batch, OpenSpan, Outcome, SpanChange, SpanEnd, SpanKey};
use super::write::Known;
use super::{Store, StoreError};

/// So long an ended span is remembered.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// A span that was begun, and how it ended if it did.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanRow {
    pub span: OpenSpan,
    pub end: Option<SpanEnd>,
}

const COLUMNS: &str = "organisation, id, event, begun, expires, ended, duration, is_expired";

impl Store {
    /// Begins or ends the batch's span. The id of one that was ended; one that had ended already leaves no point.
    pub(super) async fn change_span(
        &mut self,
        batch: &mut Batch,
        outcome: &mut Outcome,
        known: &mut Known,
        now: DateTime<Utc>,
    ) -> Result<Option<String>, StoreError> {
        match batch.span.take() {
            None => Ok(None),
            Some(SpanChange::Begin { span, kind, points }) => {
                outcome.duplicate = !self.begin_span(&span).await?;
                if !outcome.duplicate {
                    known.keep_begin(kind, *points, span.key.id);
                }
                Ok(None)
            }
            Some(SpanChange::End(end)) => {
                outcome.duplicate = !self.end_span(&end, now).await?;
                if outcome.duplicate {
                    batch.kinds.clear();
                }
                Ok(Some(end.key.id).filter(|_| !outcome.duplicate))
            }
        }
    }

    async fn begin_span(&mut self, span: &OpenSpan) -> Result<bool, StoreError> {
        let begun = sqlx::query(
            "INSERT INTO spans (organisation, id, event, begun, expires) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(&span.key.organisation)
        .bind(&span.key.id)
        .bind(&span.event)
        .bind(span.begun)
        .bind(span.expires)
        .execute(&mut self.connection)
        .await;
        Ok(begun.map_err(self.failed("write to"))?.rows_affected() > 0)
    }

    async fn end_span(&mut self, end: &SpanEnd, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let ended = sqlx::query(
            "UPDATE spans SET ended = ?, closed = ?, duration = ?, is_expired = ?
             WHERE organisation = ? AND id = ? AND ended IS NULL",
        )
        .bind(end.at)
        // A span may be said to have ended long ago, and is remembered all the same.
        .bind(now.timestamp_micros())
        .bind(end.duration)
        .bind(end.is_expired)
        .bind(&end.key.organisation)
        .bind(&end.key.id)
        .execute(&mut self.connection)
        .await;
        Ok(ended.map_err(self.failed("write to"))?.rows_affected() > 0)
    }

    pub async fn span(&mut self, key: &SpanKey) -> Result<Option<SpanRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM spans WHERE organisation = ? AND id = ?");
        let row = sqlx::query(super::safe(sql))
            .bind(&key.organisation)
            .bind(&key.id)
            .fetch_optional(&mut self.connection)
            .await;
        let row = row.map_err(self.failed("read"))?;
        let row = row.as_ref().map(span_row).transpose();
        row.map_err(self.failed("read"))
    }

    /// Open spans that expire before `before`, those that expire first; of all organisations, or of one.
    pub async fn open_spans(
        &mut self,
        before: i64,
        organisation: Option<&str>,
        most: u32,
    ) -> Result<Vec<SpanRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM spans
             WHERE ended IS NULL AND expires < ?1 AND (?2 IS NULL OR organisation = ?2) ORDER BY expires LIMIT ?3"
        );
        let rows = sqlx::query(super::safe(sql))
            .bind(before)
            .bind(organisation)
            .bind(most)
            .fetch_all(&mut self.connection)
            .await;
        let rows = rows.map_err(self.failed("read"))?;
        let rows = rows.iter().map(span_row).collect::<Result<_, _>>();
        rows.map_err(self.failed("read"))
    }

    /// How many spans are open; of all organisations, or of one.
    pub async fn open_span_count(&mut self, organisation: Option<&str>) -> Result<u64, StoreError> {
        let count: Result<i64, _> = sqlx::query_scalar(
            "SELECT count(*) FROM spans WHERE ended IS NULL AND (?1 IS NULL OR organisation = ?1)",
        )
        .bind(organisation)
        .fetch_one(&mut self.connection)
        .await;
        count.map(i64::unsigned_abs).map_err(self.failed("read"))
    }

    /// Forgets spans that ended long ago.
    pub async fn forget_ended_spans(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let before = (now - REMEMBERED).timestamp_micros();
        let old = "SELECT count(*) FROM (SELECT 1 FROM spans WHERE closed < ? LIMIT 1)";
        let old: i64 = sqlx::query_scalar(old)
            .bind(before)
            .fetch_one(&mut self.connection)
            .await
            .map_err(self.failed("read"))?;
        if old == 0 {
            return Ok(());
        }
        let forgotten = sqlx::query("DELETE FROM spans WHERE closed < ?")
            .bind(before)
            .execute(&mut self.connection)
            .await;
        forgotten.map(drop).map_err(self.failed("write to"))
    }
}

fn span_row(row: &SqliteRow) -> Result<SpanRow, sqlx::Error> {
    let span = OpenSpan {
        key: SpanKey {
            organisation: row.try_get(0)?,
            id: row.try_get(1)?,
        },
        event: row.try_get(2)?,
        begun: row.try_get(3)?,
        expires: row.try_get(4)?,
    };
    let at: Option<i64> = row.try_get(5)?;
    let end = match at {
        None => None,
        Some(at) => Some(SpanEnd {
            key: span.key.clone(),
            at,
            duration: row.try_get(6)?,
            is_expired: row.try_get(7)?,
        }),
    };
    Ok(SpanRow { span, end })
}
