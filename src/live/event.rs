//! One event against its kind: a point, or an error that names the field.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use crate::kinds::{Accepts, Kind, Kinds, Shape, Value};
use crate::text::duration::spoken;
use crate::text::suggest::{did_you_mean, expected};

use super::columns::{ABSENT, Columns, Numbers};
use super::json;

/// Clocks differ a little; what claims to come from later than this is wrong.
pub const AHEAD: TimeDelta = TimeDelta::minutes(5);
/// Bytes of a label's value, or of an id.
pub const LONGEST_TEXT: usize = 256;

/// What happened, as an application says it.
#[derive(Debug, Clone, Default)]
pub struct Event<'a> {
    pub kind: Cow<'a, str>,
    /// Now, when left out.
    pub at: Option<DateTime<Utc>>,
    /// The same id within a day is the same event.
    pub id: Option<Cow<'a, str>>,
    pub labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub values: Vec<(Cow<'a, str>, Number)>,
    /// Whether a span went well.
    pub ok: Option<bool>,
    pub details: Option<Json>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Whole(i64),
    Float(f64),
}

/// Why an event is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {error}")]
pub struct Refused {
    /// Such as `labels.shop`.
    pub field: String,
    pub error: String,
}

/// An event's id, or a batch's key, as it is remembered.
pub type Hash = [u8; 16];

impl<'a> Event<'a> {
    pub fn new(kind: impl Into<Cow<'a, str>>) -> Self {
        Self {
            kind: kind.into(),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn at(mut self, at: DateTime<Utc>) -> Self {
        self.at = Some(at);
        self
    }

    #[must_use]
    pub fn id(mut self, id: impl Into<Cow<'a, str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    #[must_use]
    pub fn label(mut self, name: impl Into<Cow<'a, str>>, text: impl Into<Cow<'a, str>>) -> Self {
        self.labels.push((name.into(), text.into()));
        self
    }

    #[must_use]
    pub fn value(mut self, name: impl Into<Cow<'a, str>>, number: impl Into<Number>) -> Self {
        self.values.push((name.into(), number.into()));
        self
    }

    #[must_use]
    pub fn ok(mut self, ok: bool) -> Self {
        self.ok = Some(ok);
        self
    }

    #[must_use]
    pub fn details(mut self, details: Json) -> Self {
        self.details = Some(details);
        self
    }

    /// Reads one line of JSON.
    pub fn from_json(line: &[u8]) -> Result<Event<'static>, Refused> {
        let json = json::read(line).map_err(|error| refused("", error))?;
        match json {
            Json::Object(fields) => Self::from_fields(fields),
            _ => Err(refused("", "expected an object, such as {\"kind\": …}")),
        }
    }

    pub fn from_fields(fields: Map<String, Json>) -> Result<Event<'static>, Refused> {
        let mut event = Event::default();
        for (field, json) in fields {
            match (field.as_str(), json) {
                ("kind", Json::String(kind)) => event.kind = kind.into(),
                ("id", Json::String(id)) => event.id = Some(id.into()),
                ("at", json) if !json.is_null() => event.at = Some(moment(&json)?),
                ("labels", Json::Object(labels)) => {
                    for (name, json) in labels {
                        let text = label(&json)
                            .map_err(|error| refused(format!("labels.{}", shown(&name)), error))?;
                        event
                            .labels
                            .extend(text.map(|text| (name.into(), text.into())));
                    }
                }
                ("values", Json::Object(values)) => {
                    for (name, json) in values {
                        let number = number(&json)
                            .map_err(|error| refused(format!("values.{}", shown(&name)), error))?;
                        event
                            .values
                            .extend(number.map(|number| (name.into(), number)));
                    }
                }
                ("ok", Json::Bool(ok)) => event.ok = Some(ok),
                ("details", json) => event.details = Some(json).filter(|json| !json.is_null()),
                ("at" | "id" | "labels" | "values" | "ok", Json::Null) => {}
                ("kind" | "id", _) => return Err(refused(field, "expected text")),
                ("labels" | "values", _) => return Err(refused(field, "expected an object")),
                ("ok", _) => return Err(refused(field, "expected true or false")),
                _ => {
                    let known = ["kind", "at", "id", "labels", "values", "ok", "details"];
                    let field = shown(&field);
                    let hint = did_you_mean(&field, known);
                    return Err(refused(field, format!("unknown field{hint}")));
                }
            }
        }
        Ok(event)
    }
}

impl Number {
    pub fn as_float(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Float(float) => float,
        }
    }
}

impl From<i64> for Number {
    fn from(whole: i64) -> Self {
        Self::Whole(whole)
    }
}

impl From<f64> for Number {
    fn from(float: f64) -> Self {
        Self::Float(float)
    }
}

pub(super) fn refused(field: impl Into<String>, error: impl Into<String>) -> Refused {
    Refused {
        field: field.into(),
        error: error.into(),
    }
}

pub(super) fn moment(json: &Json) -> Result<DateTime<Utc>, Refused> {
    let at = match json {
        Json::String(text) => DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|at| at.with_timezone(&Utc)),
        Json::Number(seconds) => seconds
            .as_f64()
            .filter(|seconds| seconds.abs() < 1e11)
            .and_then(|seconds| DateTime::from_timestamp_micros((seconds * 1e6).round() as i64)),
        _ => None,
    };
    at.ok_or_else(|| {
        let expected =
            "expected a moment such as 2026-11-20T19:41:42.281+01:00, or seconds since 1970";
        refused("at", expected)
    })
}

pub(super) fn label(json: &Json) -> Result<Option<String>, &'static str> {
    match json {
        Json::String(text) => Ok(Some(text.clone())),
        Json::Bool(yes) => Ok(Some(yes.to_string())),
        Json::Number(number) if number.is_i64() || number.is_u64() => Ok(Some(number.to_string())),
        Json::Null => Ok(None),
        _ => Err("expected text"),
    }
}

pub(super) fn number(json: &Json) -> Result<Option<Number>, &'static str> {
    match json {
        Json::Null => Ok(None),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Ok(Some(Number::Whole(whole))),
            (None, Some(float)) => Ok(Some(Number::Float(float))),
            (None, None) => Err("expected a number"),
        },
        Json::String(_) => Err("expected a number, found text: a text belongs into a label"),
        _ => Err("expected a number"),
    }
}

/// The event's kind.
pub fn kind_of<'k>(event: &Event<'_>, kinds: &'k Kinds) -> Result<&'k Kind, Refused> {
    if event.kind.is_empty() {
        return Err(refused("kind", "missing"));
    }
    kinds.get(&*event.kind).ok_or_else(|| {
        let named = shown(&event.kind);
        let hint = did_you_mean(&named, kinds.keys().map(String::as_str));
        refused("kind", format!("no kind `{named}`{hint}"))
    })
}

/// Adds the event to the points of its kind, or leaves them as they were.
pub fn add(
    event: &Event<'_>,
    kind: &Kind,
    now: DateTime<Utc>,
    points: &mut Columns,
) -> Result<(), Refused> {
    let values = values(event, kind, true)?;
    let at = recent(event, kind, now)?;
    add_at(at, event, kind, points, values)
}

/// The same for what happened long ago, and says when.
pub fn add_old(
    event: &Event<'_>,
    kind: &Kind,
    now: DateTime<Utc>,
    points: &mut Columns,
) -> Result<(), Refused> {
    let values = values(event, kind, true)?;
    let at = event.at.ok_or_else(|| refused("at", "missing"))?;
    add_at(not_ahead(at, now)?, event, kind, points, values)
}

/// The same for what came to no end: it lacks what the end would have said.
pub fn add_unfinished(event: &Event<'_>, kind: &Kind, points: &mut Columns) -> Result<(), Refused> {
    let values = values(event, kind, false)?;
    add_at(event.at.unwrap_or_default(), event, kind, points, values)
}

/// The same for a span that begins: it may still lack values.
pub fn begin(event: &Event<'_>, kind: &Kind, now: DateTime<Utc>) -> Result<Columns, Refused> {
    if kind.shape != Shape::Span {
        return Err(refused(
            "kind",
            format!("`{}` is no kind of span", kind.name),
        ));
    }
    let mut points = Columns::new(kind);
    let values = values(event, kind, false)?;
    let at = recent(event, kind, now)?;
    add_at(at, event, kind, &mut points, values)?;
    Ok(points)
}

/// When it happened, if that is not too long ago.
fn recent(event: &Event<'_>, kind: &Kind, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refused> {
    let at = event.at.unwrap_or(now);
    if now - at > TimeDelta::from_std(kind.late).unwrap_or(TimeDelta::MAX) {
        let late = spoken(kind.late);
        return Err(refused(
            "at",
            format!(
                "more than {late} ago: `{}` takes no older events",
                kind.name
            ),
        ));
    }
    not_ahead(at, now)
}

fn not_ahead(at: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refused> {
    match at - now > AHEAD {
        true => Err(refused(
            "at",
            "more than 5 minutes ahead: check the sender's clock",
        )),
        false => Ok(at),
    }
}

fn add_at(
    at: DateTime<Utc>,
    event: &Event<'_>,
    kind: &Kind,
    points: &mut Columns,
    values: Vec<Option<Number>>,
) -> Result<(), Refused> {
    let labels = labels(event, kind)?;
    if event.ok.is_some() && kind.shape != Shape::Span {
        let error = format!("only a span goes well or not, and `{}` is none", kind.name);
        return Err(refused("ok", error));
    }
    let details = details(event, kind)?;
    points.at.push(at.timestamp_micros());
    for (column, text) in points.labels.iter_mut().zip(labels) {
        column.cells.push(text);
    }
    for (column, number) in points.values.iter_mut().zip(values) {
        match (&mut column.cells, number) {
            (Numbers::Fixed { raw, .. }, Some(Number::Whole(whole))) => raw.push(whole),
            (Numbers::Fixed { raw, .. }, _) => raw.push(ABSENT),
            (Numbers::Float(floats), Some(Number::Float(float))) => floats.push(float),
            (Numbers::Float(floats), _) => floats.push(f64::NAN),
        }
    }
    points.ok.push(event.ok.map_or(ABSENT, i64::from));
    points.details.push(&details);
    Ok(())
}

/// The texts of the kind's labels in their order; empty where there is none.
fn labels<'e>(event: &'e Event<'_>, kind: &Kind) -> Result<Vec<&'e str>, Refused> {
    let mut texts = vec![""; kind.labels.len()];
    for (name, text) in &event.labels {
        let field = || format!("labels.{}", shown(name));
        let Some(at) = kind.label(name) else {
            let known = kind.labels.iter().map(|label| label.name.as_str());
            let hint = did_you_mean(&shown(name), known);
            return Err(refused(
                field(),
                format!("`{}` has no such label{hint}", kind.name),
            ));
        };
        if text.len() > LONGEST_TEXT {
            return Err(refused(
                field(),
                format!("{} bytes, at most {LONGEST_TEXT}", text.len()),
            ));
        }
        if text.contains('\0') {
            return Err(refused(field(), "a NUL byte"));
        }
        if let Accepts::OneOf(known) = &kind.labels[at].accepts
            && !text.is_empty()
            && !known.iter().any(|known| known == text)
        {
            let hint = expected(&shown(text), known.iter().map(String::as_str));
            return Err(refused(
                field(),
                format!("`{}` is not one of its values{hint}", shown(text)),
            ));
        }
        texts[at] = text;
    }
    for (label, text) in kind.labels.iter().zip(&texts) {
        if label.required && text.is_empty() {
            return Err(refused(format!("labels.{}", label.name), "missing"));
        }
    }
    Ok(texts)
}

/// The numbers of the kind's values in their order, in units of the last decimal where they have decimals.
fn values(event: &Event<'_>, kind: &Kind, is_whole: bool) -> Result<Vec<Option<Number>>, Refused> {
    let mut numbers = vec![None; kind.values.len()];
    for (name, number) in &event.values {
        let Some(at) = kind.value(name) else {
            let known = kind.values.iter().map(|value| value.name.as_str());
            let hint = did_you_mean(&shown(name), known);
            let error = format!("`{}` has no such value{hint}", kind.name);
            return Err(refused(format!("values.{}", shown(name)), error));
        };
        numbers[at] = Some(*number);
    }
    for (value, number) in kind.values.iter().zip(&mut numbers) {
        let field = || format!("values.{}", value.name);
        *number = match number.or(value.default.map(Number::Float)) {
            None if value.required && is_whole => return Err(refused(field(), "missing")),
            None => None,
            Some(number) => Some(kept(number, value).map_err(|error| refused(field(), error))?),
        };
    }
    Ok(numbers)
}

/// The number as it is kept: rounded to the value's decimals.
fn kept(number: Number, value: &Value) -> Result<Number, String> {
    let float = number.as_float();
    if !float.is_finite() {
        return Err(format!("{float} is not a number that can be counted"));
    }
    if let Some(min) = value.min.filter(|min| float < *min) {
        return Err(format!("{float} is below {min}"));
    }
    if let Some(max) = value.max.filter(|max| float > *max) {
        return Err(format!("{float} is above {max}"));
    }
    let Some(decimals) = value.decimals else {
        return Ok(Number::Float(float));
    };
    let scaled = match number {
        Number::Whole(whole) => whole.checked_mul(10_i64.pow(decimals)),
        Number::Float(float) => scaled(float, decimals),
    };
    let scaled = scaled.filter(|scaled| *scaled != ABSENT);
    scaled
        .map(Number::Whole)
        .ok_or_else(|| format!("{float} is too large"))
}

/// Rounded half to even, as people write the number: 19.955 lies between its neighbours though its double does not.
fn scaled(float: f64, decimals: u32) -> Option<i64> {
    let scaled = float * 10_f64.powi(decimals as i32);
    if scaled.abs() >= 9.2e18 {
        return None;
    }
    let is_near_a_half = (scaled.abs().fract() - 0.5).abs() < 1e-6;
    let written = is_near_a_half
        .then(|| float.to_string().parse::<Decimal>().ok())
        .flatten();
    match written {
        Some(written) => {
            let scaled = written.round_dp(decimals) * Decimal::from(10_i64.pow(decimals));
            scaled.to_i64()
        }
        None => Some(scaled.round() as i64),
    }
}

fn details(event: &Event<'_>, kind: &Kind) -> Result<String, Refused> {
    let Some(details) = &event.details else {
        return Ok(String::new());
    };
    let text = details.to_string();
    match text.len() <= kind.details {
        true => Ok(text),
        false if kind.details == 0 => {
            let error = format!(
                "`{}` keeps none: set `details = {{ bytes = … }}`",
                kind.name
            );
            Err(refused("details", error))
        }
        false => Err(refused(
            "details",
            format!("{} bytes, at most {}", text.len(), kind.details),
        )),
    }
}

/// What is remembered of an event's id.
pub fn id(kind: &str, id: &str) -> Result<Hash, Refused> {
    match id.len() {
        1..=LONGEST_TEXT => Ok(hash(kind, id)),
        length => Err(refused(
            "id",
            format!("{length} bytes, expected 1 to {LONGEST_TEXT}"),
        )),
    }
}

/// What is remembered of an id or a key, so that it is known again.
pub fn hash(scope: &str, text: &str) -> Hash {
    let digest = Sha256::new()
        .chain_update(scope)
        .chain_update([0])
        .chain_update(text)
        .finalize();
    let mut hash = Hash::default();
    hash.copy_from_slice(&digest[..16]);
    hash
}

/// Foreign text in an error: short, on one line.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    short.escape_debug().to_string()
}
