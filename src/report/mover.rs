//! The part of a metric that moved most, by its distribution or the family that splits it. None if an unnamed part
//! could have moved more.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::catalog::{Catalog, Counted, Distribution, Measure, Metric, Parts, Shape};
use crate::entry::{Part, PartKey, Value};

use super::past::Past;
use super::{Direction, Mover};

/// The change of a whole metric from one day to another.
pub(super) struct Move {
    pub(super) change: f64,
    pub(super) direction: Direction,
    pub(super) then: NaiveDate,
    pub(super) now: NaiveDate,
}

pub(super) fn mover(
    whole: &Metric,
    moved: &Move,
    past: &Past<'_>,
    catalog: &Catalog,
) -> Option<Mover> {
    let Shape::Counted(counted) = &whole.shape else {
        return None;
    };
    if !adds_up(&counted.measure) {
        return None;
    }
    let both = |at: &dyn Fn(NaiveDate) -> Option<Amounts>| {
        let (then, now) = (at(moved.then)?, at(moved.now)?);
        most_moved(&then, &now, moved.direction)
    };
    let of_distribution = |metric: &&Metric| {
        let parts = |date| parts(date, metric, past);
        let has_none = |date| parts(date).is_some_and(|all| all.iter().any(is_none));
        // Earlier versions did not store rows without a value as a part: they are the rest of the whole.
        let is_new = has_none(moved.then) != has_none(moved.now);
        both(&|date| {
            let amounts = of_parts(parts(date)?, counted);
            match is_new && counted.parts == Parts::Whole && !has_none(date) {
                true => amounts.with_none(past.reading(date, whole)?.value.as_ref()?.decimal()?),
                false => Some(amounts),
            }
        })
    };
    let distributions = distributions(counted, catalog);
    let found: Vec<(Option<String>, Decimal)> = if distributions.is_empty() {
        families(counted, catalog)
            .iter()
            .filter_map(|members| both(&|date| of_members(whole, members, date, past)))
            .collect()
    } else {
        distributions.iter().filter_map(of_distribution).collect()
    };
    // The first of equals, in the catalog's order.
    let (part, change) = found
        .into_iter()
        .rev()
        .max_by_key(|(_, change)| change.abs())?;
    Some(Mover {
        part,
        change: change.to_f64()?,
        of: moved.change,
    })
}

/// Averages, extremes and distinct values are not sums of their parts.
fn adds_up(measure: &Measure) -> bool {
    matches!(
        measure,
        Measure::Rows | Measure::Filled(_) | Measure::Sum(_)
    )
}

/// The shown metrics over the same rows, which differ only in their parts.
fn alike<'a>(
    counted: &'a Counted,
    catalog: &'a Catalog,
) -> impl Iterator<Item = (&'a Metric, &'a Parts)> {
    catalog.shown().filter_map(|metric| match &metric.shape {
        Shape::Counted(other) if other.is_like(counted) => Some((metric, &other.parts)),
        _ => None,
    })
}

fn distributions<'a>(counted: &'a Counted, catalog: &'a Catalog) -> Vec<&'a Metric> {
    let divides = |by: &Distribution| match &counted.parts {
        Parts::Whole => true,
        // A share's own parts are those of its values, unless their names have been merged.
        Parts::Share { column, values } => {
            let by_value = by.label.as_ref().is_none_or(|label| !label.merge);
            by.column == *column && values.len() > 1 && by_value
        }
        Parts::By(_) | Parts::Rest { .. } => false,
    };
    alike(counted, catalog)
        .filter(|(_, parts)| matches!(parts, Parts::By(by) if divides(by)))
        .map(|(metric, _)| metric)
        .collect()
}

/// Metrics made by one `split` each.
fn families<'a>(counted: &'a Counted, catalog: &'a Catalog) -> Vec<Vec<&'a Metric>> {
    if counted.parts != Parts::Whole {
        return Vec::new();
    }
    let mut families: Vec<Vec<&Metric>> = Vec::new();
    for (metric, parts) in alike(counted, catalog) {
        if !matches!(parts, Parts::Share { .. } | Parts::Rest { .. }) {
            continue;
        }
        let mut known = families.iter_mut();
        match known.find(|members| members[0].family == metric.family) {
            Some(members) => members.push(metric),
            None => families.push(vec![metric]),
        }
    }
    families
}

/// What each part amounted to on a day.
struct Amounts {
    /// In the order listed.
    named: Vec<Part>,
    /// All of them together, with those that are not named.
    all: Decimal,
    /// The most that a part without a name can have amounted to.
    unnamed: Decimal,
}

impl Amounts {
    fn with_none(mut self, whole: Decimal) -> Option<Self> {
        let none = whole.checked_sub(self.all)?.max(Decimal::ZERO);
        self.named.push(Part {
            key: PartKey::None,
            label: String::new(),
            count: none,
        });
        Some(self)
    }
}

fn parts<'a>(date: NaiveDate, metric: &Metric, past: &'a Past<'_>) -> Option<&'a [Part]> {
    match past.reading(date, metric)?.value.as_ref()? {
        Value::Parts(parts) => Some(parts),
        Value::Whole(_) | Value::Decimal(_) => None,
    }
}

fn is_none(part: &Part) -> bool {
    part.key == PartKey::None
}

fn of_parts(parts: &[Part], counted: &Counted) -> Amounts {
    let belongs = |part: &&Part| match (&part.key, &counted.parts) {
        (PartKey::Other, _) => false,
        (PartKey::Value(key), Parts::Share { values, .. }) => values.contains(key),
        (PartKey::None, Parts::Share { .. }) => false,
        _ => true,
    };
    let sum_where = |chosen: fn(&Part) -> bool| -> Decimal {
        let parts = parts.iter().filter(|part| chosen(part));
        parts.map(|part| part.count).sum()
    };
    let other = sum_where(|part| part.key == PartKey::Other);
    // The largest are named: none of the others exceeds the least of them.
    let values = parts.iter().filter(|part| part.key.value().is_some());
    let least = values.map(|part| part.count).min();
    let named = parts.iter().filter(belongs);
    Amounts {
        named: named.cloned().collect(),
        all: sum_where(|_| true),
        unnamed: least.map_or(other, |least| least.min(other)),
    }
}

/// None if any member is unknown.
fn of_members(
    whole: &Metric,
    members: &[&Metric],
    date: NaiveDate,
    past: &Past<'_>,
) -> Option<Amounts> {
    let amount = |metric: &Metric| past.reading(date, metric)?.value.as_ref()?.decimal();
    let all = amount(whole)?;
    let mut rest = all;
    let mut named = Vec::new();
    for member in members {
        let count = amount(member)?;
        rest = rest.checked_sub(count)?;
        named.push(Part {
            key: PartKey::Value(member.key.clone()),
            label: member.label.clone(),
            count,
        });
    }
    Some(Amounts {
        named,
        all,
        unnamed: rest.max(Decimal::ZERO),
    })
}

/// The part that moved most in the direction of the whole, with its change. A fall is a rise read backwards.
fn most_moved(
    then: &Amounts,
    now: &Amounts,
    direction: Direction,
) -> Option<(Option<String>, Decimal)> {
    let (low, high) = match direction {
        Direction::Up => (then, now),
        Direction::Down => (now, then),
        Direction::Unchanged => return None,
    };
    let before = low.named.iter().map(|part| (&part.key, part.count));
    let before: BTreeMap<&PartKey, Decimal> = before.collect();
    let mut best: Option<(&Part, Decimal)> = None;
    // A part without a name on both days may have come from nothing.
    let mut doubt = high.unnamed;
    for part in &high.named {
        let before = match before.get(&part.key) {
            Some(before) => *before,
            None if low.unnamed.is_zero() => Decimal::ZERO,
            None => {
                doubt = doubt.max(part.count);
                continue;
            }
        };
        let gain = part.count.checked_sub(before)?;
        if best.is_none_or(|(_, most)| gain > most) {
            best = Some((part, gain));
        }
    }
    let (part, gain) = best.filter(|(_, gain)| *gain > Decimal::ZERO && *gain >= doubt)?;
    let today = now.named.iter().find(|known| known.key == part.key);
    let label = &today.unwrap_or(part).label;
    let change = match direction {
        Direction::Up => gain,
        _ => -gain,
    };
    let label = (part.key != PartKey::None).then(|| label.clone());
    Some((label, change))
}
