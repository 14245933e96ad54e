//! Records of the bot metrics service, as it is called with them and as it logs them. Texts are measured and left out.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDateTime, SecondsFormat};
use chrono_tz::Tz;
use serde_json::{Map, Value as Json, json};

use crate::calendar::first_instant;

use super::super::event::{Event, Refused};
use super::super::json;

/// What a record becomes.
struct Form {
    event_type: &'static str,
    kind: &'static str,
    labels: &'static [&'static str],
    values: &'static [&'static str],
    /// Texts, with the values that say how many characters they have.
    texts: &'static [(&'static str, &'static str)],
}

const FORMS: [Form; 5] = [
    Form {
        event_type: "session_created",
        kind: "session",
        labels: &["session_id", "user_id", "chat_id"],
        values: &[],
        texts: &[],
    },
    Form {
        event_type: "timing_completed",
        kind: "stage",
        labels: &["stage", "session_id", "user_id", "chat_id"],
        values: &["duration", "tokens_used", "cost"],
        texts: &[],
    },
    Form {
        event_type: "correction_recorded",
        kind: "correction",
        labels: &[
            "correction_type",
            "admin_user_id",
            "session_id",
            "message_id",
        ],
        values: &[
            "original_length",
            "corrected_length",
            "processing_time_ms",
            "voice_transcription_time_ms",
            "ai_correction_time_ms",
            "admin_satisfaction",
            "retry_count",
        ],
        texts: &[
            ("original_text", "original_length"),
            ("corrected_text", "corrected_length"),
        ],
    },
    Form {
        event_type: "message_filtered",
        kind: "filter",
        labels: &["reason", "stage_failed", "session_id", "user_id", "chat_id"],
        values: &["message_length", "processing_time_ms"],
        texts: &[("message", "message_length")],
    },
    Form {
        event_type: "system_metric",
        kind: "system",
        labels: &["metric_type"],
        values: &["value"],
        texts: &[],
    },
];

/// What the service calls differently, by kind.
const NAMES: [(&str, &str, &str); 4] = [
    ("stage", "tokens", "tokens_used"),
    ("stage", "duration_ms", "duration"),
    ("stage", "success", "ok"),
    ("filter", "filtering_reason", "reason"),
];

/// Its ids have eight digits, which is few: they are unique within a session.
const IDS: [&str; 3] = ["metric_id", "correction_id", "filtering_id"];
/// Texts, what can be computed, and what says the same as the kind.
const LEFT_OUT: [&str; 4] = ["event_type", "message", "message_preview", "length_change"];
/// Of moments.
const YEARS: RangeInclusive<i32> = 1970..=9999;
/// The levels of all records.
const USUAL_LEVELS: [&str; 2] = ["metric", "info"];

/// Reads one JSON object. Its `event_type` says what it is; a moment without a zone is in this one. `None`: a line of the log
/// that says nothing by itself.
pub fn event(text: &[u8], zone: Tz) -> Result<Option<Event<'static>>, Refused> {
    let json = json::read(text).map_err(|error| refused("", error))?;
    let Json::Object(fields) = json else {
        let expected = "expected an object, such as {\"event_type\": …}";
        return Err(refused("", expected));
    };
    record(fields, None, zone)
}

/// The same of a record that was read already. Its metadata are details.
pub fn record(
    fields: Map<String, Json>,
    metadata: Option<Json>,
    zone: Tz,
) -> Result<Option<Event<'static>>, Refused> {
    match form(&fields)? {
        Some(form) => sorted(form, fields, metadata, zone)
            .and_then(Event::from_fields)
            .map(Some),
        None => Ok(None),
    }
}

fn form(fields: &Map<String, Json>) -> Result<Option<&'static Form>, Refused> {
    let named = fields.get("event_type").and_then(Json::as_str);
    let named = named.ok_or_else(|| refused("event_type", "missing"))?;
    if named == "timing_started" {
        return Ok(None);
    }
    let form = FORMS.iter().find(|form| form.event_type == named);
    form.map(Some).ok_or_else(|| {
        let known = FORMS.map(|form| form.event_type).join(", ");
        refused("event_type", format!("expected one of {known}"))
    })
}

/// The same as an event, with its fields where events have them.
fn sorted(
    form: &Form,
    mut fields: Map<String, Json>,
    metadata: Option<Json>,
    zone: Tz,
) -> Result<Map<String, Json>, Refused> {
    let mut event = Map::from_iter([("kind".to_owned(), json!(form.kind))]);
    let moment = fields
        .shift_remove("timestamp")
        .map(|moment| at(moment, zone));
    event.extend(moment.map(|at| ("at".to_owned(), at)));
    event.extend(id(&fields).map(|id| ("id".to_owned(), json!(id))));
    let (mut labels, mut values, mut details) = (Map::new(), Map::new(), Map::new());
    // A line of the log has the length, and another `message`.
    for (text, length) in form.texts {
        if let Some(text) = fields.get(*text).filter(|_| !fields.contains_key(*length)) {
            let text = text
                .as_str()
                .ok_or_else(|| refused(length, "expected text"))?;
            values.insert((*length).to_owned(), json!(text.chars().count()));
        }
    }
    for (name, value) in fields {
        let name = known_as(form, name);
        let is = |names: &[&str]| names.contains(&name.as_str());
        if is(form.labels) {
            labels.insert(name, value);
        } else if is(form.values) {
            values.insert(name, value);
        } else if name == "ok" {
            event.insert(name, value);
        } else if is_detail(form, &name, &value) {
            details.insert(name, value);
        }
    }
    match metadata {
        Some(Json::Object(more)) => {
            for (name, value) in more {
                if is_detail(form, &name, &value) {
                    details.entry(name).or_insert(value);
                }
            }
        }
        Some(other) if !other.is_null() => {
            details.insert("metadata".to_owned(), other);
        }
        _ => {}
    }
    event.insert("labels".to_owned(), Json::Object(labels));
    event.insert("values".to_owned(), Json::Object(values));
    if !details.is_empty() {
        event.insert("details".to_owned(), Json::Object(details));
    }
    Ok(event)
}

fn is_detail(form: &Form, name: &str, value: &Json) -> bool {
    let is_usual_level = || {
        value
            .as_str()
            .is_some_and(|level| USUAL_LEVELS.contains(&level))
    };
    match name {
        "level" => !is_usual_level(),
        // Of every line; other kinds have no such label.
        "session_id" | "user_id" => false,
        _ => {
            form.kind != "session"
                && !value.is_null()
                && !LEFT_OUT.contains(&name)
                && !IDS.contains(&name)
                && !form.texts.iter().any(|(text, _)| *text == name)
        }
    }
}

fn known_as(form: &Form, name: String) -> String {
    let known = NAMES
        .iter()
        .find(|(kind, theirs, _)| *kind == form.kind && *theirs == name);
    known.map_or(name, |(_, _, ours)| (*ours).to_owned())
}

/// A record that is sent again is the same.
pub fn id(fields: &Map<String, Json>) -> Option<String> {
    let session = fields.get("session_id")?.as_str()?;
    let own = IDS.iter().find_map(|name| fields.get(*name)?.as_str());
    own.map(|own| format!("{session}:{own}"))
}

fn at(moment: Json, zone: Tz) -> Json {
    let naive = moment.as_str().and_then(|text| {
        let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
        formats
            .into_iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
    });
    // Others are no moments, and too large to compute with.
    let naive = naive.filter(|local| YEARS.contains(&local.year()));
    match naive {
        Some(local) => {
            let at = first_instant(local, zone);
            json!(at.to_rfc3339_opts(SecondsFormat::Micros, true))
        }
        None => moment,
    }
}

fn refused(field: &str, error: impl Into<String>) -> Refused {
    Refused {
        field: field.to_owned(),
        error: error.into(),
    }
}
