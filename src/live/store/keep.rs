//! Chunks that take the place of others, and what goes.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::{QueryBuilder, Row};

use crate::kinds::{MOST_GROUPS, OTHER};

use super::super::bytes::Corrupt;
use super::super::rollup::{Grain, Groups, Rollup, Span, words_as_bytes};
use super::read::words_of;
use super::{Level, Part, Store, StoreError, as_json, safe};

/// Rollups that one statement writes.
const ROLLUPS_A_STATEMENT: usize = 200;

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
    /// Bytes of its widest column in memory.
    pub widest: i64,
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
        rollups: BTreeMap<Span, Groups>,
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
        mut rollups: BTreeMap<Span, Groups>,
    ) -> Result<bool, StoreError> {
        if self.delete(old).await? != old.len() as u64 {
            return Ok(false);
        }
        for chunk in new {
            let (least, most) = chunk.cluster.clone().unzip();
            let inserted = sqlx::query(
                "INSERT INTO chunks (kind, level, day, low, high, least, most, points, widest, data)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(kind)
            .bind(chunk.level as i64)
            .bind(chunk.day)
            .bind(chunk.low)
            .bind(chunk.high)
            .bind(least)
            .bind(most)
            .bind(chunk.points)
            .bind(chunk.widest)
            .bind(&chunk.data)
            .execute(&mut self.connection)
            .await;
            inserted.map_err(self.failed("write to"))?;
        }
        self.limit_groups(kind, &mut rollups).await?;
        for (span, groups) in &rollups {
            self.add_to_rollups(kind, span, groups).await?;
        }
        Ok(true)
    }

    /// Groups that are one too many in their month are counted as [`OTHER`], and it is noted how often.
    async fn limit_groups(
        &mut self,
        kind: i64,
        rollups: &mut BTreeMap<Span, Groups>,
    ) -> Result<(), StoreError> {
        let is_limited = |span: &&Span| span.grain == Grain::Month && !span.labels.is_empty();
        let months: Vec<Span> = rollups.keys().filter(is_limited).cloned().collect();
        let mut admitted: HashMap<i64, usize> = HashMap::new();
        for month in months {
            let known = self
                .known_rollups(kind, &month, rollups[&month].keys())
                .await?;
            let new = rollups[&month]
                .keys()
                .filter(|words| !known.contains_key(*words));
            let mut new: Vec<Vec<u8>> = new.cloned().collect();
            if new.is_empty() {
                continue;
            }
            let admitted = admitted.entry(month.start).or_default();
            let room =
                MOST_GROUPS.saturating_sub(self.group_count(kind, &month).await? + *admitted);
            new.sort();
            let excess: HashSet<Vec<u8>> = new.split_off(room.min(new.len())).into_iter().collect();
            *admitted += new.len();
            if let Some(example) = excess.iter().next() {
                let points = excess
                    .iter()
                    .map(|words| rollups[&month][words].points)
                    .sum();
                let example = words_of(example).join(",");
                self.note_dropped(kind, &month.labels, true, &example, points)
                    .await?;
            }
            let same = rollups
                .iter_mut()
                .filter(|(span, _)| span.labels == month.labels);
            same.for_each(|(span, groups)| count_as_other(span, groups, &excess));
        }
        Ok(())
    }

    /// How many groups of any labels the month has.
    async fn group_count(&mut self, kind: i64, month: &Span) -> Result<usize, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM rollups WHERE kind = ? AND grain = ? AND start = ? AND labels != ''",
        )
        .bind(kind)
        .bind(month.grain as i64)
        .bind(month.start)
        .fetch_one(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        Ok(count as usize)
    }

    async fn add_to_rollups(
        &mut self,
        kind: i64,
        span: &Span,
        groups: &Groups,
    ) -> Result<(), StoreError> {
        let mut groups: Vec<(&Vec<u8>, &Rollup)> = groups.iter().collect();
        groups.sort_by_key(|(words, _)| *words);
        for groups in groups.chunks(ROLLUPS_A_STATEMENT) {
            let known = self
                .known_rollups(kind, span, groups.iter().map(|(words, _)| *words))
                .await?;
            let sums = groups.iter().map(|(words, rollup)| {
                let bytes = match known.get(*words) {
                    Some(bytes) => {
                        let mut sum = Rollup::from_bytes(bytes)?;
                        sum.merge(rollup);
                        sum.to_bytes()
                    }
                    None => rollup.to_bytes(),
                };
                Ok((*words, bytes))
            });
            let sums: Result<Vec<(&Vec<u8>, Vec<u8>)>, Corrupt> = sums.collect();
            let sums = sums.map_err(|error| self.corrupt(Part::Rollup, error))?;
            let mut insert =
                QueryBuilder::new("INSERT INTO rollups (kind, labels, grain, start, words, data) ");
            insert.push_values(sums, |mut row, (words, data)| {
                row.push_bind(kind)
                    .push_bind(&span.labels)
                    .push_bind(span.grain as i64)
                    .push_bind(span.start)
                    .push_bind(words)
                    .push_bind(data);
            });
            insert.push(" ON CONFLICT DO UPDATE SET data = excluded.data");
            let written = insert.build().execute(&mut self.connection).await;
            written.map_err(self.failed("write to"))?;
        }
        Ok(())
    }

    async fn known_rollups(
        &mut self,
        kind: i64,
        span: &Span,
        words: impl Iterator<Item = &Vec<u8>>,
    ) -> Result<HashMap<Vec<u8>, Vec<u8>>, StoreError> {
        let rows: Vec<(Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "SELECT words, data FROM rollups WHERE kind = ? AND labels = ? AND grain = ? AND start = ?
             AND words IN (SELECT unhex(value) FROM json_each(?))",
        )
        .bind(kind)
        .bind(&span.labels)
        .bind(span.grain as i64)
        .bind(span.start)
        .bind(as_json(words))
        .fetch_all(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        Ok(rows.into_iter().collect())
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

fn count_as_other(span: &Span, groups: &mut Groups, excess: &HashSet<Vec<u8>>) {
    let other = words_as_bytes(span.labels.split(',').map(|_| OTHER));
    let gone: Vec<Rollup> = excess
        .iter()
        .filter_map(|words| groups.remove(words))
        .collect();
    for rollup in gone {
        groups.entry(other.clone()).or_default().merge(&rollup);
    }
}
