//! The newest numbers of a series, kept sorted: judging needs a median every day, and sorting each time would dominate.

use std::collections::VecDeque;

#[derive(Debug, Clone)]
pub(super) struct Window {
    most: usize,
    /// As they came.
    values: VecDeque<f64>,
    sorted: Vec<f64>,
}

impl Window {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            values: VecDeque::new(),
            sorted: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, value: f64) {
        let to = self.place(value);
        if self.values.len() < self.most {
            self.sorted.insert(to, value);
        } else if let Some(oldest) = self.values.pop_front() {
            // Only what lies between the oldest and the newest moves.
            let from = self.place(oldest);
            if from < to {
                self.sorted.copy_within(from + 1..to, from);
                self.sorted[to - 1] = value;
            } else {
                self.sorted.copy_within(to..from, to + 1);
                self.sorted[to] = value;
            }
        }
        self.values.push_back(value);
    }

    /// Moves all but the newest.
    pub(super) fn shift(&mut self, newest: usize, to: impl Fn(f64) -> f64) {
        let old = self.values.len().saturating_sub(newest);
        for value in self.values.iter_mut().take(old) {
            *value = to(*value);
        }
        self.sorted = self.values.iter().copied().collect();
        self.sorted.sort_unstable_by(f64::total_cmp);
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.sorted.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }

    pub(super) fn median(&self) -> Option<f64> {
        let half = self.len() / 2;
        match self.len() {
            0 => None,
            count if count.is_multiple_of(2) => {
                Some(f64::midpoint(self.sorted[half - 1], self.sorted[half]))
            }
            _ => Some(self.sorted[half]),
        }
    }

    /// A standard deviation, estimated from the middle half of the numbers.
    pub(super) fn deviation(&self) -> f64 {
        /// Between the quarters of a normal distribution.
        const DEVIATIONS: f64 = 1.349;
        match self.len() {
            0 => 0.0,
            count => (self.sorted[count * 3 / 4] - self.sorted[count / 4]) / DEVIATIONS,
        }
    }

    /// The least and the greatest number, leaving out `without` at each end.
    pub(super) fn ends(&self, without: usize) -> Option<(f64, f64)> {
        let last = self.len().checked_sub(1 + without)?;
        Some((*self.sorted.get(without)?, self.sorted[last]))
    }

    fn place(&self, value: f64) -> usize {
        self.sorted.partition_point(|other| *other < value)
    }
}
