//! What is older than its tier goes, into the archive if there is one.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::calendar::Day;
use crate::kinds::Kind;

use super::super::archive::{self, Layout};
use super::super::chunk::Chunk;
use super::super::columns::Columns;
use super::super::grain::Grain;
use super::super::store::{ChunkRow, Part, Store, StoreError};
use super::Rules;

/// Chunks that are deleted in one transaction.
const DELETED: i64 = 64;

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
pub(super) async fn prune(
    store: &mut Store,
    id: i64,
    kind: &Kind,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let mut points = 0;
    if let Some(before) = limit(kind.keep.points, rules.zone, now) {
        let old = match &rules.archive {
            Some(folder) => {
                let day = i64::from(before.date.num_days_from_ce());
                archive_a_day(store, id, kind, day, folder).await?
            }
            None => {
                store
                    .outdated(id, before.start.timestamp_micros(), DELETED)
                    .await?
            }
        };
        if !old.is_empty() {
            let ids: Vec<i64> = old.iter().map(|(id, _)| *id).collect();
            store.delete_chunks(id, &ids).await?;
            points = old.iter().map(|(_, points)| points).sum();
        }
    }
    for (grain, keep) in tiers(kind) {
        if let Some(before) = limit(keep, rules.zone, now) {
            let before = before.start.timestamp();
            store.outdated_rollups(id, grain, before, true).await?;
        }
    }
    Ok(points)
}

/// Writes the oldest day before this one into its file; its chunks with their points, to be deleted.
async fn archive_a_day(
    store: &mut Store,
    id: i64,
    kind: &Kind,
    before: i64,
    folder: &Path,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let Some(day) = store.oldest_day(id).await?.filter(|day| *day < before) else {
        return Ok(Vec::new());
    };
    let chunks = store.sealed_of(id, day).await?;
    let date = NaiveDate::from_num_days_from_ce_opt(day as i32).unwrap_or_default();
    let done = archive::archived(folder, &kind.name, date, &chunks);
    if let Some(last) = chunks[done..].last() {
        let path = archive::path(folder, &kind.name, date, last);
        if !write(store, kind, &chunks[done..], &path).await? {
            return Ok(Vec::new());
        }
    }
    Ok(chunks
        .iter()
        .map(|chunk| (chunk.id, chunk.points))
        .collect())
}

/// Two passes, so that a day is never in memory. `false`: another program takes the day.
async fn write(
    store: &mut Store,
    kind: &Kind,
    chunks: &[ChunkRow],
    path: &Path,
) -> Result<bool, StoreError> {
    let failed = |error| StoreError::Io {
        doing: "write the archive",
        file: path.display().to_string(),
        error,
    };
    let mut layout = Layout::new(kind);
    for chunk in chunks {
        let Some(points) = points_of(store, chunk).await? else {
            return Ok(false);
        };
        layout.include(&points);
    }
    let mut file = archive::Writer::create(path, layout).map_err(failed)?;
    for chunk in chunks {
        let Some(points) = points_of(store, chunk).await? else {
            return Ok(false);
        };
        file.add(&points).map_err(failed)?;
    }
    file.finish().map_err(failed)?;
    Ok(true)
}

/// A chunk that cannot be read is marked, and the day is archived without it the next time.
async fn points_of(store: &mut Store, row: &ChunkRow) -> Result<Option<Columns>, StoreError> {
    let Some(data) = store.data(row.id).await? else {
        return Ok(None);
    };
    match Chunk::open(&data).and_then(|chunk| chunk.decode(chunk.all())) {
        Ok(points) => Ok(Some(points)),
        Err(error) => {
            store.mark_broken(row.id, error).await?;
            Err(store.corrupt(Part::Chunk(row.id), error))
        }
    }
}

fn tiers(kind: &Kind) -> [(Grain, Option<Duration>); 3] {
    [
        (Grain::Hour, kind.keep.hourly),
        (Grain::Day, kind.keep.daily),
        (Grain::Month, kind.keep.monthly),
    ]
}

/// The first day that is kept.
pub fn limit(keep: Option<Duration>, zone: Tz, now: DateTime<Utc>) -> Option<Day> {
    let keep = TimeDelta::from_std(keep?).ok()?;
    Some(Day::containing(now.checked_sub_signed(keep)?, zone))
}

/// All of a kind that is older than its tier, in as many steps as it takes; with `dry_run` it is only counted.
pub(super) async fn all(
    store: &mut Store,
    id: i64,
    kind: &Kind,
    rules: &Rules,
    now: DateTime<Utc>,
    dry_run: bool,
) -> Result<Pruned, StoreError> {
    let mut pruned = Pruned {
        kind: kind.name.clone(),
        ..Pruned::default()
    };
    for (grain, keep) in tiers(kind) {
        if let Some(before) = limit(keep, rules.zone, now) {
            let before = before.start.timestamp();
            let count = store.outdated_rollups(id, grain, before, !dry_run).await?;
            match grain {
                Grain::Hour => pruned.hourly = count,
                Grain::Day => pruned.daily = count,
                Grain::Month => pruned.monthly = count,
            }
        }
    }
    if let Some(before) = limit(kind.keep.points, rules.zone, now) {
        if dry_run {
            let before = before.start.timestamp_micros();
            let old = store.outdated(id, before, i64::MAX).await?;
            pruned.points = old.iter().map(|(_, points)| points).sum();
        } else {
            while let more @ 1.. = prune(store, id, kind, rules, now).await? {
                pruned.points += more;
            }
        }
    }
    Ok(pruned)
}
