//! Chunks that take the place of others, and what goes.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono_tz::Tz;
use sqlx::{Executor, QueryBuilder};

use crate::kinds::{MOST_GROUPS, OTHER};

use super::super::bytes::Corrupt;
use super::super::grain::Grain;
use super::super::rollup::{Groups, Hourly, Rolled, Rollup, Span, words_as_bytes};
use super::read::{Cluster, words_of};
use super::{Level, Part, Store, StoreError, Tier, as_json};

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
    pub cluster: Option<Cluster>,
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
        rolled: Option<Rolled>,
    ) -> Result<bool, StoreError> {
        self.begin().await?;
        let done = self.replace_all(kind, old, new, rolled).await;
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
        rolled: Option<Rolled>,
    ) -> Result<bool, StoreError> {
        self.keep_for_replay(old).await?;
        if self.delete(old).await? != old.len() as u64 {
            return Ok(false);
        }
        for chunk in new {
            let cluster = chunk.cluster.as_ref();
            let inserted = sqlx::query(
                "INSERT INTO chunks (kind, level, day, low, high, label, least, most, points, widest, data)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(kind)
            .bind(chunk.level as i64)
            .bind(chunk.day)
            .bind(chunk.low)
            .bind(chunk.high)
            .bind(cluster.map(|cluster| &cluster.label))
            .bind(cluster.map(|cluster| &cluster.least))
            .bind(cluster.map(|cluster| &cluster.most))
            .bind(chunk.points)
            .bind(chunk.widest)
            .bind(&chunk.data)
            .execute(&mut self.connection)
            .await;
            inserted.map_err(self.failed("write to"))?;
        }
        let Some(mut rolled) = rolled else {
            return Ok(true);
        };
        self.note_groups(kind, &rolled.hours).await?;
        self.note_zone(kind, rolled.zone, new).await?;
        self.limit_groups(kind, &mut rolled.hours).await?;
        for hour in &rolled.hours {
            for grain in Grain::ALL {
                self.add_to_rollups(kind, &hour.span(grain), &hour.groups)
                    .await?;
            }
        }
        Ok(true)
    }

    /// Notes since when points are rolled up by which labels. A group that is left out for a while begins anew.
    async fn note_groups(&mut self, kind: i64, hours: &[Hourly]) -> Result<(), StoreError> {
        let mut labels: Vec<&str> = hours.iter().map(|hour| hour.labels.as_str()).collect();
        labels.sort_unstable();
        labels.dedup();
        let list = serde_json::json!(labels).to_string();
        for sql in [
            "DELETE FROM grouped WHERE kind = ?1 AND labels NOT IN (SELECT value FROM json_each(?2))",
            "INSERT INTO grouped SELECT ?1, value,
                coalesce((SELECT max(high) + 1 FROM zones WHERE kind = ?1), -9223372036854775808)
             FROM json_each(?2) WHERE true ON CONFLICT DO NOTHING",
        ] {
            let noted = sqlx::query(sql)
                .bind(kind)
                .bind(&list)
                .execute(&mut self.connection)
                .await;
            noted.map_err(self.failed("write to"))?;
        }
        Ok(())
    }

    /// Notes in whose hours the points of these chunks are rolled up.
    async fn note_zone(
        &mut self,
        kind: i64,
        zone: Tz,
        chunks: &[NewChunk],
    ) -> Result<(), StoreError> {
        let noted = sqlx::query(
            "INSERT INTO zones VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET low = min(low, excluded.low), high = max(high, excluded.high)",
        )
        .bind(kind)
        .bind(zone.name())
        .bind(chunks.iter().map(|chunk| chunk.low).min())
        .bind(chunks.iter().map(|chunk| chunk.high).max())
        .execute(&mut self.connection)
        .await;
        noted.map(drop).map_err(self.failed("write to"))
    }

    /// Notes before which instant points or rollups may be gone from now on.
    pub(super) async fn note_pruned(
        &mut self,
        kind: i64,
        tier: Tier,
        until: i64,
    ) -> Result<(), StoreError> {
        let noted = sqlx::query(
            "INSERT INTO pruned VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
        )
        .bind(kind)
        .bind(tier as i64)
        .bind(until)
        .execute(&mut self.connection)
        .await;
        noted.map(drop).map_err(self.failed("write to"))
    }

    /// Groups that are one too many in their month are counted as [`OTHER`], and it is noted how often.
    async fn limit_groups(&mut self, kind: i64, rollups: &mut [Hourly]) -> Result<(), StoreError> {
        let mut admitted: BTreeMap<Span, HashSet<Vec<u8>>> = BTreeMap::new();
        for hour in rollups.iter_mut().filter(|hour| !hour.labels.is_empty()) {
            let month = hour.span(Grain::Month);
            let known = self.known_rollups(kind, &month, hour.groups.keys()).await?;
            let is_known = |words: &Vec<u8>| {
                let admitted = admitted.get(&month);
                known.contains_key(words)
                    || admitted.is_some_and(|words_of| words_of.contains(words))
            };
            let mut new: Vec<Vec<u8>> = hour
                .groups
                .keys()
                .filter(|words| !is_known(words))
                .cloned()
                .collect();
            if new.is_empty() {
                continue;
            }
            let same_month = admitted
                .iter()
                .filter(|(span, _)| span.start == month.start);
            let count: usize = same_month.map(|(_, words)| words.len()).sum();
            let room = MOST_GROUPS.saturating_sub(self.group_count(kind, &month).await? + count);
            new.sort();
            let excess = new.split_off(room.min(new.len()));
            if let Some(example) = excess.first() {
                let points = excess.iter().map(|words| hour.groups[words].points).sum();
                let example = words_of(example).join(",");
                self.note_dropped(kind, &hour.labels, true, &example, points)
                    .await?;
            }
            count_as_other(hour, &excess);
            admitted.entry(month).or_default().extend(new);
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
            let mut sums = Vec::with_capacity(groups.len());
            for (words, rollup) in groups {
                let sum = sum(known.get(*words), rollup);
                sums.push((
                    words,
                    sum.map_err(|error| self.corrupt(Part::Rollup, error))?,
                ));
            }
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
    pub async fn mark_broken(&mut self, chunk: i64, why: Corrupt) -> Result<(), StoreError> {
        let file = self.path.display();
        tracing::error!("{file}: chunk {chunk} is {why}; it is kept as it is");
        let marked = sqlx::query("UPDATE chunks SET broken = ? WHERE id = ?")
            .bind(why.to_string())
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

    /// Deletes outdated chunks.
    pub async fn delete_chunks(&mut self, kind: i64, chunks: &[i64]) -> Result<(), StoreError> {
        self.begin().await?;
        let done = self.delete_and_note(kind, chunks).await;
        self.finish(done).await?;
        self.give_room_back().await
    }

    /// A part of the room that is not used any more, so that nobody waits for long.
    pub async fn give_room_back(&mut self) -> Result<(), StoreError> {
        let vacuumed = sqlx::query("PRAGMA incremental_vacuum(2000)")
            .execute(&mut self.connection)
            .await;
        vacuumed.map(drop).map_err(self.failed("write to"))
    }

    async fn delete_and_note(&mut self, kind: i64, chunks: &[i64]) -> Result<(), StoreError> {
        let newest: Option<i64> = sqlx::query_scalar(
            "SELECT max(high) FROM chunks WHERE id IN (SELECT value FROM json_each(?))",
        )
        .bind(ids_as_json(chunks))
        .fetch_one(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        if let Some(newest) = newest {
            self.note_pruned(kind, Tier::Points, newest + 1).await?;
        }
        self.delete(chunks).await.map(drop)
    }

    /// From now on what is deleted is overwritten, and the log is emptied as soon as it may be.
    pub async fn overwrite_what_goes(&mut self) -> Result<(), StoreError> {
        let set = self.connection.execute("PRAGMA secure_delete = ON").await;
        set.map(drop).map_err(self.failed("write to"))
    }

    /// Notes that points before this instant are forgotten, which the rollups of all groups together still count.
    pub async fn note_forgotten(&mut self, kind: i64, before: i64) -> Result<(), StoreError> {
        self.note_pruned(kind, Tier::Forgotten, before).await
    }

    /// The rollups of a kind by these labels whose groups have these texts at these places, and which begin at this
    /// microsecond or before; how many they are.
    pub async fn forget_rollups(
        &mut self,
        kind: i64,
        labels: &str,
        texts: &[(usize, String)],
        until: i64,
        dry_run: bool,
    ) -> Result<usize, StoreError> {
        let until = until.div_euclid(1_000_000);
        let groups: Vec<(Vec<u8>, i64)> = sqlx::query_as(
            "SELECT words, count(*) FROM rollups WHERE kind = ? AND labels = ? AND start <= ? GROUP BY words",
        )
        .bind(kind)
        .bind(labels)
        .bind(until)
        .fetch_all(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        let has_all = |(words, _): &(Vec<u8>, i64)| {
            let words = words_of(words);
            texts.iter().all(|(at, text)| words.get(*at) == Some(text))
        };
        let groups: Vec<(Vec<u8>, i64)> = groups.into_iter().filter(has_all).collect();
        if !dry_run {
            let deleted = sqlx::query(
                "DELETE FROM rollups WHERE kind = ? AND labels = ? AND start <= ?
                 AND words IN (SELECT unhex(value) FROM json_each(?))",
            )
            .bind(kind)
            .bind(labels)
            .bind(until)
            .bind(as_json(groups.iter().map(|(words, _)| words)))
            .execute(&mut self.connection)
            .await;
            deleted.map_err(self.failed("write to"))?;
        }
        Ok(groups.iter().map(|(_, count)| *count as usize).sum())
    }

    /// A label's only word that was asked for is no longer known; what is deleted leaves the log too.
    pub async fn forget_words(
        &mut self,
        kind: i64,
        labels: &[(String, String)],
    ) -> Result<(), StoreError> {
        if let [(label, word)] = labels {
            for sql in [
                "DELETE FROM words WHERE kind = ? AND label = ? AND word = ?",
                "UPDATE dropped SET word = '' WHERE kind = ? AND label = ? AND word = ?",
            ] {
                let done = sqlx::query(sql)
                    .bind(kind)
                    .bind(label)
                    .bind(word)
                    .execute(&mut self.connection)
                    .await;
                done.map_err(self.failed("write to"))?;
            }
            self.note_word_forgotten(kind).await?;
        }
        let empty = sqlx::raw_sql("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);");
        let emptied = self.connection.execute(empty).await;
        emptied.map(drop).map_err(self.failed("write to"))
    }

    /// Whoever has the kind's words in memory reads them anew, since what was noted has changed.
    async fn note_word_forgotten(&mut self, kind: i64) -> Result<(), StoreError> {
        let noted = sqlx::query(
            "INSERT INTO pruned VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET until = until + 1",
        )
        .bind(kind)
        .bind(Tier::Forgotten as i64)
        .bind(i64::MIN + 1)
        .execute(&mut self.connection)
        .await;
        noted.map(drop).map_err(self.failed("write to"))
    }

    async fn delete(&mut self, chunks: &[i64]) -> Result<u64, StoreError> {
        let deleted =
            sqlx::query("DELETE FROM chunks WHERE id IN (SELECT value FROM json_each(?))")
                .bind(ids_as_json(chunks))
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
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM rollups WHERE kind = ? AND grain = ? AND start < ?",
        )
        .bind(kind)
        .bind(grain as i64)
        .bind(before)
        .fetch_one(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        if delete && count > 0 {
            self.begin().await?;
            let done = self.delete_rollups(kind, grain, before).await;
            self.finish(done).await?;
        }
        Ok(count)
    }

    async fn delete_rollups(
        &mut self,
        kind: i64,
        grain: Grain,
        before: i64,
    ) -> Result<(), StoreError> {
        let until = before.saturating_mul(1_000_000);
        self.note_pruned(kind, grain.into(), until).await?;
        let deleted = sqlx::query("DELETE FROM rollups WHERE kind = ? AND grain = ? AND start < ?")
            .bind(kind)
            .bind(grain as i64)
            .bind(before)
            .execute(&mut self.connection)
            .await;
        deleted.map(drop).map_err(self.failed("write to"))
    }
}

pub(super) fn ids_as_json(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("[{}]", ids.join(","))
}

fn sum(known: Option<&Vec<u8>>, more: &Rollup) -> Result<Vec<u8>, Corrupt> {
    let Some(known) = known else {
        return Ok(more.to_bytes());
    };
    let mut sum = Rollup::from_bytes(known)?;
    sum.merge(more);
    Ok(sum.to_bytes())
}

fn count_as_other(hour: &mut Hourly, excess: &[Vec<u8>]) {
    let other = words_as_bytes(hour.labels.split(',').map(|_| OTHER));
    for words in excess {
        if let Some(rollup) = hour.groups.remove(words) {
            hour.groups.entry(other.clone()).or_default().merge(&rollup);
        }
    }
}
