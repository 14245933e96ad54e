//! The keeper: fresh chunks are merged, sealed and counted into the rollups, and what is older than its tier goes.

use std::collections::BTreeMap;
use std::fs::File;
use std::time::Duration;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use crate::calendar::Day;
use crate::kinds::{Kind, Kinds};

use super::bytes::Corrupt;
use super::chunk::{Chunk, Effort, encode};
use super::columns::{Columns, Texts};
use super::rollup::{Grain, rollups};
use super::store::{CHUNK, ChunkRow, Level, NewChunk, Store, StoreError};

/// So many fresh chunks are merged into one.
const MERGED: usize = 64;
/// Fresh chunks that are looked at in one go.
const LOOKED_AT: i64 = 1024;
/// Bytes of fresh chunks that are worked on in one go.
const WORKED_ON: i64 = 16 << 20;
/// An hour's points are sealed so long after it is over.
const SETTLED: TimeDelta = TimeDelta::seconds(60);
/// Sealed chunks of a day with fewer points than this are merged once there are more than so many.
const SMALL: i64 = CHUNK as i64 / 8;
const CROWDED: i64 = 16;
/// Chunks that are deleted in one transaction.
const DELETED: i64 = 64;

/// Goes round every so often, in one process a file.
pub struct Keeper {
    pub store: Store,
    pub kinds: Kinds,
    pub zone: Tz,
    pub every: Duration,
    pub clock: fn() -> DateTime<Utc>,
}

impl Keeper {
    /// Keeps until it is stopped. While another process holds the file's lock, it only looks whether that has ended.
    pub async fn run(mut self, stop: CancellationToken) {
        let path = self.store.path().with_added_extension("keeper");
        let mut lock: Option<File> = None;
        loop {
            if lock.is_none() {
                let file = File::create(&path).ok();
                lock = file.filter(|file| file.try_lock().is_ok());
            }
            // A round that is broken off leaves a transaction that never was.
            let keeping = async {
                if lock.is_some() {
                    self.round().await;
                }
                tokio::time::sleep(self.every).await;
            };
            tokio::select! {
                () = keeping => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn round(&mut self) {
        let now = (self.clock)();
        if let Err(error) = round(&mut self.store, &self.kinds, self.zone, now).await {
            tracing::error!("keeping events: {error}");
        }
    }
}

/// One round over all kinds, and how many chunks it could not read. Each step is a transaction of its own, so that writers
/// wait little.
pub async fn round(
    store: &mut Store,
    kinds: &Kinds,
    zone: Tz,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let mut broken = 0;
    for (id, name) in store.kinds().await? {
        // What is no longer declared stays readable as it is.
        let Some(kind) = kinds.get(&name) else {
            continue;
        };
        while fold(store, id, kind, zone, now, &mut broken).await? {}
        for day in store.crowded_days(id, CROWDED, SMALL).await? {
            merge_small(store, id, day, kind, zone, &mut broken).await?;
        }
        prune(store, id, kind, zone, now).await?;
    }
    store.forget_hashes(now).await?;
    Ok(broken)
}

/// What happens to fresh chunks.
#[derive(Debug, PartialEq, Eq)]
enum Fold {
    Seal(usize),
    Merge(usize),
    Wait,
}

/// Seals what fills a chunk or belongs to an hour that is over, merges what is too many, and says whether it did anything.
async fn fold(
    store: &mut Store,
    id: i64,
    kind: &Kind,
    zone: Tz,
    now: DateTime<Utc>,
    broken: &mut usize,
) -> Result<bool, StoreError> {
    let fresh = store.fresh(id, LOOKED_AT).await?;
    let open = Grain::Hour.start((now - SETTLED).timestamp(), zone) * 1_000_000;
    let (count, is_sealed) = match choose(&fresh, open) {
        Fold::Wait => return Ok(false),
        Fold::Seal(count) => (count, true),
        Fold::Merge(count) => (count, false),
    };
    let (points, read) = load(store, &fresh[..count], broken).await?;
    if read.is_empty() {
        return Ok(true);
    }
    let (new, rollups) = match is_sealed {
        true => (seal(&points, kind, zone), rollups(&points, kind, zone)),
        false => (
            chunk(&points, Effort::Fresh).map(|chunk| vec![chunk]),
            BTreeMap::new(),
        ),
    };
    let new = new.map_err(|error| store.corrupt(read[0], error))?;
    store.replace(id, &read, &new, &rollups).await?;
    Ok(true)
}

/// `open`: where the hour begins whose points may still come.
fn choose(fresh: &[ChunkRow], open: i64) -> Fold {
    let (mut points, mut bytes, mut count) = (0, 0, 0);
    let mut is_over = false;
    for chunk in fresh {
        if count > 0 && bytes + chunk.size > WORKED_ON {
            break;
        }
        points += chunk.points;
        bytes += chunk.size;
        count += 1;
        is_over |= chunk.low < open;
        if points >= CHUNK as i64 {
            break;
        }
    }
    let is_full = points >= CHUNK as i64 || count < fresh.len();
    if count > 0 && (is_over || is_full) {
        Fold::Seal(count)
    } else if count >= MERGED {
        Fold::Merge(count)
    } else {
        Fold::Wait
    }
}

/// The points of these chunks, and which of them could be read; the others are marked.
async fn load(
    store: &mut Store,
    chunks: &[ChunkRow],
    broken: &mut usize,
) -> Result<(Columns, Vec<i64>), StoreError> {
    let mut points = Columns::default();
    let mut read = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let Some(data) = store.data(chunk.id).await? else {
            continue;
        };
        match Chunk::open(&data).and_then(|chunk| chunk.decode()) {
            Ok(more) => {
                points.append(&more);
                read.push(chunk.id);
            }
            Err(error) => {
                store.mark_broken(chunk.id, &error.to_string()).await?;
                let file = store.path().display();
                tracing::error!("{file}: chunk {} is {error}; it is kept as it is", chunk.id);
                *broken += 1;
            }
        }
    }
    Ok((points, read))
}

/// What takes the place of others is read back and compared first.
fn chunk(points: &Columns, effort: Effort) -> Result<NewChunk, Corrupt> {
    let data = encode(points, effort);
    if !Chunk::open(&data)?.decode()?.same_as(points) {
        return Err(Corrupt("not what was to be written"));
    }
    Ok(NewChunk {
        level: Level::Fresh,
        day: None,
        low: points.at.iter().copied().min().unwrap_or_default(),
        high: points.at.iter().copied().max().unwrap_or_default(),
        cluster: None,
        points: points.len() as i64,
        data,
    })
}

/// Sealed chunks of one local day each, sorted by cluster label and time.
fn seal(points: &Columns, kind: &Kind, zone: Tz) -> Result<Vec<NewChunk>, Corrupt> {
    let cluster = kind
        .cluster
        .and_then(|label| points.label(&kind.labels[label].name));
    let days = days(&points.at, zone);
    let ranks = cluster.map(ranks);
    let rank = |place: u32| match (&ranks, cluster) {
        (Some(ranks), Some(Texts::Coded { codes, .. })) => ranks[codes[place as usize] as usize],
        _ => 0,
    };
    let mut places: Vec<u32> = (0..points.len() as u32).collect();
    places.sort_by_key(|place| {
        (
            days[*place as usize],
            rank(*place),
            points.at[*place as usize],
        )
    });
    let same_day = |one: &u32, other: &u32| days[*one as usize] == days[*other as usize];
    let mut chunks = Vec::new();
    for day in places.chunk_by(same_day) {
        for places in day.chunks(CHUNK) {
            let text = |place: u32| cluster.map(|texts| texts.text(place as usize).to_owned());
            chunks.push(NewChunk {
                level: Level::Sealed,
                day: Some(days[places[0] as usize]),
                cluster: text(places[0]).zip(text(places[places.len() - 1])),
                ..chunk(&points.pick(places), Effort::Sealed)?
            });
        }
    }
    Ok(chunks)
}

/// Where each code stands in the order of its words.
fn ranks(texts: &Texts) -> Vec<u32> {
    let Texts::Coded { words, .. } = texts else {
        return Vec::new();
    };
    let mut order: Vec<usize> = (0..words.list().len()).collect();
    order.sort_by_key(|at| &words.list()[*at]);
    let mut ranks = vec![0; order.len() + 1];
    for (rank, at) in order.into_iter().enumerate() {
        ranks[at + 1] = rank as u32 + 1;
    }
    ranks
}

/// The local day of each instant, counted from the first of the common era.
fn days(at: &[i64], zone: Tz) -> Vec<i64> {
    let mut day: Option<Day> = None;
    let of = |at: &i64| {
        let instant = DateTime::from_timestamp_micros(*at).unwrap_or_default();
        let holds = |day: &Day| day.start <= instant && instant < day.end;
        let day = match day {
            Some(same) if holds(&same) => same,
            _ => *day.insert(Day::containing(instant, zone)),
        };
        i64::from(day.date.num_days_from_ce())
    };
    at.iter().map(of).collect()
}

/// Late points leave small chunks behind.
async fn merge_small(
    store: &mut Store,
    id: i64,
    day: i64,
    kind: &Kind,
    zone: Tz,
    broken: &mut usize,
) -> Result<(), StoreError> {
    let mut small = store.sealed_of(id, day).await?;
    small.retain(|chunk| chunk.points < SMALL);
    small.truncate(CROWDED as usize * 4);
    let (points, read) = load(store, &small, broken).await?;
    let new = seal(&points, kind, zone).map_err(|error| store.corrupt(day, error))?;
    store.replace(id, &read, &new, &BTreeMap::new()).await?;
    Ok(())
}

/// What a prune deletes, or would delete.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pruned {
    pub kind: String,
    pub points: i64,
    pub hourly: i64,
    pub daily: i64,
    pub monthly: i64,
}

/// The points that are older than their tier, as many as one round takes; also their rollups.
async fn prune(
    store: &mut Store,
    id: i64,
    kind: &Kind,
    zone: Tz,
    now: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let mut points = 0;
    if let Some(before) = limit(kind.keep.points, zone, now) {
        let old = store.outdated(id, before * 1_000_000, DELETED).await?;
        if !old.is_empty() {
            let ids: Vec<i64> = old.iter().map(|(id, _)| *id).collect();
            store.delete_chunks(&ids).await?;
            points = old.iter().map(|(_, points)| points).sum();
        }
    }
    for (grain, keep) in tiers(kind) {
        if let Some(before) = limit(keep, zone, now) {
            store.outdated_rollups(id, grain, before, true).await?;
        }
    }
    Ok(points)
}

fn tiers(kind: &Kind) -> [(Grain, Option<Duration>); 3] {
    [
        (Grain::Hour, kind.keep.hourly),
        (Grain::Day, kind.keep.daily),
        (Grain::Month, kind.keep.monthly),
    ]
}

/// The first second that is kept: whole local days.
fn limit(keep: Option<Duration>, zone: Tz, now: DateTime<Utc>) -> Option<i64> {
    let keep = TimeDelta::from_std(keep?).ok()?;
    Some(Grain::Day.start(now.checked_sub_signed(keep)?.timestamp(), zone))
}

/// All that is older than its tier, in as many steps as it takes; with `dry_run` it is only counted.
pub async fn prune_all(
    store: &mut Store,
    kinds: &Kinds,
    zone: Tz,
    now: DateTime<Utc>,
    dry_run: bool,
) -> Result<Vec<Pruned>, StoreError> {
    let mut all = Vec::new();
    for (id, name) in store.kinds().await? {
        let Some(kind) = kinds.get(&name) else {
            continue;
        };
        let mut pruned = Pruned {
            kind: name,
            ..Pruned::default()
        };
        for (grain, keep) in tiers(kind) {
            if let Some(before) = limit(keep, zone, now) {
                let count = store.outdated_rollups(id, grain, before, !dry_run).await?;
                match grain {
                    Grain::Hour => pruned.hourly = count,
                    Grain::Day => pruned.daily = count,
                    Grain::Month => pruned.monthly = count,
                }
            }
        }
        if let Some(before) = limit(kind.keep.points, zone, now) {
            if dry_run {
                let old = store.outdated(id, before * 1_000_000, i64::MAX).await?;
                pruned.points = old.iter().map(|(_, points)| points).sum();
            } else {
                while let more @ 1.. = prune(store, id, kind, zone, now).await? {
                    pruned.points += more;
                }
            }
        }
        all.push(pruned);
    }
    Ok(all)
}
