//! Chance that repeats: the same world at every start.

/// SplitMix64: tiny, fast and even enough for invented data.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn seeded() -> Self {
        Self(0x0bea_7b00_c0de_2025)
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
