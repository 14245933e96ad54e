//! Commits: points become fresh chunks, keys and ids are remembered, new words find their place, all in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::Executor;

use crate::kinds::{Accepts, Kind, Kinds, OTHER, Shape};

use super::super::batch::{Batch, Outcome};
use super::super::chunk::{Effort, encode};
use super::super::columns::{Columns, Texts};
use super::super::event::Hash;
use super::{Level, Part, Store, StoreError, Tier, as_json, safe};

/// Points of one chunk.
pub const CHUNK: usize = 65_536;
/// Bytes of texts of one fresh chunk.
const MOST_TEXT: usize = 8 << 20;
/// Hashes go into a new table after this time, or when the table holds that part of all that may be remembered.
const TABLE_TIME: TimeDelta = TimeDelta::hours(6);
const TABLE_PART: i64 = 4;
/// So long a key or an id is remembered at least, if they are not too many.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// What a writer remembers of the store, so that it need not ask each time.
pub struct Known {
    /// Ids and keys that are remembered at most; the oldest go first.
    most_ids: i64,
    kinds: HashMap<String, i64>,
    /// Of kinds and labels.
    words: HashMap<(i64, String), HashSet<String>>,
    /// What was noted of forgotten words, by kinds.
    forgotten: HashMap<i64, Option<i64>>,
    /// What the last commit wrote: all of it, or samples only.
    kept: Vec<Kept>,
    keeps_all: bool,
}

/// What a commit wrote of a kind.
#[derive(Debug)]
pub struct Kept {
    pub kind: String,
    pub points: Columns,
    /// Of spans that were begun before they ended: their ids, by the places of their points.
    pub spans: Vec<(usize, String)>,
    /// These spans have only begun.
    pub has_begun: bool,
}

/// A table of hashes: of keys and ids that came since.
pub(super) struct Seen {
    number: i64,
    since: DateTime<Utc>,
    hashes: i64,
}

impl Known {
    /// With `keeps_all`, points of every shape are kept until the next commit.
    pub fn new(most_ids: i64, keeps_all: bool) -> Self {
        Self {
            most_ids,
            kinds: HashMap::new(),
            words: HashMap::new(),
            forgotten: HashMap::new(),
            kept: Vec::new(),
            keeps_all,
        }
    }

    /// What the last commit wrote.
    pub fn take_kept(&mut self) -> Vec<Kept> {
        std::mem::take(&mut self.kept)
    }

    fn keep(&mut self, kind: &Kind, points: Columns, spans: Vec<(usize, String)>) {
        if self.keeps_all || kind.shape == Shape::Sample {
            self.kept.push(Kept {
                kind: kind.name.clone(),
                points,
                spans,
                has_begun: false,
            });
        }
    }

    /// Spans that begin are no points yet.
    pub(super) fn keep_begin(&mut self, kind: String, points: Columns, id: String) {
        if self.keeps_all {
            self.kept.push(Kept {
                kind,
                points,
                spans: vec![(0, id)],
                has_begun: true,
            });
        }
    }

    pub(super) fn forget(&mut self) {
        *self = Self::new(self.most_ids, self.keeps_all);
    }
}

impl Store {
    /// Writes all batches or none; says what became of each.
    pub async fn commit(
        &mut self,
        batches: &mut [Batch],
        kinds: &Kinds,
        now: DateTime<Utc>,
        known: &mut Known,
    ) -> Result<Vec<Outcome>, StoreError> {
        self.begin().await?;
        let done = self.write_all(batches, kinds, now, known).await;
        let done = self.finish(done).await;
        if done.is_err() {
            // What was found out in a transaction that never was is not known.
            known.forget();
        }
        done
    }

    async fn write_all(
        &mut self,
        batches: &mut [Batch],
        kinds: &Kinds,
        now: DateTime<Utc>,
        known: &mut Known,
    ) -> Result<Vec<Outcome>, StoreError> {
        let mut outcomes = self.leave_out_known(batches, known.most_ids, now).await?;
        known.kept.clear();
        let mut points: BTreeMap<&str, Columns> = BTreeMap::new();
        let mut spans: BTreeMap<&str, Vec<(usize, String)>> = BTreeMap::new();
        for (batch, outcome) in batches.iter_mut().zip(&mut outcomes) {
            let ended = self.change_span(batch, outcome, known, now).await?;
            for (name, part) in std::mem::take(&mut batch.kinds) {
                let Some(kind) = kinds.get(&name) else {
                    continue;
                };
                let all = points.entry(&kind.name).or_default();
                if let Some(id) = &ended {
                    let spans = spans.entry(&kind.name).or_default();
                    spans.push((all.len(), id.clone()));
                }
                match all.is_empty() {
                    true => *all = part.points,
                    false => all.append(&part.points),
                }
            }
        }
        for (name, mut points) in points {
            if let Some(kind) = kinds.get(name).filter(|_| !points.is_empty()) {
                self.write_points(&mut points, kind, known, Some(now))
                    .await?;
                known.keep(kind, points, spans.remove(name).unwrap_or_default());
            }
        }
        Ok(outcomes)
    }

    /// The points become a fresh chunk; words that are too many become [`OTHER`] first. Whoever follows what is recorded sees
    /// those that are `recorded` at an instant.
    pub(super) async fn write_points(
        &mut self,
        points: &mut Columns,
        kind: &Kind,
        known: &mut Known,
        recorded: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let id = self.kind_id(&kind.name, known).await?;
        self.limit_words(points, kind, id, known).await?;
        points.drop_blank_values();
        self.insert_fresh(points, id, recorded).await
    }

    /// Takes out what is there already: batches by their keys, events by their ids. Remembers the others.
    async fn leave_out_known(
        &mut self,
        batches: &mut [Batch],
        most_ids: i64,
        now: DateTime<Utc>,
    ) -> Result<Vec<Outcome>, StoreError> {
        let mut outcomes = vec![Outcome::default(); batches.len()];
        let keys: Vec<Hash> = batches.iter().filter_map(|batch| batch.key).collect();
        let ids = batches.iter().flat_map(|batch| batch.kinds.values());
        let ids = ids.flat_map(|part| part.ids.iter().map(|(_, id)| *id));
        let hashes: Vec<Hash> = keys.into_iter().chain(ids).collect();
        if hashes.is_empty() {
            return Ok(outcomes);
        }
        let tables = self.tables().await?;
        let mut seen = self.seen(&hashes, &tables).await?;
        let since = tables.first().map_or(now, |oldest| oldest.since);
        let mut new = BTreeSet::new();
        for (batch, outcome) in batches.iter_mut().zip(&mut outcomes) {
            let has_ids = batch.kinds.values().any(|part| !part.ids.is_empty());
            outcome.remembered_since = (has_ids || batch.key.is_some()).then_some(since);
            if let Some(key) = batch.key
                && !seen.insert(key)
            {
                outcome.duplicate = true;
                batch.kinds.clear();
                continue;
            }
            new.extend(batch.key);
            for part in batch.kinds.values_mut() {
                let mut again = HashSet::new();
                for (place, id) in std::mem::take(&mut part.ids) {
                    match seen.insert(id) {
                        true => drop(new.insert(id)),
                        false => drop(again.insert(place)),
                    }
                }
                if !again.is_empty() {
                    outcome.known += again.len();
                    let places = 0..part.points.len() as u32;
                    let rest: Vec<u32> = places.filter(|place| !again.contains(place)).collect();
                    part.points = part.points.pick(&rest);
                }
            }
        }
        self.remember(&new, tables, most_ids, now).await?;
        Ok(outcomes)
    }

    pub(super) async fn seen(
        &mut self,
        hashes: &[Hash],
        tables: &[Seen],
    ) -> Result<HashSet<Hash>, StoreError> {
        let list = as_json(hashes);
        let mut seen = HashSet::new();
        for Seen { number, .. } in tables {
            let sql = format!(
                "SELECT hash FROM seen_{number} WHERE hash IN (SELECT unhex(value) FROM json_each(?))"
            );
            let found: Vec<Vec<u8>> = sqlx::query_scalar(safe(sql))
                .bind(&list)
                .fetch_all(&mut self.connection)
                .await
                .map_err(self.failed("read"))?;
            let found = found
                .into_iter()
                .filter_map(|hash| Hash::try_from(hash).ok());
            seen.extend(found);
        }
        Ok(seen)
    }

    /// In their order, which keeps the table's pages together.
    async fn remember(
        &mut self,
        hashes: &BTreeSet<Hash>,
        tables: Vec<Seen>,
        most: i64,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if hashes.is_empty() {
            return Ok(());
        }
        let open = tables
            .last()
            .filter(|table| now - table.since < TABLE_TIME && table.hashes < most / TABLE_PART);
        let number = match open {
            Some(table) => table.number,
            None => self.next_table(tables, most, now).await?,
        };
        let sql = format!("INSERT INTO seen_{number} SELECT unhex(value) FROM json_each(?)");
        let inserted = sqlx::query(safe(sql))
            .bind(as_json(hashes))
            .execute(&mut self.connection)
            .await;
        inserted.map_err(self.failed("write to"))?;
        let counted = sqlx::query("UPDATE seen SET hashes = hashes + ? WHERE number = ?")
            .bind(hashes.len() as i64)
            .bind(number)
            .execute(&mut self.connection)
            .await;
        counted.map(drop).map_err(self.failed("write to"))
    }

    /// Begins a table, and drops those whose hashes are all too old or too many.
    async fn next_table(
        &mut self,
        tables: Vec<Seen>,
        most: i64,
        now: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        let number = tables.last().map_or(1, |last| last.number + 1);
        let mut sql = format!(
            "INSERT INTO seen (number, since, hashes) VALUES ({number}, {}, 0);
             CREATE TABLE seen_{number} (hash BLOB PRIMARY KEY) WITHOUT ROWID;",
            now.timestamp_micros()
        );
        let mut count: i64 = tables.iter().map(|table| table.hashes).sum();
        for (at, Seen { number, hashes, .. }) in tables.iter().enumerate() {
            let end = tables.get(at + 1).map_or(now, |next| next.since);
            if now - end < REMEMBERED && count <= most - most / TABLE_PART {
                break;
            }
            count -= hashes;
            sql += &format!("DROP TABLE seen_{number}; DELETE FROM seen WHERE number = {number};");
        }
        let made = self.connection.execute(sqlx::raw_sql(safe(sql))).await;
        made.map_err(self.failed("write to"))?;
        Ok(number)
    }

    /// Other programs make and drop such tables too. The oldest is the first.
    pub(super) async fn tables(&mut self) -> Result<Vec<Seen>, StoreError> {
        let rows: Vec<(i64, i64, i64)> =
            sqlx::query_as("SELECT number, since, hashes FROM seen ORDER BY number")
                .fetch_all(&mut self.connection)
                .await
                .map_err(self.failed("read"))?;
        let table = |(number, since, hashes)| Seen {
            number,
            since: DateTime::from_timestamp_micros(since).unwrap_or_default(),
            hashes,
        };
        Ok(rows.into_iter().map(table).collect())
    }

    pub(super) async fn kind_id(
        &mut self,
        name: &str,
        known: &mut Known,
    ) -> Result<i64, StoreError> {
        if let Some(id) = known.kinds.get(name) {
            return Ok(*id);
        }
        let inserted = sqlx::query("INSERT INTO kinds (name) VALUES (?) ON CONFLICT DO NOTHING")
            .bind(name)
            .execute(&mut self.connection)
            .await;
        inserted.map_err(self.failed("write to"))?;
        let id: i64 = sqlx::query_scalar("SELECT id FROM kinds WHERE name = ?")
            .bind(name)
            .fetch_one(&mut self.connection)
            .await
            .map_err(self.failed("read"))?;
        known.kinds.insert(name.to_owned(), id);
        Ok(id)
    }

    /// A word that is one too many for its label becomes [`OTHER`], and it is noted how often.
    async fn limit_words(
        &mut self,
        points: &mut Columns,
        kind: &Kind,
        id: i64,
        known: &mut Known,
    ) -> Result<(), StoreError> {
        let forgotten = sqlx::query_scalar("SELECT until FROM pruned WHERE kind = ? AND tier = ?")
            .bind(id)
            .bind(Tier::Forgotten as i64)
            .fetch_optional(&mut self.connection)
            .await
            .map_err(self.failed("read"))?;
        if known.forgotten.insert(id, forgotten) != Some(forgotten) {
            known.words.retain(|(kind, _), _| *kind != id);
        }
        for label in &kind.labels {
            let Accepts::Most(most) = label.accepts else {
                continue;
            };
            let column = points
                .labels
                .iter_mut()
                .find(|column| column.name == label.name);
            let Some(Texts::Coded { words, codes }) = column.map(|column| &mut column.cells) else {
                continue;
            };
            let known = known.words.entry((id, label.name.clone())).or_default();
            if words.list().iter().all(|word| known.contains(word)) {
                continue;
            }
            // Others may have written words since.
            let stored: Vec<String> =
                sqlx::query_scalar("SELECT word FROM words WHERE kind = ? AND label = ?")
                    .bind(id)
                    .bind(&label.name)
                    .fetch_all(&mut self.connection)
                    .await
                    .map_err(self.failed("read"))?;
            known.extend(stored);
            let mut new = Vec::new();
            let mut dropped = HashMap::new();
            words.rename(|at, word| {
                if word == OTHER || known.contains(word) {
                    return None;
                }
                if known.len() < most {
                    known.insert(word.to_owned());
                    new.push(word.to_owned());
                    return None;
                }
                dropped.insert(at as u32 + 1, word.to_owned());
                Some(OTHER.to_owned())
            });
            let points = codes
                .iter()
                .filter(|code| dropped.contains_key(code))
                .count();
            let example = dropped.into_values().next();
            self.note_words(id, &label.name, &new, example.map(|word| (word, points)))
                .await?;
        }
        Ok(())
    }

    async fn note_words(
        &mut self,
        kind: i64,
        label: &str,
        new: &[String],
        dropped: Option<(String, usize)>,
    ) -> Result<(), StoreError> {
        for word in new {
            let inserted = sqlx::query(
                "INSERT INTO words (kind, label, word) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(kind)
            .bind(label)
            .bind(word)
            .execute(&mut self.connection)
            .await;
            inserted.map_err(self.failed("write to"))?;
        }
        let Some((word, points)) = dropped else {
            return Ok(());
        };
        self.note_dropped(kind, label, false, &word, points as u64)
            .await
    }

    /// Counts points that a label, or a group of labels, had no room for.
    pub(super) async fn note_dropped(
        &mut self,
        kind: i64,
        label: &str,
        is_group: bool,
        word: &str,
        points: u64,
    ) -> Result<(), StoreError> {
        let noted = sqlx::query(
            "INSERT INTO dropped (kind, label, is_group, points, word) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET points = points + ?4, word = ?5",
        )
        .bind(kind)
        .bind(label)
        .bind(is_group)
        .bind(points as i64)
        .bind(word)
        .execute(&mut self.connection)
        .await;
        noted.map(drop).map_err(self.failed("write to"))
    }

    async fn insert_fresh(
        &mut self,
        points: &Columns,
        kind: i64,
        recorded: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let all: Vec<u32> = (0..points.len() as u32).collect();
        for places in pieces(&all, points) {
            let data = match places.len() == points.len() {
                true => encode(points, Effort::Fresh),
                false => encode(&points.pick(places), Effort::Fresh),
            };
            let data = data.map_err(|error| self.corrupt(Part::Commit, error))?;
            let at = || places.iter().map(|place| points.at[*place as usize]);
            let inserted = sqlx::query(
                "INSERT INTO chunks (kind, level, low, high, points, widest, recorded, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(kind)
            .bind(Level::Fresh as i64)
            .bind(at().min())
            .bind(at().max())
            .bind(places.len() as i64)
            .bind(points.widest() as i64)
            .bind(recorded.map(|at| at.timestamp_micros()))
            .bind(data)
            .execute(&mut self.connection)
            .await;
            inserted.map_err(self.failed("write to"))?;
        }
        Ok(())
    }
}

/// Parts that a chunk has room for.
fn pieces<'p>(places: &'p [u32], points: &Columns) -> Vec<&'p [u32]> {
    if points.text_bytes() <= MOST_TEXT {
        return places.chunks(CHUNK).collect();
    }
    let bytes = |at: usize| {
        let labels = points
            .labels
            .iter()
            .map(|column| column.cells.text(at).len());
        labels.sum::<usize>() + points.details.text(at).len()
    };
    let mut pieces = Vec::new();
    let (mut first, mut size) = (0, 0);
    for at in 0..places.len() {
        size += bytes(at);
        if size > MOST_TEXT || at - first == CHUNK {
            pieces.push(&places[first..at]);
            (first, size) = (at, bytes(at));
        }
    }
    pieces.push(&places[first..]);
    pieces
}
