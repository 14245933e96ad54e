//! Recounts a day, metric by metric and as the night does, and compares with the book. Nothing is written.

use std::collections::BTreeMap;

use crate::calendar::Day;
use crate::collect::{self, Collected, Request, Strategy, Unreachable, Work};
use crate::config::Config;
use crate::entry::value::agree;
use crate::entry::{Entry, Kind, Reading, Value, derive};
use crate::live_readings;

/// The result for every metric asked for.
pub struct Verified {
    pub checks: Vec<Check>,
    pub unreachable: Vec<Unreachable>,
}

pub struct Check {
    pub key: String,
    /// The book's value, if it has one of the same instant.
    pub stored: Option<Value>,
    /// What the metric's own statement gave.
    pub counted: Option<Value>,
    /// What the night's statement gave, which several metrics share.
    pub at_night: Option<Value>,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Equal,
    /// The book's number is not what the rows give now.
    Differs,
    /// The two ways of counting disagree, which no data excuses.
    Contradicted,
    /// It differs as it may, and why.
    Moved(String),
    /// Both ways of counting agree, and there is nothing to compare them with.
    NotStored,
    /// Its past cannot be recounted.
    Unavailable(String),
    Failed(String),
}

impl Verdict {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Differs => "differs",
            Self::Contradicted => "contradicted",
            Self::Moved(_) => "moved",
            Self::NotStored => "not_stored",
            Self::Unavailable(_) => "unavailable",
            Self::Failed(_) => "failed",
        }
    }

    pub fn is_wrong(&self) -> bool {
        matches!(self, Self::Differs | Self::Contradicted | Self::Failed(_))
    }

    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Moved(why) | Self::Unavailable(why) | Self::Failed(why) => Some(why),
            _ => None,
        }
    }
}

/// Counts by both strategies in one snapshot of each database, and compares.
pub async fn verify(config: &Config, request: &Request<'_>, stored: Option<&Entry>) -> Verified {
    let mut ways =
        collect::with_strategies(&config.apps, request, &[Strategy::Fused, Strategy::Alone]).await;
    let alone = ways.pop().unwrap_or_default();
    let fused = ways.pop().unwrap_or_default();
    let unreachable = alone.unreachable.clone();
    // Live events are counted from points where they are kept, and from rollups where they fit.
    let fused = day_of(fused, live_of(config, request, false).await, request);
    let alone = day_of(alone, live_of(config, request, true).await, request);
    let asked = request.keys.iter();
    let checks = asked.filter_map(|key| {
        let metric = request.catalog.metric(key)?;
        let stored = stored.and_then(|entry| entry.reading(metric));
        Some(check(
            key,
            fused.readings.get(key)?,
            alone.readings.get(key)?,
            stored,
        ))
    });
    Verified {
        checks: checks.collect(),
        unreachable,
    }
}

/// The day as one strategy counted it, with the ratios derived.
fn day_of(collected: Collected, live: BTreeMap<String, Reading>, request: &Request<'_>) -> Entry {
    let (day, mut readings) = collected.days.into_iter().next().unwrap_or_else(|| {
        let day = Day::containing(request.now, chrono_tz::UTC);
        (day, BTreeMap::new())
    });
    readings.extend(live);
    let mut entry = Entry {
        readings,
        ..Entry::empty(&day.close(), request.now, "")
    };
    derive(&mut entry, request.catalog);
    entry
}

async fn live_of(
    config: &Config,
    request: &Request<'_>,
    prefers_rollups: bool,
) -> BTreeMap<String, Reading> {
    let moments = match &request.work {
        Work::Night(as_of) => vec![*as_of],
        Work::Range(days) => days.iter().map(|day| day.close()).collect(),
    };
    let request = live_readings::Request {
        catalog: request.catalog,
        live: config.live.as_ref(),
        keys: &request.keys,
        moments: &moments,
        now: request.now,
        grace: request.grace,
        prefers_rollups,
    };
    let live = live_readings::readings(&request).await;
    live.moments.into_iter().next().unwrap_or_default()
}

fn check(key: &str, fused: &Reading, alone: &Reading, stored: Option<&Reading>) -> Check {
    // What rollups only estimate is judged by the points.
    let alone = match live_readings::is_estimate(alone) {
        true if is_near(fused, alone) => fused,
        _ => alone,
    };
    let known = stored.filter(|reading| reading.is_known());
    Check {
        key: key.to_owned(),
        stored: known.and_then(|reading| reading.value.clone()),
        counted: alone.value.clone(),
        at_night: fused.value.clone(),
        verdict: verdict(fused, alone, known),
    }
}

fn is_near(exact: &Reading, estimate: &Reading) -> bool {
    let numbers = exact.number().zip(estimate.number());
    numbers.is_some_and(|(exact, estimate)| (exact - estimate).abs() <= 0.01 * exact.abs())
}

fn verdict(fused: &Reading, alone: &Reading, stored: Option<&Reading>) -> Verdict {
    for reading in [fused, alone] {
        let reason = || reading.provenance.reason.clone().unwrap_or_default();
        match reading.provenance.kind {
            Kind::Failed => return Verdict::Failed(reason()),
            Kind::Unavailable => return Verdict::Unavailable(reason()),
            _ => {}
        }
    }
    if !agree(fused.value.as_ref(), alone.value.as_ref()) {
        return Verdict::Contradicted;
    }
    let Some(stored) = stored else {
        return Verdict::NotStored;
    };
    let now = &alone.provenance;
    match agree(stored.value.as_ref(), alone.value.as_ref()) {
        true => Verdict::Equal,
        false if now.observed_at.is_some() => {
            Verdict::Moved("it may have changed since it was counted".to_owned())
        }
        false => match &now.reason {
            Some(reason) => Verdict::Moved(reason.clone()),
            None => Verdict::Differs,
        },
    }
}
