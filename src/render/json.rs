//! `show --json`, as its contract has it, and the letter, which has more.

pub(super) mod judged;
mod letter;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use crate::report::{Change, Direction, Outcome, Report, Row, Suppression, Unlisted};

use super::{alerts, words};

use judged::{number, usual};

pub use letter::{letter, schema};

pub fn show(report: &Report) -> Value {
    let metrics = report.rows.iter().map(|row| metric(row, report.date));
    Value::Object(day(report, metrics))
}

/// Rows that splits leave out; nothing where there are none.
fn unlisted(report: &Report) -> Option<(String, Value)> {
    let one = |one: &Unlisted| json!({ "split": one.split, "column": one.column, "rows": one.rows, "values": one.values });
    let all: Vec<Value> = report.unlisted.iter().map(one).collect();
    (!all.is_empty()).then(|| ("unlisted".to_owned(), Value::Array(all)))
}

fn day(report: &Report, metrics: impl Iterator<Item = Map<String, Value>>) -> Map<String, Value> {
    let instant = |at: DateTime<Utc>| instant(at, report.time_zone);
    [
        ("schema", json!(1)),
        ("date", json!(report.date)),
        ("as_of", json!(instant(report.as_of))),
        ("partial", json!(report.partial)),
        ("time_zone", json!(report.time_zone.name())),
        ("hours", number(report.hours)),
        ("metrics", metrics.map(Value::Object).collect()),
        ("alerts", alerts::json(report)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into_iter()
    .chain(unlisted(report))
    .collect()
}

fn metric(row: &Row, date: NaiveDate) -> Map<String, Value> {
    let mut metric = Map::new();
    metric.insert("key".to_owned(), json!(row.key));
    metric.insert("label".to_owned(), json!(row.label));
    metric.insert("section".to_owned(), json!(row.section));
    let value = row.value.as_ref().map(crate::entry::Value::to_json);
    metric.insert("value".to_owned(), json!(value));
    metric.insert("provenance".to_owned(), json!(row.provenance.kind.word()));
    if let Some(reason) = &row.provenance.reason {
        metric.insert("reason".to_owned(), json!(reason));
    }
    let changes: Map<String, Value> = row
        .changes
        .iter()
        .map(|told| (told.days.to_string(), change(told, date)))
        .collect();
    metric.insert("changes".to_owned(), Value::Object(changes));
    metric
}

fn change(told: &Change, date: NaiveDate) -> Value {
    let difference = told.difference();
    let direction = difference.map(|difference| match difference.direction {
        Direction::Up => "up",
        Direction::Down => "down",
        Direction::Unchanged => "unchanged",
    });
    let severity = difference.and_then(|difference| difference.severity);
    let mut change = json!({
        "date": told.date,
        "previous": told.previous.map(number),
        "change": difference.map(|difference| number(difference.change)),
        "percent": difference.and_then(|difference| difference.percent).map(number),
        "direction": direction,
        "severity": severity.map(words::severity),
    });
    if let Some(held) = difference.and_then(|difference| difference.held.as_ref()) {
        change["held"] = judged::held(held);
    }
    if let Some(state) = state(told, date) {
        change["state"] = json!(state);
    }
    change
}

/// Why the numbers are as they are, where they do not say it themselves.
fn state(change: &Change, date: NaiveDate) -> Option<String> {
    let word = match &change.outcome {
        Outcome::NoneThen(gap) | Outcome::NoneNow(gap) => words::gap(*gap),
        Outcome::Compared(difference) if difference.is_new() => "new",
        Outcome::Compared(difference) if difference.direction == Direction::Unchanged => {
            "unchanged"
        }
        Outcome::Compared(difference) => match difference.suppression? {
            Suppression::Usual => return Some(words::usual_for(date)),
            suppression => words::suppression(suppression),
        },
    };
    Some(word.to_owned())
}

fn instant(instant: DateTime<Utc>, zone: Tz) -> String {
    instant.with_timezone(&zone).to_rfc3339()
}
