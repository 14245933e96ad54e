//! Where each part of a window is read: in the coarsest rollups that are whole and kept, else in points, else nowhere.

use std::ops::{Range, RangeInclusive};

use chrono_tz::Tz;

use super::super::grain::{Grain, Piece};
use super::super::store::{Past, Tier};

const SECOND: i64 = 1_000_000;

/// A part of a window, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) window: Range<i64>,
    pub(super) source: Source,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// From the first of these starts to the last.
    Rollups(Grain, RangeInclusive<i64>),
    Points,
    /// It is not kept any more.
    Nowhere,
}

/// What is known of the kind's past, and what is asked.
pub(super) struct Cover<'a> {
    pub(super) past: &'a Past,
    pub(super) zone: Tz,
    /// By which labels, with a comma between, rollups would answer; `None`: none would.
    pub(super) labels: Option<&'a str>,
    /// The coarsest first.
    pub(super) grains: &'a [Grain],
}

impl Cover<'_> {
    /// The parts of the window, in the order of time.
    pub(super) fn parts(&self, window: Range<i64>) -> Vec<Part> {
        let mut parts = Vec::new();
        let grains = match self.labels {
            Some(_) => self.grains,
            None => &[],
        };
        self.add(window, grains, &mut parts);
        parts
    }

    fn add(&self, window: Range<i64>, grains: &[Grain], parts: &mut Vec<Part>) {
        let Some((grain, finer)) = grains.split_first() else {
            return self.add_points(window, parts);
        };
        let mut at = window.start;
        while at < window.end {
            let piece = grain.piece(at.div_euclid(SECOND), self.zone);
            let (begin, end) = (
                piece.begin.saturating_mul(SECOND),
                piece.end.saturating_mul(SECOND),
            );
            let is_whole = window.start <= begin && end <= window.end;
            if is_whole && self.is_rolled_up(*grain, &piece) {
                add_rollup(*grain, piece.start, begin..end, parts);
            } else {
                self.add(at..end.min(window.end), finer, parts);
            }
            at = end;
        }
    }

    fn add_points(&self, window: Range<i64>, parts: &mut Vec<Part>) {
        let kept = self.past.pruned[Tier::Points as usize];
        let split = kept.clamp(window.start, window.end);
        for (window, source) in [
            (window.start..split, Source::Nowhere),
            (split..window.end, Source::Points),
        ] {
            match parts.last_mut() {
                _ if window.is_empty() => {}
                Some(last) if last.source == source && last.window.end == window.start => {
                    last.window.end = window.end;
                }
                _ => parts.push(Part { window, source }),
            }
        }
    }

    /// Whether all points of the piece, but for fresh ones, are in its rollup, and no others.
    fn is_rolled_up(&self, grain: Grain, piece: &Piece) -> bool {
        let (begin, end) = (
            piece.begin.saturating_mul(SECOND),
            piece.end.saturating_mul(SECOND),
        );
        let pruned = |tier: Tier| self.past.pruned[tier as usize];
        let since = self.past.grouped.iter();
        let since = since.filter(|(labels, _)| Some(labels.as_str()) == self.labels);
        let mut since = since.map(|(_, since)| *since);
        // The rollups of all together still count what was forgotten.
        let is_cleaner_in_points = begin < pruned(Tier::Forgotten) && pruned(Tier::Points) <= begin;
        let mut zones = self.past.zones.iter();
        piece.start.saturating_mul(SECOND) >= pruned(grain.into())
            && since.any(|since| since <= begin)
            && !is_cleaner_in_points
            && zones.all(|zone| match zone.zone {
                _ if zone.high < begin || end <= zone.low => true,
                Some(zone) if zone == self.zone => true,
                Some(zone) => grain.piece(piece.begin, zone) == *piece,
                None => false,
            })
    }
}

fn add_rollup(grain: Grain, start: i64, window: Range<i64>, parts: &mut Vec<Part>) {
    if let Some(Part {
        window: known,
        source: Source::Rollups(same, starts),
    }) = parts.last_mut()
        && *same == grain
        && known.end == window.start
    {
        *starts = *starts.start()..=start;
        known.end = window.end;
        return;
    }
    parts.push(Part {
        window,
        source: Source::Rollups(grain, start..=start),
    });
}
