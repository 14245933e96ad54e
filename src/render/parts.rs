//! Which parts of a distribution a report shows.

use std::cmp::Reverse;

use rust_decimal::Decimal;

use crate::entry::{Part, PartKey};

/// Parts beyond these are added up.
const PARTS: usize = 5;

/// The largest parts, and the sum of all others, if there are any.
pub(super) fn largest(parts: &[Part]) -> (Vec<&Part>, Option<Decimal>) {
    let (others, mut named): (Vec<&Part>, Vec<&Part>) =
        parts.iter().partition(|part| part.key == PartKey::Other);
    named.sort_by_key(|part| Reverse(part.count));
    let rest = named.split_off(named.len().min(PARTS));
    let others: Vec<Decimal> = others.iter().chain(&rest).map(|part| part.count).collect();
    let sum = (!others.is_empty()).then(|| others.iter().sum());
    (named, sum)
}
