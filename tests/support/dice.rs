//! Chance that falls the same way every time.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use chrono::{DateTime, TimeDelta, Utc};

/// A linear congruential generator: nothing here needs better chance.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub fn flag(&mut self, one_in: u64) -> String {
        flag(self.one_in(one_in))
    }

    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }

    /// A third of all times stand on an edge or a microsecond beside it, the others in the `days` from
    /// `first` on.
    pub fn instant(
        &mut self,
        edges: &[DateTime<Utc>],
        first: DateTime<Utc>,
        days: u64,
    ) -> DateTime<Utc> {
        if self.one_in(3) {
            let edge = edges[usize::try_from(self.below(edges.len() as u64)).unwrap()];
            let beside = i64::try_from(self.below(3)).unwrap() - 1;
            return edge + TimeDelta::microseconds(beside);
        }
        let steps = i64::try_from(self.below(1 << 30)).unwrap();
        let step = i64::try_from((days * 86_400_000_000) >> 30).unwrap();
        first + TimeDelta::microseconds(steps * step)
    }
}

pub fn flag(value: bool) -> String {
    if value { "TRUE" } else { "FALSE" }.to_owned()
}
