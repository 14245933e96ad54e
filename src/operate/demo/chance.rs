//! Repeatable random numbers: the same story at every start.

use chrono::TimeDelta;

/// SplitMix64: tiny, fast and even enough for invented data.
#[derive(Clone)]
pub(super) struct Chance(u64);

impl Chance {
    /// Each number has its own sequence.
    pub(super) fn seeded(number: i64) -> Self {
        let mut mixed = Self(20_261_129 ^ number.cast_unsigned());
        Self(mixed.next())
    }

    /// Evenly from 0 to `bound` − 1; `bound` must not be 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Like `below`, but small numbers come up much more often.
    pub(super) fn favouring_low(&mut self, bound: usize) -> usize {
        self.below(bound) * self.below(bound) / bound
    }

    /// Evenly from 0 up to, never reaching, 1.
    pub(super) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(super) fn percent(&mut self, likely: usize) -> bool {
        self.below(100) < likely
    }

    /// Evenly between two numbers of minutes.
    pub(super) fn minutes(&mut self, from: usize, to: usize) -> TimeDelta {
        let seconds = 60 * from + self.below(60 * (to - from));
        TimeDelta::seconds(seconds as i64)
    }

    /// One of the choices, each as likely as its weight.
    pub(super) fn weighed<T: Copy>(&mut self, choices: &[(T, usize)]) -> T {
        let mut left = self.below(choices.iter().map(|(_, weight)| weight).sum());
        for (choice, weight) in choices {
            if left < *weight {
                return *choice;
            }
            left -= weight;
        }
        unreachable!("a number below the sum of weights falls into one of them")
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
