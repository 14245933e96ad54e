//! What is forwarded to a server where replicas meet: chunks as they were recorded, in their order, and how far that has come.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::super::follow::Position;
use super::follow::Gone;
use super::{Store, StoreError};

/// Chunks that are looked at for one batch.
const LOOKED_AT: i64 = 1024;

/// As whom this file is forwarded, and how far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarding {
    /// No other file is forwarded under this name.
    pub replica: String,
    /// What the last processes that forwarded it wrote into their marks, with spaces between.
    pub writers: String,
    /// Where that begins, with points and with rollups.
    pub began: String,
    pub began_rollups: String,
    /// Up to where the server is known to have all points, and their rollups.
    pub acknowledged: String,
    pub rolled: String,
    /// Before this chunk it has had all for so long that it will not lose it again.
    pub settled: i64,
    /// Points that were given up before they were forwarded.
    pub lost: i64,
    /// Why nothing is forwarded.
    pub trouble: Option<String>,
}

/// A chunk that waits to be forwarded.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub chunk: i64,
    pub kind: String,
    /// When it was committed, in microseconds.
    pub recorded: i64,
    /// Those that were forgotten are counted.
    pub points: usize,
    pub gone: Gone,
    pub data: Vec<u8>,
}

/// What waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    pub points: u64,
    /// When the oldest of it was committed, in microseconds.
    pub oldest: Option<i64>,
}

/// Processes that are remembered: a server may come back as it was some of them ago.
const WRITERS: usize = 64;

impl Forwarding {
    pub fn has_writer(&self, writer: &str) -> bool {
        self.writers.split(' ').any(|known| known == writer)
    }

    pub fn add_writer(&mut self, writer: &str) {
        let known: Vec<&str> = self.writers.split(' ').chain([writer]).collect();
        self.writers = known[known.len().saturating_sub(WRITERS)..].join(" ");
    }

    pub fn acknowledged_chunk(&self) -> i64 {
        self.acknowledged.parse().map_or(0, Position::chunk)
    }
}

impl Store {
    /// `None`: it never was.
    pub async fn forwarding(&mut self) -> Result<Option<Forwarding>, StoreError> {
        let row = sqlx::query("SELECT * FROM forwarding")
            .fetch_optional(&mut self.connection)
            .await
            .map_err(self.failed("read"))?;
        let forwarding = row.as_ref().map(forwarding).transpose();
        forwarding.map_err(self.failed("read"))
    }

    /// What was lost stays noted.
    pub async fn note_forwarding(&mut self, forwarding: &Forwarding) -> Result<(), StoreError> {
        let noted = sqlx::query(
            "INSERT INTO forwarding (id, replica, writers, began, began_rollups, acknowledged, rolled, settled, lost, trouble)
             VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET replica = excluded.replica, writers = excluded.writers, began = excluded.began, began_rollups = excluded.began_rollups,
                acknowledged = excluded.acknowledged, rolled = excluded.rolled, settled = excluded.settled, trouble = excluded.trouble",
        )
        .bind(&forwarding.replica)
        .bind(&forwarding.writers)
        .bind(&forwarding.began)
        .bind(&forwarding.began_rollups)
        .bind(&forwarding.acknowledged)
        .bind(&forwarding.rolled)
        .bind(forwarding.settled)
        .bind(forwarding.lost)
        .bind(&forwarding.trouble)
        .execute(&mut self.connection)
        .await;
        noted.map(drop).map_err(self.failed("write to"))
    }

    /// The chunk that will be recorded next.
    pub async fn next_chunk(&mut self) -> Result<i64, StoreError> {
        let next = sqlx::query_scalar(
            "SELECT 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'chunks'), 0)",
        )
        .fetch_one(&mut self.connection)
        .await;
        next.map_err(self.failed("read"))
    }

    /// Chunks from this one on, of all kinds and in their order, in about so many points and bytes; at least one, if there is one.
    pub async fn waiting(
        &mut self,
        from: i64,
        points: usize,
        bytes: usize,
    ) -> Result<Vec<Waiting>, StoreError> {
        type Row = (i64, String, i64, i64, Option<String>, Vec<u8>);
        let rows: Result<Vec<Row>, _> = sqlx::query_as(
            "WITH all_ahead AS (
                SELECT id, kind, recorded, points, length(data) AS bytes FROM chunks
                WHERE id >= ?1 AND level = 0 AND recorded IS NOT NULL
                UNION ALL SELECT id, kind, recorded, points, length(data) FROM replay WHERE id >= ?1
                ORDER BY id LIMIT ?4
            ), summed AS MATERIALIZED (
                SELECT id, kind, recorded, points, sum(points) OVER before AS before, sum(bytes) OVER before AS bytes_before
                FROM all_ahead WINDOW before AS (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            )
            SELECT summed.id, name, summed.recorded, summed.points,
                (SELECT gone FROM replay WHERE replay.id = summed.id),
                coalesce((SELECT data FROM chunks WHERE chunks.id = summed.id), (SELECT data FROM replay WHERE replay.id = summed.id))
            FROM summed JOIN kinds ON kinds.id = summed.kind
            WHERE coalesce(before, 0) < ?2 AND coalesce(bytes_before, 0) < ?3 ORDER BY summed.id",
        )
        .bind(from)
        .bind(points as i64)
        .bind(bytes as i64)
        .bind(LOOKED_AT)
        .fetch_all(&mut self.connection)
        .await;
        let rows = rows.map_err(self.failed("read"))?;
        let waiting = |(chunk, kind, recorded, points, gone, data): Row| Waiting {
            chunk,
            kind,
            recorded,
            points: usize::try_from(points).unwrap_or_default(),
            gone: Gone::read(gone.as_deref()),
            data,
        };
        Ok(rows.into_iter().map(waiting).collect())
    }

    /// When the last chunk before a position was recorded, in microseconds, if it is still kept as it was.
    pub async fn recorded_before(&mut self, position: Position) -> Result<Option<i64>, StoreError> {
        let chunk = position.chunk() + i64::from(position.points() > 0);
        let recorded = sqlx::query_scalar(
            "SELECT recorded FROM (
                SELECT id, recorded FROM chunks WHERE id < ?1 AND level = 0 AND recorded IS NOT NULL
                UNION ALL SELECT id, recorded FROM replay WHERE id < ?1) ORDER BY id DESC LIMIT 1",
        );
        let recorded = recorded.bind(chunk).fetch_optional(&mut self.connection);
        recorded.await.map_err(self.failed("read"))
    }

    /// The first chunk that was recorded after an instant, or the next one.
    pub async fn recorded_after(&mut self, until: i64) -> Result<i64, StoreError> {
        let first: Option<i64> = sqlx::query_scalar(
            "SELECT min(id) FROM (
                SELECT id FROM chunks WHERE level = 0 AND recorded > ?1
                UNION ALL SELECT id FROM replay WHERE recorded > ?1)",
        )
        .bind(until)
        .fetch_one(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        match first {
            Some(chunk) => Ok(chunk),
            None => self.next_chunk().await,
        }
    }

    /// What waits from this chunk on.
    pub async fn backlog(&mut self, from: i64) -> Result<Backlog, StoreError> {
        let row: Result<(i64, Option<i64>), _> = sqlx::query_as(
            "SELECT coalesce(sum(points), 0), min(recorded) FROM (
                SELECT points, recorded FROM chunks WHERE id >= ?1 AND level = 0 AND recorded IS NOT NULL
                UNION ALL SELECT points, recorded FROM replay WHERE id >= ?1)",
        )
        .bind(from)
        .fetch_one(&mut self.connection)
        .await;
        let (points, oldest) = row.map_err(self.failed("read"))?;
        Ok(Backlog {
            points: points.unsigned_abs(),
            oldest,
        })
    }

    /// Counts what goes up to this chunk and was not forwarded.
    pub(super) async fn note_lost(&mut self, until: i64) -> Result<(), StoreError> {
        let noted = sqlx::query(
            "UPDATE forwarding SET lost = lost + (
                SELECT coalesce(sum(points), 0) FROM replay
                WHERE id <= ? AND id >= CAST(acknowledged AS INTEGER))",
        )
        .bind(until)
        .execute(&mut self.connection)
        .await;
        noted.map(drop).map_err(self.failed("write to"))
    }
}

fn forwarding(row: &SqliteRow) -> Result<Forwarding, sqlx::Error> {
    Ok(Forwarding {
        replica: row.try_get("replica")?,
        writers: row.try_get("writers")?,
        began: row.try_get("began")?,
        began_rollups: row.try_get("began_rollups")?,
        acknowledged: row.try_get("acknowledged")?,
        rolled: row.try_get("rolled")?,
        settled: row.try_get("settled")?,
        lost: row.try_get("lost")?,
        trouble: row.try_get("trouble")?,
    })
}
