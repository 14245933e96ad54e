//! Reads samples of hosts as the host monitor lays them out, or from the compact histories; each as a point of the kind `host`.
//!
//! These keys do not say whose a host is: its newest point among Daybook's own keys does.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde_json::{Map, Value as Json};

use crate::kinds::Kind;

use super::super::columns::{ABSENT, Columns, Numbers, unscaled};
use super::super::compat::hosts::{HOST, ORGANISATION};
use super::super::question::Order;
use super::super::store::StoreError;
use super::compact::{self, DAY, DECIMALS, FIELDS, Sample};
use super::shared::Shared;
use super::wire::{Parts, command};
use super::{generic, hosts, keys};

const CLAIM: &str = include_str!("claim.lua");

/// What a host's newest point says.
#[derive(Debug, Clone, PartialEq)]
pub struct Newest {
    pub organisation: String,
    /// What was told of it beside samples.
    pub about: Map<String, Json>,
}

/// Samples, and the days whose history cannot be read.
#[derive(Debug, Default)]
pub struct FoundSamples {
    pub points: Columns,
    pub broken: Vec<(i64, String)>,
}

/// Of each of these hosts; `None`: no replica has forwarded anything of it.
pub async fn newest(
    shared: &mut Shared,
    kind: &Kind,
    hosts: &[&str],
) -> Result<Vec<Option<Newest>>, StoreError> {
    if hosts.is_empty() {
        return Ok(Vec::new());
    }
    let mut get = command("HMGET");
    get.arg(generic::latest_key(&kind.name, HOST)).args(hosts);
    let points: Vec<Option<String>> = shared.ask(&get).await?;
    let newest = points.into_iter().map(|point| {
        let point: Json = serde_json::from_str(&point?).ok()?;
        let about = point["details"].as_object().cloned();
        Some(Newest {
            organisation: point["labels"][ORGANISATION].as_str()?.to_owned(),
            about: about.unwrap_or_default(),
        })
    });
    Ok(newest.collect())
}

/// Claims hosts of which nobody has forwarded anything, and says whose each is.
pub async fn claim(
    shared: &mut Shared,
    hosts: &[&str],
    organisation: &str,
) -> Result<Vec<String>, StoreError> {
    let (mut key, mut arguments) = (Parts::default(), Parts::default());
    key.arg(keys::OWNERS);
    arguments.arg(organisation).args(hosts);
    shared.script(CLAIM, &key, &arguments).await
}

/// The newest sample of each host of an organisation, in the order of their ids.
pub async fn newest_of_all(
    shared: &mut Shared,
    kind: &Kind,
    organisation: &str,
) -> Result<Columns, StoreError> {
    let latest = generic::latest_key(&kind.name, HOST);
    let all: BTreeMap<String, String> = shared.ask(command("HGETALL").arg(latest)).await?;
    let mut points = Columns::new(kind);
    for (host, text) in all.iter().filter(|(field, _)| !field.contains('\0')) {
        let Ok(point) = serde_json::from_str::<Json>(text) else {
            continue;
        };
        let at = point["at"].as_str().and_then(|at| at.parse().ok());
        let at = at.map(|at: chrono::DateTime<chrono::Utc>| at.timestamp_micros());
        if let Some(at) = at.filter(|_| point["labels"][ORGANISATION] == *organisation) {
            let number = |field: usize| point["values"][FIELDS[field]].as_f64();
            let details = point.get("details").map(Json::to_string);
            let labels = [(HOST, host.as_str()), (ORGANISATION, organisation)];
            push(&mut points, at, &labels, number, details.as_deref());
        }
    }
    Ok(points)
}

/// So many samples of a host at most; the window is in microseconds.
pub async fn samples(
    shared: &mut Shared,
    kind: &Kind,
    host: &str,
    window: Range<i64>,
    order: Order,
    most: usize,
) -> Result<FoundSamples, StoreError> {
    // The first and the last millisecond.
    let window = (window.start.div_euclid(1000) + i64::from(window.start.rem_euclid(1000) > 0))
        ..=(window.end.saturating_sub(1)).div_euclid(1000);
    let mut found = FoundSamples {
        points: Columns::new(kind),
        broken: Vec::new(),
    };
    let mut read = Vec::new();
    if shared.has_documented_history() {
        let (first, last) = (*window.start(), *window.end());
        let (name, from, to) = match order {
            Order::OldestFirst => ("ZRANGEBYSCORE", first, last),
            Order::NewestFirst => ("ZREVRANGEBYSCORE", last, first),
        };
        let mut range = command(name);
        range.arg(keys::history(host)).number(from).number(to);
        range.arg("LIMIT").number(0).number(most as i64);
        let texts: Vec<String> = shared.ask(&range).await?;
        read.extend(texts.iter().filter_map(|text| hosts::read_json(text)));
    } else {
        let kept = shared.days_of_hosts();
        let days = (*window.start()).div_euclid(DAY).max(*kept.start())
            ..=(*window.end()).div_euclid(DAY).min(*kept.end());
        let mut days: Vec<i64> = days.collect();
        if order == Order::NewestFirst {
            days.reverse();
        }
        for day in days {
            if read.len() >= most {
                break;
            }
            match day_of(shared, host, day).await? {
                Ok(mut samples) => {
                    samples.retain(|sample| window.contains(&sample.at));
                    if order == Order::NewestFirst {
                        samples.reverse();
                    }
                    read.extend(samples);
                }
                Err(why) => found.broken.push((day, why)),
            }
        }
        read.truncate(most);
    }
    for Sample { at, numbers } in read {
        let number = |field: usize| Some(unscaled(numbers[field]?, DECIMALS[field]));
        // Whatever somebody has written there.
        let Some(at) = at.checked_mul(1000) else {
            continue;
        };
        push(&mut found.points, at, &[(HOST, host)], number, None);
    }
    Ok(found)
}

/// How many samples of a host are kept.
pub async fn count(shared: &mut Shared, host: &str) -> Result<u64, StoreError> {
    if shared.has_documented_history() {
        return shared.ask(command("ZCARD").arg(keys::history(host))).await;
    }
    let mut count = 0;
    for day in shared.days_of_hosts() {
        let samples = day_of(shared, host, day).await?;
        count += samples.map_or(0, |samples| samples.len() as u64);
    }
    Ok(count)
}

/// The samples of a day, the oldest first, or why they cannot be read.
async fn day_of(
    shared: &mut Shared,
    host: &str,
    day: i64,
) -> Result<Result<Vec<Sample>, String>, StoreError> {
    let mut all = command("LRANGE");
    all.arg(keys::compact(host, day)).args(["0", "-1"]);
    let items: Vec<Vec<u8>> = shared.ask(&all).await?;
    let samples = compact::read(day * DAY, &items.concat());
    Ok(samples.map_err(|error| error.to_string()))
}

fn push(
    points: &mut Columns,
    at: i64,
    labels: &[(&str, &str)],
    number: impl Fn(usize) -> Option<f64>,
    details: Option<&str>,
) {
    points.at.push(at);
    points.ok.push(ABSENT);
    points.details.push(details.unwrap_or_default());
    let labels: HashMap<&str, &str> = labels.iter().copied().collect();
    for column in &mut points.labels {
        let text = labels.get(column.name.as_str());
        column.cells.push(text.copied().unwrap_or_default());
    }
    for column in &mut points.values {
        let field = FIELDS.iter().position(|field| *field == column.name);
        let number = field.and_then(&number);
        match &mut column.cells {
            Numbers::Fixed { decimals, raw } => raw.push(number.map_or(ABSENT, |number| {
                (number * 10_f64.powi(*decimals as i32)).round() as i64
            })),
            Numbers::Float(floats) => floats.push(number.unwrap_or(f64::NAN)),
        }
    }
}
