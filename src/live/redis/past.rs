//! What the keys of a kind say of its past, as a store knows its own.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};

use crate::kinds::Kind;

use super::super::grain::Grain;
use super::super::store::{Past, Tier, Zone};
use super::generic;

const SECOND: i64 = 1_000_000;

/// Hours with the bounds of their points, in microseconds.
pub(super) type Hours = BTreeMap<i64, Range<i64>>;

/// Between its first and its last point a kind has all that its tiers have not let go.
pub(super) fn read_past(
    fields: &HashMap<String, String>,
    kind: &Kind,
    now: DateTime<Utc>,
) -> Option<Past> {
    // Whatever somebody has written there, no event is of another time.
    let (earliest, latest) = (0.0, (now + TimeDelta::days(2)).timestamp_micros() as f64);
    let micros = |field: &str| {
        let micros: f64 = fields.get(field)?.parse().ok()?;
        (!micros.is_nan()).then_some(micros.clamp(earliest, latest) as i64)
    };
    let bounds = |name: &str| {
        let [low, high] = ["min", "max"].map(|end| micros(&format!("{name}:{end}")));
        low.zip(high)
    };
    let (first, last) = bounds("at")?;
    let mut grouped = Vec::new();
    let began = micros("by::min");
    for labels in generic::groups(kind) {
        let since = micros(&format!("by:{labels}:min"));
        // Points are rolled up by all groups at once: what began with the first rollup has all points.
        grouped.extend(since.map(|since| match Some(since) == began {
            true => (labels, i64::MIN),
            false => (labels, since),
        }));
    }
    let zones = fields.keys().filter_map(|field| {
        let name = field.strip_prefix(generic::ZONE)?.strip_suffix(":min")?;
        let (low, high) = bounds(&format!("{}{name}", generic::ZONE))?;
        let zone = name.parse().ok();
        Some(Zone { zone, low, high })
    });
    let mut pruned = [i64::MIN; 5];
    for (tier, keep) in [
        (Tier::Hourly, kind.keep.hourly),
        (Tier::Daily, kind.keep.daily),
        (Tier::Monthly, kind.keep.monthly),
        (Tier::Points, kind.keep.points),
    ] {
        let keep = keep.and_then(|keep| TimeDelta::from_std(keep).ok());
        let from = keep.and_then(|keep| now.checked_sub_signed(keep));
        pruned[tier as usize] = from.map_or(i64::MIN, |from| from.timestamp_micros());
    }
    Some(Past {
        first: Some(first),
        last: Some(last),
        grouped,
        zones: zones.collect(),
        pruned,
    })
}

/// The hours in which rolled-up points of a window can lie.
pub(super) fn hours(past: &Past, window: &Range<i64>) -> Hours {
    let kept = past.pruned[Tier::Points as usize];
    let mut hours = Hours::new();
    for Zone { zone, low, high } in &past.zones {
        let Some(zone) = zone else { continue };
        let (low, high) = (
            (*low).max(window.start).max(kept),
            (*high).min(window.end - 1),
        );
        let mut at = low;
        while at <= high {
            let piece = Grain::Hour.piece(at.div_euclid(SECOND), *zone);
            let (begin, end) = (piece.begin * SECOND, piece.end * SECOND);
            let bounds = hours.entry(piece.start).or_insert(begin..end);
            *bounds = bounds.start.min(begin)..bounds.end.max(end);
            at = end;
        }
    }
    hours
}
