//! What a refresh changed.

use serde_json::{Value as Json, json};

use crate::calendar::spoken;
use crate::commands::output::number;
use crate::entry::{Part, PartKey, Value};
use crate::nightly::{Change, DayDone};
use crate::text::counted::counted;

/// The most parts of a distribution in a line.
const PARTS: usize = 3;

/// `2 of 7 days changed`, then a line for each number: `Fri 3 Oct 2025: new_orders_24h 431 → 447`.
pub(super) fn lines(refreshed: &[&DayDone]) -> Vec<String> {
    let changed = refreshed.iter().filter(|day| !changes(day).is_empty());
    let all = counted(refreshed.len(), "day");
    let mut lines = vec![match changed.count() {
        0 => format!("nothing changed in {all}"),
        count => format!("{count} of {all} changed"),
    }];
    for day in refreshed {
        let each = changes(day).iter();
        lines.extend(each.map(|change| format!("{}: {}", spoken(day.date), words(change))));
    }
    lines
}

pub(super) fn as_json(change: &Change) -> Json {
    let value = |value: &Option<Value>| value.as_ref().map_or(Json::Null, Value::to_json);
    json!({ "key": change.key, "was": value(&change.was), "now": value(&change.now) })
}

fn changes(day: &DayDone) -> &[Change] {
    day.changes.as_deref().unwrap_or_default()
}

fn words(change: &Change) -> String {
    let key = &change.key;
    match (&change.was, &change.now) {
        (Some(Value::Parts(was)), Some(Value::Parts(now))) => format!("{key} {}", moved(was, now)),
        (was, now) => {
            let [was, now] = [was, now].map(|value| number(value.as_ref(), "no value"));
            format!("{key} {was} → {now}")
        }
    }
}

/// `paid 3 → 4, open 2 → 1`
fn moved(was: &[Part], now: &[Part]) -> String {
    let count = |parts: &[Part], key: &PartKey| {
        let part = parts.iter().find(|part| part.key == *key);
        part.map_or_else(|| Value::Whole(0), |part| Value::from_decimal(part.count))
    };
    let gone = was
        .iter()
        .filter(|old| !now.iter().any(|part| part.key == old.key));
    let mut moved: Vec<String> = Vec::new();
    for part in now.iter().chain(gone) {
        let (before, after) = (count(was, &part.key), count(now, &part.key));
        if before != after {
            let label = match &part.key {
                PartKey::Value(key) => key,
                PartKey::None => PartKey::NO_VALUE,
                PartKey::Other => "other",
            };
            let [before, after] = [before, after].map(|count| number(Some(&count), ""));
            moved.push(format!("{label} {before} → {after}"));
        }
    }
    let more = moved.len().saturating_sub(PARTS);
    moved.truncate(PARTS);
    if more > 0 {
        moved.push(format!("and {more} more"));
    }
    moved.join(", ")
}
