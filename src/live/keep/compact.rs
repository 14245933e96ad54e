//! Sealed chunks of a day are merged until each holds few values of the cluster label, so that one value's day is in few
//! chunks. One column at a time: a day is never in memory.

use std::collections::{BTreeSet, HashMap};
use std::iter::zip;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::calendar::Day;
use crate::kinds::Kind;

use super::super::bytes::Corrupt;
use super::super::chunk::{Chunk, Effort, Encoder};
use super::super::columns::{Cells, Numbers, Texts, joined};
use super::super::store::{CHUNK, ChunkRow, Cluster, Level, NewChunk, Part, Store, StoreError};
use super::prune::limit;
use super::seal::{cluster, ranks};

/// Chunks that are merged in one step, and so many of a day that is not over hold the same value before they are.
const MERGED: usize = 16;
/// Chunks with fewer points are merged only with their like: late points would otherwise rewrite their whole day.
const SMALL: i64 = CHUNK as i64 / 8;
/// A day's chunks are sorted so long after it is over: until then what happened within the last hour, which many ask, is
/// found by time.
const SORTED: TimeDelta = TimeDelta::minutes(61);
/// Bytes in memory of the widest columns of what is merged in one step.
const WIDEST: i64 = 3 << 20;

/// Merges some chunks of the kind, and says whether there were any to merge.
pub(super) async fn step(
    store: &mut Store,
    id: i64,
    kind: &Kind,
    zone: Tz,
    now: DateTime<Utc>,
    broken: &mut usize,
) -> Result<bool, StoreError> {
    let today = i64::from(Day::containing(now - SORTED, zone).date.num_days_from_ce());
    // What leaves its tier is archived as it is: a day that was archived and not deleted is known by its chunks.
    let kept = limit(kind.keep.points, zone, now);
    let first = kept.map_or(i64::MIN, |day| i64::from(day.date.num_days_from_ce()));
    for day in store.unsorted_days(id, first, SMALL).await? {
        let mut rows = store.sealed_of(id, day).await?;
        // The kind was declared anew: what is sorted by another label stays as it is.
        let label = kind.cluster.map(|label| &kind.labels[label].name);
        rows.retain(|row| row.cluster.as_ref().map(|cluster| &cluster.label) == label);
        let most = if day < today { 1 } else { MERGED - 1 };
        let chosen = choose(&rows, most);
        if chosen.len() > 1 {
            let chosen: Vec<&ChunkRow> = chosen.into_iter().map(|at| &rows[at]).collect();
            merge(store, id, day, &chosen, kind, broken).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Which of a day's chunks to merge: small ones, or those that share a value of the cluster label, if they are more than
/// `most`.
fn choose(rows: &[ChunkRow], most: usize) -> Vec<usize> {
    let mergeable = || (0..rows.len()).filter(|at| rows[*at].widest <= WIDEST / 2);
    let small: Vec<usize> = mergeable().filter(|at| rows[*at].points < SMALL).collect();
    if small.len() > most {
        return that_fit(small, rows);
    }
    let large = mergeable().filter(|at| rows[*at].points >= SMALL);
    let bounds = bounds(large.filter_map(|at| Some((at, rows[at].cluster.as_ref()?))));
    let crowds = bounds.iter().map(|chunk| crowd(chunk.least, &bounds));
    let mut largest = crowds.max_by_key(Vec::len).unwrap_or_default();
    if largest.len() <= most {
        return Vec::new();
    }
    // The widest first: what has been sorted already need not be sorted again.
    largest.sort_by_key(|chunk| std::cmp::Reverse(chunk.most - chunk.least));
    that_fit(largest.iter().map(|chunk| chunk.at).collect(), rows)
}

/// A chunk, and where its least and its most value of the cluster label stand among those of all.
#[derive(Clone, Copy)]
struct Bounds {
    at: usize,
    least: usize,
    most: usize,
}

fn bounds<'r>(chunks: impl Iterator<Item = (usize, &'r Cluster)>) -> Vec<Bounds> {
    let chunks: Vec<(usize, &Cluster)> = chunks.collect();
    let texts = chunks
        .iter()
        .flat_map(|(_, cluster)| [&cluster.least, &cluster.most]);
    let texts: BTreeSet<&String> = texts.collect();
    let ranks: HashMap<&String, usize> = texts.into_iter().zip(0..).collect();
    let bounds = chunks.iter().map(|(at, cluster)| Bounds {
        at: *at,
        least: ranks[&cluster.least],
        most: ranks[&cluster.most],
    });
    bounds.collect()
}

/// The chunks that hold this value and the next; also those that hold nothing else, if another has it in its midst.
fn crowd(value: usize, chunks: &[Bounds]) -> Vec<Bounds> {
    let is_in_a_midst = chunks
        .iter()
        .any(|chunk| chunk.least < value && value < chunk.most);
    let holds = |chunk: &&Bounds| {
        let is_all = chunk.least == value && chunk.most == value;
        (chunk.least..chunk.most).contains(&value) || (is_all && is_in_a_midst)
    };
    chunks.iter().filter(holds).copied().collect()
}

/// As many of them as one step takes.
fn that_fit(chosen: Vec<usize>, rows: &[ChunkRow]) -> Vec<usize> {
    let mut widest = 0;
    let fits = |at: &usize| {
        widest += rows[*at].widest;
        widest <= WIDEST
    };
    chosen.into_iter().take(MERGED).take_while(fits).collect()
}

async fn merge(
    store: &mut Store,
    id: i64,
    day: i64,
    rows: &[&ChunkRow],
    kind: &Kind,
    broken: &mut usize,
) -> Result<(), StoreError> {
    let mut data = Vec::with_capacity(rows.len());
    for row in rows {
        // Pruned meanwhile.
        let Some(bytes) = store.data(row.id).await? else {
            return Ok(());
        };
        if let Err(error) = Chunk::open(&bytes).and_then(|chunk| chunk.decode(chunk.all())) {
            *broken += 1;
            return store.mark_broken(row.id, error).await;
        }
        data.push(bytes);
    }
    let new =
        sorted(&data, day, kind).map_err(|error| store.corrupt(Part::Chunk(rows[0].id), error))?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    store.replace(id, &ids, &new, None).await?;
    Ok(())
}

/// The points of these chunks in chunks that are sorted by cluster label and time.
fn sorted(data: &[Vec<u8>], day: i64, kind: &Kind) -> Result<Vec<NewChunk>, Corrupt> {
    let chunks: Vec<Chunk<'_>> = data
        .iter()
        .map(|bytes| Chunk::open(bytes))
        .collect::<Result<_, _>>()?;
    let texts = match kind.cluster {
        Some(label) => texts(&chunks, &kind.labels[label].name)?,
        None => None,
    };
    let mut at = Vec::new();
    for chunk in &chunks {
        at.extend(chunk.at(chunk.all())?);
    }
    let ranks = texts.as_ref().map(ranks).unwrap_or_default();
    let mut order: Vec<u32> = (0..at.len() as u32).collect();
    // Runs that are in order already are found by a stable sort.
    order.sort_by_key(|place| (ranks.get(*place as usize), at[*place as usize]));
    let parts: Vec<&[u32]> = cut(&order, &ranks);
    let mut new: Vec<NewChunk> = parts
        .iter()
        .map(|places| {
            let text = |place: u32| texts.as_ref().map(|texts| texts.text(place as usize));
            let bounds = text(places[0]).zip(text(places[places.len() - 1]));
            let times = || places.iter().map(|place| at[*place as usize]);
            NewChunk {
                level: Level::Sealed,
                day: Some(day),
                low: times().min().unwrap_or_default(),
                high: times().max().unwrap_or_default(),
                cluster: cluster(kind, bounds),
                points: places.len() as i64,
                widest: 0,
                data: Vec::new(),
            }
        })
        .collect();
    let mut encoders: Vec<Encoder> = parts
        .iter()
        .map(|places| Encoder::new(places.len(), Effort::Sealed))
        .collect();
    columns(&chunks, at, &parts, &mut encoders)?;
    for (new, encoder) in zip(&mut new, encoders) {
        new.widest = encoder.widest() as i64;
        new.data = encoder.finish()?;
    }
    Ok(new)
}

/// Parts of at most a chunk, which end where a value of the cluster label does if it fills a quarter.
fn cut<'o>(order: &'o [u32], ranks: &[u32]) -> Vec<&'o [u32]> {
    let rank = |at: usize| ranks.get(order[at] as usize);
    let mut parts = Vec::new();
    let mut rest = 0;
    while rest < order.len() {
        let end = (rest + CHUNK).min(order.len());
        let is_boundary = |at: &usize| *at == order.len() || rank(*at) != rank(at - 1);
        let boundary = (rest + CHUNK / 4..=end).rev().find(is_boundary);
        let end = boundary.unwrap_or(end);
        parts.push(&order[rest..end]);
        rest = end;
    }
    parts
}

/// Column by column, all chunks' cells go into the parts.
fn columns(
    chunks: &[Chunk<'_>],
    at: Vec<i64>,
    parts: &[&[u32]],
    encoders: &mut [Encoder],
) -> Result<(), Corrupt> {
    let pick = |numbers: &[i64], places: &[u32]| -> Vec<i64> {
        places
            .iter()
            .map(|place| numbers[*place as usize])
            .collect()
    };
    for (encoder, places) in zip(&mut *encoders, parts) {
        encoder.at(&pick(&at, places));
    }
    drop(at);
    let mut ok = Vec::new();
    let mut details = Texts::default();
    for chunk in chunks {
        ok.extend(chunk.ok(chunk.all())?);
        details.append(&chunk.details(chunk.all())?);
    }
    for (encoder, places) in zip(&mut *encoders, parts) {
        encoder.ok(&pick(&ok, places));
        encoder.details(&details.pick(places));
    }
    drop((ok, details));
    let names = |of: fn(&Chunk<'_>) -> Vec<String>| -> BTreeSet<String> {
        chunks.iter().flat_map(of).collect()
    };
    for name in names(|chunk| chunk.label_names().map(str::to_owned).collect()) {
        if let Some(texts) = texts(chunks, &name)? {
            for (encoder, places) in zip(&mut *encoders, parts) {
                encoder.label(&name, &texts.pick(places));
            }
        }
    }
    for name in names(|chunk| chunk.value_names().map(str::to_owned).collect()) {
        if let Some(numbers) = numbers(chunks, &name)? {
            for (encoder, places) in zip(&mut *encoders, parts) {
                encoder.value(&name, &numbers.pick(places));
            }
        }
    }
    Ok(())
}

fn texts(chunks: &[Chunk<'_>], name: &str) -> Result<Option<Texts>, Corrupt> {
    joined(
        chunks
            .iter()
            .map(|chunk| Ok((chunk.label(name, chunk.all())?, chunk.len()))),
    )
}

fn numbers(chunks: &[Chunk<'_>], name: &str) -> Result<Option<Numbers>, Corrupt> {
    joined(
        chunks
            .iter()
            .map(|chunk| Ok((chunk.value(name, chunk.all())?, chunk.len()))),
    )
}
