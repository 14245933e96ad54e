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

/// The newest values of each weekday.
#[derive(Default)]
pub(super) struct Weekdays {
    values: [VecDeque<f64>; 7],
}

impl Weekdays {
    pub(super) fn usual(&self, weekday: Weekday) -> Option<Usual> {
        let values = &self.values[weekday.num_days_from_monday() as usize];
        if values.len() < LEAST_DAYS {
            return None;
        }
        let middle = median(values.iter().copied().collect());
        let deviations = values.iter().map(|value| (value - middle).abs()).collect();
        let deviation = median(deviations).max(LEAST_DEVIATION * middle.abs());
        Some(Usual {
            low: exact(middle - REACH * deviation),
            high: exact(middle + REACH * deviation),
            median: exact(middle),
            days: values.len(),
        })
    }

    pub(super) fn learn(&mut self, weekday: Weekday, value: f64) {
        let values = &mut self.values[weekday.num_days_from_monday() as usize];
        if values.len() == MOST_DAYS {
            values.pop_front();
        }
        values.push_back(value);
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) {
        (values[half - 1] + values[half]) / 2.0
    } else {
        values[half]
    }
}
