//! Readings of live metrics: answers about events, rounded and with their provenance, as `collect` makes them of rows.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::calendar::AsOf;
use crate::catalog::{Catalog, Live, Metric, Shape};
use crate::config::LiveSettings;
use crate::entry::{Provenance, Reading, Value};
use crate::live::night::{self, Answer, Asked, Counted, Read};
use crate::live::number::Number;
use crate::plan::{Reach, named, reach};

/// `render::phrases` translates it.
const ESTIMATE: &str = "from rollups, right to within 1 %";

pub struct Request<'a> {
    pub catalog: &'a Catalog,
    pub live: Option<&'a LiveSettings>,
    /// Metrics, live ones among them.
    pub keys: &'a [String],
    pub moments: &'a [AsOf],
    pub now: DateTime<Utc>,
    pub grace: TimeDelta,
    /// From rollups wherever they fit, although the events are kept.
    pub prefers_rollups: bool,
}

#[derive(Debug, Default)]
pub struct Readings {
    /// One map for each moment.
    pub moments: Vec<BTreeMap<String, Reading>>,
    /// The answers behind them, by key.
    pub answers: BTreeMap<String, Vec<Answer>>,
    /// What was read of each kind, with its metrics.
    pub reads: Vec<(Read, Vec<String>)>,
}

/// Without live metrics among the keys nothing is opened.
pub async fn readings(request: &Request<'_>) -> Readings {
    let metrics = live_metrics(request.catalog, request.keys);
    if metrics.is_empty() {
        return Readings {
            moments: vec![BTreeMap::new(); request.moments.len()],
            ..Readings::default()
        };
    }
    let asked: Vec<Asked<'_>> = metrics
        .iter()
        .map(|(metric, live)| Asked {
            figure: &live.figure,
            days: request.catalog.window_days(metric),
        })
        .collect();
    let found = match request.live {
        Some(live) => {
            let request = night::Request {
                live,
                asked: &asked,
                moments: request.moments,
                prefers_rollups: request.prefers_rollups,
            };
            night::answer(&request).await
        }
        None => night::failed(&asked, request.moments, "there is no section [live]"),
    };
    let of_moment = |(at, as_of): (usize, &AsOf)| {
        let answers = metrics.iter().zip(&found.answers);
        let read = answers.map(|((metric, _), answers)| {
            let reading = reading(metric, &answers[at], as_of, request);
            (metric.key.clone(), reading)
        });
        read.collect()
    };
    let keys_of = |kind: &str| {
        let own = metrics.iter().filter(|(_, live)| live.figure.kind == kind);
        own.map(|(metric, _)| metric.key.clone()).collect()
    };
    let reads = found.reads.into_iter();
    Readings {
        moments: request.moments.iter().enumerate().map(of_moment).collect(),
        reads: reads
            .map(|read| (read.clone(), keys_of(&read.kind)))
            .collect(),
        answers: metrics
            .iter()
            .map(|(metric, _)| metric.key.clone())
            .zip(found.answers)
            .collect(),
    }
}

/// The first event of the kinds that these metrics count.
pub async fn first_event(
    catalog: &Catalog,
    live: Option<&LiveSettings>,
    keys: &[String],
) -> Option<(String, DateTime<Utc>)> {
    let metrics = live_metrics(catalog, keys);
    let kinds = metrics.iter().map(|(_, live)| live.figure.kind.as_str());
    match metrics.is_empty() {
        true => None,
        // What cannot be read is told when it is counted.
        false => night::first_event(live?, kinds).await.unwrap_or_default(),
    }
}

fn live_metrics<'c>(catalog: &'c Catalog, keys: &[String]) -> Vec<(&'c Metric, &'c Live)> {
    let live = |metric: &'c Metric| match &metric.shape {
        Shape::Live(live) => Some((metric, live)),
        _ => None,
    };
    named(catalog, keys).filter_map(live).collect()
}

fn reading(metric: &Metric, answer: &Answer, as_of: &AsOf, request: &Request<'_>) -> Reading {
    let reach = reach(metric, request.catalog, as_of, request.now, request.grace);
    match (reach, answer) {
        (Reach::Unknowable(reason), _) => Reading::unavailable(reason),
        (_, Answer::Unknown(reason)) => Reading::unavailable(reason.clone()),
        (_, Answer::Failed(reason)) => Reading::failed(reason.clone()),
        (Reach::Counted(provenance), Answer::Counted(counted)) => {
            self::counted(metric, counted, provenance)
        }
    }
}

/// The reading of a number that was counted.
pub fn counted(metric: &Metric, counted: &Counted, provenance: Provenance) -> Reading {
    let value = match counted.number {
        Some(Number::Exact(number)) => {
            let value = Value::from_decimal(number).with_decimals(metric.decimals);
            match value.exactly() {
                Ok(value) => Some(value),
                Err(why) => return Reading::failed(why),
            }
        }
        Some(Number::Binary(number)) => {
            Value::from_binary(number).map(|value| value.with_decimals(metric.decimals).as_binary())
        }
        None => None,
    };
    let estimate = counted.is_estimate.then(|| ESTIMATE.to_owned());
    Reading {
        value,
        provenance: Provenance {
            reason: provenance.reason.or(estimate),
            ..provenance
        },
    }
}

/// A number that rollups estimate.
pub fn is_estimate(reading: &Reading) -> bool {
    reading.provenance.reason.as_deref() == Some(ESTIMATE)
}
