//! Points with certain labels go, wherever they lie, and with them the rollups that are of them alone.

use std::collections::BTreeSet;
use std::iter::zip;

use crate::kinds::Kind;

use super::super::bytes::Corrupt;
use super::super::chunk::{self, Chunk, Effort};
use super::super::store::{ChunkRow, NewChunk, Store, StoreError};
use super::seal::{merged, seal};

/// What was forgotten, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forgotten {
    pub points: usize,
    pub rollups: usize,
    /// Chunks that cannot be read, with the reason: they may hold such points.
    pub broken: Vec<(i64, String)>,
}

/// Forgets the points that have all these labels. With `dry_run` they are only counted.
pub async fn forget(
    store: &mut Store,
    kind: &Kind,
    labels: &[(String, String)],
    dry_run: bool,
) -> Result<Forgotten, StoreError> {
    let all = [(labels.to_vec(), i64::MAX)];
    forget_until(store, kind, &all, dry_run).await
}

/// Labels of points, and until when these are forgotten, in microseconds.
pub type Until = (Vec<(String, String)>, i64);

/// The same of points with any of these labels. Later points stay, and rollups of hours, days and months that begin later.
pub async fn forget_until(
    store: &mut Store,
    kind: &Kind,
    all: &[Until],
    dry_run: bool,
) -> Result<Forgotten, StoreError> {
    let mut forgotten = Forgotten::default();
    let Some(id) = store.kind(&kind.name).await? else {
        return Ok(forgotten);
    };
    if !dry_run {
        store.overwrite_what_goes().await?;
    }
    let mut newest = i64::MIN;
    let mut have_later = vec![false; all.len()];
    // A keeper may move points from one chunk to another meanwhile.
    loop {
        let mut is_done = true;
        forgotten.broken.clear();
        for row in store.all_chunks(id).await? {
            let Some(data) = store.data(row.id).await? else {
                is_done = false;
                continue;
            };
            let rest = Chunk::open(&data).and_then(|chunk| {
                let places = forgotten_places(&chunk, all, |which| have_later[which] = true)?;
                without(&chunk, &row, places, kind)
            });
            let rest = match rest {
                Ok(None) => continue,
                Ok(Some(rest)) => rest,
                Err(error) => {
                    forgotten.broken.push((row.id, error.to_string()));
                    continue;
                }
            };
            let left: i64 = rest.iter().map(|chunk| chunk.points).sum();
            if !dry_run && !store.replace(id, &[row.id], &rest, None).await? {
                is_done = false;
                continue;
            }
            forgotten.points += (row.points - left) as usize;
            newest = newest.max(row.high);
        }
        if is_done || dry_run {
            break;
        }
    }
    for group in &kind.groups {
        let names: Vec<&str> = group
            .iter()
            .map(|label| kind.labels[*label].name.as_str())
            .collect();
        let place = |(name, text): &(String, String)| {
            let at = names.iter().position(|known| known == name)?;
            Some((at, text.clone()))
        };
        for (labels, until) in all {
            if let Some(places) = labels.iter().map(place).collect::<Option<Vec<_>>>() {
                let labels = names.join(",");
                forgotten.rollups += store
                    .forget_rollups(id, &labels, &places, *until, dry_run)
                    .await?;
            }
        }
    }
    if !dry_run && forgotten.points > 0 {
        store.note_forgotten(id, newest.saturating_add(1)).await?;
    }
    if !dry_run {
        forget_replayed(store, id, all).await?;
        for ((labels, _), has_later) in zip(all, have_later) {
            // Of later points it is still a word.
            let words = if has_later { &[] } else { labels.as_slice() };
            store.forget_words(id, words).await?;
        }
    }
    Ok(forgotten)
}

/// Others, who have not had them yet, get what is left.
async fn forget_replayed(store: &mut Store, kind: i64, all: &[Until]) -> Result<(), StoreError> {
    for recorded in store.replayed(kind).await? {
        let rest = Chunk::open(&recorded.data).and_then(|chunk| {
            let places = forgotten_places(&chunk, all, |_| {})?;
            let rest = chunk.all().filter(|place| !places.contains(place));
            let rest: Vec<usize> = rest.collect();
            let data = match rest.is_empty() {
                true => None,
                false => Some(chunk::encode(&chunk.pick(&rest)?, Effort::Fresh)?),
            };
            Ok((places.into_iter().collect::<Vec<_>>(), data))
        });
        match rest {
            Ok((places, _)) if places.is_empty() => {}
            Ok((places, rest)) => store.forget_replayed(&recorded, &places, rest).await?,
            // It may hold such points, and nobody can read it.
            Err(_) => store.forget_replayed(&recorded, &[], None).await?,
        }
    }
    Ok(())
}

/// Where the points that go are in a chunk; `later` is told of which labels it has others, too.
fn forgotten_places(
    chunk: &Chunk<'_>,
    all: &[Until],
    mut later: impl FnMut(usize),
) -> Result<BTreeSet<usize>, Corrupt> {
    let mut gone = BTreeSet::new();
    for (which, (labels, until)) in all.iter().enumerate() {
        let places = chunk.places(labels)?;
        if places.is_empty() || *until == i64::MAX {
            gone.extend(places);
            continue;
        }
        let times = chunk.at(chunk.all())?;
        for place in places {
            match times[place] <= *until {
                true => drop(gone.insert(place)),
                false => later(which),
            }
        }
    }
    Ok(gone)
}

/// The chunk without these points; `None`: it has none of them.
fn without(
    chunk: &Chunk<'_>,
    row: &ChunkRow,
    places: BTreeSet<usize>,
    kind: &Kind,
) -> Result<Option<Vec<NewChunk>>, Corrupt> {
    if places.is_empty() {
        return Ok(None);
    }
    let mut gone = places.into_iter().peekable();
    let rest = chunk.all().filter(|place| gone.next_if_eq(place).is_none());
    let rest: Vec<u32> = rest.map(|place| place as u32).collect();
    if rest.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let points = chunk.decode(chunk.all())?.pick(&rest);
    Ok(Some(match row.day {
        Some(day) => seal(&points, &[(day, 0..points.len())], kind)?,
        None => vec![merged(&points)?],
    }))
}
