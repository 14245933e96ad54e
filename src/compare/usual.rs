//! What is usual for a weekday: the median of its last values and their ordinary distance from it.

use std::collections::VecDeque;

use chrono::Weekday;

use super::change::exact;

/// Fewer same weekdays than this say nothing.
const LEAST_DAYS: usize = 4;
const MOST_DAYS: usize = 12;
/// Three standard deviations, as estimated from the median absolute deviation.
const REACH: f64 = 3.0 * 1.4826;
/// Values that hardly ever moved still may by this part of their median, times the reach.
const LEAST_DEVIATION: f64 = 0.01;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    pub low: f64,
    pub high: f64,
    pub median: f64,
    /// How many same weekdays say so.
    pub days: usize,
}

impl Usual {
    pub fn holds(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// The newest values of each weekday, and what they make usual.
#[derive(Default)]
pub(super) struct Weekdays {
    learnt: [Learnt; 7],
}

#[derive(Default)]
struct Learnt {
    /// As they came.
    values: VecDeque<f64>,
    /// The same values, the smallest first: sorting them anew every day is what judging would spend its time on.
    sorted: Vec<f64>,
}

impl Weekdays {
    pub(super) fn usual(&self, weekday: Weekday) -> Option<Usual> {
        range(&self.learnt[weekday.num_days_from_monday() as usize].sorted)
    }

    pub(super) fn learn(&mut self, weekday: Weekday, value: f64) {
        self.learnt[weekday.num_days_from_monday() as usize].learn(value);
    }
}

impl Learnt {
    fn learn(&mut self, value: f64) {
        if self.values.len() == MOST_DAYS
            && let Some(oldest) = self.values.pop_front()
        {
            self.sorted.remove(place(&self.sorted, oldest));
        }
        self.values.push_back(value);
        self.sorted.insert(place(&self.sorted, value), value);
    }
}

/// Where the value is, or belongs.
fn place(sorted: &[f64], value: f64) -> usize {
    sorted.partition_point(|other| other.total_cmp(&value).is_lt())
}

fn range(sorted: &[f64]) -> Option<Usual> {
    if sorted.len() < LEAST_DAYS {
        return None;
    }
    let middle = halfway(sorted.len(), |at| sorted[at]);
    let deviations = distances(sorted, middle);
    let deviation = halfway(sorted.len(), |at| deviations[at]);
    let deviation = deviation.max(LEAST_DEVIATION * middle.abs());
    Some(Usual {
        low: exact(middle - REACH * deviation),
        high: exact(middle + REACH * deviation),
        median: exact(middle),
        days: sorted.len(),
    })
}

/// The median of so many ordered numbers.
fn halfway(count: usize, number: impl Fn(usize) -> f64) -> f64 {
    let half = count / 2;
    match count.is_multiple_of(2) {
        true => (number(half - 1) + number(half)) / 2.0,
        false => number(half),
    }
}

/// How far each value is from the middle, the nearest first: they grow to both sides of it.
fn distances(sorted: &[f64], middle: f64) -> [f64; MOST_DAYS] {
    let mut distances = [0.0; MOST_DAYS];
    let mut above = sorted.partition_point(|value| *value < middle);
    let mut below = above;
    for distance in &mut distances[..sorted.len()] {
        let down = below.checked_sub(1).map(|at| (sorted[at] - middle).abs());
        let up = sorted.get(above).map(|value| (value - middle).abs());
        *distance = match (down, up) {
            (Some(down), Some(up)) if down < up => {
                below -= 1;
                down
            }
            (_, Some(up)) => {
                above += 1;
                up
            }
            (Some(down), None) => {
                below -= 1;
                down
            }
            (None, None) => 0.0,
        };
    }
    distances
}
