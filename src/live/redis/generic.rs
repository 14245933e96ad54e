//! Every kind in keys of our own, so that any replica answers for all of them.
//!
//! | key | |
//! |---|---|
//! | `daybook:live:KIND` | hash: `zone`, the first and last instant `at:min` and `at:max`, those rolled up in a zone `zone:ZONE:min` and `zone:ZONE:max`, for each group of labels the instant `by:LABELS:min` since which it is rolled up, `replica:REPLICA` for each that has forwarded any, and for each value `V:unit` and `V:decimals` (empty: its sums are floats) |
//! | `daybook:live:KIND:fresh:REPLICA` | list of chunks of points that are in no rollup yet, as the replica recorded them |
//! | `daybook:live:KIND:points:HOUR` | list of chunks of points that are; HOUR is the first second of the local hour |
//! | `daybook:live:KIND:latest:LABEL` | hash: a word of the cluster label → its latest point as JSON; `WORD\0us` its instant |
//! | `daybook:live:KIND:GRAIN:START:LABELS:WORDS` | hash of a rollup: `hour`, `day` or `month`, the first second of it in the zone, names and percent-encoded words of the labels with commas between |
//! | …`:sketch:V` | hash: a bucket of the value's sketch → how many points lie in it |
//! | `daybook:live:KIND:index:GRAIN:LABELS` | sorted set of these hashes by START |
//!
//! A rollup has `count`, `succeeded` and `failed`, and of each value `V:count`, `V:sum` in units of the last decimal,
//! `V:squares`, `V:min`, `V:max`, `V:last` and `V:last_us`. A sum that is larger than Redis counts to stands in
//! `V:sum_exact`, and what does not have the value's decimals in `V:sum_rest`.
//!
//! A replica first adds points to its fresh ones, batch by batch. Every few seconds it adds what the first of them come to to the
//! rollups, them to the points of their hours, and takes them away from its fresh ones, all at once: so rollups and fresh points together are
//! all points, and so are points of hours and fresh points.

use std::collections::{BTreeMap, HashMap};
use std::iter::zip;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use percent_encoding::{percent_decode_str, percent_encode};

use crate::kinds::{Accepts, Kind, Shape, Value};

use super::super::bytes::Corrupt;
use super::super::chunk::{self, Effort};
use super::super::columns::Columns;
use super::super::grain::{Every, Grain, pieces};
use super::super::point::Point;
use super::super::rollup::{Key, Rolled, Rollup, Sketch, Stats, Sum, rollups};
use super::UNRESERVED;
use super::changes::Changes;

const OWN: &str = "daybook:live";
/// Before a zone's name.
pub const ZONE: &str = "zone:";
/// So many points are worth squeezing.
const WORTH_SEALING: usize = 1000;
/// Nobody has counted so far.
const MOST_POINTS: u64 = 1 << 48;
/// The first second of the year 10000: what is kept until then is kept for ever.
const FOR_EVER: i64 = 253_402_300_800;

pub fn kind_key(kind: &str) -> String {
    format!("{OWN}:{kind}")
}

pub fn fresh_key(kind: &str, replica: &str) -> String {
    format!("{OWN}:{kind}:fresh:{replica}")
}

pub fn points_key(kind: &str, hour: i64) -> String {
    format!("{OWN}:{kind}:points:{hour}")
}

pub fn latest_key(kind: &str, label: &str) -> String {
    format!("{OWN}:{kind}:latest:{label}")
}

/// The field that says that a replica has forwarded something of a kind.
pub fn replica(replica: &str) -> String {
    format!("replica:{replica}")
}

/// Names of the labels with commas between.
pub fn index_key(kind: &str, grain: Grain, labels: &str) -> String {
    format!("{OWN}:{kind}:index:{}:{labels}", name(grain))
}

pub fn sketch_key(rollup: &str, value: &str) -> String {
    format!("{rollup}:sketch:{value}")
}

/// Adds points that are in no rollup yet, and the latest of each value of the cluster label.
pub fn add_fresh(
    changes: &mut Changes,
    points: &Columns,
    kind: &Kind,
    replica: &str,
) -> Result<(), Corrupt> {
    lay(changes, points, &kind.name, replica)?;
    changes.set(&kind_key(&kind.name), &self::replica(replica), "");
    if let Some((first, last)) = points.at.iter().min().zip(points.at.iter().max()) {
        changes.extremes(&kind_key(&kind.name), "at", *first as f64, *last as f64);
    }
    add_latest(changes, points, kind)
}

/// One item of fresh points.
pub fn lay(
    changes: &mut Changes,
    points: &Columns,
    kind: &str,
    replica: &str,
) -> Result<(), Corrupt> {
    let chunk = chunk::encode(points, Effort::Fresh)?;
    changes.item(&fresh_key(kind, replica), None, chunk);
    Ok(())
}

/// Adds to rollups what a replica's first fresh points come to, and these to the points of their hours. Its fresh ones are then to be
/// trimmed by so many items.
pub fn add_rolled(
    changes: &mut Changes,
    points: &Columns,
    kind: &Kind,
    zone: Tz,
    now: DateTime<Utc>,
) -> Result<(), Corrupt> {
    let (hours, hour_of) = pieces(&points.at, Every::Hour, zone);
    for (number, hour) in (0..).zip(hours) {
        let inside = (0..).zip(&hour_of).filter(|(_, hour)| **hour == number);
        let places: Vec<u32> = inside.map(|(place, _)| place).collect();
        let chunk = chunk::encode(&points.pick(&places), effort(places.len()))?;
        let end = Grain::Hour.piece(hour, zone).end;
        let expires = expiry(end, kind.keep.points);
        changes.item(&points_key(&kind.name, hour), expires, chunk);
    }
    let key = kind_key(&kind.name);
    if let Some((first, last)) = points.at.iter().min().zip(points.at.iter().max()) {
        let zone = format!("{ZONE}{}", zone.name());
        changes.extremes(&key, &zone, *first as f64, *last as f64);
    }
    for labels in groups(kind) {
        let now = now.timestamp_micros() as f64;
        changes.extremes(&key, &format!("by:{labels}"), now, now);
    }
    let hours = rollups(points, kind, zone);
    add_rollups(changes, &Rolled { zone, hours }, kind);
    Ok(())
}

/// For an item of so many points.
pub(super) fn effort(points: usize) -> Effort {
    match points < WORTH_SEALING {
        true => Effort::Fresh,
        false => Effort::Sealed,
    }
}

/// A label whose words are not limited has no latest points.
fn add_latest(changes: &mut Changes, points: &Columns, kind: &Kind) -> Result<(), Corrupt> {
    let label = kind.cluster.map(|label| &kind.labels[label]);
    let Some(label) = label.filter(|label| label.accepts != Accepts::Find) else {
        return Ok(());
    };
    let mut latest: HashMap<&str, usize> = HashMap::new();
    for place in 0..points.len() {
        let words = points.label(&label.name);
        let word = words.map_or("", |words| words.text(place));
        let known = latest.entry(word).or_insert(place);
        if points.at[place] >= points.at[*known] {
            *known = place;
        }
    }
    let key = latest_key(&kind.name, &label.name);
    for (word, place) in latest {
        let point = Point {
            kind: &kind.name,
            points,
            place,
        };
        let json = serde_json::to_string(&point);
        let json = json.map_err(|_| Corrupt("a point's details are no JSON"))?;
        changes.last(&key, &format!("{word}\0us"), points.at[place], || {
            vec![(word.to_owned(), json)]
        });
    }
    Ok(())
}

/// When something expires that may be read until its piece of time is over, and then for so long; `None`: never.
fn expiry(end: i64, keep: Option<Duration>) -> Option<i64> {
    let keep = i64::try_from(keep?.as_secs()).ok()?;
    let second = end.checked_add(keep)?;
    (second < FOR_EVER).then_some(second)
}

/// Adds rollups of hours to these hours and to their days and months.
pub fn add_rollups(changes: &mut Changes, rolled: &Rolled, kind: &Kind) {
    describe(changes, rolled, kind);
    let keep = [kind.keep.hourly, kind.keep.daily, kind.keep.monthly];
    for hourly in &rolled.hours {
        let mut groups: Vec<(&Vec<u8>, &Rollup)> = hourly.groups.iter().collect();
        groups.sort_unstable_by_key(|(words, _)| *words);
        for (grain, keep) in zip(Grain::ALL, keep) {
            let start = hourly.starts[grain as usize];
            let expires = expiry(grain.piece(start, rolled.zone).end, keep);
            let index = index_key(&kind.name, grain, &hourly.labels);
            for (words, rollup) in &groups {
                let key = rollup_key(&kind.name, grain, start, &hourly.labels, words);
                changes.index(&index, &key, start);
                add_rollup(changes, &key, rollup, kind, expires);
            }
        }
    }
}

/// The names of the labels by which points are rolled up, with commas between.
pub fn groups(kind: &Kind) -> impl Iterator<Item = String> {
    kind.groups.iter().map(|group| {
        let names = group.iter().map(|label| kind.labels[*label].name.as_str());
        names.collect::<Vec<&str>>().join(",")
    })
}

/// What a reader must know of the numbers.
fn describe(changes: &mut Changes, rolled: &Rolled, kind: &Kind) {
    let key = kind_key(&kind.name);
    changes.set(&key, "zone", rolled.zone.name());
    for value in &kind.values {
        let decimals = decimals(value);
        changes.set(&key, &format!("{}:decimals", value.name), &decimals);
        changes.set(&key, &format!("{}:unit", value.name), &value.unit);
    }
}

/// Why the rollups that are there cannot be added to: their sums are in other units.
pub fn conflict(fields: &HashMap<String, String>, kind: &Kind) -> Option<String> {
    kind.values.iter().find_map(|value| {
        let known = fields.get(&format!("{}:decimals", value.name))?;
        let own = decimals(value);
        let said = |decimals: &str| match decimals {
            "" => "no".to_owned(),
            decimals => decimals.to_owned(),
        };
        (*known != own).then(|| {
            format!(
                "`{}` of the kind `{}` was forwarded with {} decimals and has {} now, so sums would mix units: give the value another name, or delete {}:*",
                value.name,
                kind.name,
                said(known),
                said(&own),
                kind_key(&kind.name)
            )
        })
    })
}

fn decimals(value: &Value) -> String {
    let decimals = value.decimals.map(|decimals| decimals.to_string());
    decimals.unwrap_or_default()
}

/// The words are as `live::rollup` keeps them: each with a NUL behind it.
pub fn rollup_key(kind: &str, grain: Grain, start: i64, labels: &str, words: &[u8]) -> String {
    let words = words.split_inclusive(|byte| *byte == 0);
    let words = words.map(|word| percent_encode(&word[..word.len() - 1], UNRESERVED).to_string());
    let words: Vec<String> = words.collect();
    format!(
        "{OWN}:{kind}:{}:{start}:{labels}:{}",
        name(grain),
        words.join(",")
    )
}

fn name(grain: Grain) -> &'static str {
    match grain {
        Grain::Hour => "hour",
        Grain::Day => "day",
        Grain::Month => "month",
    }
}

fn add_rollup(
    changes: &mut Changes,
    key: &str,
    rollup: &Rollup,
    kind: &Kind,
    expires: Option<i64>,
) {
    let counts = [
        ("count", rollup.points),
        ("succeeded", rollup.succeeded),
        ("failed", rollup.failed),
    ];
    for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        changes.count(key, name, count.into());
    }
    if let Some(second) = expires {
        changes.expire(key, second);
    }
    for (name, stats) in &rollup.values {
        let declared = kind.value(name).map(|at| &kind.values[at]);
        changes.count(key, &format!("{name}:count"), stats.count.into());
        add_sum(changes, key, name, stats, declared);
        changes.float(key, &format!("{name}:squares"), stats.squares);
        changes.extremes(key, name, stats.min, stats.max);
        changes.last_number(key, name, stats.last_at, stats.last);
        if kind.shape == Shape::Sample {
            continue;
        }
        let sketch = sketch_key(key, name);
        for (bucket, count) in stats.sketch.buckets() {
            changes.count(&sketch, &bucket.to_string(), (*count).into());
        }
        if let Some(second) = expires {
            changes.expire(&sketch, second);
        }
    }
}

fn add_sum(changes: &mut Changes, key: &str, name: &str, stats: &Stats, declared: Option<&Value>) {
    let field = format!("{name}:sum");
    let Sum {
        whole,
        decimals,
        rest,
    } = stats.exact();
    match declared.and_then(|value| Some((value.decimals?, value.min))) {
        // Without a declaration all are floats.
        None => changes.float(key, &field, stats.sum()),
        Some((wanted, _)) if wanted != decimals && whole != 0 => {
            changes.float(key, &format!("{field}_rest"), stats.sum());
        }
        Some((_, min)) => {
            match min.is_some_and(|min| min >= 0.0) && whole >= 0 {
                true => changes.count(key, &field, whole),
                false => changes.sum(key, &field, whole),
            }
            if rest != 0.0 {
                changes.float(key, &format!("{field}_rest"), rest);
            }
        }
    }
}

/// Which rollups a key is of; `None`: it is no key of the kind's rollups.
pub fn read_key(kind: &str, key: &str) -> Option<Key> {
    let key = key.strip_prefix(OWN)?.strip_prefix(':')?;
    let key = key.strip_prefix(kind)?.strip_prefix(':')?;
    let mut parts = key.split(':');
    let grain = parts.next()?;
    let grain = { Grain::ALL }.into_iter().find(|own| name(*own) == grain)?;
    let start = parts.next()?.parse().ok()?;
    let (labels, words) = (parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (mut by, mut decoded) = (Vec::new(), Vec::new());
    if !labels.is_empty() {
        by.extend(labels.split(',').map(str::to_owned));
        for word in words.split(',') {
            decoded.push(percent_decode_str(word).decode_utf8().ok()?.into_owned());
        }
    }
    (by.len() == decoded.len()).then_some(Key {
        grain,
        start,
        by,
        words: decoded,
    })
}

/// The fields of a hash.
pub type Fields<'t> = HashMap<&'t str, &'t str>;

/// The rollup that a hash holds, as `HGETALL` answers it; its values' sketches stand in hashes of their own.
pub fn read_rollup(fields: &Fields<'_>, kind: &Kind) -> Result<Rollup, Corrupt> {
    let mut rollup = Rollup {
        points: read_count(fields, "count")?,
        succeeded: read_count(fields, "succeeded")?,
        failed: read_count(fields, "failed")?,
        values: BTreeMap::new(),
    };
    for field in fields.keys() {
        if let Some(name) = field.strip_suffix(":count") {
            rollup
                .values
                .insert(name.to_owned(), read_stats(fields, name, kind)?);
        }
    }
    Ok(rollup)
}

fn read_stats(fields: &Fields<'_>, name: &str, kind: &Kind) -> Result<Stats, Corrupt> {
    let number = |what: &str| read::<f64>(fields, &format!("{name}:{what}"));
    let mut stats = Stats::default();
    let declared = kind.value(name).and_then(|at| kind.values[at].decimals);
    stats.set_exact(match declared {
        Some(decimals) => Sum {
            whole: read_whole(fields, &format!("{name}:sum"))?,
            decimals,
            rest: number("sum_rest")?.unwrap_or(0.0),
        },
        None => Sum {
            whole: 0,
            decimals: 0,
            rest: number("sum")?.unwrap_or(0.0),
        },
    });
    stats.count = read_count(fields, &format!("{name}:count"))?;
    stats.squares = number("squares")?.unwrap_or(0.0);
    stats.min = number("min")?.unwrap_or(f64::INFINITY);
    stats.max = number("max")?.unwrap_or(f64::NEG_INFINITY);
    stats.last = number("last")?.unwrap_or(f64::NEG_INFINITY);
    stats.last_at = read(fields, &format!("{name}:last_us"))?.unwrap_or(i64::MIN);
    Ok(stats)
}

fn read<T: FromStr>(fields: &Fields<'_>, field: &str) -> Result<Option<T>, Corrupt> {
    let number = fields.get(field).map(|text| text.parse());
    let number = number.transpose();
    number.map_err(|_| Corrupt("a number of a rollup is none"))
}

fn read_count(fields: &Fields<'_>, field: &str) -> Result<u64, Corrupt> {
    match read(fields, field)?.unwrap_or(0) {
        count if count <= MOST_POINTS => Ok(count),
        _ => Err(Corrupt("a count of a rollup is none")),
    }
}

/// What is larger than Redis counts to stands beside it, which holds only while it is full.
fn read_whole(fields: &Fields<'_>, field: &str) -> Result<i128, Corrupt> {
    let sum = read(fields, field)?.unwrap_or(0);
    if sum == i128::from(i64::MAX) || sum == i128::from(i64::MIN) {
        return Ok(read(fields, &format!("{field}_exact"))?.unwrap_or(sum));
    }
    Ok(sum)
}

pub fn read_sketch(fields: &Fields<'_>) -> Result<Sketch, Corrupt> {
    let bucket = |(bucket, count): (&&str, &&str)| {
        let pair = bucket.parse().ok().zip(count.parse().ok());
        pair.ok_or(Corrupt("a bucket of a sketch is none"))
    };
    let counts = fields.iter().map(bucket).collect::<Result<_, _>>()?;
    Ok(Sketch::from_counts(counts))
}
