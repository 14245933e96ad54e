//! A record of the bot service, from its database or its log: the event it becomes, and by what it is known again.

use chrono_tz::Tz;
use serde_json::{Map, Value as Json};

use super::super::compat::bot;
use super::super::event::{self, Event, Hash, hash};
use super::super::store::Identity;
use super::row::{Key, Read};

/// What tells records apart that have the same id in the same session: ids of eight digits come twice.
const APART: [(&str, &str, &str); 3] = [
    ("stage", "stage", "duration"),
    ("correction", "correction_type", "processing_time_ms"),
    ("filter", "reason", "message_length"),
];
/// The log tells of a number of the system so many seconds after the database at most.
const LAG: i64 = 2;

/// Who tells of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Teller {
    Database,
    Log,
}

pub(super) fn read(
    fields: Map<String, Json>,
    metadata: Option<Json>,
    zone: Tz,
    teller: Teller,
) -> Read {
    let is_system = fields.get("event_type").and_then(Json::as_str) == Some("system_metric");
    let text = match bot::id(&fields) {
        Some(_) if !is_system => String::new(),
        _ => Json::Object(fields.clone()).to_string(),
    };
    let tags = fields.get("tags").cloned();
    match bot::record(fields, metadata, zone) {
        Err(refused) => Read::Refused(refused),
        Ok(None) => Read::PassedOver,
        Ok(Some(event)) => {
            let identity = identity(&event, &text, tags, teller);
            Read::Event(Box::new(event), Key::Record(identity))
        }
    }
}

fn identity(event: &Event<'_>, text: &str, tags: Option<Json>, teller: Teller) -> Identity {
    let id = event.id.as_deref();
    let own = match (&*event.kind, id) {
        ("session", _) => label(event, "session_id").map(str::to_owned),
        ("system", _) => return system(event, text, tags, teller),
        (kind, Some(id)) => apart(event, kind, id),
        _ => None,
    };
    Identity {
        // What has no id is the same if all of it is, letter by letter.
        own: hash_of(&event.kind, own.as_deref().unwrap_or(text)),
        alias: None,
        others: Vec::new(),
        id: id.and_then(|id| event::id(&event.kind, id).ok()),
    }
}

fn apart(event: &Event<'_>, kind: &str, id: &str) -> Option<String> {
    let (_, sort, value) = APART.iter().find(|(of, ..)| *of == kind)?;
    let sort = label(event, sort).unwrap_or_default();
    let number = value_of(event, value);
    Some(format!("{id}\0{sort}\0{number:?}"))
}

/// Without an id: the log's line is known by the database's row of the same number, if it comes within seconds.
fn system(event: &Event<'_>, text: &str, tags: Option<Json>, teller: Teller) -> Identity {
    let second = event.at.unwrap_or_default().timestamp();
    let tags = tags.filter(|tags| !tags.is_null() && *tags != Json::Object(Map::new()));
    let number = value_of(event, "value");
    let sort = label(event, "metric_type").unwrap_or_default();
    let near = |teller: Teller, second: i64| {
        let tags = tags.as_ref().map(Json::to_string).unwrap_or_default();
        let text = format!("{teller:?}\0{second}\0{sort}\0{number:?}\0{tags}");
        hash_of("system", &text)
    };
    let others: Vec<Hash> = match teller {
        Teller::Database => (second..=second + LAG)
            .map(|second| near(Teller::Log, second))
            .collect(),
        Teller::Log => (second - LAG..=second)
            .map(|second| near(Teller::Database, second))
            .collect(),
    };
    Identity {
        own: hash_of("system", &format!("{teller:?}\0{text}")),
        alias: Some(near(teller, second)),
        others,
        id: None,
    }
}

fn label<'e>(event: &'e Event<'_>, name: &str) -> Option<&'e str> {
    let label = event.labels.iter().find(|(known, _)| known == name);
    label.map(|(_, text)| &**text)
}

fn value_of(event: &Event<'_>, name: &str) -> Option<f64> {
    let value = event.values.iter().find(|(known, _)| known == name);
    value.map(|(_, number)| number.as_float())
}

fn hash_of(kind: &str, text: &str) -> Hash {
    hash(&format!("moved {kind}"), text)
}
