//! Windows of time, and where their numbers can be read.

use std::ops::Range;

use chrono_tz::Tz;

use crate::calendar::AsOf;
use crate::kinds::{Figure, Kind};

use super::super::grain::Grain;
use super::super::store::{Past, Zone};

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
/// Seconds of the longest month, anywhere.
const LONGEST: i64 = 32 * 86_400;

/// From one microsecond on, to before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) begin: i64,
    pub(super) end: i64,
}

/// Where a window's number is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Points,
    Rollups(Grain),
    /// Nowhere, and why.
    Nowhere(String),
}

impl Window {
    pub(super) fn new(as_of: &AsOf, days: u32) -> Self {
        Self {
            begin: as_of.window_start(days).instant.timestamp_micros(),
            end: as_of.instant.timestamp_micros(),
        }
    }

    /// From the first of them to the last.
    pub(super) fn around(windows: impl IntoIterator<Item = Self>) -> Option<Self> {
        windows.into_iter().reduce(|one, other| Self {
            begin: one.begin.min(other.begin),
            end: one.end.max(other.end),
        })
    }

    pub(super) fn range(&self) -> Range<i64> {
        self.begin..self.end
    }

    pub(super) fn overlaps(&self, low: i64, high: i64) -> bool {
        low < self.end && high >= self.begin
    }

    /// In seconds.
    pub(super) fn seconds(&self) -> Range<i64> {
        self.begin.div_euclid(SECOND)..self.end.div_euclid(SECOND)
    }

    /// The coarsest rollups that are kept and whose bounds are the window's own, in every zone in which its points were
    /// rolled up.
    pub(super) fn place_in_rollups(&self, figure: &Figure, kind: &Kind, past: &Past) -> Place {
        if group(figure, kind).is_none() {
            let names: Vec<&str> = figure
                .labels
                .iter()
                .map(|(name, _)| name.as_str())
                .collect();
            return Place::Nowhere(format!(
                "{GONE}, and none are rolled up by {}",
                names.join(", ")
            ));
        }
        let mut is_fitting = false;
        for grain in Grain::ALL.into_iter().rev() {
            let zones = past.zones.iter();
            let mut zones = zones
                .filter(|zone| self.may_hold_start(grain, zone))
                .peekable();
            let is_empty = zones.peek().is_none();
            if zones.all(|zone| self.fits(grain, zone.zone)) {
                is_fitting = true;
                if is_empty || self.begin >= past.pruned[grain as usize] {
                    return Place::Rollups(grain);
                }
            }
        }
        if is_fitting {
            return Place::Nowhere(format!("{GONE}, nor are their rollups"));
        }
        let zones = past.zones.iter();
        let zones = zones.filter(|zone| self.may_hold_start(Grain::Hour, zone));
        let names = zones.map(|zone| zone.zone.map_or("another zone", Tz::name));
        let names: Vec<&str> = names.collect();
        Place::Nowhere(format!(
            "{GONE}, and they were rolled up by whole hours of {}",
            names.join(" and ")
        ))
    }

    /// Whether an hour, day or month of this zone's points may begin in the window.
    fn may_hold_start(&self, grain: Grain, zone: &Zone) -> bool {
        let low = zone.low.div_euclid(SECOND);
        let start = match zone.zone {
            Some(zone) => grain.start(low, zone),
            None => low - LONGEST,
        };
        self.overlaps(start * SECOND, zone.high)
    }

    fn fits(&self, grain: Grain, zone: Option<Tz>) -> bool {
        let is_bound = |at: i64| {
            let second = at.div_euclid(SECOND);
            at % SECOND == 0 && zone.is_some_and(|zone| grain.start(second, zone) == second)
        };
        is_bound(self.begin) && is_bound(self.end)
    }
}

/// `render::phrases` translates what begins with this.
const GONE: &str = "its events are no longer kept";

/// The rolled-up group with just these labels: its names, and the words in their order.
pub(super) fn group<'f>(figure: &'f Figure, kind: &Kind) -> Option<(String, Vec<&'f str>)> {
    let word = |name: &str| {
        let label = figure.labels.iter().find(|(label, _)| label == name)?;
        Some(label.1.as_str())
    };
    kind.groups.iter().find_map(|group| {
        let names = group.iter().map(|label| kind.labels[*label].name.as_str());
        let names: Vec<&str> = names.collect();
        let words: Option<Vec<&str>> = names.iter().map(|name| word(name)).collect();
        let words = words.filter(|words| words.len() == figure.labels.len())?;
        Some((names.join(","), words))
    })
}

/// The pieces of time between the bounds of windows: each lies in a window or outside of it.
pub(super) struct Pieces {
    bounds: Vec<i64>,
    /// The piece from this bound on lies in a window.
    is_asked: Vec<bool>,
}

impl Pieces {
    pub(super) fn new(windows: &[Window]) -> Self {
        let bounds = windows.iter().flat_map(|window| [window.begin, window.end]);
        let mut bounds: Vec<i64> = bounds.collect();
        bounds.sort_unstable();
        bounds.dedup();
        let mut pieces = Self {
            is_asked: vec![false; bounds.len()],
            bounds,
        };
        for window in windows {
            let range = pieces.within(window);
            pieces.is_asked[range].fill(true);
        }
        pieces
    }

    pub(super) fn len(&self) -> usize {
        self.bounds.len()
    }

    pub(super) fn within(&self, window: &Window) -> Range<usize> {
        let place = |at: i64| self.bounds.partition_point(|bound| *bound < at);
        place(window.begin)..place(window.end)
    }

    /// The piece that holds the instant, if it lies in a window.
    pub(super) fn holding(&self, at: i64) -> Option<usize> {
        let piece = self
            .bounds
            .partition_point(|bound| *bound <= at)
            .checked_sub(1)?;
        self.is_asked[piece].then_some(piece)
    }

    /// Whether something between these instants may lie in a window.
    pub(super) fn touch(&self, low: i64, high: i64) -> bool {
        let first = self.bounds.partition_point(|bound| *bound <= low);
        let last = self.bounds.partition_point(|bound| *bound <= high);
        self.is_asked[first.saturating_sub(1)..last].contains(&true)
    }
}
