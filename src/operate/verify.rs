//! Recounts a day, metric by metric and as the night does, and compares with the book. Nothing is written.

use std::collections::BTreeMap;

use crate::calendar::Day;
use crate::collect::{self, Collected, Request, Strategy, Unreachable};
use crate::config::AppDatabase;
use crate::entry::value::agree;
use crate::entry::{Entry, Kind, Reading, Value, derive};

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
pub async fn verify(
    apps: &BTreeMap<String, AppDatabase>,
    request: &Request<'_>,
    stored: Option<&Entry>,
) -> Verified {
    let mut ways =
        collect::with_strategies(apps, request, &[Strategy::Fused, Strategy::Alone]).await;
    let alone = ways.pop().unwrap_or_default();
    let fused = ways.pop().unwrap_or_default();
    let unreachable = alone.unreachable.clone();
    let (fused, alone) = (day_of(fused, request), day_of(alone, request));
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
fn day_of(collected: Collected, request: &Request<'_>) -> Entry {
    let (day, readings) = collected.days.into_iter().next().unwrap_or_else(|| {
        let day = Day::containing(request.now, chrono_tz::UTC);
        (day, BTreeMap::new())
    });
    let mut entry = Entry {
        readings,
        ..Entry::empty(&day.close(), request.now, "")
    };
    derive(&mut entry, request.catalog);
    entry
}

fn check(key: &str, fused: &Reading, alone: &Reading, stored: Option<&Reading>) -> Check {
    let known = stored.filter(|reading| reading.is_known());
    Check {
        key: key.to_owned(),
        stored: known.and_then(|reading| reading.value.clone()),
        counted: alone.value.clone(),
        at_night: fused.value.clone(),
        verdict: verdict(fused, alone, known),
    }
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
