//! Which part of a metric moved most: read off its distribution, or off the family that splits it.
//! Where a part that is not named could have moved more than any that is, nothing is claimed.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::catalog::{Catalog, Counted, Distribution, Measure, Metric, Parts, Shape};
use crate::entry::{Reading, Value};

use super::past::Past;
use super::{Mover, Way};

/// The change of a whole metric from one day to another.
pub(super) struct Move {
    pub(super) change: f64,
    pub(super) way: Way,
    pub(super) then: NaiveDate,
    pub(super) now: NaiveDate,
}

pub(super) fn of(whole: &Metric, moved: &Move, world: (&Past<'_>, &Catalog)) -> Option<Mover> {
    let Shape::Counted(counted) = &whole.shape else {
        return None;
    };
    if !adds_up(&counted.measure) {
        return None;
    }
    let (past, catalog) = world;
    let both = |at: &dyn Fn(NaiveDate) -> Option<Amounts>| {
        let (then, now) = (at(moved.then)?, at(moved.now)?);
        most_moved(&then, &now, moved.way)
    };
    let distributions = distributions(counted, catalog);
    let found: Vec<(String, Decimal)> = if distributions.is_empty() {
        families(counted, catalog)
            .iter()
            .filter_map(|members| both(&|date| of_members(whole, members, (date, past))))
            .collect()
    } else {
        distributions
            .iter()
            .filter_map(|metric| both(&|date| of_parts(past.reading(date, metric)?, counted)))
            .collect()
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

/// Of averages, extremes and distinct values the whole is not the sum of the parts.
fn adds_up(measure: &Measure) -> bool {
    matches!(
        measure,
        Measure::Rows | Measure::Filled(_) | Measure::Sum(_)
    )
}

/// The shown metrics over the same rows as this one, told apart by `parts` only.
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
        Parts::By(_) => false,
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
        if !matches!(parts, Parts::Share { .. }) {
            continue;
        }
        match families
            .iter_mut()
            .find(|members| members[0].family == metric.family)
        {
            Some(members) => members.push(metric),
            None => families.push(vec![metric]),
        }
    }
    families
}

/// What each part amounted to on a day.
struct Amounts {
    /// Label and amount in the order listed, with the key that stays when the label changes.
    named: Vec<(String, String, Decimal)>,
    /// The most that a part without a name can have amounted to.
    unnamed: Decimal,
}

fn of_parts(reading: &Reading, counted: &Counted) -> Option<Amounts> {
    let Some(Value::Parts(parts)) = &reading.value else {
        return None;
    };
    let belongs = |key: &String| match &counted.parts {
        Parts::Share { values, .. } => values.contains(key),
        _ => true,
    };
    let other = parts.iter().filter(|part| part.key.is_none());
    let other: Decimal = other.map(|part| part.count).sum();
    let named = parts.iter().filter(|part| part.key.is_some());
    // The largest are named: none of the others exceeds the least of them.
    let least = named.clone().map(|part| part.count).min();
    Some(Amounts {
        named: named
            .filter_map(|part| Some((part.key.clone()?, part.label.clone(), part.count)))
            .filter(|(key, ..)| belongs(key))
            .collect(),
        unnamed: least.map_or(other, |least| least.min(other)),
    })
}

/// A member that is not known leaves the whole family unknown.
fn of_members(
    whole: &Metric,
    members: &[&Metric],
    (date, past): (NaiveDate, &Past<'_>),
) -> Option<Amounts> {
    let amount = |metric: &Metric| decimal(past.reading(date, metric)?.value.as_ref()?);
    let mut rest = amount(whole)?;
    let mut named = Vec::new();
    for member in members {
        let amount = amount(member)?;
        rest = rest.checked_sub(amount)?;
        named.push((member.key.clone(), member.label.clone(), amount));
    }
    Some(Amounts {
        named,
        unnamed: rest.max(Decimal::ZERO),
    })
}

fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Whole(whole) => Some(Decimal::from(*whole)),
        Value::Decimal(decimal) => Some(*decimal),
        Value::Parts(_) => None,
    }
}

/// The part that moved most in the direction of the whole, with its change. A fall is a rise read backwards.
fn most_moved(then: &Amounts, now: &Amounts, way: Way) -> Option<(String, Decimal)> {
    let (low, high) = match way {
        Way::Up => (then, now),
        Way::Down => (now, then),
        Way::Unchanged => return None,
    };
    let before: BTreeMap<&str, Decimal> = low
        .named
        .iter()
        .map(|(key, _, amount)| (key.as_str(), *amount))
        .collect();
    let mut best: Option<(&str, &str, Decimal)> = None;
    // A part without a name on both days may have come from nothing.
    let mut doubt = high.unnamed;
    for (key, label, amount) in &high.named {
        let before = match before.get(key.as_str()) {
            Some(before) => *before,
            None if low.unnamed.is_zero() => Decimal::ZERO,
            None => {
                doubt = doubt.max(*amount);
                continue;
            }
        };
        let gain = amount.checked_sub(before)?;
        if best.is_none_or(|(.., most)| gain > most) {
            best = Some((key, label, gain));
        }
    }
    let (key, label, gain) = best.filter(|(.., gain)| *gain > Decimal::ZERO && *gain >= doubt)?;
    let today = now.named.iter().find(|(known, ..)| known == key);
    let label = today.map_or(label, |(_, label, _)| label);
    let change = if way == Way::Up { gain } else { -gain };
    Some((label.to_owned(), change))
}
