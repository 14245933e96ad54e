//! What was migrated from other systems: written together with the note that it is there, so that nothing is taken twice.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono_tz::Tz;
use futures_util::TryStreamExt;
use sqlx::Executor;

use crate::kinds::{Kind, Kinds};

use super::super::chunk::Chunk;
use super::super::columns::Columns;
use super::super::event::Hash;
use super::super::grain::Grain;
use super::super::rollup::{Rollup, monthly};
use super::write::Known;
use super::{Part, Store, StoreError, as_json};

/// The points of a kind by the first second of their month.
pub type Tally = BTreeMap<(String, i64), Rollup>;

/// Stands for whoever sent an event when it happened, or for a source that told of it before; as a source of sums, for
/// what a kind held before anything was migrated into it.
pub const ELSEWHERE: i64 = 0;
/// In the sums of what was there before: that they were taken, even if there was nothing.
const TAKEN: i64 = i64::MIN;

/// By what a record is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub own: Hash,
    /// Also noted, for those that look for it among `others`.
    pub alias: Option<Hash>,
    /// The record is known if one of these is.
    pub others: Vec<Hash>,
    /// The id under which it may have been recorded when it happened.
    pub id: Option<Hash>,
}

/// A source of migrated events, and how far it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub source: i64,
    pub path: String,
    pub state: Vec<u8>,
}

/// Points that go into the store together.
pub struct Moved<'m> {
    pub source: i64,
    pub parts: BTreeMap<String, MovedPart>,
    /// What is noted of the source before and after, where its records have no identities.
    pub state: Option<(&'m [u8], &'m [u8])>,
}

/// Points of one kind, and their identities if they have some.
#[derive(Default)]
pub struct MovedPart {
    pub points: Columns,
    pub identities: Vec<Identity>,
}

impl Store {
    /// The sources of this sort that were migrated.
    pub async fn origins(&mut self, origin: &str) -> Result<Vec<Origin>, StoreError> {
        let rows: Vec<(i64, String, Vec<u8>)> =
            sqlx::query_as("SELECT id, path, state FROM moved_from WHERE origin = ? ORDER BY id")
                .bind(origin)
                .fetch_all(&mut self.connection)
                .await
                .map_err(self.failed("read"))?;
        let origin = |(source, path, state)| Origin {
            source,
            path,
            state,
        };
        Ok(rows.into_iter().map(origin).collect())
    }

    /// Begins with a source, or goes on with it; notes first what the kinds hold that it will be added to.
    pub async fn begin_origin(
        &mut self,
        origin: &str,
        path: &str,
        kinds: &[&Kind],
        zone: Tz,
    ) -> Result<Origin, StoreError> {
        self.begin().await?;
        let done = self.note_origin(origin, path, kinds, zone).await;
        self.finish(done).await
    }

    async fn note_origin(
        &mut self,
        origin: &str,
        path: &str,
        kinds: &[&Kind],
        zone: Tz,
    ) -> Result<Origin, StoreError> {
        let inserted = sqlx::query(
            "INSERT INTO moved_from (origin, path, state) VALUES (?, ?, x'') ON CONFLICT DO NOTHING",
        )
        .bind(origin)
        .bind(path)
        .execute(&mut self.connection)
        .await;
        inserted.map_err(self.failed("write to"))?;
        for kind in kinds {
            self.note_before(kind, zone).await?;
        }
        let (source, state) =
            sqlx::query_as("SELECT id, state FROM moved_from WHERE origin = ? AND path = ?")
                .bind(origin)
                .bind(path)
                .fetch_one(&mut self.connection)
                .await
                .map_err(self.failed("read"))?;
        Ok(Origin {
            source,
            path: path.to_owned(),
            state,
        })
    }

    async fn note_before(&mut self, kind: &Kind, zone: Tz) -> Result<(), StoreError> {
        let taken: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM moved_sums WHERE source = ? AND kind = ? AND month = ?",
        )
        .bind(ELSEWHERE)
        .bind(&kind.name)
        .bind(TAKEN)
        .fetch_one(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        if taken > 0 {
            return Ok(());
        }
        let mut before = self.held(kind, zone).await?;
        before.insert((kind.name.clone(), TAKEN), Rollup::default());
        self.write_sums(ELSEWHERE, &before).await
    }

    /// The file of a source lies elsewhere now.
    pub async fn rename_origin(&mut self, source: i64, path: &str) -> Result<(), StoreError> {
        let renamed = sqlx::query("UPDATE moved_from SET path = ? WHERE id = ?")
            .bind(path)
            .bind(source)
            .execute(&mut self.connection)
            .await;
        renamed.map(drop).map_err(self.failed("write to"))
    }

    /// Writes what is not known yet, and that it is known from now on: all or nothing. How many points that were.
    pub async fn add_moved(
        &mut self,
        moved: Moved<'_>,
        kinds: &Kinds,
        zone: Tz,
        known: &mut Known,
    ) -> Result<u64, StoreError> {
        self.begin().await?;
        let done = self.write_moved(moved, kinds, zone, known).await;
        let done = self.finish(done).await;
        if done.is_err() {
            known.forget();
        }
        done
    }

    async fn write_moved(
        &mut self,
        moved: Moved<'_>,
        kinds: &Kinds,
        zone: Tz,
        known: &mut Known,
    ) -> Result<u64, StoreError> {
        let mut tally = Tally::new();
        let mut count = 0;
        for (name, mut part) in moved.parts {
            let Some(kind) = kinds.get(&name) else {
                continue;
            };
            if !part.identities.is_empty() {
                let new = self.note_new(&part.identities, moved.source).await?;
                if new.len() < part.points.len() {
                    part.points = part.points.pick(&new);
                }
            }
            if part.points.is_empty() {
                continue;
            }
            count += part.points.len() as u64;
            for (month, rollup) in monthly(&part.points, zone) {
                tally.insert((name.clone(), month), rollup);
            }
            // It happened long ago: whoever follows what happens now is not told.
            self.write_points(&mut part.points, kind, known, None)
                .await?;
        }
        self.add_sums(moved.source, &tally).await?;
        if let Some((before, after)) = moved.state {
            self.write_state(moved.source, before, after).await?;
        }
        Ok(count)
    }

    async fn write_state(
        &mut self,
        source: i64,
        before: &[u8],
        after: &[u8],
    ) -> Result<(), StoreError> {
        let written = sqlx::query("UPDATE moved_from SET state = ? WHERE id = ? AND state = ?")
            .bind(after)
            .bind(source)
            .bind(before)
            .execute(&mut self.connection)
            .await;
        match written.map_err(self.failed("write to"))?.rows_affected() {
            0 => Err(StoreError::Raced {
                file: self.path.display().to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// Where the records are that nobody knew; all are known from now on.
    async fn note_new(
        &mut self,
        identities: &[Identity],
        source: i64,
    ) -> Result<Vec<u32>, StoreError> {
        let takers = self.takers(identities).await?;
        let mut noted = HashSet::new();
        let (mut taken, mut elsewhere) = (BTreeSet::new(), BTreeSet::new());
        let mut new = Vec::new();
        for (place, (identity, taker)) in identities.iter().zip(&takers).enumerate() {
            let is_other = |hash: &Hash| noted.contains(hash);
            if taker.is_some() || noted.contains(&identity.own) {
                elsewhere.insert(identity.own);
            } else if identity.others.iter().any(is_other) {
                elsewhere.insert(identity.own);
                noted.insert(identity.own);
            } else {
                let hashes = [Some(identity.own), identity.alias];
                taken.extend(hashes.into_iter().flatten());
                noted.extend(hashes.into_iter().flatten());
                new.push(place as u32);
            }
        }
        self.note_ids(&taken, source).await?;
        // Those that are noted already stay as they are.
        self.note_ids(&elsewhere, ELSEWHERE).await?;
        Ok(new)
    }

    /// Sorted, which keeps the table's pages together.
    async fn note_ids(&mut self, hashes: &BTreeSet<Hash>, source: i64) -> Result<(), StoreError> {
        if hashes.is_empty() {
            return Ok(());
        }
        let noted = sqlx::query(
            "INSERT INTO moved_ids SELECT unhex(value), ? FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
        )
        .bind(source)
        .bind(as_json(hashes))
        .execute(&mut self.connection)
        .await;
        noted.map(drop).map_err(self.failed("write to"))
    }

    /// Which source each record was taken from, or [`ELSEWHERE`]; `None`: it is new.
    pub async fn takers(
        &mut self,
        identities: &[Identity],
    ) -> Result<Vec<Option<i64>>, StoreError> {
        let hashes = identities
            .iter()
            .flat_map(|identity| identity.others.iter().chain([&identity.own]));
        let rows: Vec<(Vec<u8>, i64)> = sqlx::query_as(
            "SELECT hash, source FROM moved_ids WHERE hash IN (SELECT unhex(value) FROM json_each(?))",
        )
        .bind(as_json(hashes))
        .fetch_all(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        let taken: HashMap<Vec<u8>, i64> = rows.into_iter().collect();
        let tables = self.tables().await?;
        let ids: Vec<Hash> = identities
            .iter()
            .filter_map(|identity| identity.id)
            .collect();
        let recorded = self.seen(&ids, &tables).await?;
        let taker = |identity: &Identity| {
            let is_known = |hash: &Hash| taken.contains_key(hash.as_slice());
            let is_elsewhere = identity.others.iter().any(is_known)
                || identity.id.is_some_and(|id| recorded.contains(&id));
            let own = taken.get(identity.own.as_slice()).copied();
            own.or_else(|| is_elsewhere.then_some(ELSEWHERE))
        };
        Ok(identities.iter().map(taker).collect())
    }

    /// Begins to count which records come for the first time, in a table of this connection only.
    pub async fn begin_counting(&mut self) -> Result<(), StoreError> {
        let begun = self
            .connection
            .execute(sqlx::raw_sql(
                "DROP TABLE IF EXISTS temp.counted; CREATE TEMP TABLE counted (hash BLOB PRIMARY KEY) WITHOUT ROWID;",
            ))
            .await;
        begun.map(drop).map_err(self.failed("read"))
    }

    /// Whether each record comes for the first time since counting began.
    pub async fn count_first(&mut self, identities: &[Identity]) -> Result<Vec<bool>, StoreError> {
        let hashes = identities
            .iter()
            .flat_map(|identity| identity.others.iter().chain([&identity.own]));
        let known: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT hash FROM counted WHERE hash IN (SELECT unhex(value) FROM json_each(?))",
        )
        .bind(as_json(hashes))
        .fetch_all(&mut self.connection)
        .await
        .map_err(self.failed("read"))?;
        let mut counted: HashSet<Hash> = known
            .into_iter()
            .filter_map(|hash| Hash::try_from(hash).ok())
            .collect();
        let mut new = BTreeSet::new();
        let mut is_first = Vec::with_capacity(identities.len());
        for identity in identities {
            let is_new = !counted.contains(&identity.own)
                && !identity.others.iter().any(|hash| counted.contains(hash));
            for hash in [Some(identity.own), identity.alias.filter(|_| is_new)] {
                let hash = hash.filter(|hash| counted.insert(*hash));
                new.extend(hash);
            }
            is_first.push(is_new);
        }
        let noted = sqlx::query("INSERT INTO counted SELECT unhex(value) FROM json_each(?)")
            .bind(as_json(new))
            .execute(&mut self.connection)
            .await;
        noted.map_err(self.failed("read"))?;
        Ok(is_first)
    }

    /// The points of a kind by month, from rollups and from what is not rolled up yet.
    pub async fn held(&mut self, kind: &Kind, zone: Tz) -> Result<Tally, StoreError> {
        let mut held = Tally::new();
        let Some(id) = self.kind(&kind.name).await? else {
            return Ok(held);
        };
        for (key, rollup) in self
            .rollups(id, Grain::Month, &[], i64::MIN..i64::MAX)
            .await?
        {
            held.insert((kind.name.clone(), key.start), rollup);
        }
        for row in self.fresh(id, i64::MAX).await? {
            let Some(data) = self.data(row.id).await? else {
                continue;
            };
            let points = Chunk::open(&data).and_then(|chunk| chunk.decode(chunk.all()));
            let points = points.map_err(|error| self.corrupt(Part::Chunk(row.id), error))?;
            for (month, rollup) in monthly(&points, zone) {
                let key = (kind.name.clone(), month);
                held.entry(key).or_default().merge(&rollup);
            }
        }
        Ok(held)
    }

    /// What was there before anything was migrated into these kinds.
    pub async fn held_before(&mut self) -> Result<Tally, StoreError> {
        let mut before = self.sums(ELSEWHERE).await?;
        before.retain(|(_, month), _| *month != TAKEN);
        Ok(before)
    }

    /// What was migrated from this source.
    pub async fn moved(&mut self, source: i64) -> Result<Tally, StoreError> {
        self.sums(source).await
    }

    /// What was migrated from all of them.
    pub async fn moved_in_all(&mut self) -> Result<Tally, StoreError> {
        let sources: Vec<i64> = sqlx::query_scalar("SELECT id FROM moved_from")
            .fetch_all(&mut self.connection)
            .await
            .map_err(self.failed("read"))?;
        let mut all = Tally::new();
        for source in sources {
            for (key, rollup) in self.sums(source).await? {
                all.entry(key).or_default().merge(&rollup);
            }
        }
        Ok(all)
    }

    async fn sums(&mut self, source: i64) -> Result<Tally, StoreError> {
        let corrupt = self.corrupting(Part::Rollup);
        let failed = self.failed("read");
        let mut rows = sqlx::query_as::<_, (String, i64, Vec<u8>)>(
            "SELECT kind, month, data FROM moved_sums WHERE source = ?",
        )
        .bind(source)
        .fetch(&mut self.connection);
        let mut sums = Tally::new();
        while let Some((kind, month, data)) = rows.try_next().await.map_err(&failed)? {
            let rollup = Rollup::from_bytes(&data).map_err(&corrupt)?;
            sums.insert((kind, month), rollup);
        }
        Ok(sums)
    }

    async fn add_sums(&mut self, source: i64, more: &Tally) -> Result<(), StoreError> {
        let mut sums = Tally::new();
        for ((kind, month), rollup) in more {
            let known: Option<Vec<u8>> = sqlx::query_scalar(
                "SELECT data FROM moved_sums WHERE source = ? AND kind = ? AND month = ?",
            )
            .bind(source)
            .bind(kind)
            .bind(month)
            .fetch_optional(&mut self.connection)
            .await
            .map_err(self.failed("read"))?;
            let mut sum = match known {
                Some(known) => {
                    Rollup::from_bytes(&known).map_err(|error| self.corrupt(Part::Rollup, error))?
                }
                None => Rollup::default(),
            };
            sum.merge(rollup);
            sums.insert((kind.clone(), *month), sum);
        }
        self.write_sums(source, &sums).await
    }

    async fn write_sums(&mut self, source: i64, sums: &Tally) -> Result<(), StoreError> {
        for ((kind, month), rollup) in sums {
            let written = sqlx::query(
                "INSERT INTO moved_sums VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET data = excluded.data",
            )
            .bind(source)
            .bind(kind)
            .bind(month)
            .bind(rollup.to_bytes())
            .execute(&mut self.connection)
            .await;
            written.map_err(self.failed("write to"))?;
        }
        Ok(())
    }

    /// Changes when another connection has written to the file.
    pub async fn others_writes(&mut self) -> Result<i64, StoreError> {
        let version = sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut self.connection)
            .await;
        version.map_err(self.failed("read"))
    }
}
