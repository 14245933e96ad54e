//! Slow slides: no single day is unusual, but a week is, against the four weeks before.

use std::collections::VecDeque;

use crate::threshold::{Direction, Severity};

use super::change::{Levels, Week};
use super::usual::{Scale, Usual};
use super::window::Window;

const WEEK: usize = 7;
const DAYS: usize = 5 * WEEK;
/// The weeks whose changes are compared with, without the last four: a slide must not excuse itself.
const WEEKS: usize = 52;
const LEFT_OUT: usize = 4;
const LEAST_WEEKS: usize = 8;
/// Robust deviations. Fewer than for a day, or a busy metric's slide would be learnt before it is found.
const REACH: f64 = 2.8;
/// A year's outermost weeks on either side may lie beyond the reach: it holds some 97 % of them.
const BEYOND: usize = 1;
/// A day's deviation in the difference of a mean of 7 and one of 28: √(1/7 + 1/28).
const OF_DAYS: f64 = 0.42;
/// A slide is over within this part of the reach.
const OVER: f64 = 0.5;

/// The week with which a slide begins.
pub(super) struct Slide {
    pub(super) week: Week,
    pub(super) direction: Direction,
    pub(super) severity: Severity,
}

/// What is remembered of the days before.
#[derive(Debug, Clone)]
pub(super) struct Weeks {
    /// What each of the newest days counted for.
    days: Vec<f64>,
    /// Since the first of the year's changes.
    counted: usize,
    newest: VecDeque<f64>,
    changes: Window,
    sliding: Option<Direction>,
}

impl Weeks {
    pub(super) fn new() -> Self {
        Self {
            days: Vec::with_capacity(DAYS),
            counted: 0,
            newest: VecDeque::new(),
            changes: Window::new(WEEKS),
            sliding: None,
        }
    }

    /// Starts again after a gap or a new level, since earlier weeks are not comparable.
    pub(super) fn restart(&mut self) {
        self.days.clear();
    }

    /// Adds a day that is not judged.
    pub(super) fn pass(&mut self, counts_for: f64) {
        if self.days.len() == DAYS {
            self.days.remove(0);
        }
        self.days.push(counts_for);
    }

    /// Adds a day; returns the slide that begins with it.
    pub(super) fn add(
        &mut self,
        counts_for: f64,
        scale: Scale,
        deviation: f64,
        levels: &Levels,
    ) -> Option<Slide> {
        self.pass(counts_for);
        let week = self.week()?;
        let change = match scale {
            Scale::Ratio if week.before > 0.0 => week.mean / week.before - 1.0,
            Scale::Ratio => return None,
            Scale::Percent | Scale::Difference => week.mean - week.before,
        };
        let began = self.judge(change, week, deviation, levels);
        self.remember(change);
        began.map(|(direction, severity)| Slide {
            week,
            direction,
            severity,
        })
    }

    fn week(&self) -> Option<Week> {
        if self.days.len() < DAYS {
            return None;
        }
        let (before, week) = self.days.split_at(DAYS - WEEK);
        Some(Week {
            mean: mean(week),
            before: mean(before),
        })
    }

    fn judge(
        &mut self,
        change: f64,
        week: Week,
        deviation: f64,
        levels: &Levels,
    ) -> Option<(Direction, Severity)> {
        if self.changes.len() < LEAST_WEEKS {
            return None;
        }
        let middle = self.changes.median()?;
        let (least, most) = self.changes.ends(BEYOND)?;
        let ordinary = REACH * self.changes.deviation().max(OF_DAYS * deviation);
        let reach = ordinary.max(middle - least).max(most - middle);
        let from_middle = change - middle;
        if let Some(direction) = self.sliding {
            let along = if direction == Direction::Down {
                -from_middle
            } else {
                from_middle
            };
            if along < OVER * reach {
                self.sliding = None;
            }
            return None;
        }
        let direction = match () {
            () if from_middle < -reach && change < 0.0 => Direction::Down,
            () if from_middle > reach && change > 0.0 => Direction::Up,
            () => return None,
        };
        let severity = levels.slid(week)?;
        self.sliding = Some(direction);
        Some((direction, severity))
    }

    fn remember(&mut self, change: f64) {
        if self.counted.is_multiple_of(WEEK) {
            self.newest.push_back(change);
            if self.newest.len() > LEFT_OUT
                && let Some(old) = self.newest.pop_front()
            {
                self.changes.push(old);
            }
        }
        self.counted += 1;
    }
}

/// What a day counts for in its week: no more than the ordinary range, and for a day that alerted its forecast.
pub(super) fn counts_for(
    value: Option<f64>,
    ordinary: Option<Usual>,
    alerted: bool,
) -> Option<f64> {
    match (value, ordinary) {
        (Some(value), Some(usual)) if !alerted => Some(value.max(usual.low).min(usual.high)),
        (_, Some(usual)) => Some(usual.forecast),
        (value, None) => value,
    }
}

/// Of whole weeks: seven sums side by side, which a processor adds at once.
fn mean(days: &[f64]) -> f64 {
    let mut sums = [0.0; WEEK];
    for week in days.chunks_exact(WEEK) {
        for (sum, day) in sums.iter_mut().zip(week) {
            *sum += day;
        }
    }
    sums.iter().sum::<f64>() / days.len() as f64
}
