//! The keeper: fresh chunks are merged, sealed and counted into the rollups, sealed ones are sorted, and what is older than
//! its tier goes.

mod compact;
mod forget;
mod prune;
mod seal;

use std::fs::File;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use crate::config::LiveSettings;
use crate::config::live::Archive;
use crate::kinds::{Kind, Kinds};

use super::chunk::Chunk;
use super::columns::Columns;
use super::grain::Grain;
use super::rollup::{Rolled, rollups};
use super::store::{CHUNK, ChunkRow, Part, Store, StoreError};
pub use forget::{Forgotten, Until, forget, forget_until};
pub use prune::{Pruned, limit};

/// How far the keeper steps back behind other work, of 19.
const NICE: i32 = 5;
/// So many fresh chunks are merged into one.
const MERGED: usize = 16;
/// So many points are worth a sealed chunk; a busy recorder fills whole ones.
const WORTH_SEALING: i64 = CHUNK as i64 / 4;
/// Fresh chunks that are looked at in one go.
const LOOKED_AT: i64 = 1024;
/// Bytes of fresh chunks that are worked on in one go.
const WORKED_ON: i64 = 16 << 20;
/// Steps after which other work has its turn.
const MOST_FOLDED: usize = 64;
/// An hour's points are sealed so long after it is over.
const SETTLED: TimeDelta = TimeDelta::seconds(60);

/// What a store is kept by.
#[derive(Debug, Clone)]
pub struct Rules {
    pub kinds: Kinds,
    pub zone: Tz,
    /// The folder that outdated points go to before they are deleted.
    pub archive: Option<PathBuf>,
    /// Bytes of chunks that may wait to be forwarded, if any is.
    pub backlog: Option<u64>,
}

/// Goes round every so often, in one process a file.
pub struct Keeper {
    pub store: Store,
    pub rules: Rules,
    pub every: Duration,
    pub clock: fn() -> DateTime<Utc>,
}

impl Rules {
    pub fn of(live: &LiveSettings, zone: Tz) -> Self {
        Self {
            kinds: live.kinds.clone(),
            zone,
            archive: live
                .archive
                .map(|Archive::Parquet| live.archive_folder.clone()),
            backlog: live.redis.as_ref().map(|redis| redis.backlog),
        }
    }
}

/// A keeper at work.
pub struct Keeping {
    stop: CancellationToken,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Keeps on a thread of its own: sealing takes a processor for moments in which recorders must not wait.
    pub fn start(self) -> Result<Keeping, StoreError> {
        let file = self.store.path().display().to_string();
        let failed = |error| StoreError::Io {
            doing: "start the keeper of",
            file: file.clone(),
            error,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(failed)?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let named = thread::Builder::new().name("keeper".to_owned());
        let thread = named.spawn(move || {
            // Whoever sends events or looks at a page goes first; only this thread steps back.
            rustix::process::nice(NICE).ok();
            runtime.block_on(self.run(stopped));
        });
        let thread = thread.map_err(failed)?;
        Ok(Keeping { stop, thread })
    }

    /// Keeps until it is stopped. While another process holds the file's lock, it only looks whether that has ended.
    async fn run(mut self, stop: CancellationToken) {
        let path = self.store.path().to_owned();
        let mut held: Option<File> = None;
        loop {
            held = held.or_else(|| lock(&path, "keeper"));
            // A round that is broken off leaves a transaction that never was.
            let keeping = async {
                let has_more = held.is_some() && self.work().await;
                if !has_more {
                    tokio::time::sleep(self.every).await;
                }
            };
            tokio::select! {
                () = keeping => {}
                () = stop.cancelled() => break,
            }
        }
        // Not just dropped: whoever closes the file last copies the log into it, and must know to be the last.
        if let Err(error) = self.store.close().await {
            tracing::error!("keeping events: {error}");
        }
    }

    async fn work(&mut self) -> bool {
        let now = (self.clock)();
        let worked = work(&mut self.store, &self.rules, now, &mut 0).await;
        worked.unwrap_or_else(|error| {
            tracing::error!("keeping events: {error}");
            false
        })
    }
}

impl Keeping {
    pub async fn stop(self) {
        self.stop.cancel();
        // It has said what went wrong.
        drop(tokio::task::spawn_blocking(|| self.thread.join()).await);
    }
}

/// Held as long as the file is open; `None`: another program does with this store what `role` says.
pub fn lock(store: &Path, role: &str) -> Option<File> {
    let file = File::create(store.with_added_extension(role)).ok();
    file.filter(|file| file.try_lock().is_ok())
}

/// Rounds until there is nothing left to do, and how many chunks could not be read.
pub async fn round(
    store: &mut Store,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let mut broken = 0;
    while work(store, rules, now, &mut broken).await? {}
    Ok(broken)
}

/// A piece of work on each kind; whether there is more. Each step is a transaction of its own, so that writers wait little;
/// what is fresh goes before what could be sorted better.
async fn work(
    store: &mut Store,
    rules: &Rules,
    now: DateTime<Utc>,
    broken: &mut usize,
) -> Result<bool, StoreError> {
    let mut folded = 0;
    let mut is_sorting = false;
    let known = declared(store, &rules.kinds).await?;
    for (id, kind) in &known {
        while folded < MOST_FOLDED && fold(store, *id, kind, rules.zone, now, broken).await? {
            folded += 1;
        }
    }
    for (id, kind) in &known {
        if folded < MOST_FOLDED {
            is_sorting |= compact::step(store, *id, kind, rules.zone, now, broken).await?;
            // All that is outdated is sealed: else it would be missing in the rollups.
            prune::prune(store, *id, kind, rules, now).await?;
        }
    }
    store.forget_ended_spans(now).await?;
    store.limit_replay(now, rules.backlog).await?;
    Ok(folded == MOST_FOLDED || is_sorting)
}

/// Seals all that is worth it or belongs to an hour that is over.
pub async fn seal(store: &mut Store, rules: &Rules, now: DateTime<Utc>) -> Result<(), StoreError> {
    for (id, kind) in declared(store, &rules.kinds).await? {
        while fold(store, id, kind, rules.zone, now, &mut 0).await? {}
    }
    Ok(())
}

/// What is no longer declared stays readable as it is.
async fn declared<'k>(
    store: &mut Store,
    kinds: &'k Kinds,
) -> Result<Vec<(i64, &'k Kind)>, StoreError> {
    let stored = store.kinds().await?.into_iter();
    let declared = stored.filter_map(|(id, name)| Some((id, kinds.get(&name)?)));
    Ok(declared.collect())
}

/// All that is older than its tier; with `dry_run` it is only counted.
pub async fn prune_all(
    store: &mut Store,
    rules: &Rules,
    now: DateTime<Utc>,
    dry_run: bool,
) -> Result<Vec<Pruned>, StoreError> {
    let mut all = Vec::new();
    for (id, kind) in declared(store, &rules.kinds).await? {
        // What went without having been sealed would be missing in the rollups.
        while !dry_run && fold(store, id, kind, rules.zone, now, &mut 0).await? {}
        all.push(prune::all(store, id, kind, rules, now, dry_run).await?);
    }
    if !dry_run {
        store.limit_replay(now, rules.backlog).await?;
        store.give_room_back().await?;
    }
    Ok(all)
}

/// What happens to fresh chunks.
#[derive(Debug, PartialEq, Eq)]
enum Fold {
    Seal(usize),
    Merge(usize),
    Wait,
}

/// Seals what is worth a chunk or belongs to an hour that is over, merges what is too many, and says whether it did anything.
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
    let (new, rolled) = if is_sealed {
        let (points, days) = seal::sorted(points, kind, zone);
        // Recorders leave a processor free more often than not.
        thread::scope(|scope| {
            let rollups = scope.spawn(|| rollups(&points, kind, zone));
            let sealed = seal::seal(&points, &days, kind);
            let hours = rollups.join().unwrap_or_else(|panic| resume_unwind(panic));
            (sealed, Some(Rolled { zone, hours }))
        })
    } else {
        (seal::merged(&points).map(|chunk| vec![chunk]), None)
    };
    let new = new.map_err(|error| store.corrupt(Part::Chunk(read[0]), error))?;
    store.replace(id, &read, &new, rolled).await?;
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
    let is_full = points >= WORTH_SEALING || count < fresh.len();
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
        match Chunk::open(&data).and_then(|chunk| chunk.decode(chunk.all())) {
            Ok(more) => {
                points.append(&more);
                read.push(chunk.id);
            }
            Err(error) => {
                store.mark_broken(chunk.id, error).await?;
                *broken += 1;
            }
        }
    }
    Ok((points, read))
}
