//! Commits: points become fresh chunks, keys and ids are remembered, new words find their place, all in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::Executor;

use crate::kinds::{Accepts, Kind, Kinds, OTHER};

use super::super::batch::{Batch, Outcome};
use super::super::chunk::{Effort, encode};
use super::super::columns::{Columns, Texts};
use super::super::event::Hash;
use super::{Level, Store, StoreError, safe};

/// Points of one chunk.
pub const CHUNK: usize = 65_536;
/// Hours whose hashes lie in one table.
const TABLE_HOURS: i64 = 6;
/// Tables that hold all hashes of the last day at least.
const TABLES: i64 = 24 / TABLE_HOURS + 1;

/// What a writer remembers of the store, so that it need not ask each time.
#[derive(Default)]
pub struct Known {
    kinds: HashMap<String, i64>,
    /// Of kinds and labels.
    words: HashMap<(i64, String), HashSet<String>>,
    /// Tables of hashes that are there.
    tables: BTreeSet<i64>,
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
            *known = Known::default();
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
        let outcomes = self.leave_out_known(batches, now, known).await?;
        let mut points: BTreeMap<&str, Columns> = BTreeMap::new();
        for batch in batches.iter_mut() {
            for (name, part) in std::mem::take(&mut batch.kinds) {
                let Some(kind) = kinds.get(&name) else {
                    continue;
                };
                match points.get_mut(kind.name.as_str()) {
                    Some(all) => all.append(&part.points),
                    None => {
                        points.insert(&kind.name, part.points);
                    }
                }
            }
        }
        for (name, mut points) in points {
            if let Some(kind) = kinds.get(name).filter(|_| !points.is_empty()) {
                let id = self.kind_id(name, known).await?;
                self.limit_words(&mut points, kind, id, known).await?;
                self.insert_fresh(&points, id).await?;
            }
        }
        Ok(outcomes)
    }

    /// Takes out what is there already: batches by their keys, events by their ids. Remembers the others.
    async fn leave_out_known(
        &mut self,
        batches: &mut [Batch],
        now: DateTime<Utc>,
        known: &mut Known,
    ) -> Result<Vec<Outcome>, StoreError> {
        let mut outcomes = vec![Outcome::default(); batches.len()];
        let keys: Vec<Hash> = batches.iter().filter_map(|batch| batch.key).collect();
        let ids = batches.iter().flat_map(|batch| batch.kinds.values());
        let ids = ids.flat_map(|part| part.ids.iter().map(|(_, id)| *id));
        let hashes: Vec<Hash> = keys.into_iter().chain(ids).collect();
        if hashes.is_empty() {
            return Ok(outcomes);
        }
        let mut seen = self.seen(&hashes, now, known).await?;
        let mut new = BTreeSet::new();
        for (batch, outcome) in batches.iter_mut().zip(&mut outcomes) {
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
        self.remember(&new, now, known).await?;
        Ok(outcomes)
    }

    async fn seen(
        &mut self,
        hashes: &[Hash],
        now: DateTime<Utc>,
        known: &mut Known,
    ) -> Result<HashSet<Hash>, StoreError> {
        let newest = table_of(now);
        self.find_tables(known).await?;
        let list = listed(hashes.iter());
        let mut seen = HashSet::new();
        for table in known.tables.range(newest - TABLES..) {
            let sql = format!(
                "SELECT hash FROM seen_{table} WHERE hash IN (SELECT unhex(value) FROM json_each(?))"
            );
            let found: Vec<Vec<u8>> = sqlx::query_scalar(safe(sql))
                .bind(&list)
                .fetch_all(&mut self.connection)
                .await
                .map_err(self.failed("read"))?;
            seen.extend(
                found
                    .into_iter()
                    .filter_map(|hash| Hash::try_from(hash).ok()),
            );
        }
        Ok(seen)
    }

    /// In their order, which keeps the table's pages together.
    async fn remember(
        &mut self,
        hashes: &BTreeSet<Hash>,
        now: DateTime<Utc>,
        known: &mut Known,
    ) -> Result<(), StoreError> {
        if hashes.is_empty() {
            return Ok(());
        }
        let table = table_of(now);
        if !known.tables.contains(&table) {
            let sql = format!(
                "CREATE TABLE IF NOT EXISTS seen_{table} (hash BLOB PRIMARY KEY) WITHOUT ROWID"
            );
            let made = self.connection.execute(safe(sql)).await;
            made.map_err(self.failed("write to"))?;
            known.tables.insert(table);
        }
        let sql = format!("INSERT INTO seen_{table} SELECT unhex(value) FROM json_each(?)");
        let inserted = sqlx::query(safe(sql))
            .bind(listed(hashes.iter()))
            .execute(&mut self.connection)
            .await;
        inserted.map(drop).map_err(self.failed("write to"))
    }

    /// Other programs make and drop such tables too.
    async fn find_tables(&mut self, known: &mut Known) -> Result<(), StoreError> {
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'seen_*'",
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        let tables = names
            .iter()
            .filter_map(|name| name.strip_prefix("seen_")?.parse().ok());
        known.tables = tables.collect();
        Ok(())
    }

    /// Drops the tables of hashes that nobody looks into any more.
    pub async fn forget_hashes(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut known = Known::default();
        self.find_tables(&mut known).await?;
        let oldest = table_of(now) - TABLES;
        for table in known.tables.range(..oldest) {
            let sql = format!("DROP TABLE IF EXISTS seen_{table}");
            let dropped = self.connection.execute(safe(sql)).await;
            dropped.map_err(self.failed("write to"))?;
        }
        Ok(())
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
        let noted = sqlx::query(
            "INSERT INTO dropped (kind, label, points, word) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET points = points + ?3, word = ?4",
        )
        .bind(kind)
        .bind(label)
        .bind(points as i64)
        .bind(word)
        .execute(&mut self.connection)
        .await;
        noted.map(drop).map_err(self.failed("write to"))
    }

    async fn insert_fresh(&mut self, points: &Columns, kind: i64) -> Result<(), StoreError> {
        let all: Vec<u32> = (0..points.len() as u32).collect();
        for places in all.chunks(CHUNK) {
            let data = match places.len() == points.len() {
                true => encode(points, Effort::Fresh),
                false => encode(&points.pick(places), Effort::Fresh),
            };
            let at = || places.iter().map(|place| points.at[*place as usize]);
            let inserted = sqlx::query(
                "INSERT INTO chunks (kind, level, low, high, points, data) VALUES (?, ?, ?, ?, ?, ?)",
            )
            .bind(kind)
            .bind(Level::Fresh as i64)
            .bind(at().min())
            .bind(at().max())
            .bind(places.len() as i64)
            .bind(data)
            .execute(&mut self.connection)
            .await;
            inserted.map_err(self.failed("write to"))?;
        }
        Ok(())
    }
}

fn table_of(now: DateTime<Utc>) -> i64 {
    now.timestamp().div_euclid(3600 * TABLE_HOURS)
}

/// Hashes as a JSON array of hexadecimal text, which SQLite takes apart by itself.
fn listed<'h>(hashes: impl Iterator<Item = &'h Hash>) -> String {
    let quoted: Vec<String> = hashes
        .map(|hash| format!("\"{:032x}\"", u128::from_be_bytes(*hash)))
        .collect();
    format!("[{}]", quoted.join(","))
}
