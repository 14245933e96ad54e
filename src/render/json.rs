//! The JSON of `show`, and of letters.

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

/// Rows that splits leave out; none without any.
fn unlisted(report: &Report) -> Option<(String, Value)> {
    let one = |one: &Unlisted| json!({ "split": one.split, "column": one.column, "rows": one.rows, "values": one.values });
    let all: Vec<Value> = report.unlisted.iter().map(one).collect();
    (!all.is_empty()).then(|| ("unlisted".to_owned(), Value::Array(all)))
}

fn day(report: &Report, metrics: impl Iterator<Item = Map<String, Value>>) -> Map<String, Value> {
    let mut all = object(json!({
        "schema": 1,
        "date": report.date,
        "as_of": instant(report.as_of, report.time_zone),
        "partial": report.partial,
        "time_zone": report.time_zone.name(),
        "hours": number(report.hours),
        "metrics": metrics.collect::<Vec<_>>(),
        "alerts": alerts::json(report),
    }));
    all.extend(unlisted(report));
    all
}

fn metric(row: &Row, date: NaiveDate) -> Map<String, Value> {
    let changes = row.changes.iter();
    let changes = changes.map(|one| (one.days.to_string(), change(one, date)));
    let mut metric = object(json!({
        "key": row.key,
        "label": row.label,
        "section": row.section,
        "value": row.value.as_ref().map(crate::entry::Value::to_json),
        "provenance": row.provenance.kind.word(),
    }));
    if let Some(reason) = &row.provenance.reason {
        metric.insert("reason".to_owned(), json!(reason));
    }
    metric.insert("changes".to_owned(), changes.collect());
    if let Some(twin) = &row.twin {
        let twin = json!({
            "key": twin.key,
            "value": twin.value.to_json(),
            "difference": twin.difference.to_json(),
        });
        metric.insert("same_as".to_owned(), twin);
    }
    metric
}

fn change(change: &Change, date: NaiveDate) -> Value {
    let difference = change.difference();
    let direction = difference.map(|difference| match difference.direction {
        Direction::Up => "up",
        Direction::Down => "down",
        Direction::Unchanged => "unchanged",
    });
    let severity = difference.and_then(|difference| difference.severity);
    let mut all = json!({
        "date": change.date,
        "previous": change.previous.map(number),
        "change": difference.map(|difference| number(difference.change)),
        "percent": difference.and_then(|difference| difference.percent).map(number),
        "direction": direction,
        "severity": severity.map(words::severity),
    });
    if let Some(held) = difference.and_then(|difference| difference.held.as_ref()) {
        all["held"] = judged::held(held);
    }
    if let Some(state) = state(change, date) {
        all["state"] = json!(state);
    }
    all
}

/// The reason for a number that is missing, or for a change that does not alert.
fn state(change: &Change, date: NaiveDate) -> Option<String> {
    let word = match &change.outcome {
        Outcome::NoneThen(gap) | Outcome::NoneNow(gap) => words::english().gap(*gap),
        Outcome::Compared(difference) if difference.is_new() => "new",
        Outcome::Compared(difference) if difference.direction == Direction::Unchanged => {
            "unchanged"
        }
        Outcome::Compared(difference) => match difference.suppression? {
            Suppression::Usual => words::speech().usual(date),
            suppression => words::english().suppression(suppression),
        },
    };
    Some(word.to_owned())
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn instant(instant: DateTime<Utc>, zone: Tz) -> String {
    instant.with_timezone(&zone).to_rfc3339()
}
