//! Numbers of points, each chunk decoded once however many windows it lies in.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::{Figure, Percentile};

use super::super::bytes::Corrupt;
use super::super::chunk::Chunk;
use super::super::columns::{Cells, Column, Columns};
use super::super::rollup::{Rollup, bucket, by_slot};
use super::window::{Pieces, Window};

/// Labels with the values that points must have.
pub(super) type Labels = [(String, String)];

/// What is wanted of each chunk.
pub(super) struct Wanted<'a> {
    pub(super) filters: Vec<&'a Labels>,
    pub(super) values: BTreeSet<&'a str>,
    pub(super) pieces: Pieces,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(figures: impl Iterator<Item = &'a Figure>, windows: &[Window]) -> Self {
        let mut wanted = Self {
            filters: Vec::new(),
            values: BTreeSet::new(),
            pieces: Pieces::new(windows),
        };
        for figure in figures {
            if !wanted.filters.contains(&figure.labels.as_slice()) {
                wanted.filters.push(&figure.labels);
            }
            wanted.values.extend(figure.aggregate.value());
        }
        wanted
    }

    /// The place of the figure's filter.
    pub(super) fn filter(&self, figure: &Figure) -> usize {
        let labels = figure.labels.as_slice();
        let place = self.filters.iter().position(|known| *known == labels);
        place.unwrap_or_default()
    }
}

/// What one filter finds of one piece of time in a chunk.
pub(super) struct Sum {
    pub(super) filter: usize,
    pub(super) piece: usize,
    pub(super) rollup: Rollup,
}

pub(super) fn sums(chunk: &Chunk<'_>, wanted: &Wanted<'_>) -> Result<Vec<Sum>, Corrupt> {
    let places = wanted.filters.iter().map(|labels| {
        let places = chunk.places(labels)?;
        Ok(places.into_iter().map(|place| place as u32).collect())
    });
    let places: Vec<Vec<u32>> = places.collect::<Result<_, Corrupt>>()?;
    let mut all = Vec::new();
    if places.iter().all(Vec::is_empty) {
        return Ok(all);
    }
    let points = wanted_columns(chunk, wanted)?;
    for (filter, places) in places.iter().enumerate() {
        let piece = |place: &u32| wanted.pieces.holding(points.at[*place as usize]);
        let asked = places
            .iter()
            .filter_map(|place| Some((*place, piece(place)?)));
        let (places, piece_of): (Vec<u32>, Vec<usize>) = asked.unzip();
        let pieces: BTreeSet<usize> = piece_of.iter().copied().collect();
        let pieces: Vec<usize> = pieces.into_iter().collect();
        let slot = |piece: &usize| pieces.partition_point(|known| known < piece) as u32;
        let slot_of: Vec<u32> = piece_of.iter().map(slot).collect();
        let rollups = by_slot(&points.pick(&places), &slot_of, pieces.len(), true);
        all.extend(pieces.into_iter().zip(rollups).map(|(piece, rollup)| Sum {
            filter,
            piece,
            rollup,
        }));
    }
    Ok(all)
}

fn wanted_columns(chunk: &Chunk<'_>, wanted: &Wanted<'_>) -> Result<Columns, Corrupt> {
    let mut points = Columns {
        at: chunk.at(chunk.all())?,
        ok: chunk.ok(chunk.all())?,
        ..Columns::default()
    };
    points.details.pad(chunk.len());
    for name in &wanted.values {
        if let Some(cells) = chunk.value(name, chunk.all())? {
            let name = (*name).to_owned();
            points.values.push(Column { name, cells });
        }
    }
    Ok(points)
}

/// A percentile to be found among the numbers of the sketch's bucket in which it lies.
pub(super) struct Target<'a> {
    pub(super) labels: &'a Labels,
    pub(super) value: &'a str,
    pub(super) window: Window,
    pub(super) percentile: Percentile,
    pub(super) bucket: i32,
}

/// A chunk's numbers of a target's window.
#[derive(Default)]
pub(super) struct Near {
    count: u64,
    below: u64,
    /// Those in the bucket, each with how often it came.
    within: Vec<(f64, u64)>,
}

pub(super) fn near(chunk: &Chunk<'_>, targets: &[Target<'_>]) -> Result<Vec<Near>, Corrupt> {
    let at = chunk.at(chunk.all())?;
    let mut columns = BTreeMap::new();
    for target in targets {
        if !columns.contains_key(target.value) {
            columns.insert(target.value, chunk.value(target.value, chunk.all())?);
        }
    }
    let of_target = |target: &Target<'_>| {
        let mut near = Near::default();
        let window = target.window.begin..target.window.end;
        let numbers = columns.get(target.value).and_then(Option::as_ref);
        let numbers = numbers.filter(|_| at.iter().any(|at| window.contains(at)));
        let Some(numbers) = numbers else {
            return Ok(near);
        };
        let places = chunk.places(target.labels)?.into_iter();
        let places = places.filter(|place| window.contains(&at[*place]));
        let mut within = Vec::new();
        for number in places.filter_map(|place| numbers.get(place)) {
            near.count += 1;
            let lies = bucket(number);
            near.below += u64::from(lies < target.bucket);
            within.extend((lies == target.bucket).then_some(number));
        }
        within.sort_by(f64::total_cmp);
        let same = within.chunk_by(|one, other| one == other);
        near.within = same.map(|same| (same[0], same.len() as u64)).collect();
        Ok(near)
    };
    targets.iter().map(of_target).collect()
}

/// The number at the percentile's rank. `None`: points came or went since the bucket was found.
pub(super) fn percentile(target: &Target<'_>, parts: &[&Near]) -> Option<f64> {
    let sum = |of: fn(&Near) -> u64| parts.iter().map(|near| of(near)).sum::<u64>();
    let rank = target.percentile.rank(sum(|near| near.count))?;
    let mut left = rank.checked_sub(sum(|near| near.below))?;
    let mut numbers: Vec<(f64, u64)> = Vec::new();
    parts.iter().for_each(|near| numbers.extend(&near.within));
    numbers.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    numbers.into_iter().find_map(|(number, count)| {
        let is_it = left < count;
        left = left.saturating_sub(count);
        is_it.then_some(number)
    })
}
