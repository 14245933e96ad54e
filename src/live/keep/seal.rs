//! Points become sealed chunks: of one local day each, sorted by cluster label and time.

use std::borrow::Cow;
use std::ops::Range;

use chrono::{DateTime, Datelike};
use chrono_tz::Tz;

use crate::calendar::Day;
use crate::kinds::Kind;

use super::super::bytes::Corrupt;
use super::super::chunk::{Chunk, Effort, encode};
use super::super::columns::{Columns, Texts};
use super::super::store::{CHUNK, Cluster, Level, NewChunk};

/// What takes the place of others is read back and compared.
pub(super) fn merged(points: &Columns) -> Result<NewChunk, Corrupt> {
    let merged = chunk(points, Effort::Fresh)?;
    let written = Chunk::open(&merged.data)?;
    match written.decode(written.all())?.same_as(points) {
        true => Ok(merged),
        false => Err(Corrupt("not what was to be written")),
    }
}

fn chunk(points: &Columns, effort: Effort) -> Result<NewChunk, Corrupt> {
    Ok(NewChunk {
        level: Level::Fresh,
        day: None,
        low: points.at.iter().copied().min().unwrap_or_default(),
        high: points.at.iter().copied().max().unwrap_or_default(),
        cluster: None,
        points: points.len() as i64,
        widest: points.widest() as i64,
        data: encode(points, effort)?,
    })
}

/// The points sorted by local day, cluster label and time, and where each day's lie.
pub(super) fn sorted(
    points: Columns,
    kind: &Kind,
    zone: Tz,
) -> (Columns, Vec<(i64, Range<usize>)>) {
    let days = days(&points.at, zone);
    let ranks = points.cluster(kind).map(ranks).unwrap_or_default();
    let mut places: Vec<u32> = (0..points.len() as u32).collect();
    places.sort_by_key(|place| {
        let place = *place as usize;
        (days[place], ranks.get(place), points.at[place])
    });
    let mut ranges: Vec<(i64, Range<usize>)> = Vec::new();
    for (at, place) in places.iter().enumerate() {
        let day = days[*place as usize];
        match ranges.last_mut() {
            Some((same, range)) if *same == day => range.end = at + 1,
            _ => ranges.push((day, at..at + 1)),
        }
    }
    (points.pick(&places), ranges)
}

/// Sealed chunks of one local day each, of points in their order.
pub(super) fn seal(
    points: &Columns,
    days: &[(i64, Range<usize>)],
    kind: &Kind,
) -> Result<Vec<NewChunk>, Corrupt> {
    let mut chunks = Vec::new();
    for (day, range) in days {
        for first in range.clone().step_by(CHUNK) {
            let last = (first + CHUNK).min(range.end) - 1;
            let part = match first == 0 && last + 1 == points.len() {
                true => Cow::Borrowed(points),
                false => {
                    let places: Vec<u32> = (first as u32..=last as u32).collect();
                    Cow::Owned(points.pick(&places))
                }
            };
            let bounds = part.cluster(kind).and_then(Texts::bounds);
            chunks.push(NewChunk {
                level: Level::Sealed,
                day: Some(*day),
                cluster: cluster(kind, bounds),
                ..chunk(&part, Effort::Sealed)?
            });
        }
    }
    Ok(chunks)
}

pub(super) fn cluster(kind: &Kind, bounds: Option<(&str, &str)>) -> Option<Cluster> {
    let (label, (least, most)) = kind.cluster.zip(bounds)?;
    Some(Cluster {
        label: kind.labels[label].name.clone(),
        least: least.to_owned(),
        most: most.to_owned(),
    })
}

/// Where each point's text stands in the order of all texts.
pub(super) fn ranks(texts: &Texts) -> Vec<u32> {
    let Texts::Coded { words, codes } = texts else {
        return Vec::new();
    };
    let mut order: Vec<usize> = (0..words.list().len()).collect();
    order.sort_by_key(|at| &words.list()[*at]);
    let mut ranks = vec![0; order.len() + 1];
    for (rank, at) in order.into_iter().enumerate() {
        ranks[at + 1] = rank as u32 + 1;
    }
    codes.iter().map(|code| ranks[*code as usize]).collect()
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
