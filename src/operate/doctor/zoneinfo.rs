//! The machine's own zone data, as far as it lists its clock changes, beside that of the program.

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    Alike,
    /// From this day on.
    Differs(NaiveDate),
    /// There is none, or it gives only a rule for the years to come.
    Unknown,
}

const FOLDER: &str = "/usr/share/zoneinfo";
const HEAD: usize = 44;
const DAYS_AHEAD: i64 = 730;

pub(super) fn compare(zone: Tz, now: DateTime<Utc>) -> Compared {
    let path: PathBuf = Path::new(FOLDER).join(zone.name());
    match std::fs::read(path).ok().and_then(|file| changes(&file)) {
        Some(changes) => judge(zone, now, &changes),
        None => Compared::Unknown,
    }
}

/// What the file does not reach, it cannot deny.
fn judge(zone: Tz, now: DateTime<Utc>, changes: &[(i64, i32)]) -> Compared {
    let Some((last, _)) = changes.last() else {
        return Compared::Unknown;
    };
    let until = (now + TimeDelta::days(DAYS_AHEAD)).timestamp();
    if *last < until {
        return Compared::Unknown;
    }
    for hour in 0..DAYS_AHEAD * 24 {
        let instant = now + TimeDelta::hours(hour);
        let next = changes.partition_point(|(at, _)| *at <= instant.timestamp());
        let Some((_, theirs)) = next.checked_sub(1).and_then(|at| changes.get(at)) else {
            continue;
        };
        let ours = zone.offset_from_utc_datetime(&instant.naive_utc()).fix();
        if ours.local_minus_utc() != *theirs {
            return Compared::Differs(instant.with_timezone(&zone).date_naive());
        }
    }
    Compared::Alike
}

/// Instants with the offset that holds from them on, in seconds: the second, 64-bit part of a TZif file.
fn changes(file: &[u8]) -> Option<Vec<(i64, i32)>> {
    let [utc, standard, leaps, times, kinds, letters] = counts(file)?;
    let first = HEAD + times * 5 + kinds * 6 + letters + leaps * 8 + standard + utc;
    let file = file.get(first..)?;
    let [_, _, _, times, kinds, _] = counts(file)?;
    let body = file.get(HEAD..)?;
    let (instants, body) = body.split_at_checked(times * 8)?;
    let (indexes, body) = body.split_at_checked(times)?;
    let kinds = body.get(..kinds * 6)?;
    let offset = |index: &u8| {
        let at = usize::from(*index) * 6;
        let bytes = kinds.get(at..at + 4)?;
        Some(i32::from_be_bytes(bytes.try_into().ok()?))
    };
    let pairs = instants.chunks_exact(8).zip(indexes);
    pairs
        .map(|(instant, index)| {
            Some((i64::from_be_bytes(instant.try_into().ok()?), offset(index)?))
        })
        .collect()
}

fn counts(file: &[u8]) -> Option<[usize; 6]> {
    let head = file.get(..HEAD)?;
    let is_long = head.starts_with(b"TZif") && head[4] >= b'2';
    let mut counts = [0; 6];
    for (count, bytes) in counts.iter_mut().zip(head[20..].chunks_exact(4)) {
        *count = usize::try_from(u32::from_be_bytes(bytes.try_into().ok()?)).ok()?;
    }
    is_long.then_some(counts)
}
