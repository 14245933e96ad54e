//! What was recorded, commit after commit: chunks as they came in, and for a while after a keeper has merged or sealed them.
//! Their ids ascend in the order of the commits, since writers take turns, and none is given twice.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

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
    pub gone: Gone,
    pub data: Vec<u8>,
}

/// The places, in their order, that points had which were forgotten since. Those of the others are called as before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Gone(Vec<usize>);

impl Gone {
    /// As it is kept.
    pub(super) fn read(text: Option<&str>) -> Self {
        // Only this program writes it.
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }

    /// How the point is called that is at this place now.
    pub fn name(&self, place: usize) -> usize {
        let mut name = place;
        for gone in &self.0 {
            match *gone <= name {
                true => name += 1,
                false => break,
            }
        }
        name
    }

    /// Where those are now that are called so, or what follows them.
    pub fn place(&self, name: usize) -> usize {
        name - self.0.partition_point(|gone| *gone < name)
    }

    /// More have gone, which are at these places now.
    fn with(&self, places: &[usize]) -> Self {
        let names = places.iter().map(|place| self.name(*place));
        let mut all: Vec<usize> = self.0.iter().copied().chain(names).collect();
        all.sort_unstable();
        Self(all)
    }
}

impl Store {
    /// The first chunk of these kinds from this one on. One statement: a keeper that moves chunks meanwhile loses none.
    pub async fn recorded(&mut self, from: i64, kinds: &[&str]) -> Result<Ahead, StoreError> {
        type Row = (
            i64,
            i64,
            Option<i64>,
            Option<String>,
            Option<String>,
            Option<Vec<u8>>,
        );
        let found: Result<Row, _> = sqlx::query_as(
            "WITH wanted AS MATERIALIZED (
                SELECT id FROM kinds WHERE name IN (SELECT value FROM json_each(?2))
            ), next AS MATERIALIZED (
                SELECT min(id) AS id FROM (
                    SELECT min(id) AS id FROM chunks
                    WHERE kind IN wanted AND level = 0 AND id >= ?1 AND recorded IS NOT NULL
                    UNION ALL SELECT min(id) FROM replay WHERE kind IN wanted AND id >= ?1)
            ), at AS MATERIALIZED (
                SELECT id, kind, NULL AS gone, data FROM chunks WHERE id = (SELECT id FROM next)
                UNION ALL SELECT id, kind, gone, data FROM replay WHERE id = (SELECT id FROM next)
            )
            SELECT 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'chunks'), 0),
                (SELECT coalesce(max(until), 0) FROM pruned WHERE tier = ?3 AND kind IN wanted),
                at.id, kinds.name, at.gone, at.data
            FROM (SELECT 1) LEFT JOIN at LEFT JOIN kinds ON kinds.id = at.kind",
        )
        .bind(from)
        .bind(serde_json::json!(kinds).to_string())
        .bind(Tier::Replay as i64)
        .fetch_one(&mut self.connection)
        .await;
        let (end, until, chunk, kind, gone, data) = found.map_err(self.failed("read"))?;
        let next = chunk
            .zip(kind)
            .zip(data)
            .map(|((chunk, kind), data)| Recorded {
                chunk,
                kind,
                gone: Gone::read(gone.as_deref()),
                data,
            });
        Ok(Ahead {
            end,
            gone: until,
            next,
        })
    }

    /// Chunks that go, as they were recorded.
    pub(super) async fn keep_for_replay(&mut self, chunks: &[i64]) -> Result<(), StoreError> {
        let kept = sqlx::query(
            "INSERT INTO replay SELECT id, kind, recorded, points, NULL, data FROM chunks
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
        self.delete_replay(until).await
    }

    /// What is kept of a kind for replay.
    pub async fn replayed(&mut self, kind: i64) -> Result<Vec<Recorded>, StoreError> {
        type Row = (i64, String, Option<String>, Vec<u8>);
        let rows: Result<Vec<Row>, _> = sqlx::query_as(
            "SELECT replay.id, name, gone, data FROM replay JOIN kinds ON kinds.id = kind WHERE kind = ?",
        )
        .bind(kind)
        .fetch_all(&mut self.connection)
        .await;
        let rows = rows.map_err(self.failed("read"))?.into_iter();
        let recorded = rows.map(|(chunk, kind, gone, data)| Recorded {
            chunk,
            kind,
            gone: Gone::read(gone.as_deref()),
            data,
        });
        Ok(recorded.collect())
    }

    /// Points of a chunk that is kept for replay are forgotten, which are at these places; `rest`: all others, if there are any.
    pub async fn forget_replayed(
        &mut self,
        recorded: &Recorded,
        places: &[usize],
        rest: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        let Some(rest) = rest else {
            let deleted = sqlx::query("DELETE FROM replay WHERE id = ?").bind(recorded.chunk);
            let deleted = deleted.execute(&mut self.connection).await;
            return deleted.map(drop).map_err(self.failed("write to"));
        };
        let gone = serde_json::json!(recorded.gone.with(places)).to_string();
        let written = sqlx::query("UPDATE replay SET gone = ?, data = ? WHERE id = ?")
            .bind(gone)
            .bind(rest)
            .bind(recorded.chunk)
            .execute(&mut self.connection)
            .await;
        written.map(drop).map_err(self.failed("write to"))
    }

    /// Up to this chunk, and notes it.
    async fn delete_replay(&mut self, until: i64) -> Result<(), StoreError> {
        let gone: Vec<(i64, i64)> =
            sqlx::query_as("SELECT kind, max(id) FROM replay WHERE id <= ? GROUP BY kind")
                .bind(until)
                .fetch_all(&mut self.connection)
                .await
                .map_err(self.failed("read"))?;
        for (kind, chunk) in gone {
            self.note_pruned(kind, Tier::Replay, chunk).await?;
        }
        let deleted = sqlx::query("DELETE FROM replay WHERE id <= ?")
            .bind(until)
            .execute(&mut self.connection)
            .await;
        deleted.map(drop).map_err(self.failed("write to"))
    }
}
