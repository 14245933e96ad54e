//! What is older than its tier goes.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::kinds::Kind;

use super::super::rollup::Grain;
use super::super::store::{Store, StoreError};

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

/// All of a kind that is older than its tier, in as many steps as it takes; with `dry_run` it is only counted.
pub(super) async fn all(
    store: &mut Store,
    id: i64,
    kind: &Kind,
    zone: Tz,
    now: DateTime<Utc>,
    dry_run: bool,
) -> Result<Pruned, StoreError> {
    let mut pruned = Pruned {
        kind: kind.name.clone(),
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
    Ok(pruned)
}
