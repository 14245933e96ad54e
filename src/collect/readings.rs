//! Makes readings from tallies: rounded, named, and with their provenance.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use rust_decimal::Decimal;

use crate::calendar::{AsOf, Day};
use crate::catalog::{Counted, Metric, Parts, Shape};
use crate::entry::{Kind, Part, PartKey, Provenance, Reading, Value};
use crate::plan::fold::ranking;
use crate::plan::{Reach, Tally, database_of, named, reach};

use super::outcome::Outcome;
use super::{Request, Work};

/// The metrics asked for that can still be known on at least one of the days.
pub fn countable<'a>(request: &Request<'a>) -> Vec<&'a Metric> {
    let moments = moments(request);
    let is_known = |metric: &&Metric| {
        moments.iter().any(|as_of| {
            let reach = reach(metric, request.catalog, as_of, request.now, request.grace);
            matches!(reach, Reach::Counted(_))
        })
    };
    let asked = named(request.catalog, &request.keys);
    asked.filter(is_known).collect()
}

/// One map of readings for each day, without derived metrics, which `entry::derive` adds, and live ones.
pub fn assemble(request: &Request<'_>, outcome: &Outcome) -> Vec<(Day, BTreeMap<String, Reading>)> {
    let of_day = |as_of: &AsOf| {
        let asked = named(request.catalog, &request.keys);
        let counted = asked.filter(|metric| database_of(request.catalog, metric).is_some());
        let readings = counted.map(|metric| {
            (
                metric.key.clone(),
                assembled(request, outcome, metric, as_of),
            )
        });
        (as_of.day, readings.collect())
    };
    moments(request).iter().map(of_day).collect()
}

fn assembled(request: &Request<'_>, outcome: &Outcome, metric: &Metric, as_of: &AsOf) -> Reading {
    let key = &metric.key;
    let asked_at = outcome.asked_at.get(key).copied().unwrap_or(request.now);
    let tally = outcome.tallies.get(&(key.clone(), as_of.day.date));
    let reach = reach(metric, request.catalog, as_of, asked_at, request.grace);
    let mut reading = match (reach, tally) {
        (Reach::Unknowable(reason), _) => Reading::unavailable(reason),
        (Reach::Counted(provenance), Some(tally)) => reading(metric, tally, as_of, provenance),
        (Reach::Counted(_), None) => {
            let why = outcome.failures.get(key).map(String::as_str);
            Reading::failed(why.unwrap_or("it was not counted"))
        }
    };
    let is_known = reading.is_known();
    let observed_at = &mut reading.provenance.observed_at;
    if let (Some(at), true) = (outcome.read_at.get(key), is_known) {
        observed_at.get_or_insert(*at);
    }
    // A follower shows the application as it was then, whenever it is asked.
    if let (Some(then), Some(at)) = (outcome.reached.get(key), *observed_at) {
        *observed_at = Some(at.min(*then)).filter(|at| *at > as_of.instant);
    }
    reading
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
    let (value, details) = match tally {
        Tally::Value { value, details, .. } => (value.clone(), details.clone()),
        Tally::Parts { .. } => (ranked(metric, tally), None),
        Tally::Newest(at) => (at.map(|at| hours(as_of.instant - at)), None),
    };
    let value = value.map(|value| value.with_decimals(metric.decimals));
    let value = match value {
        Some(value) if binary => Some(value.as_binary()),
        Some(value) => match value.exactly() {
            Ok(value) => Some(value),
            Err(why) => return Reading::failed(why),
        },
        None => None,
    };
    let nulls = (nulls > 0).then_some(nulls);
    // A recount gives what it misses as its reason.
    let details = details.filter(|_| provenance.kind == Kind::Observed);
    Reading {
        value,
        provenance: Provenance {
            nulls,
            reason: provenance.reason.or(details),
            ..provenance
        },
    }
}

fn hours(age: TimeDelta) -> Value {
    const MICROSECONDS: i64 = 3_600_000_000;
    let age = age.num_microseconds().unwrap_or(i64::MAX);
    Value::Decimal(Decimal::from(age) / Decimal::from(MICROSECONDS))
}

/// The largest parts by name, and the sum of the rest. Rows without a value are a part of their own, however few.
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
    let others = ranking.iter().skip(top).map(|(_, count)| **count);
    let others = others.sum::<Decimal>() + rest;
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
    if !others.is_zero() {
        listed.push(nameless(PartKey::Other, others));
    }
    Some(Value::Parts(listed))
}

/// The name to show; `""` for an empty text.
fn name<'a>(label: Option<&'a String>, key: &'a str) -> &'a str {
    let mut names = label.map(String::as_str).into_iter().chain([key]);
    names.find(|name| !name.trim().is_empty()).unwrap_or("\"\"")
}
