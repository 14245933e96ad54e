//! Samples of hosts in the keys of the host monitor: the current one, a history by time, the set of hosts; and beside the
//! history or in place of it a compact one, a list a host and UTC day.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::config::live_redis::History;

use super::super::columns::{ABSENT, Columns, Numbers, unscaled};
use super::super::compat::hosts::HOST;
use super::changes::Changes;
use super::compact::{Chains, DAY, DECIMALS, FIELDS, Sample};
use super::keys;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub retention_days: u32,
    pub history: History,
}

/// Members of a sample, each with its places in [`FIELDS`].
type Members = [(&'static str, &'static [usize])];

const GROUPS: [(&str, &Members); 4] = [
    (
        "cpu",
        &[("usage", &[0]), ("cores", &[14]), ("loadAvg", &[1, 3, 4])],
    ),
    (
        "memory",
        &[
            ("total", &[15]),
            ("used", &[2]),
            ("free", &[11]),
            ("usagePercent", &[10]),
        ],
    ),
    (
        "disk",
        &[
            ("total", &[16]),
            ("used", &[5]),
            ("free", &[13]),
            ("usagePercent", &[12]),
        ],
    ),
    (
        "network",
        &[
            ("bytesIn", &[6]),
            ("bytesOut", &[7]),
            ("packetsIn", &[8]),
            ("packetsOut", &[9]),
        ],
    ),
];

/// Adds these points of the kind `host`. The chains are those of the connection; of a batch that was not applied they tell
/// nothing that can be built on.
pub fn add(changes: &mut Changes, points: &Columns, layout: Layout, chains: &mut Chains) {
    let days = u64::from(layout.retention_days);
    let lives = layout.history.has_documented().then_some(days * 86_400);
    let hosts = points.label(HOST);
    let mut compact: BTreeMap<(&str, i64), Vec<u8>> = BTreeMap::new();
    for place in 0..points.len() {
        let host = hosts.map_or("", |hosts| hosts.text(place));
        let sample = sample(points, place);
        changes.sample(host, sample.at, json(host, &sample), lives);
        changes.member(keys::HOSTS, host);
        if layout.history.has_compact() {
            let day = sample.at.div_euclid(DAY);
            chains.write(host, &sample, compact.entry((host, day)).or_default());
        }
    }
    for ((host, day), records) in compact {
        let expires = (day + 1 + i64::from(layout.retention_days)) * (DAY / 1000);
        changes.item(&keys::compact(host, day), Some(expires), records);
    }
}

fn sample(points: &Columns, place: usize) -> Sample {
    let number = |at: usize| units(points.value(FIELDS[at])?, place, DECIMALS[at]);
    Sample {
        at: points.at[place].div_euclid(1000),
        numbers: std::array::from_fn(number),
    }
}

/// In units of the last of so many decimals.
fn units(numbers: &Numbers, place: usize, wanted: u32) -> Option<i64> {
    match numbers {
        Numbers::Fixed { decimals, raw } if *decimals == wanted => {
            Some(raw[place]).filter(|raw| *raw != ABSENT)
        }
        numbers => Some((numbers.get(place)? * 10_f64.powi(wanted as i32)).round() as i64),
    }
}

/// As the original's `JSON.stringify` writes it. What the sample does not have is left out.
pub fn json(host: &str, sample: &Sample) -> String {
    let host = Json::from(host);
    let mut parts = vec![format!("\"hostId\":{host},\"timestamp\":{}", sample.at)];
    for (group, members) in GROUPS {
        let members = members.iter().filter_map(|(name, places)| {
            let numbers = places.iter().map(|at| number(sample, *at));
            let numbers: Vec<Option<String>> = numbers.collect();
            match numbers.as_slice() {
                [number] => Some(format!("\"{name}\":{}", number.as_ref()?)),
                several if several.iter().all(Option::is_none) => None,
                several => {
                    let numbers = several.iter().map(|n| n.as_deref().unwrap_or("null"));
                    let numbers: Vec<&str> = numbers.collect();
                    Some(format!("\"{name}\":[{}]", numbers.join(",")))
                }
            }
        });
        let members: Vec<String> = members.collect();
        if !members.is_empty() {
            parts.push(format!("\"{group}\":{{{}}}", members.join(",")));
        }
    }
    format!("{{{}}}", parts.join(","))
}

/// What [`json`] and the original write; `None`: it is no sample.
pub fn read_json(text: &str) -> Option<Sample> {
    let json: Json = serde_json::from_str(text).ok()?;
    let mut sample = Sample {
        at: json["timestamp"].as_f64()? as i64,
        numbers: [None; 17],
    };
    for (group, members) in GROUPS {
        for (name, places) in members {
            let json = &json[group][name];
            for (at, place) in places.iter().enumerate() {
                let number = match places.len() {
                    1 => json.as_f64(),
                    _ => json[at].as_f64(),
                };
                let units = number.map(|number| number * 10_f64.powi(DECIMALS[*place] as i32));
                sample.numbers[*place] = units.map(|units| units.round() as i64);
            }
        }
    }
    Some(sample)
}

fn number(sample: &Sample, at: usize) -> Option<String> {
    Some(unscaled(sample.numbers[at]?, DECIMALS[at]).to_string())
}
