//! The points of a chunk by group and piece of time.

use std::collections::HashMap;
use std::iter::zip;
use std::ops::Range;

use chrono_tz::Tz;

use super::super::bytes::Corrupt;
use super::super::chunk::Chunk;
use super::super::columns::{Cells, Column, Columns, Numbers, Texts};
use super::super::grain::{Every, pieces};
use super::super::rollup::{Rollup, bucket, by_slot, subdivide, words_as_bytes};
use super::super::store::ChunkRow;
use super::Filter;

/// A piece of time by its first second, 0 if all is one, and the words of a group.
pub(super) type Key = (i64, Vec<u8>);

/// Which points count, and what they are sorted by.
pub(super) struct Sorting<'a> {
    pub(super) filter: &'a Filter,
    pub(super) by: &'a [String],
    pub(super) every: Option<Every>,
    pub(super) zone: Tz,
}

/// The points that count, each with the place of its key.
pub(super) struct Sorted {
    pub(super) keys: Vec<Key>,
    /// `None`: all of the chunk, under one key.
    places: Option<(Vec<u32>, Vec<u32>)>,
}

impl Sorting<'_> {
    /// Sorts the points of a chunk as far as they lie in one of the windows.
    pub(super) fn sort(
        &self,
        chunk: &Chunk<'_>,
        row: &ChunkRow,
        windows: &[Range<i64>],
    ) -> Result<Sorted, Corrupt> {
        let mut inside = windows.iter();
        let is_inside = inside.any(|window| window.start <= row.low && row.high < window.end);
        let is_whole = is_inside && *self.filter == Filter::default();
        if is_whole && self.by.is_empty() && self.every.is_none() {
            return Ok(Sorted {
                keys: vec![(0, Vec::new())],
                places: None,
            });
        }
        let mut places = self.filter.places(chunk)?;
        let all = chunk.all();
        let mut at = Vec::new();
        if !places.is_empty() && (!is_inside || self.every.is_some()) {
            at = chunk.at(all.clone())?;
            places.retain(|place| windows.iter().any(|window| window.contains(&at[*place])));
        }
        let places: Vec<u32> = places.into_iter().map(|place| place as u32).collect();
        let mut starts = vec![0];
        let mut slots = vec![0; places.len()];
        if let Some(every) = self.every {
            let at: Vec<i64> = places.iter().map(|place| at[*place as usize]).collect();
            (starts, slots) = pieces(&at, every, self.zone);
        }
        let piece_of = slots.clone();
        let mut count = starts.len();
        let mut labels = Vec::with_capacity(self.by.len());
        for name in self.by {
            let texts = match chunk.label(name, all.clone())? {
                Some(texts) => texts.pick(&places),
                None => Texts::coded().empty_with(places.len()),
            };
            let (codes, words) = coded(texts);
            count = subdivide(&mut slots, count, &codes, words.len() + 1);
            labels.push((codes, words));
        }
        let mut keys = vec![(0, Vec::new()); count];
        for (place, slot) in slots.iter().enumerate() {
            let (start, words) = &mut keys[*slot as usize];
            if words.is_empty() && !self.by.is_empty() {
                let word = |(codes, words): &(Vec<u32>, Vec<String>)| match codes[place] {
                    0 => String::new(),
                    code => words[code as usize - 1].clone(),
                };
                let own: Vec<String> = labels.iter().map(word).collect();
                *words = words_as_bytes(own.iter().map(String::as_str));
            }
            *start = starts[piece_of[place] as usize];
        }
        Ok(Sorted {
            keys,
            places: Some((places, slots)),
        })
    }
}

/// Each text's place among the different ones, counted from 1; 0: it is empty.
fn coded(texts: Texts) -> (Vec<u32>, Vec<String>) {
    if let Texts::Coded { words, codes } = texts {
        return (codes, words.list().to_vec());
    }
    let mut all = Texts::coded();
    all.append(&texts);
    match all {
        Texts::Coded { words, codes } => (codes, words.list().to_vec()),
        Texts::Plain { .. } => (vec![0; texts.len()], Vec::new()),
    }
}

impl Sorted {
    /// What there is of these values under each key.
    pub(super) fn rollups(
        &self,
        chunk: &Chunk<'_>,
        values: &[String],
        sketches: bool,
    ) -> Result<Vec<Rollup>, Corrupt> {
        let mut points = Columns {
            at: chunk.at(chunk.all())?,
            ok: chunk.ok(chunk.all())?,
            ..Columns::default()
        };
        points.details.pad(chunk.len());
        for name in values {
            if let Some(cells) = chunk.value(name, chunk.all())? {
                let name = name.clone();
                points.values.push(Column { name, cells });
            }
        }
        let count = self.keys.len();
        Ok(match &self.places {
            None => by_slot(&points, &vec![0; chunk.len()], count, sketches),
            Some((places, slots)) => by_slot(&points.pick(places), slots, count, sketches),
        })
    }

    /// The numbers of a value under each key, those that points do not have among them.
    pub(super) fn numbers(
        &self,
        chunk: &Chunk<'_>,
        value: &str,
    ) -> Result<Vec<Option<Numbers>>, Corrupt> {
        let Some(numbers) = chunk.value(value, chunk.all())? else {
            return Ok(vec![None; self.keys.len()]);
        };
        let Some((places, slots)) = &self.places else {
            return Ok(vec![Some(numbers)]);
        };
        if self.keys.len() == 1 {
            return Ok(vec![Some(numbers.pick(places))]);
        }
        let mut of_key: Vec<Vec<u32>> = vec![Vec::new(); self.keys.len()];
        zip(places, slots).for_each(|(place, slot)| of_key[*slot as usize].push(*place));
        let picked = of_key.iter().map(|places| Some(numbers.pick(places)));
        Ok(picked.collect())
    }

    /// How many numbers lie before a bucket of a sketch under each key, and those that lie in it.
    pub(super) fn near(
        &self,
        chunk: &Chunk<'_>,
        value: &str,
        buckets: &HashMap<Key, i32>,
    ) -> Result<Vec<(u64, Vec<f64>)>, Corrupt> {
        let numbers = self.numbers(chunk, value)?;
        let near = |(key, numbers): (&Key, Option<Numbers>)| {
            let (mut before, mut within) = (0, Vec::new());
            let Some((numbers, wanted)) = numbers.zip(buckets.get(key)) else {
                return (before, within);
            };
            for number in (0..numbers.len()).filter_map(|at| numbers.get(at)) {
                let own = bucket(number);
                before += u64::from(own < *wanted);
                within.extend((own == *wanted).then_some(number));
            }
            (before, within)
        };
        Ok(zip(&self.keys, numbers).map(near).collect())
    }
}
