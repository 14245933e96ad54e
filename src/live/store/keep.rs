//! Chunks that take the place of others, and what goes.

use std::collections::BTreeMap;

use sqlx::Row;

use super::super::rollup::{Grain, Key, Rollup};
use super::read::words_as_bytes;
use super::{Level, Store, StoreError, safe};

/// A chunk to be written.
#[derive(Debug, Clone)]
pub struct NewChunk {
    pub level: Level,
    /// The local day, counted from the first of the common era; of sealed ones.
    pub day: Option<i64>,
    pub low: i64,
    pub high: i64,
    pub cluster: Option<(String, String)>,
    pub points: i64,
    pub data: Vec<u8>,
}

impl Store {
    /// Puts the new chunks into the place of the old ones and adds to the rollups, all at once. `false`: another program
    /// has taken one of the old ones meanwhile, and nothing was done.
    pub async fn replace(
        &mut self,
        kind: i64,
        old: &[i64],
        new: &[NewChunk],
        rollups: &BTreeMap<Key, Rollup>,
    ) -> Result<bool, StoreError> {
        self.begin().await?;
        let done = self.replace_all(kind, old, new, rollups).await;
        match done {
            Ok(false) => {
                drop(sqlx::query("ROLLBACK").execute(&mut self.connection).await);
                Ok(false)
            }
            done => self.finish(done).await,
        }
    }

    async fn replace_all(
        &mut self,
        kind: i64,
        old: &[i64],
        new: &[NewChunk],
        rollups: &BTreeMap<Key, Rollup>,
    ) -> Result<bool, StoreError> {
        if self.delete(old).await? != old.len() as u64 {
            return Ok(false);
        }
        for chunk in new {
            let (least, most) = chunk.cluster.clone().unzip();
            let inserted = sqlx::query(
                "INSERT INTO chunks (kind, level, day, low, high, least, most, points, data)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(kind)
            .bind(chunk.level as i64)
            .bind(chunk.day)
            .bind(chunk.low)
            .bind(chunk.high)
            .bind(least)
            .bind(most)
            .bind(chunk.points)
            .bind(&chunk.data)
            .execute(&mut self.connection)
            .await;
            inserted.map_err(self.failed("write to"))?;
        }
        for (key, rollup) in rollups {
            self.add_to_rollup(kind, key, rollup).await?;
        }
        Ok(true)
    }

    async fn add_to_rollup(
        &mut self,
        kind: i64,
        key: &Key,
        rollup: &Rollup,
    ) -> Result<(), StoreError> {
        let labels = key.by.join(",");
        let words = words_as_bytes(&key.words);
        let known: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT data FROM rollups WHERE kind = ? AND labels = ? AND grain = ? AND start = ? AND words = ?",
        )
        .bind(kind)
        .bind(&labels)
        .bind(key.grain as i64)
        .bind(key.start)
        .bind(&words)
        .fetch_optional(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        let mut sum = match known {
            Some(bytes) => Rollup::from_bytes(&bytes).map_err(|error| self.corrupt(0, error))?,
            None => Rollup::default(),
        };
        sum.merge(rollup);
        let written = sqlx::query(
            "INSERT INTO rollups (kind, labels, grain, start, words, data) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET data = excluded.data",
        )
        .bind(kind)
        .bind(labels)
        .bind(key.grain as i64)
        .bind(key.start)
        .bind(words)
        .bind(sum.to_bytes())
        .execute(&mut self.connection)
        .await;
        written.map(drop).map_err(self.failed("write to"))
    }

    /// A chunk that cannot be read stays where it is, and is passed over from now on.
    pub async fn mark_broken(&mut self, chunk: i64, why: &str) -> Result<(), StoreError> {
        let marked = sqlx::query("UPDATE chunks SET broken = ? WHERE id = ?")
            .bind(why)
            .bind(chunk)
            .execute(&mut self.connection)
            .await;
        marked.map(drop).map_err(self.failed("write to"))
    }

    /// Chunks all of whose points are older than `before`, the oldest first and not more than `most`.
    pub async fn outdated(
        &mut self,
        kind: i64,
        before: i64,
        most: i64,
    ) -> Result<Vec<(i64, i64)>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT id, points FROM chunks WHERE kind = ? AND level >= 0 AND high < ? AND broken IS NULL
             ORDER BY high LIMIT ?",
        )
        .bind(kind)
        .bind(before)
        .bind(most)
        .fetch_all(&mut self.connection)
        .await;
        rows.map_err(self.failed("read"))
    }

    pub async fn delete_chunks(&mut self, chunks: &[i64]) -> Result<(), StoreError> {
        self.delete(chunks).await?;
        let vacuumed = sqlx::query("PRAGMA incremental_vacuum(2000)")
            .execute(&mut self.connection)
            .await;
        vacuumed.map(drop).map_err(self.failed("write to"))
    }

    async fn delete(&mut self, chunks: &[i64]) -> Result<u64, StoreError> {
        let ids: Vec<String> = chunks.iter().map(ToString::to_string).collect();
        let deleted =
            sqlx::query("DELETE FROM chunks WHERE id IN (SELECT value FROM json_each(?))")
                .bind(format!("[{}]", ids.join(",")))
                .execute(&mut self.connection)
                .await;
        Ok(deleted.map_err(self.failed("write to"))?.rows_affected())
    }

    /// How many rollups begin before `before`; with `delete`, they go.
    pub async fn outdated_rollups(
        &mut self,
        kind: i64,
        grain: Grain,
        before: i64,
        delete: bool,
    ) -> Result<i64, StoreError> {
        let what = if delete { "DELETE" } else { "SELECT count(*)" };
        let sql = format!("{what} FROM rollups WHERE kind = ? AND grain = ? AND start < ?");
        let query = sqlx::query(safe(sql))
            .bind(kind)
            .bind(grain as i64)
            .bind(before);
        if delete {
            let done = query
                .execute(&mut self.connection)
                .await
                .map_err(self.failed("write to"))?;
            return Ok(done.rows_affected() as i64);
        }
        let row = query
            .fetch_one(&mut self.connection)
            .await
            .map_err(self.failed("read"))?;
        row.try_get(0).map_err(self.failed("read"))
    }
}
