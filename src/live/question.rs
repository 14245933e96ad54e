//! Questions about events, answered from whatever holds them: chunks, and rollups where these are exact.

mod answer;
mod cover;
mod fold;
mod gather;
mod page;
pub mod parameters;
mod single;
mod table;

use std::ops::Range;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::kinds::{Aggregate, Kind};

use super::bytes::Corrupt;
use super::chunk::Chunk;
use super::grain::Every;
use super::store::StoreError;

pub(super) use answer::instant;
pub use answer::{Answer, ask};
pub(super) use page::fitting;
pub use page::{Cursor, Found, Order, Points, count, points, points_as_of};
pub use single::latest;
pub use table::{FigureRow, Gaps, Look, Wanted};

/// When and where it is asked.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    pub zone: Tz,
    pub now: DateTime<Utc>,
}

/// A question that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub name: &'static str,
    /// In microseconds.
    pub window: Range<i64>,
    pub filter: Filter,
    /// Percentiles are taken from sketches, although points are kept.
    pub estimate: bool,
    pub question: Question,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    Points {
        order: Order,
        most: usize,
        after: Option<Cursor>,
    },
    /// The newest point of each.
    Latest {
        by: String,
        most: usize,
    },
    Aggregate {
        figures: Vec<Aggregate>,
        every: Option<Every>,
        by: Vec<String>,
    },
    /// One figure of all.
    Single(Aggregate),
    /// The first groups by a figure.
    Top {
        by: Vec<String>,
        figure: Aggregate,
        ascending: bool,
        most: usize,
    },
    Slowest {
        value: String,
        most: usize,
    },
    Summary,
    /// The same time before beside it.
    Compare,
    /// How many there were at which hour and on which weekday.
    Peaks,
}

#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    TooMuch(String),
    #[error("events arrived or were moved while they were counted: ask again")]
    Moved,
}

/// More rows are no answer for anybody, and fill the memory.
const MOST_GROUPS: usize = 100_000;

impl AskError {
    fn too_much(what: &str) -> Self {
        let advice = "ask about a shorter time, longer pieces of it, or fewer labels";
        Self::TooMuch(format!("more than {MOST_GROUPS} {what}: {advice}"))
    }
}

/// Which points of a kind are meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Labels with the values that points must have.
    pub labels: Vec<(String, String)>,
    /// Only spans that went well, or only those that did not.
    pub ok: Option<bool>,
}

impl Filter {
    /// Sealed chunks know between which values of the cluster label their points lie.
    pub(super) fn cluster<'f>(&'f self, kind: &Kind) -> Option<(&'f str, &'f str)> {
        let label = &kind.labels[kind.cluster?].name;
        let asked = self.labels.iter().find(|(name, _)| name == label);
        asked.map(|(label, text)| (label.as_str(), text.as_str()))
    }

    /// The places of a chunk's points that fit.
    pub(super) fn places(&self, chunk: &Chunk<'_>) -> Result<Vec<usize>, Corrupt> {
        let mut places = chunk.places(&self.labels)?;
        if let Some(ok) = self.ok {
            let read = range(&places);
            let all = chunk.ok(read.clone())?;
            places.retain(|place| all[place - read.start] == i64::from(ok));
        }
        Ok(places)
    }
}

/// From the first of these places, which are in order, to the last.
fn range(places: &[usize]) -> Range<usize> {
    let (first, last) = (places.first(), places.last());
    first
        .zip(last)
        .map_or(0..0, |(first, last)| *first..last + 1)
}
