//! Tallies become readings: rounded, named, and with how they were come by.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::calendar::{AsOf, Day};
use crate::catalog::{Counted, Metric, Parts, Shape};
use crate::entry::{Kind, Part, PartKey, Provenance, Reading, Value};
use crate::plan::fold::ranking;
use crate::plan::{Reach, Tally, reach};

use super::{Request, Work};

/// What each metric came to on each day.
pub type Tallies = BTreeMap<(String, NaiveDate), Tally>;

/// The metrics asked for that can still be known on at least one of the days.
pub fn countable(request: &Request<'_>) -> Vec<String> {
    let moments = moments(request);
    let known = |metric: &&Metric| {
        moments.iter().any(|as_of| {
            matches!(
                reach(metric, request.catalog, as_of, request.now, request.grace),
                Reach::Counted(_)
            )
        })
    };
    let asked = request
        .catalog
        .metrics
        .iter()
        .filter(|metric| request.keys.contains(&metric.key));
    asked
        .filter(known)
        .map(|metric| metric.key.clone())
        .collect()
}

/// An instant for some metrics.
type Moments = BTreeMap<String, DateTime<Utc>>;

/// One map of readings for each day; derived metrics are left to `entry::derive`.
pub fn assemble(
    request: &Request<'_>,
    tallies: &Tallies,
    failures: &BTreeMap<String, String>,
    asked_at: &Moments,
    read_at: &Moments,
    reached: &Moments,
) -> Vec<(Day, BTreeMap<String, Reading>)> {
    let of_day = |as_of: &AsOf| {
        let asked = request
            .catalog
            .metrics
            .iter()
            .filter(|metric| request.keys.contains(&metric.key));
        let counted = asked.filter(|metric| !matches!(metric.shape, Shape::Derived(_)));
        let read = counted.map(|metric| {
            let asked = asked_at.get(&metric.key).copied().unwrap_or(request.now);
            let mut reading = match reach(metric, request.catalog, as_of, asked, request.grace) {
                Reach::Unknowable(reason) => Reading::unavailable(reason),
                Reach::Counted(provenance) => {
                    match tallies.get(&(metric.key.clone(), as_of.day.date)) {
                        Some(tally) => reading(metric, tally, as_of, provenance),
                        None => Reading::failed(
                            failures
                                .get(&metric.key)
                                .map_or("it was not counted", String::as_str),
                        ),
                    }
                }
            };
            let is_known = reading.is_known();
            let observed_at = &mut reading.provenance.observed_at;
            if let (Some(at), true) = (read_at.get(&metric.key), is_known) {
                observed_at.get_or_insert(*at);
            }
            // A follower shows the application as it was then, whenever it is asked.
            if let (Some(then), Some(at)) = (reached.get(&metric.key), *observed_at) {
                *observed_at = Some(at.min(*then)).filter(|at| *at > as_of.instant);
            }
            (metric.key.clone(), reading)
        });
        (as_of.day, read.collect())
    };
    moments(request).iter().map(of_day).collect()
}

fn moments(request: &Request<'_>) -> Vec<AsOf> {
    match &request.work {
        Work::Night(as_of) => vec![*as_of],
        Work::Range(days) => days.iter().map(|day| day.close()).collect(),
    }
}

fn reading(metric: &Metric, tally: &Tally, as_of: &AsOf, provenance: Provenance) -> Reading {
    let (nulls, binary) = match tally {
        Tally::Value { nulls, binary, .. } | Tally::Parts { nulls, binary, .. } => {
            (*nulls, *binary)
        }
        Tally::Newest(_) => (0, false),
    };
    let (value, told) = match tally {
        Tally::Value { value, told, .. } => {
            let value = value.clone().map(|value| rounded(metric, value));
            (value, told.clone())
        }
        Tally::Parts { .. } => (ranked(metric, tally), None),
        Tally::Newest(at) => {
            let age = at.map(|at| hours(as_of.instant - at));
            (age.map(|age| rounded(metric, age)), None)
        }
    };
    let value = match value {
        Some(value) if binary => Some(value.as_binary()),
        Some(value) => match value.exactly() {
            Ok(value) => Some(value),
            Err(why) => return Reading::failed(why),
        },
        None => None,
    };
    let nulls = (nulls > 0).then_some(nulls);
    // The reason of a recount is what it misses.
    let told = told.filter(|_| provenance.kind == Kind::Observed);
    Reading {
        value,
        provenance: Provenance {
            nulls,
            reason: provenance.reason.or(told),
            ..provenance
        },
    }
}

fn hours(age: TimeDelta) -> Value {
    const MICROSECONDS: i64 = 3_600_000_000;
    let age = age.num_microseconds().unwrap_or(i64::MAX);
    Value::Decimal(Decimal::from(age) / Decimal::from(MICROSECONDS))
}

/// Counts and sums stay exact unless decimals are asked for.
fn rounded(metric: &Metric, value: Value) -> Value {
    match (value, metric.decimals) {
        (Value::Decimal(decimal), Some(decimals)) => Value::Decimal(
            decimal.round_dp_with_strategy(decimals, RoundingStrategy::MidpointNearestEven),
        ),
        (value, _) => value,
    }
}

/// The largest parts by name, the rest added up. What has no value is a part of its own, however small.
fn ranked(metric: &Metric, tally: &Tally) -> Option<Value> {
    let Tally::Parts {
        parts,
        names,
        none,
        rest,
        ..
    } = tally
    else {
        return None;
    };
    let top = match &metric.shape {
        Shape::Counted(Counted {
            parts: Parts::By(by),
            ..
        }) => by.top,
        _ => usize::MAX,
    };
    let ranking = ranking(parts);
    let beyond: Decimal = ranking
        .iter()
        .skip(top)
        .map(|(_, count)| **count)
        .sum::<Decimal>()
        + rest;
    let named = |(key, count): (&String, &Decimal)| Part {
        key: PartKey::Value(key.clone()),
        label: name(names.get(key), key).to_owned(),
        count: *count,
    };
    let mut listed: Vec<Part> = ranking.into_iter().take(top).map(named).collect();
    let nameless = |key: PartKey, count: Decimal| Part {
        key,
        label: String::new(),
        count,
    };
    if !none.is_zero() {
        let at = listed.partition_point(|part| part.count >= *none);
        listed.insert(at, nameless(PartKey::None, *none));
    }
    if !beyond.is_zero() {
        listed.push(nameless(PartKey::Other, beyond));
    }
    Some(Value::Parts(listed))
}

/// A part always has a name to be shown by; an empty text is one as well.
fn name<'a>(label: Option<&'a String>, key: &'a str) -> &'a str {
    let mut names = label.map(String::as_str).into_iter().chain([key]);
    names.find(|name| !name.trim().is_empty()).unwrap_or("\"\"")
}
