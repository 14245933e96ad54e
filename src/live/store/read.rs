//! What lies in a store: kinds, chunks, rollups.

use std::ops::{Deref, DerefMut, Range, RangeInclusive};

use chrono_tz::Tz;
use futures_util::{FutureExt, Stream, StreamExt, TryStreamExt};
use sqlx::sqlite::SqliteRow;
use sqlx::{Executor, Row};

use crate::kinds::OTHER;

use super::super::bytes::Corrupt;
use super::super::grain::Grain;
use super::super::rollup::{Key, Rollup, words_as_bytes};
use super::{Level, Part, Store, StoreError, Tier, safe};

/// A chunk without its points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkRow {
    pub id: i64,
    pub level: Level,
    /// The first and the last instant, in microseconds.
    pub low: i64,
    pub high: i64,
    /// The local day, counted from the first of the common era, of a sealed one.
    pub day: Option<i64>,
    /// Once it is sealed.
    pub cluster: Option<Cluster>,
    pub points: i64,
    /// Bytes.
    pub size: i64,
    /// Bytes of its widest column in memory.
    pub widest: i64,
    /// Why it cannot be read.
    pub broken: Option<String>,
}

impl ChunkRow {
    /// Whether a point may have this value of the cluster label.
    pub fn may_hold(&self, asked: Option<(&str, &str)>) -> bool {
        match (&self.cluster, asked) {
            (Some(own), Some((label, text))) if own.label == label => {
                (own.least.as_str()..=own.most.as_str()).contains(&text)
            }
            _ => true,
        }
    }
}

/// The label by which a chunk is sorted, with its first and its last value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    pub label: String,
    pub least: String,
    pub most: String,
}

/// What a store knows of a kind's past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The first instant of which there was a point, in microseconds.
    pub first: Option<i64>,
    /// The last instant of which points are kept.
    pub last: Option<i64>,
    /// By which labels points are rolled up, with a comma between, and from which instant on all of them.
    pub grouped: Vec<(String, i64)>,
    pub zones: Vec<Zone>,
    /// Before these instants rollups by hour, day and month, then points may have been pruned and, last, points forgotten.
    pub pruned: [i64; 5],
}

impl Default for Past {
    fn default() -> Self {
        Self {
            first: None,
            last: None,
            grouped: Vec::new(),
            zones: Vec::new(),
            pruned: [i64::MIN; 5],
        }
    }
}

impl Past {
    /// The part of a window of which points are not kept any more.
    pub fn without_points(&self, window: &Range<i64>) -> Option<Range<i64>> {
        let kept = self.pruned[Tier::Points as usize];
        Some(window.start..kept.min(window.end)).filter(|gone| !gone.is_empty())
    }
}

/// In which zone's hours, days and months points were rolled up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// `None`: it was not noted, or is not known here.
    pub zone: Option<Tz>,
    /// Between which instants the points lie.
    pub low: i64,
    pub high: i64,
}

/// An hour, day or month of rollups by some labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// Its first second.
    pub start: i64,
    /// The points of all its groups.
    pub points: u64,
    /// The group that was asked for, if it is there.
    pub group: Option<Rollup>,
    /// Some of its points are counted as groups that were too many.
    pub has_other: bool,
}

/// What a store holds of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fill {
    pub kind: String,
    pub chunks: i64,
    pub points: i64,
    pub bytes: i64,
    pub fresh_points: i64,
    /// The oldest instant that is not sealed.
    pub oldest_fresh: Option<i64>,
    pub broken: i64,
}

/// Points that a label had too many values for, or whose labels made too many groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    pub kind: String,
    /// Of a group: all its labels.
    pub label: String,
    pub is_group: bool,
    pub points: i64,
    /// One of the values.
    pub word: String,
}

/// A store that is read as it was at one instant. Whoever is no longer waited for drops it, and leaves no transaction open.
pub struct ReadTransaction<'s>(&'s mut Store);

impl Deref for ReadTransaction<'_> {
    type Target = Store;

    fn deref(&self) -> &Store {
        self.0
    }
}

impl DerefMut for ReadTransaction<'_> {
    fn deref_mut(&mut self) -> &mut Store {
        self.0
    }
}

impl Drop for ReadTransaction<'_> {
    fn drop(&mut self) {
        // The connection's own thread does what it was told in its order, whether or not anybody waits for it.
        drop(self.0.connection.execute("ROLLBACK").now_or_never());
    }
}

const CHUNK_COLUMNS: &str =
    "id, level, low, high, least, most, points, length(data), broken, widest, label, day";

impl Store {
    pub async fn kinds(&mut self) -> Result<Vec<(i64, String)>, StoreError> {
        let rows = sqlx::query_as("SELECT id, name FROM kinds ORDER BY name")
            .fetch_all(&mut self.connection)
            .await;
        rows.map_err(self.failed("read"))
    }

    pub async fn kind(&mut self, name: &str) -> Result<Option<i64>, StoreError> {
        let id = sqlx::query_scalar("SELECT id FROM kinds WHERE name = ?")
            .bind(name)
            .fetch_optional(&mut self.connection)
            .await;
        id.map_err(self.failed("read"))
    }

    /// The values of a label that were ever recorded and not forgotten, up to the most that it may have.
    pub async fn words(&mut self, kind: &str, label: &str) -> Result<Vec<String>, StoreError> {
        let words = sqlx::query_scalar(
            "SELECT word FROM words WHERE kind = (SELECT id FROM kinds WHERE name = ?) AND label = ?",
        )
        .bind(kind)
        .bind(label)
        .fetch_all(&mut self.connection)
        .await;
        words.map_err(self.failed("read"))
    }

    /// How many there are, and whether this is one of them.
    pub async fn knows_word(
        &mut self,
        kind: &str,
        label: &str,
        word: &str,
    ) -> Result<(i64, bool), StoreError> {
        let known = sqlx::query_as(
            "WITH asked AS (SELECT id FROM kinds WHERE name = ?1)
             SELECT (SELECT count(*) FROM words JOIN asked ON kind = id WHERE label = ?2),
                 EXISTS (SELECT 1 FROM words JOIN asked ON kind = id WHERE label = ?2 AND word = ?3)",
        )
        .bind(kind)
        .bind(label)
        .bind(word)
        .fetch_one(&mut self.connection)
        .await;
        known.map_err(self.failed("read"))
    }

    /// The fresh chunks of a kind that can be read, in the order of their commits; not more of them than `most`.
    pub async fn fresh(&mut self, kind: i64, most: i64) -> Result<Vec<ChunkRow>, StoreError> {
        let sql = format!(
            "SELECT {CHUNK_COLUMNS} FROM chunks
             WHERE kind = ? AND level = 0 AND broken IS NULL ORDER BY id LIMIT ?"
        );
        self.chunk_rows(sqlx::query(safe(sql)).bind(kind).bind(most))
            .await
    }

    /// Points that are not sealed, and the oldest of them.
    pub async fn unsealed(&mut self) -> Result<(i64, Option<i64>), StoreError> {
        let unsealed =
            sqlx::query_as("SELECT coalesce(sum(points), 0), min(low) FROM chunks WHERE level = 0")
                .fetch_one(&mut self.connection)
                .await;
        unsealed.map_err(self.failed("read"))
    }

    /// Points that are not sealed.
    pub async fn fresh_points(&mut self) -> Result<i64, StoreError> {
        let points =
            sqlx::query_scalar("SELECT coalesce(sum(points), 0) FROM chunks WHERE level = 0")
                .fetch_one(&mut self.connection)
                .await;
        points.map_err(self.failed("read"))
    }

    /// The sealed chunks of a local day that can be read.
    pub async fn sealed_of(&mut self, kind: i64, day: i64) -> Result<Vec<ChunkRow>, StoreError> {
        let sql = format!(
            "SELECT {CHUNK_COLUMNS} FROM chunks
             WHERE kind = ? AND day = ? AND level = 1 AND broken IS NULL ORDER BY id"
        );
        self.chunk_rows(sqlx::query(safe(sql)).bind(kind).bind(day))
            .await
    }

    /// The chunks with points of this time, broken ones among them; with `fresh`, only those that are not sealed.
    pub async fn between(
        &mut self,
        kind: i64,
        from: i64,
        to: i64,
        fresh: bool,
    ) -> Result<Vec<ChunkRow>, StoreError> {
        let sql = format!(
            "SELECT {CHUNK_COLUMNS} FROM chunks
             WHERE kind = ? AND high >= ? AND low < ? AND level <= ? ORDER BY id"
        );
        let most = if fresh { Level::Fresh } else { Level::Sealed };
        let query = sqlx::query(safe(sql)).bind(kind).bind(from).bind(to);
        self.chunk_rows(query.bind(most as i64)).await
    }

    /// A kind by its name, with its past; `None`: nothing of it was ever recorded.
    pub async fn past(&mut self, kind: &str) -> Result<Option<(i64, Past)>, StoreError> {
        let rows: Vec<(String, String, Option<i64>, Option<i64>)> = sqlx::query_as(
            "WITH asked AS (SELECT id FROM kinds WHERE name = ?)
             SELECT 'kind', '', asked.id, NULL FROM asked
             UNION ALL SELECT 'chunks', '', min(low), max(high) FROM chunks JOIN asked ON kind = asked.id
             UNION ALL SELECT 'zone', zone, low, high FROM zones JOIN asked ON kind = asked.id
             UNION ALL SELECT 'grouped', labels, since, NULL FROM grouped JOIN asked ON kind = asked.id
             UNION ALL SELECT 'pruned', '', tier, until FROM pruned JOIN asked ON kind = asked.id",
        )
        .bind(kind)
        .fetch_all(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        let (mut id, mut past) = (None, Past::default());
        for (about, text, one, other) in rows {
            match (about.as_str(), one, other) {
                ("kind", kind, _) => id = kind,
                ("chunks", low, high) => (past.first, past.last) = (low, high),
                ("zone", Some(low), Some(high)) => {
                    past.first = Some(past.first.map_or(low, |first| first.min(low)));
                    let zone = text.parse().ok();
                    past.zones.push(Zone { zone, low, high });
                }
                ("grouped", Some(since), _) => past.grouped.push((text, since)),
                ("pruned", Some(tier), Some(until)) => {
                    if let Some(known) = past.pruned.get_mut(tier as usize) {
                        *known = until;
                    }
                }
                _ => {}
            }
        }
        Ok(id.map(|id| (id, past)))
    }

    /// The rollups of a kind by labels from a start on to before another, with the group that has these words.
    pub async fn buckets(
        &mut self,
        kind: i64,
        grain: Grain,
        labels: &str,
        words: &[&str],
        starts: Range<i64>,
    ) -> Result<Vec<Bucket>, StoreError> {
        let asked = words_as_bytes(words.iter().copied());
        let other = words_as_bytes(words.iter().map(|_| OTHER));
        let limit = sqlx::query_scalar(
            "SELECT count(*) FROM dropped WHERE kind = ? AND label = ? AND is_group",
        );
        let limit: i64 = limit
            .bind(kind)
            .bind(labels)
            .fetch_one(&mut self.connection)
            .await
            .map_err(self.failed("read"))?;
        let failed = self.failed("read");
        let corrupt = self.corrupting(Part::Rollup);
        let mut rows = sqlx::query_as::<_, (i64, Vec<u8>, Vec<u8>)>(
            "SELECT start, words, data FROM rollups
             WHERE kind = ? AND labels = ? AND grain = ? AND start >= ? AND start < ? ORDER BY start",
        )
        .bind(kind)
        .bind(labels)
        .bind(grain as i64)
        .bind(starts.start)
        .bind(starts.end)
        .fetch(&mut self.connection);
        let mut buckets: Vec<Bucket> = Vec::new();
        while let Some((start, words, data)) = rows.try_next().await.map_err(&failed)? {
            if buckets.last().is_none_or(|bucket| bucket.start != start) {
                buckets.push(Bucket {
                    start,
                    points: 0,
                    group: None,
                    has_other: false,
                });
            }
            let Some(bucket) = buckets.last_mut() else {
                continue;
            };
            bucket.points += Rollup::points_of(&data).map_err(&corrupt)?;
            bucket.has_other |= limit > 0 && words == other;
            if words == asked {
                bucket.group = Some(Rollup::from_bytes(&data).map_err(&corrupt)?);
            }
        }
        Ok(buckets)
    }

    /// The rollups by labels whose words begin with these, from a start on to another, handed on one by one: their start,
    /// words and bytes.
    pub async fn each_rollup(
        &mut self,
        kind: i64,
        grain: Grain,
        labels: &str,
        first_words: &[u8],
        starts: RangeInclusive<i64>,
        mut take: impl FnMut(i64, &[u8], &[u8]) -> Result<(), Corrupt>,
    ) -> Result<(), StoreError> {
        let failed = self.failed("read");
        let corrupt = self.corrupting(Part::Rollup);
        // No text has this byte.
        let last_words: Vec<u8> = first_words.iter().copied().chain([u8::MAX]).collect();
        // Those of all points say which hours there are, so that few of many groups are found without the others.
        let mut rows = sqlx::query(
            "SELECT found.start, found.words, found.data FROM rollups AS every
             CROSS JOIN rollups AS found ON found.kind = every.kind AND found.labels = ?1 AND found.grain = every.grain
                AND found.start = every.start AND found.words >= ?2 AND found.words < ?3
             WHERE every.kind = ?4 AND every.labels = '' AND every.grain = ?5 AND every.start BETWEEN ?6 AND ?7",
        )
        .bind(labels)
        .bind(first_words)
        .bind(last_words)
        .bind(kind)
        .bind(grain as i64)
        .bind(starts.start())
        .bind(starts.end())
        .fetch(&mut self.connection);
        while let Some(row) = rows.try_next().await.map_err(&failed)? {
            let start = row.try_get(0).map_err(&failed)?;
            let (words, data) = (
                row.try_get(1).map_err(&failed)?,
                row.try_get(2).map_err(&failed)?,
            );
            take(start, words, data).map_err(&corrupt)?;
        }
        Ok(())
    }

    pub async fn all_chunks(&mut self, kind: i64) -> Result<Vec<ChunkRow>, StoreError> {
        let sql = format!("SELECT {CHUNK_COLUMNS} FROM chunks WHERE kind = ? ORDER BY id");
        self.chunk_rows(sqlx::query(safe(sql)).bind(kind)).await
    }

    /// The first local day of which there are sealed points.
    pub async fn oldest_day(&mut self, kind: i64) -> Result<Option<i64>, StoreError> {
        let day = sqlx::query_scalar(
            "SELECT min(day) FROM chunks WHERE kind = ? AND level = 1 AND broken IS NULL",
        )
        .bind(kind)
        .fetch_one(&mut self.connection)
        .await;
        day.map_err(self.failed("read"))
    }

    /// Days of a kind, from one on, with several chunks of fewer points than `small`, or with larger ones that share values of the cluster
    /// label.
    pub async fn unsorted_days(
        &mut self,
        kind: i64,
        from: i64,
        small: i64,
    ) -> Result<Vec<i64>, StoreError> {
        let days = sqlx::query_scalar(
            "SELECT day FROM (
                SELECT day, points, least, max(most) FILTER (WHERE points >= ?2)
                    OVER (PARTITION BY day, label ORDER BY least, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
                FROM chunks WHERE kind = ?1 AND day >= ?3 AND level = 1 AND broken IS NULL)
             GROUP BY day
             HAVING sum(points < ?2) > 1 OR sum(points >= ?2 AND least < before) > 0",
        )
        .bind(kind)
        .bind(small)
        .bind(from)
        .fetch_all(&mut self.connection)
        .await;
        days.map_err(self.failed("read"))
    }

    /// All is read as it is now, for as long as this is held. Not for long: meanwhile the log cannot be emptied.
    pub async fn begin_reading(&mut self) -> Result<ReadTransaction<'_>, StoreError> {
        let failed = self.failed("read");
        let reading = ReadTransaction(self);
        let begun = reading.0.connection.execute("BEGIN").await;
        begun.map(|_| reading).map_err(failed)
    }

    /// Some of the chunks with points of a time, those that end last first, with their bytes; broken ones among them. Sealed ones
    /// only if they may hold this value of the cluster label.
    pub fn last_chunks(
        &mut self,
        kind: i64,
        time: Range<i64>,
        cluster: Option<(&str, &str)>,
        places: Range<i64>,
    ) -> impl Stream<Item = Result<(ChunkRow, Vec<u8>), StoreError>> {
        let sql = format!(
            "SELECT {CHUNK_COLUMNS}, data FROM chunks
             WHERE kind = ?1 AND high >= ?2 AND low < ?3
                AND (label IS NOT ?4 OR label IS NULL OR ?5 BETWEEN least AND most)
             ORDER BY high DESC, id DESC LIMIT ?6 OFFSET ?7"
        );
        let failed = self.failed("read");
        let chunk = |row: SqliteRow| Ok((chunk_row(&row)?, row.try_get(12)?));
        let rows = sqlx::query(safe(sql))
            .bind(kind)
            .bind(time.start)
            .bind(time.end)
            .bind(cluster.map(|(label, _)| label.to_owned()))
            .bind(cluster.map(|(_, text)| text.to_owned()))
            .bind(places.end - places.start)
            .bind(places.start)
            .fetch(&mut self.connection);
        rows.map(move |row| row.and_then(chunk).map_err(&failed))
    }

    /// So many of the chunks with points of a time at most, those that begin first; broken ones among them. Sealed ones only if
    /// they may hold this value of the cluster label.
    pub async fn first_chunks(
        &mut self,
        kind: i64,
        from: i64,
        to: i64,
        cluster: Option<(&str, &str)>,
        most: usize,
    ) -> Result<Vec<ChunkRow>, StoreError> {
        let sql = format!(
            "SELECT {CHUNK_COLUMNS} FROM chunks
             WHERE kind = ?1 AND high >= ?2 AND low < ?3
                AND (label IS NOT ?4 OR label IS NULL OR ?5 BETWEEN least AND most)
             ORDER BY low LIMIT ?6"
        );
        let query = sqlx::query(safe(sql)).bind(kind).bind(from).bind(to);
        let query = query
            .bind(cluster.map(|(label, _)| label.to_owned()))
            .bind(cluster.map(|(_, text)| text.to_owned()))
            .bind(most as i64);
        self.chunk_rows(query).await
    }

    async fn chunk_rows(
        &mut self,
        query: sqlx::query::Query<'_, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>,
    ) -> Result<Vec<ChunkRow>, StoreError> {
        let rows = query.fetch_all(&mut self.connection).await;
        let rows = rows.map_err(self.failed("read"))?;
        let rows = rows.iter().map(chunk_row).collect::<Result<_, _>>();
        rows.map_err(self.failed("read"))
    }

    /// A chunk's bytes; `None`: it has gone, sealed or pruned.
    pub async fn data(&mut self, chunk: i64) -> Result<Option<Vec<u8>>, StoreError> {
        let data = sqlx::query_scalar("SELECT data FROM chunks WHERE id = ?")
            .bind(chunk)
            .fetch_optional(&mut self.connection)
            .await;
        data.map_err(self.failed("read"))
    }

    /// The bytes of those of these chunks that are still there.
    pub fn data_of(
        &mut self,
        chunks: &[i64],
    ) -> impl Stream<Item = Result<(i64, Vec<u8>), StoreError>> {
        let failed = self.failed("read");
        sqlx::query_as("SELECT id, data FROM chunks WHERE id IN (SELECT value FROM json_each(?))")
            .bind(serde_json::json!(chunks).to_string())
            .fetch(&mut self.connection)
            .map_err(failed)
    }

    pub fn corrupt(&self, part: Part, error: Corrupt) -> StoreError {
        self.corrupting(part)(error)
    }

    pub(super) fn corrupting(&self, part: Part) -> impl Fn(Corrupt) -> StoreError + use<> {
        let file = self.path.display().to_string();
        move |error| StoreError::Corrupt {
            file: file.clone(),
            part,
            error,
        }
    }

    /// The rollups of a kind from a start on to before another, in their order.
    pub async fn rollups(
        &mut self,
        kind: i64,
        grain: Grain,
        by: &[String],
        starts: Range<i64>,
    ) -> Result<Vec<(Key, Rollup)>, StoreError> {
        let rows = sqlx::query(
            "SELECT start, words, data FROM rollups
             WHERE kind = ? AND labels = ? AND grain = ? AND start >= ? AND start < ? ORDER BY start, words",
        )
        .bind(kind)
        .bind(by.join(","))
        .bind(grain as i64)
        .bind(starts.start)
        .bind(starts.end)
        .fetch_all(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        let mut rollups = Vec::with_capacity(rows.len());
        for row in rows {
            let words: Vec<u8> = row.try_get(1).map_err(self.failed("read"))?;
            let data: Vec<u8> = row.try_get(2).map_err(self.failed("read"))?;
            let key = Key {
                grain,
                start: row.try_get(0).map_err(self.failed("read"))?,
                by: by.to_vec(),
                words: words_of(&words),
            };
            let rollup =
                Rollup::from_bytes(&data).map_err(|error| self.corrupt(Part::Rollup, error))?;
            rollups.push((key, rollup));
        }
        Ok(rollups)
    }

    pub async fn fill(&mut self) -> Result<Vec<Fill>, StoreError> {
        let rows = sqlx::query(
            "SELECT name, count(chunks.id), coalesce(sum(points), 0), coalesce(sum(length(data)), 0),
                coalesce(sum(points) FILTER (WHERE level = 0), 0), min(low) FILTER (WHERE level = 0), count(broken)
             FROM kinds LEFT JOIN chunks ON chunks.kind = kinds.id GROUP BY name ORDER BY name",
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        let fills = rows.iter().map(fill).collect::<Result<_, _>>();
        fills.map_err(self.failed("read"))
    }

    pub async fn dropped(&mut self) -> Result<Vec<Dropped>, StoreError> {
        let rows = sqlx::query(
            "SELECT name, label, is_group, points, word FROM dropped JOIN kinds ON kinds.id = dropped.kind
             ORDER BY 1, 2",
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        let dropped = rows.iter().map(dropped).collect::<Result<_, _>>();
        dropped.map_err(self.failed("read"))
    }
}

fn chunk_row(row: &SqliteRow) -> Result<ChunkRow, sqlx::Error> {
    let least: Option<String> = row.try_get(4)?;
    let most: Option<String> = row.try_get(5)?;
    let label: Option<String> = row.try_get(10)?;
    let level: i64 = row.try_get(1)?;
    Ok(ChunkRow {
        id: row.try_get(0)?,
        level: if level == 0 {
            Level::Fresh
        } else {
            Level::Sealed
        },
        low: row.try_get(2)?,
        high: row.try_get(3)?,
        cluster: label
            .zip(least)
            .zip(most)
            .map(|((label, least), most)| Cluster { label, least, most }),
        day: row.try_get(11)?,
        points: row.try_get(6)?,
        size: row.try_get(7)?,
        broken: row.try_get(8)?,
        widest: row.try_get(9)?,
    })
}

fn fill(row: &SqliteRow) -> Result<Fill, sqlx::Error> {
    Ok(Fill {
        kind: row.try_get(0)?,
        chunks: row.try_get(1)?,
        points: row.try_get(2)?,
        bytes: row.try_get(3)?,
        fresh_points: row.try_get(4)?,
        oldest_fresh: row.try_get(5)?,
        broken: row.try_get(6)?,
    })
}

fn dropped(row: &SqliteRow) -> Result<Dropped, sqlx::Error> {
    Ok(Dropped {
        kind: row.try_get(0)?,
        label: row.try_get(1)?,
        is_group: row.try_get(2)?,
        points: row.try_get(3)?,
        word: row.try_get(4)?,
    })
}

/// The words of a group, each with a NUL byte behind it.
pub fn words_of(bytes: &[u8]) -> Vec<String> {
    let words = bytes.split_inclusive(|byte| *byte == 0);
    words
        .map(|word| String::from_utf8_lossy(&word[..word.len() - 1]).into_owned())
        .collect()
}
