//! What was recorded, commit after commit: chunks as they came in, and for a while after a keeper has merged or sealed them.
//! Their ids ascend in the order of the commits, since writers take turns, and none is given twice.

use chrono::{DateTime, TimeDelta, Utc};

use super::keep::ids_as_json;
use super::{Store, StoreError, Tier};

/// So long, and in so many bytes, chunks are kept for those who come back.
const REPLAYED: TimeDelta = TimeDelta::minutes(10);
const REPLAYED_BYTES: i64 = 32 << 20;
/// Bytes that a row takes beside its points.
const ROW: i64 = 256;

/// What lies ahead of a follower.
#[derive(Debug)]
pub struct Ahead {
    /// Behind all that was recorded.
    pub end: i64,
    /// Chunks up to this one may be gone.
    pub gone: i64,
    pub next: Option<Recorded>,
}

/// A chunk as it was recorded.
#[derive(Debug)]
pub struct Recorded {
    pub chunk: i64,
    pub kind: String,
    pub data: Vec<u8>,
}

impl Store {
    /// The first chunk of these kinds from this one on. One statement: a keeper that moves chunks meanwhile loses none.
    pub async fn recorded(&mut self, from: i64, kinds: &[&str]) -> Result<Ahead, StoreError> {
        type Row = (i64, i64, Option<i64>, Option<String>, Option<Vec<u8>>);
        let found: Result<Row, _> = sqlx::query_as(
            "WITH wanted AS MATERIALIZED (
                SELECT id FROM kinds WHERE name IN (SELECT value FROM json_each(?2))
            ), next AS MATERIALIZED (
                SELECT min(id) AS id FROM (
                    SELECT min(id) AS id FROM chunks
                    WHERE kind IN wanted AND level = 0 AND id >= ?1 AND recorded IS NOT NULL
                    UNION ALL SELECT min(id) FROM replay WHERE kind IN wanted AND id >= ?1)
            ), at AS MATERIALIZED (
                SELECT id, kind, data FROM chunks WHERE id = (SELECT id FROM next)
                UNION ALL SELECT id, kind, data FROM replay WHERE id = (SELECT id FROM next)
            )
            SELECT 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'chunks'), 0),
                (SELECT coalesce(max(until), 0) FROM pruned WHERE tier = ?3 AND kind IN wanted),
                at.id, kinds.name, at.data
            FROM (SELECT 1) LEFT JOIN at LEFT JOIN kinds ON kinds.id = at.kind",
        )
        .bind(from)
        .bind(serde_json::json!(kinds).to_string())
        .bind(Tier::Replay as i64)
        .fetch_one(&mut self.connection)
        .await;
        let (end, gone, chunk, kind, data) = found.map_err(self.failed("read"))?;
        let next = chunk
            .zip(kind)
            .zip(data)
            .map(|((chunk, kind), data)| Recorded { chunk, kind, data });
        Ok(Ahead { end, gone, next })
    }

    /// Chunks that go, as they were recorded.
    pub(super) async fn keep_for_replay(&mut self, chunks: &[i64]) -> Result<(), StoreError> {
        let kept = sqlx::query(
            "INSERT INTO replay SELECT id, kind, recorded, points, data FROM chunks
             WHERE id IN (SELECT value FROM json_each(?)) AND recorded IS NOT NULL",
        )
        .bind(ids_as_json(chunks))
        .execute(&mut self.connection)
        .await;
        kept.map(drop).map_err(self.failed("write to"))
    }

    /// Lets go of what is too old, or too much. What is to be forwarded and is not settled there yet stays, in so many bytes.
    pub async fn limit_replay(
        &mut self,
        now: DateTime<Utc>,
        backlog: Option<u64>,
    ) -> Result<(), StoreError> {
        let newest: Option<i64> = sqlx::query_scalar(
            "SELECT max(id) FROM (
                SELECT id, recorded, sum(length(data) + ?3) OVER (ORDER BY id DESC) AS bytes FROM replay)
             WHERE bytes > ?4 OR (recorded < ?1 OR bytes > ?2)
                AND (?4 IS NULL OR id < coalesce((SELECT settled FROM forwarding), 0))",
        )
        .bind((now - REPLAYED).timestamp_micros())
        .bind(REPLAYED_BYTES)
        .bind(ROW)
        .bind(backlog.map(|bytes| bytes as i64))
        .fetch_one(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        let Some(newest) = newest else {
            return Ok(());
        };
        self.begin().await?;
        let done = self.let_go(newest, backlog.is_some()).await;
        self.finish(done).await
    }

    async fn let_go(&mut self, until: i64, is_forwarded: bool) -> Result<(), StoreError> {
        if is_forwarded {
            self.note_lost(until).await?;
        }
        self.delete_replay(until, None).await
    }

    /// Of a kind whose points are forgotten nothing is kept for replay.
    pub async fn forget_replay(&mut self, kind: i64) -> Result<(), StoreError> {
        self.begin().await?;
        let done = self.delete_replay(i64::MAX, Some(kind)).await;
        self.finish(done).await
    }

    /// Up to this chunk, and notes it.
    async fn delete_replay(&mut self, until: i64, kind: Option<i64>) -> Result<(), StoreError> {
        let gone: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT kind, max(id) FROM replay WHERE id <= ? AND kind = coalesce(?, kind) GROUP BY kind",
        )
        .bind(until)
        .bind(kind)
        .fetch_all(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        for (kind, chunk) in gone {
            self.note_pruned(kind, Tier::Replay, chunk).await?;
        }
        let deleted = sqlx::query("DELETE FROM replay WHERE id <= ? AND kind = coalesce(?, kind)")
            .bind(until)
            .bind(kind)
            .execute(&mut self.connection)
            .await;
        deleted.map(drop).map_err(self.failed("write to"))
    }
}
