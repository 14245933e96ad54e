//! The last samples of a kind, in memory and without details: for those who look every second.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet, VecDeque};

use crate::kinds::{Kind, Kinds, Shape};

use super::columns::{Cells, Columns};

/// Samples of one that are answered.
const RECENT: usize = 60;
/// Samples of a kind that are at hand: those of a thousand hosts.
const MOST: usize = 65_536;
/// Samples that lie together.
const PIECE: usize = 512;

/// By the names of the kinds, in the order of their commits.
#[derive(Debug, Default)]
pub struct Recent {
    kinds: HashMap<String, VecDeque<Columns>>,
}

impl Recent {
    /// Of kinds whose shape is `sample`.
    pub fn add(&mut self, name: &str, points: &Columns, kinds: &Kinds) {
        if kinds
            .get(name)
            .is_none_or(|kind| kind.shape != Shape::Sample)
        {
            return;
        }
        let mut samples = points.clone();
        // They may be large.
        samples.details = samples.details.empty_with(samples.len());
        let pieces = self.kinds.entry(name.to_owned()).or_default();
        match pieces.back_mut().filter(|last| last.len() < PIECE) {
            Some(last) => last.append(&samples),
            None => pieces.push_back(samples),
        }
        let mut count: usize = pieces.iter().map(Columns::len).sum();
        while let Some(oldest) = pieces.pop_front_if(|oldest| count - oldest.len() >= MOST) {
            count -= oldest.len();
        }
    }

    /// The newest samples of one, by the kind's cluster label; the newest first.
    pub fn of(&self, kind: &Kind, value: &str) -> Columns {
        let mut found = Columns::default();
        for piece in self.newest_pieces(kind) {
            if found.len() >= RECENT {
                break;
            }
            if let Some(texts) = piece.cluster(kind) {
                found.append(&piece.pick(&texts.places(value)));
            }
        }
        let mut places: Vec<u32> = (0..found.len() as u32).collect();
        places.sort_by_key(|place| Reverse(found.at[*place as usize]));
        places.truncate(RECENT);
        found.pick(&places)
    }

    /// The latest sample of each, in the order of their values.
    pub fn latest(&self, kind: &Kind) -> Columns {
        let mut found = Columns::default();
        let mut known = HashSet::new();
        for piece in self.newest_pieces(kind) {
            if let Some(texts) = piece.cluster(kind) {
                let is_new = |place: &u32| known.insert(texts.text(*place as usize));
                let places: Vec<u32> = (0..piece.len() as u32).rev().filter(is_new).collect();
                found.append(&piece.pick(&places));
            }
        }
        let mut places: Vec<u32> = (0..found.len() as u32).collect();
        if let Some(texts) = found.cluster(kind) {
            places.sort_by_key(|place| texts.text(*place as usize));
        }
        found.pick(&places)
    }

    fn newest_pieces(&self, kind: &Kind) -> impl Iterator<Item = &Columns> {
        self.kinds.get(&kind.name).into_iter().flatten().rev()
    }
}
