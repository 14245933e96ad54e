//! Questions about points, answered from whatever chunks hold them.

use std::cmp::Reverse;
use std::ops::Range;

use futures_util::TryStreamExt;

use crate::kinds::Kind;

use super::bytes::Corrupt;
use super::chunk::Chunk;
use super::columns::Columns;
use super::store::{Store, StoreError};

/// Which points are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Points {
    /// From this microsecond on, to before that one.
    pub from: i64,
    pub to: i64,
    /// Labels with the values that points must have.
    pub labels: Vec<(String, String)>,
    /// The newest so many.
    pub most: usize,
    /// So many newer ones are passed over.
    pub skip: usize,
}

/// More points than this are not held in memory.
const MOST_WANTED: usize = 1 << 28;

#[derive(Debug, Default)]
pub struct Found {
    /// The newest first.
    pub points: Columns,
    /// There are older ones.
    pub has_more: bool,
    /// Chunks that cannot be read, with the reason; their points are missing.
    pub broken: Vec<(i64, String)>,
}

/// The newest points that fit.
pub async fn points(
    store: &mut Store,
    kind: &Kind,
    question: &Points,
) -> Result<Found, StoreError> {
    store.begin_reading().await?;
    let found = search(store, kind, question).await;
    let ended = store.end_reading().await;
    let found = found?;
    ended.map(|()| found)
}

/// How many points fit, those of broken chunks left out.
pub async fn count(store: &mut Store, kind: &Kind, question: &Points) -> Result<u64, StoreError> {
    let Some(id) = store.kind(&kind.name).await? else {
        return Ok(0);
    };
    let mut count = 0;
    let mut chunks = store.overlapping(id, question.from, question.to, cluster(kind, question));
    while let Some((row, data)) = chunks.try_next().await? {
        let places = match row.broken {
            Some(_) => Vec::new(),
            None => Chunk::open(&data)
                .and_then(|chunk| fitting(&chunk, question))
                .unwrap_or_default(),
        };
        count += places.len() as u64;
    }
    Ok(count)
}

async fn search(store: &mut Store, kind: &Kind, question: &Points) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let Some(id) = store.kind(&kind.name).await? else {
        return Ok(found);
    };
    let wanted = question.skip.saturating_add(question.most).min(MOST_WANTED);
    let mut points = Columns::default();
    {
        let mut chunks = store.overlapping(id, question.from, question.to, cluster(kind, question));
        while let Some((row, data)) = chunks.try_next().await? {
            if points.len() > wanted {
                let newest = newest(&points.at, wanted + 1);
                let oldest = points.at[newest[wanted] as usize];
                if row.high < oldest {
                    break;
                }
                // What is too old anyway is not carried along.
                if points.len() > 4 * wanted {
                    points = points.pick(&newest);
                }
            }
            let matching = match row.broken {
                Some(why) => Err(why),
                None => matching(&data, question, wanted + 1).map_err(|error| error.to_string()),
            };
            match matching {
                Ok(more) => points.append(&more),
                Err(why) => found.broken.push((row.id, why)),
            }
        }
    }
    found.has_more = points.len() > wanted;
    let mut newest = newest(&points.at, wanted);
    newest.drain(..question.skip.min(newest.len()));
    found.points = points.pick(&newest);
    Ok(found)
}

/// Sealed chunks know between which values of the cluster label their points lie.
fn cluster<'q>(kind: &Kind, question: &'q Points) -> Option<(&'q str, &'q str)> {
    let label = &kind.labels[kind.cluster?].name;
    let asked = question.labels.iter().find(|(name, _)| name == label);
    asked.map(|(label, text)| (label.as_str(), text.as_str()))
}

/// The places of the newest so many, the newest first.
fn newest(at: &[i64], most: usize) -> Vec<u32> {
    let mut places: Vec<u32> = (0..at.len() as u32).collect();
    places.sort_by_key(|place| Reverse(at[*place as usize]));
    places.truncate(most);
    places
}

/// The newest points of a chunk that fit; columns are decoded only as they are needed.
fn matching(data: &[u8], question: &Points, most: usize) -> Result<Columns, Corrupt> {
    let chunk = Chunk::open(data)?;
    let mut places = fitting(&chunk, question)?;
    places.sort_by_key(|(_, at)| Reverse(*at));
    places.truncate(most);
    if places.is_empty() {
        return Ok(Columns::default());
    }
    let places: Vec<usize> = places.into_iter().map(|(place, _)| place).collect();
    let read = range(&places);
    let points = chunk.decode(read.clone())?;
    let places: Vec<u32> = places
        .iter()
        .map(|place| (place - read.start) as u32)
        .collect();
    Ok(points.pick(&places))
}

/// The places of all that fit, with their times.
fn fitting(chunk: &Chunk<'_>, question: &Points) -> Result<Vec<(usize, i64)>, Corrupt> {
    let places = chunk.places(&question.labels)?;
    let read = range(&places);
    let at = chunk.at(read.clone())?;
    let timed = places.iter().map(|place| (*place, at[*place - read.start]));
    let fits = |(_, at): &(usize, i64)| (question.from..question.to).contains(at);
    Ok(timed.filter(fits).collect())
}

/// From the first of these places to the last.
fn range(places: &[usize]) -> Range<usize> {
    let (first, last) = (places.iter().min(), places.iter().max());
    first
        .zip(last)
        .map_or(0..0, |(first, last)| *first..last + 1)
}
