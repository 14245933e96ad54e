//! Points by the labels that tell series apart: all but those that name single events.

use crate::kinds::{Accepts, Kind};

use super::super::columns::{ABSENT, Cells, Column, Columns, Texts};
use super::super::rollup::subdivide;

pub(super) struct Series<'p> {
    labels: Vec<&'p Column<Texts>>,
    /// Each point's series.
    pub(super) of: Vec<u32>,
    /// A point of each series.
    pub(super) first: Vec<usize>,
}

impl<'p> Series<'p> {
    /// With `by_ok`, what went well and what did not are two series.
    pub(super) fn new(points: &'p Columns, kind: &Kind, by_ok: bool) -> Self {
        let labels = points.labels.iter();
        let labels: Vec<&Column<Texts>> = labels.filter(|column| tells(column, kind)).collect();
        let mut of = vec![0; points.len()];
        let mut count = 1;
        for column in &labels {
            let mut coded = Texts::coded();
            coded.append(&column.cells);
            if let Texts::Coded { words, codes } = &coded {
                count = subdivide(&mut of, count, codes, words.list().len() + 1);
            }
        }
        if by_ok {
            let code = |ok: &i64| if *ok == ABSENT { 0 } else { *ok as u32 + 1 };
            let codes: Vec<u32> = points.ok.iter().map(code).collect();
            count = subdivide(&mut of, count, &codes, 3);
        }
        let mut first = vec![0; count.min(points.len())];
        for (place, series) in of.iter().enumerate().rev() {
            first[*series as usize] = place;
        }
        Self { labels, of, first }
    }

    /// The names and texts of a series' labels that it has.
    pub(super) fn words(&self, series: usize) -> impl Iterator<Item = (&'p str, &'p str)> {
        let place = self.first[series];
        let word = move |column: &&'p Column<Texts>| {
            let text = column.cells.get(place)?;
            Some((column.name.as_str(), text))
        };
        self.labels.iter().filter_map(word)
    }
}

/// Whether a label tells series apart. One that the kind has no more is judged by how it is kept.
pub(super) fn tells(column: &Column<Texts>, kind: &Kind) -> bool {
    match kind.label(&column.name) {
        Some(label) => kind.labels[label].accepts != Accepts::Find,
        None => matches!(column.cells, Texts::Coded { .. }),
    }
}
