//! One day as JSON or table cells, read into values that can be stored.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value as Json};

use crate::catalog::Metric;
use crate::entry::{Kind, Provenance, Reading, Value};

use super::validation::{Frame, Given, Validation};

/// A day as `daybook export` writes it.
#[derive(Debug, Deserialize)]
pub(super) struct ExportedDay {
    schema: Option<Json>,
    date: String,
    as_of: Option<String>,
    #[serde(default)]
    partial: bool,
    time_zone: Option<String>,
    collected_at: Option<String>,
    duration_ms: Option<i64>,
    metrics: Pairs,
    #[serde(default)]
    provenance: Map<String, Json>,
}

/// An object's pairs as written: a map would silently drop a repeated key.
#[derive(Debug)]
struct Pairs(Vec<(String, Json)>);

/// Hands a day to the validation, with all its mistakes.
pub(super) fn check(day: ExportedDay, place: &str, validation: &mut Validation<'_>) {
    let (date, frame) = match framed(&day) {
        Ok(framed) => framed,
        Err(why) => return validation.wrong(place, &why),
    };
    let mut provenance = day.provenance;
    let mut readings = Vec::new();
    for (key, value) in day.metrics.0 {
        let own = provenance.shift_remove(&key);
        push(&key, &value, own.as_ref(), place, validation, &mut readings);
    }
    if let Some(key) = provenance.keys().next() {
        let why = format!("provenance of `{}`, but no value", key.escape_debug());
        validation.wrong(place, &why);
    }
    let given = Given {
        date,
        frame,
        readings,
    };
    validation.check(place, given);
}

/// Reads one value; the validation records unknown keys and mistakes.
pub(super) fn push(
    key: &str,
    value: &Json,
    provenance: Option<&Json>,
    place: &str,
    validation: &mut Validation<'_>,
    readings: &mut Vec<(String, Reading)>,
) {
    let Some(metric) = validation.metric(key) else {
        return validation.unknown(place, key);
    };
    match reading(metric, value, provenance) {
        Ok(reading) => {
            if readings
                .iter()
                .any(|(other, known)| other == key && *known != reading)
            {
                let why = format!("`{key}` appears twice, with different values");
                return validation.wrong(place, &why);
            }
            readings.push((key.to_owned(), reading));
        }
        Err(why) => validation.wrong(place, &format!("`{key}`: {why}")),
    }
}

fn framed(day: &ExportedDay) -> Result<(NaiveDate, Frame), String> {
    if let Some(schema) = day.schema.as_ref().filter(|schema| **schema != 1) {
        return Err(format!("schema {schema}: this program knows schema 1"));
    }
    let frame = Frame {
        zone: day.time_zone.as_deref().map(zone).transpose()?,
        as_of: moment("as_of", day.as_of.as_deref())?,
        partial: day.partial,
        collected_at: moment("collected_at", day.collected_at.as_deref())?,
        duration_ms: day.duration_ms,
    };
    Ok((date(&day.date)?, frame))
}

pub(super) fn date(text: &str) -> Result<NaiveDate, String> {
    let read: Option<NaiveDate> = text.parse().ok();
    read.filter(|date| text.len() == 10 && date.to_string() == text)
        .ok_or_else(|| format!("`{}` is not a date like 2025-10-03", shown(text)))
}

pub(super) fn moment(what: &str, text: Option<&str>) -> Result<Option<DateTime<Utc>>, String> {
    let read = |text| match DateTime::parse_from_rfc3339(text) {
        Ok(at) => Ok(at.to_utc()),
        Err(_) => Err(format!(
            "{what} `{}` is not an instant like 2025-10-04T00:00:00+02:00",
            shown(text)
        )),
    };
    text.map(read).transpose()
}

pub(super) fn zone(text: &str) -> Result<chrono_tz::Tz, String> {
    let unknown = |_| format!("`{}` is not a time zone like Europe/Zurich", shown(text));
    text.parse().map_err(unknown)
}

/// A table's cell as JSON: a number, a distribution or nothing.
pub(super) fn cell(text: &str) -> Result<Json, String> {
    let text = text.trim_matches(' ');
    if text.is_empty() {
        return Ok(Json::Null);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<i64>().is_err() {
        return Err(format!("{} is too large to be stored exactly", shown(text)));
    }
    let decimal = text.parse::<Decimal>().map(Value::from_decimal);
    if decimal.is_ok_and(|value| !value.is_written_exactly()) {
        return Err(format!(
            "{} has more digits than can be stored exactly",
            shown(text)
        ));
    }
    serde_json::from_str(text).map_err(|_| not_a_value(&shown(text)))
}

fn reading(metric: &Metric, value: &Json, provenance: Option<&Json>) -> Result<Reading, String> {
    let provenance = provenance.map(Provenance::deserialize).transpose();
    let provenance = provenance.map_err(|why| format!("provenance: {why}"))?;
    let provenance = provenance.unwrap_or_default();
    let value = match value {
        Json::Null => None,
        Json::Number(number) if number.as_i64().is_none() && number.is_u64() => {
            return Err(format!("{number} is too large to be stored exactly"));
        }
        json => Some(Value::from_json(json).ok_or_else(|| not_a_value(&shown(&json.to_string())))?),
    };
    match (&value, metric.is_distribution()) {
        (Some(Value::Parts(_)), false) => {
            return Err("a distribution, where the catalog has a number".to_owned());
        }
        (Some(Value::Whole(_) | Value::Decimal(_)), true) => {
            return Err("a number, where the catalog has a distribution".to_owned());
        }
        _ => {}
    }
    let kind = match provenance.kind {
        Kind::Unavailable | Kind::Failed if value.is_some() => {
            let word = provenance.kind.word();
            return Err(format!("a value whose provenance says {word}"));
        }
        Kind::Observed | Kind::Reconstructed | Kind::Imported => Kind::Imported,
        unknown => unknown,
    };
    let provenance = Provenance { kind, ..provenance };
    Ok(Reading { value, provenance })
}

fn not_a_value(text: &str) -> String {
    format!(
        "{text} is not a value: expected a plain number like 1234 or -0.5, or a distribution like [{{\"key\":\"1\",\"label\":\"Books\",\"count\":29}}]"
    )
}

/// The beginning of a text, enough to find it again.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.escape_debug().take(60).collect();
    if text.escape_debug().count() > 60 {
        shown.push('…');
    }
    shown
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Pairs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of keys and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
