//! Counted again: what the store holds by month against what was there before and what was taken, and that against the
//! source.

use std::collections::{BTreeMap, BTreeSet};

use super::super::rollup::{Rollup, Stats};
use super::super::store::Tally;

/// Sums of floats depend on their order, so far.
const ROUNDING: f64 = 1e-9;

/// What a store holds of some kinds, and why.
#[derive(Debug, Default)]
pub(super) struct Balance {
    pub held: Tally,
    pub before: Tally,
    pub moved: Tally,
}

/// A month of a kind that was counted again.
#[derive(Debug, Clone, PartialEq)]
pub struct Month {
    pub kind: String,
    /// Its first second.
    pub start: i64,
    /// Points that were there before anything was migrated.
    pub before: u64,
    pub moved: u64,
    pub held: u64,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Equal,
    /// Others have recorded so many points meanwhile.
    AtLeast(u64),
    /// Its rollups were pruned.
    Gone,
    Differs(String),
}

impl Month {
    pub fn differs(&self) -> bool {
        matches!(self.verdict, Verdict::Differs(_))
    }
}

impl Balance {
    fn expected(&self, key: &(String, i64)) -> Rollup {
        let mut sum = Rollup::default();
        for part in [&self.before, &self.moved] {
            part.get(key).into_iter().for_each(|part| sum.merge(part));
        }
        sum
    }

    /// Points that are neither from before nor taken.
    fn excess(&self, key: &(String, i64)) -> i128 {
        let held = self.held.get(key).map_or(0, |held| held.points);
        i128::from(held) - i128::from(self.expected(key).points)
    }

    /// Compares every month into which something was moved. `start`: the balance before this run, if nobody else has written
    /// since. `pruned`: before which instant the months of a kind may be gone.
    pub(super) fn months(
        &self,
        start: Option<&Self>,
        pruned: &BTreeMap<String, i64>,
    ) -> Vec<Month> {
        let nothing = Rollup::default();
        let month = |(key, moved): (&(String, i64), &Rollup)| {
            let held = self.held.get(key).unwrap_or(&nothing);
            let excess = self.excess(key);
            let verdict = if pruned.get(&key.0).is_some_and(|until| key.1 < *until) {
                Verdict::Gone
            } else if excess < 0 {
                Verdict::Differs(format!("{} points are missing", -excess))
            } else if let Some(start) = start
                && start.excess(key) != excess
            {
                Verdict::Differs(format!("{} points too many", excess - start.excess(key)))
            } else if excess > 0 {
                Verdict::AtLeast(excess as u64)
            } else {
                difference(held, &self.expected(key)).map_or(Verdict::Equal, Verdict::Differs)
            };
            Month {
                kind: key.0.clone(),
                start: key.1,
                before: self.before.get(key).map_or(0, |before| before.points),
                moved: moved.points,
                held: held.points,
                verdict,
            }
        };
        self.moved.iter().map(month).collect()
    }
}

/// Where a source, read again, is not what was taken from it. Records that have left it since are none of its fault.
pub(super) fn unlike(source: &Tally, taken: &Tally) -> Vec<(String, i64, String)> {
    let keys: BTreeSet<&(String, i64)> = source.keys().chain(taken.keys()).collect();
    let nothing = Rollup::default();
    let mut unlike = Vec::new();
    for key in keys {
        let read = source.get(key).unwrap_or(&nothing);
        let kept = taken.get(key).unwrap_or(&nothing);
        let why = match read.points.cmp(&kept.points) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Equal => difference(kept, read),
            std::cmp::Ordering::Greater => Some(format!(
                "{} points in the source, {} taken",
                read.points, kept.points
            )),
        };
        unlike.extend(why.map(|why| (key.0.clone(), key.1, why)));
    }
    unlike
}

fn difference(held: &Rollup, expected: &Rollup) -> Option<String> {
    for (what, held, expected) in [
        ("points", held.points, expected.points),
        ("that succeeded", held.succeeded, expected.succeeded),
        ("that failed", held.failed, expected.failed),
    ] {
        if held != expected {
            return Some(format!("{held} {what} in the store, {expected} expected"));
        }
    }
    let names: BTreeSet<&String> = held.values.keys().chain(expected.values.keys()).collect();
    let nothing = Stats::default();
    names.into_iter().find_map(|name| {
        let held = held.values.get(name).unwrap_or(&nothing);
        let expected = expected.values.get(name).unwrap_or(&nothing);
        (!is_same(held, expected)).then(|| {
            format!(
                "{} values of `{name}` with the sum {} in the store, {} with {} expected",
                held.count,
                held.sum(),
                expected.count,
                expected.sum()
            )
        })
    })
}

fn is_same(one: &Stats, other: &Stats) -> bool {
    let sums = match (one.exact_sum(), other.exact_sum()) {
        (Some(one), Some(other)) => one.0 == other.0,
        _ => {
            // At least the sum of what the numbers are without their signs.
            let size = (one.count as f64 * one.squares).sqrt();
            (one.sum() - other.sum()).abs() <= ROUNDING * size
        }
    };
    sums && one.count == other.count
}
