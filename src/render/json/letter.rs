//! A letter as JSON: the day as in `show --json`, and the rest of the message.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use crate::entry::PartKey;
use crate::report::{
    Around, Content, Correction, Highlight, Letter, LiveAlert, NoNumbers, Report, Row, Rule,
    Undelivered, Verdict,
};

use super::{instant, number, object};
use crate::render::{alerts, words};

/// As `docs/report.schema.json` has it.
pub fn letter(letter: &Letter) -> Value {
    let zone = letter.time_zone();
    let mut all = match &letter.content {
        Content::Day(report) => day(report),
        Content::NoNumbers(none) => no_numbers(none),
    };
    all.insert("app".to_owned(), json!(letter.name));
    all.extend(around(&letter.around, zone));
    Value::Object(all)
}

/// The schema of [`letter`].
pub fn schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/report.schema.json"))
        .expect("the shipped schema is JSON")
}

fn day(report: &Report) -> Map<String, Value> {
    let metrics = report.rows.iter().map(|row| metric(row, report));
    let mut all = super::day(report, metrics);
    let highlights: Vec<Value> = report
        .highlights
        .iter()
        .filter_map(|one| Some(highlight(one, report.rows.get(one.row)?)))
        .collect();
    let more = json!({
        "verdict": verdict(report.verdict()),
        "counts": {
            "critical": report.counts.critical,
            "warnings": report.counts.warnings,
            "welcome": report.counts.welcome,
        },
        "matters": highlights,
        "as_usual": report.as_usual,
        "first": report.first,
        "known_day": report.known_day.as_ref().map(|day| &day.name),
        "day_start": instant(report.day_start, report.time_zone),
        "day_end": instant(report.day_end, report.time_zone),
        "collected_at": instant(report.collected_at, report.time_zone),
        "collection_duration_ms": report.duration_ms,
    });
    all.extend(object(more));
    all
}

fn metric(row: &Row, report: &Report) -> Map<String, Value> {
    let mut metric = super::metric(row, report.date);
    metric.insert("unit".to_owned(), json!(row.unit));
    if let Some(at) = row.provenance.observed_at {
        let at = instant(at, report.time_zone);
        metric.insert("counted_at".to_owned(), json!(at));
    }
    if let Some(nulls) = row.provenance.nulls {
        metric.insert("nulls".to_owned(), json!(nulls));
    }
    if let Some(usual) = row.usual {
        metric.insert("usual".to_owned(), super::usual(usual));
    }
    if let Some(until) = row.learning_until {
        metric.insert("learning_until".to_owned(), json!(until));
    }
    let trend: Vec<Value> = row
        .trend
        .iter()
        .map(|point| point.map_or(Value::Null, number))
        .collect();
    metric.insert("trend".to_owned(), Value::Array(trend));
    metric
}

fn highlight(highlight: &Highlight, row: &Row) -> Value {
    let (previous, previous_date) = match &highlight.rule {
        Rule::Change { previous, date, .. } => (Some(number(*previous)), Some(*date)),
        _ => (None, None),
    };
    let limit = match &highlight.rule {
        Rule::Absolute(limit) => Some(limit.to_string()),
        _ => None,
    };
    let mover = highlight.mover.as_ref().map(|mover| {
        let mut all = json!({
            "part": mover.part.as_deref().unwrap_or(PartKey::NO_VALUE),
            "change": number(mover.change),
            "of": number(mover.of),
        });
        if mover.part.is_none() {
            all["none"] = json!(true);
        }
        all
    });
    // The row has the exact value, the alert only the nearest binary fraction.
    let value = match &highlight.part {
        Some(_) => Some(number(highlight.value)),
        None => row.value.as_ref().map(crate::entry::Value::to_json),
    };
    let mut all = json!({
        "key": row.key,
        "severity": words::severity(highlight.severity),
        "state": words::state(highlight.state),
        "day": highlight.day,
        "welcome": highlight.welcome,
        "settled": highlight.settled,
        "rule": alerts::rule(highlight.rule.kind()),
        "limit": limit,
        "value": value,
        "previous": previous,
        "previous_date": previous_date,
        "mover": mover,
    });
    if let Some(part) = &highlight.part {
        all["part"] = super::judged::part(part);
        all["more_parts"] = json!(highlight.more_parts.len() + highlight.parts_left_out);
    }
    all
}

fn no_numbers(none: &NoNumbers) -> Map<String, Value> {
    object(json!({
        "schema": 1,
        "date": none.date,
        "time_zone": none.time_zone.name(),
        "verdict": "no_numbers",
        "reason": none.reason,
        "since": instant(none.since, none.time_zone),
    }))
}

fn around(around: &Around, zone: Tz) -> Map<String, Value> {
    let at = |instant: DateTime<Utc>| super::instant(instant, zone);
    let corrections: Vec<Value> = around.corrections.iter().map(correction).collect();
    let live_alerts: Vec<Value> = around
        .live_alerts
        .iter()
        .map(|alert| live_alert(alert, zone))
        .collect();
    let undelivered: Vec<Value> = around.undelivered.iter().map(self::undelivered).collect();
    let bad_addresses: Vec<Value> = around
        .bad_addresses
        .iter()
        .map(|(address, why)| json!({ "address": address, "why": why }))
        .collect();
    object(json!({
        "corrections": corrections,
        "also": around.also,
        "live_alerts": live_alerts,
        "undelivered": undelivered,
        "bad_addresses": bad_addresses,
        "stale_recipients": around.stale_recipients,
        "next_due": around.next_due.map(at),
        "link": around.link,
    }))
}

fn correction(correction: &Correction) -> Value {
    json!({
        "date": correction.date,
        "key": correction.key,
        "label": correction.label,
        "unit": correction.unit,
        "mailed": number(correction.mailed),
        "now": number(correction.now),
    })
}

fn live_alert(alert: &LiveAlert, zone: Tz) -> Value {
    json!({
        "alert": alert.key,
        "label": alert.label,
        "severity": words::severity(alert.severity),
        "value": alert.value.map(number),
        "unit": alert.unit,
        "limit": alert.limit.map(|limit| limit.to_string()),
        "times": alert.times,
        "since": instant(alert.since, zone),
        "until": alert.until.map(|until| instant(until, zone)),
    })
}

fn undelivered(undelivered: &Undelivered) -> Value {
    json!({
        "date": undelivered.date,
        "channel": undelivered.channel,
        "recipient": undelivered.recipient,
        "in_doubt": undelivered.in_doubt,
        "reply": undelivered.reply,
    })
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Open => "open",
        Verdict::Critical => "critical",
        Verdict::Warning => "warning",
        Verdict::Incomplete => "incomplete",
        Verdict::Ok => "ok",
    }
}
