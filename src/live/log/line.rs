//! One line of the log, as the bot metrics service writes it: the same keys first in every line, then the event's own.

use chrono::DateTime;
use chrono_tz::Tz;
use serde_json::{Map, Value as Json, json};

use crate::kinds::DURATION;

use super::super::columns::{ABSENT, Columns, Numbers};
use super::super::store::Kept;

/// Those of that service; an event's details may name one.
const LEVELS: [&str; 6] = ["debug", "info", "warning", "error", "critical", "metric"];
/// Ids that are numbers to that service.
const NUMBERED: [&str; 3] = ["user_id", "chat_id", "admin_user_id"];

/// A line for each point, the oldest first.
pub(super) fn lines(kept: &[Kept], zone: Tz) -> Vec<String> {
    let mut lines = Vec::new();
    for Kept {
        kind,
        points,
        spans,
        has_begun,
    } in kept
    {
        let mut spans = spans.iter().peekable();
        for (place, at) in points.at.iter().enumerate() {
            let span = spans.next_if(|(of, _)| *of == place);
            let line = Point {
                kind,
                points,
                place,
                span: span.map(|(_, id)| id.as_str()),
                has_begun: *has_begun,
            };
            lines.push((*at, line.line(zone)));
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    lines.into_iter().map(|(_, line)| line).collect()
}

struct Point<'a> {
    kind: &'a str,
    points: &'a Columns,
    place: usize,
    /// The id of a span that was begun before it ended.
    span: Option<&'a str>,
    has_begun: bool,
}

impl Point<'_> {
    fn line(&self, zone: Tz) -> String {
        let at = DateTime::from_timestamp_micros(self.points.at[self.place]).unwrap_or_default();
        let at = at.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S%.6f%:z");
        let (event, message) = self.head();
        let mut details = self.details();
        let level = self.level(&mut details);
        let id = |name| self.label(name).map(|text| as_id(name, text));
        let mut line = Map::new();
        let head = [
            ("timestamp", json!(at.to_string())),
            ("level", json!(level)),
            ("event_type", json!(event)),
            ("message", json!(message)),
            ("session_id", json!(id("session_id"))),
            ("user_id", json!(id("user_id"))),
        ];
        for (name, value) in head {
            put(&mut line, name, value);
        }
        if let Some(id) = self.span {
            put(&mut line, "metric_id", json!(id));
        }
        self.put_columns(&mut line);
        self.put_details(&mut line, details);
        json!(line).to_string()
    }

    fn level(&self, details: &mut Map<String, Json>) -> &'static str {
        let own = details.get("level").and_then(Json::as_str);
        let own = own.and_then(|own| LEVELS.into_iter().find(|level| *level == own));
        if own.is_some() {
            details.shift_remove("level");
        }
        let usual = if self.kind == "session" {
            "info"
        } else {
            "metric"
        };
        own.unwrap_or(usual)
    }

    /// Type and message.
    fn head(&self) -> (&str, String) {
        let with = |what: &str, label| format!("{what} {}", self.label(label).unwrap_or_default());
        match self.kind {
            "session" => ("session_created", "Session created".to_owned()),
            "stage" if self.has_begun => ("timing_started", with("Started timing", "stage")),
            "stage" => ("timing_completed", with("Completed timing", "stage")),
            "correction" => (
                "correction_recorded",
                with("Correction recorded:", "correction_type"),
            ),
            "system" => ("system_metric", with("System metric:", "metric_type")),
            "filter" => ("message_filtered", with("Message filtered:", "reason")),
            kind if self.has_begun => (kind, format!("Began {kind}")),
            kind => (kind, format!("Recorded {kind}")),
        }
    }

    fn put_columns(&self, line: &mut Map<String, Json>) {
        for column in &self.points.labels {
            let is_in_head = ["session_id", "user_id"].contains(&column.name.as_str());
            if let Some(text) = column.cells.get(self.place).filter(|_| !is_in_head) {
                put(line, self.name(&column.name), as_id(&column.name, text));
            }
        }
        for column in &self.points.values {
            if let Some(number) = number(&column.cells, self.place) {
                put(line, self.name(&column.name), number);
            }
        }
        let length = |name| self.points.value(name)?.get(self.place);
        if self.kind == "correction"
            && let (Some(before), Some(after)) =
                (length("original_length"), length("corrected_length"))
        {
            put(line, "length_change", json!((after - before) as i64));
        }
        let ok = self.points.ok[self.place];
        if ok != ABSENT {
            put(line, self.name("ok"), json!(ok == 1));
        }
    }

    /// What an application says besides.
    fn details(&self) -> Map<String, Json> {
        let text = self.points.details.text(self.place);
        match serde_json::from_str(text) {
            Ok(Json::Object(details)) => details,
            Ok(details) => Map::from_iter([("details".to_owned(), details)]),
            Err(_) => Map::new(),
        }
    }

    /// They take no other field's place.
    fn put_details(&self, line: &mut Map<String, Json>, mut details: Map<String, Json>) {
        if self.kind == "stage" && !self.has_begun {
            let error = details.shift_remove("error_message");
            let error = error.or_else(|| details.shift_remove("error"));
            put(line, "error_message", json!(error));
        }
        for (name, value) in details {
            put(line, &name, value);
        }
    }

    /// What that service calls it.
    fn name<'n>(&self, name: &'n str) -> &'n str {
        match (self.kind, name) {
            ("stage", DURATION) => "duration_ms",
            ("stage", "ok") => "success",
            ("filter", "reason") => "filtering_reason",
            _ => name,
        }
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.points.label(name)?.get(self.place)
    }
}

/// A name that is taken gets a `_` behind it.
fn put(line: &mut Map<String, Json>, name: &str, value: Json) {
    let mut name = name.to_owned();
    while line.contains_key(&name) {
        name.push('_');
    }
    line.insert(name, value);
}

fn as_id(name: &str, text: &str) -> Json {
    let number = text.parse::<i64>().ok();
    let same = number.filter(|number| NUMBERED.contains(&name) && number.to_string() == text);
    same.map_or_else(|| json!(text), |number| json!(number))
}

/// Whole numbers stay whole.
fn number(numbers: &Numbers, place: usize) -> Option<Json> {
    match numbers {
        Numbers::Fixed { decimals: 0, raw } => (raw[place] != ABSENT).then(|| json!(raw[place])),
        _ => numbers.get(place).map(|number| json!(number)),
    }
}
