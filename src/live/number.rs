//! One number of what is known of many points.

use rust_decimal::Decimal;

use crate::kinds::{Aggregate, Summary};

use super::rollup::{Rollup, Stats};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Exact(Decimal),
    /// Made of floats, or one.
    Binary(f64),
}

/// `None`: there is nothing to make a mean, an extreme or a percentage of.
pub fn number(rollup: &Rollup, aggregate: &Aggregate) -> Option<Number> {
    let whole = |count: u64| Some(Number::Exact(count.into()));
    let (summary, value) = match aggregate {
        Aggregate::Count => return whole(rollup.points),
        Aggregate::Succeeded => return whole(rollup.succeeded),
        Aggregate::Failed => return whole(rollup.failed),
        Aggregate::SuccessPct => {
            let ended = rollup.succeeded + rollup.failed;
            let succeeded = Decimal::from(rollup.succeeded) * Decimal::ONE_HUNDRED;
            return succeeded.checked_div(ended.into()).map(Number::Exact);
        }
        Aggregate::Of(summary, value) => (summary, value),
    };
    let Some(stats) = rollup.values.get(value) else {
        return (*summary == Summary::Sum).then_some(Number::Exact(Decimal::ZERO));
    };
    Some(match summary {
        Summary::Sum => sum(stats),
        Summary::Avg => mean(stats)?,
        Summary::Min => Number::Binary(stats.min),
        Summary::Max => Number::Binary(stats.max),
        Summary::Last => Number::Binary(stats.last),
        Summary::Percentile(percentile) => {
            let estimate = stats.sketch.percentile(*percentile)?;
            // The extremes are known, so no estimate lies beyond them.
            Number::Binary(estimate.max(stats.min).min(stats.max))
        }
    })
}

fn sum(stats: &Stats) -> Number {
    let exact = stats
        .exact_sum()
        .and_then(|(whole, decimals)| Decimal::try_from_i128_with_scale(whole, decimals).ok());
    exact.map_or(Number::Binary(stats.sum()), Number::Exact)
}

fn mean(stats: &Stats) -> Option<Number> {
    Some(match sum(stats) {
        Number::Exact(sum) => Number::Exact(sum.checked_div(stats.count.into())?),
        Number::Binary(sum) => Number::Binary(sum / stats.count as f64),
    })
}
