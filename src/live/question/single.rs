//! Points that stand out: the latest of each, the slowest of all.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use crate::kinds::Kind;

use super::super::bytes::Corrupt;
use super::super::chunk::Chunk;
use super::super::columns::{Columns, Texts};
use super::super::scan;
use super::super::source::Source;
use super::super::store::{ChunkRow, StoreError};
use super::{Filter, range};

/// Points, in the order in which they are asked for.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) points: Columns,
    /// Why the points of a chunk are missing.
    pub(super) broken: Vec<String>,
}

/// Where is looked for them.
pub(super) struct Search<'a> {
    pub(super) source: Source<'a>,
    pub(super) id: i64,
    pub(super) kind: &'a Kind,
    pub(super) window: Range<i64>,
    pub(super) filter: &'a Filter,
}

/// The latest point of each value of a label, those of broken chunks left out. Of chunks that can have no later one little is
/// decoded.
pub async fn latest(
    source: impl Into<Source<'_>>,
    kind: &Kind,
    window: Range<i64>,
    label: &str,
) -> Result<Columns, StoreError> {
    let mut source = source.into();
    let Some(id) = source.kind(kind).await? else {
        return Ok(Columns::default());
    };
    let mut reading = source.begin_reading().await?;
    let mut source = reading.source();
    let mut rows = source.between(id, window.start, window.end, false).await?;
    rows.retain(|row| row.broken.is_none());
    rows.sort_by_key(|row| Reverse((row.high, row.id)));
    let mut known = HashMap::new();
    let mut found = Columns::default();
    for (place, row) in rows.iter().enumerate() {
        if let Some(data) = source.data(&rows, place).await?
            && let Ok(later) = later(&data, row.high, &window, label, &mut known)
        {
            found.append(&later);
        }
    }
    let is_latest = |place: &u32| {
        let texts = found.label(label);
        let text = texts.map_or("", |texts| texts.text(*place as usize));
        known.get(text) == Some(&found.at[*place as usize])
    };
    let places: Vec<u32> = (0..found.len() as u32).filter(is_latest).collect();
    Ok(found.pick(&places))
}

/// The latest point of each value of a label that is later than the one that is known; `high`: where the chunk ends.
fn later(
    data: &[u8],
    high: i64,
    window: &Range<i64>,
    label: &str,
    known: &mut HashMap<String, i64>,
) -> Result<Columns, Corrupt> {
    let chunk = Chunk::open(data)?;
    let Some(texts) = chunk.label(label, chunk.all())? else {
        return Ok(Columns::default());
    };
    if let Texts::Coded { words, .. } = &texts
        && { words.list().iter() }.all(|word| known.get(word).is_some_and(|at| *at >= high))
    {
        return Ok(Columns::default());
    }
    let at = chunk.at(chunk.all())?;
    let mut latest: HashMap<&str, usize> = HashMap::new();
    for (place, own) in at.iter().enumerate() {
        let text = texts.text(place);
        let is_known = known.get(text).is_some_and(|known| own <= known);
        if !is_known && !text.is_empty() && window.contains(own) {
            let latest = latest.entry(text).or_insert(place);
            if *own >= at[*latest] {
                *latest = place;
            }
        }
    }
    let mut places: Vec<usize> = latest.values().copied().collect();
    places.sort_unstable();
    let picked = chunk.pick(&places)?;
    known.extend({ latest.into_iter() }.map(|(text, place)| (text.to_owned(), at[place])));
    Ok(picked)
}

impl Search<'_> {
    /// The latest point of each value of a label, in the order of these values.
    pub(super) async fn latest(&mut self, label: &str, most: usize) -> Result<Listed, StoreError> {
        let (window, filter) = (self.window.clone(), self.filter);
        let found = self.candidates(|chunk| {
            let places = filter.places(chunk)?;
            let (read, texts) = (range(&places), chunk.label(label, chunk.all())?);
            let at = chunk.at(read.clone())?;
            let mut latest: HashMap<&str, (i64, usize)> = HashMap::new();
            for place in places {
                let own = (at[place - read.start], place);
                let text = texts.as_ref().map_or("", |texts| texts.text(place));
                if window.contains(&own.0) {
                    let known = latest.entry(text).or_insert(own);
                    *known = own.max(*known);
                }
            }
            Ok(latest.into_values().map(|(_, place)| place).collect())
        });
        let (points, broken) = found.await?;
        let mut latest: BTreeMap<&str, u32> = BTreeMap::new();
        for place in 0..points.len() as u32 {
            let text = points
                .label(label)
                .map_or("", |texts| texts.text(place as usize));
            let known = latest.entry(text).or_insert(place);
            // Of one instant, what was recorded last.
            if points.at[place as usize] >= points.at[*known as usize] {
                *known = place;
            }
        }
        let places: Vec<u32> = latest.into_values().take(most).collect();
        let points = points.pick(&places);
        Ok(Listed { points, broken })
    }

    /// The points with the largest numbers of a value, the largest first; of equal ones the newest.
    pub(super) async fn largest(&mut self, value: &str, most: usize) -> Result<Listed, StoreError> {
        let (window, filter) = (self.window.clone(), self.filter);
        let found = self.candidates(|chunk| {
            let Some(numbers) = chunk.value(value, chunk.all())? else {
                return Ok(Vec::new());
            };
            let places = filter.places(chunk)?;
            let read = range(&places);
            let at = chunk.at(read.clone())?;
            let places = places.into_iter().filter_map(|place| {
                let at = at[place - read.start];
                let number = numbers.get(place).filter(|_| window.contains(&at))?;
                Some((number, at, place))
            });
            let largest = largest(places.collect(), most);
            Ok(largest.into_iter().map(|(.., place)| place).collect())
        });
        let (points, broken) = found.await?;
        let numbers = points.value(value);
        let places = (0..points.len())
            .filter_map(|place| Some((numbers?.get(place)?, points.at[place], place)));
        let places = largest(places.collect(), most).into_iter();
        let places: Vec<u32> = places.map(|(.., place)| place as u32).collect();
        let points = points.pick(&places);
        Ok(Listed { points, broken })
    }

    /// The points at the places of each chunk that are worth a second look.
    async fn candidates(
        &mut self,
        places: impl Fn(&Chunk<'_>) -> Result<Vec<usize>, Corrupt>,
    ) -> Result<(Columns, Vec<String>), StoreError> {
        let cluster = self.filter.cluster(self.kind);
        let is_wanted = |row: &ChunkRow| row.may_hold(cluster);
        let take = |_: &ChunkRow, chunk: &Chunk<'_>| chunk.pick(&places(chunk)?);
        let parts = scan::all(
            self.source.lend(),
            self.id,
            self.window.clone(),
            is_wanted,
            take,
        )
        .await?;
        let (mut points, mut broken) = (Columns::default(), Vec::new());
        for part in parts {
            match part.taken {
                Ok(more) => points.append(&more),
                Err(why) => broken.push(why),
            }
        }
        Ok((points, broken))
    }
}

fn largest(mut all: Vec<(f64, i64, usize)>, most: usize) -> Vec<(f64, i64, usize)> {
    let order = |(one, one_at, _): &(f64, i64, usize), (other, other_at, _): &(f64, i64, usize)| {
        other
            .total_cmp(one)
            .then(Reverse(one_at).cmp(&Reverse(other_at)))
    };
    if all.len() > most {
        all.select_nth_unstable_by(most, order);
        all.truncate(most);
    }
    all.sort_by(order);
    all
}
