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
    learnt: [(VecDeque<f64>, Option<Usual>); 7],
}

impl Weekdays {
    pub(super) fn usual(&self, weekday: Weekday) -> Option<Usual> {
        self.learnt[weekday.num_days_from_monday() as usize].1
    }

    pub(super) fn learn(&mut self, weekday: Weekday, value: f64) {
        let (values, usual) = &mut self.learnt[weekday.num_days_from_monday() as usize];
        if values.len() == MOST_DAYS {
            values.pop_front();
        }
        values.push_back(value);
        *usual = range(values);
    }
}

fn range(values: &VecDeque<f64>) -> Option<Usual> {
    if values.len() < LEAST_DAYS {
        return None;
    }
    let mut sorted = [0.0; MOST_DAYS];
    let sorted = &mut sorted[..values.len()];
    for (place, value) in sorted.iter_mut().zip(values) {
        *place = *value;
    }
    let middle = median(sorted);
    for place in sorted.iter_mut() {
        *place = (*place - middle).abs();
    }
    let deviation = median(sorted).max(LEAST_DEVIATION * middle.abs());
    Some(Usual {
        low: exact(middle - REACH * deviation),
        high: exact(middle + REACH * deviation),
        median: exact(middle),
        days: values.len(),
    })
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) {
        (values[half - 1] + values[half]) / 2.0
    } else {
        values[half]
    }
}
