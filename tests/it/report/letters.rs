//! A letter as JSON: all that `show --json` has, with what a message says around it.

use chrono::{DateTime, Utc};
use daybook::entry::{Entry, Part, PartKey, Provenance, Reading, Value};
use daybook::render::json;
use daybook::report::{
    Around, Content, Correction, Letter, LiveAlert, NoNumbers, Report, Severity, Undelivered,
};
use serde_json::{Value as Json, json};

use super::{SCHEMA, letter, letter_json, many, told};
use crate::stored_days::{catalog, date, day, n, number, one_metric, series, with};

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn around() -> Around {
    Around {
        corrections: vec![Correction {
            date: date("2025-10-01"),
            key: "n".to_owned(),
            label: "New users".to_owned(),
            unit: String::new(),
            decimals: None,
            mailed: 431.0,
            now: 447.5,
        }],
        also: vec![date("2025-10-01"), date("2025-10-02")],
        live_alerts: vec![LiveAlert {
            key: "checkout_slow".to_owned(),
            label: "Slow checkout, zh".to_owned(),
            unit: "ms".to_owned(),
            decimals: Some(0),
            severity: Severity::Critical,
            value: Some(6104.0),
            limit: None,
            times: 2,
            since: instant("2025-10-03T12:05:00Z"),
            until: None,
        }],
        undelivered: vec![Undelivered {
            date: date("2025-10-02"),
            channel: "email".to_owned(),
            recipient: "bea@example.org".to_owned(),
            in_doubt: false,
            reply: "550 No such user".to_owned(),
        }],
        bad_addresses: vec![("ada@".to_owned(), "no domain".to_owned())],
        stale_recipients: Some("database away".to_owned()),
        next_due: Some(instant("2025-10-05T04:30:00Z")),
        link: Some("https://daybook.example.org/".to_owned()),
    }
}

fn around_json() -> Json {
    json!({
        "corrections": [{ "date": "2025-10-01", "key": "n", "label": "New users", "unit": "",
                          "mailed": 431, "now": 447.5 }],
        "also": ["2025-10-01", "2025-10-02"],
        "live_alerts": [{ "alert": "checkout_slow", "label": "Slow checkout, zh", "severity": "critical", "value": 6104,
                          "unit": "ms", "limit": null, "times": 2, "since": "2025-10-03T14:05:00+02:00", "until": null }],
        "undelivered": [{ "date": "2025-10-02", "channel": "email", "recipient": "bea@example.org",
                          "in_doubt": false, "reply": "550 No such user" }],
        "bad_addresses": [{ "address": "ada@", "why": "no domain" }],
        "stale_recipients": "database away",
        "next_due": "2025-10-05T06:30:00+02:00",
        "link": "https://daybook.example.org/",
    })
}

fn failed_night() -> Letter {
    let none = NoNumbers {
        date: date("2025-10-03"),
        time_zone: chrono_tz::Europe::Zurich,
        reason: "PostgreSQL unreachable".to_owned(),
        since: instant("2025-10-03T22:15:00Z"),
    };
    Letter {
        name: "Beryl".to_owned(),
        content: Content::NoNumbers(none),
        around: around(),
    }
}

/// Every key of the first stands in the second, with the same value or more inside.
fn is_within(less: &Json, more: &Json) -> bool {
    match (less, more) {
        (Json::Object(less), Json::Object(more)) => less
            .iter()
            .all(|(key, value)| more.get(key).is_some_and(|other| is_within(value, other))),
        (Json::Array(less), Json::Array(more)) => {
            less.len() == more.len()
                && less
                    .iter()
                    .zip(more)
                    .all(|(less, more)| is_within(less, more))
        }
        _ => less == more,
    }
}

/// A day with everything that a metric can be.
fn motley() -> Report {
    let catalog = catalog(
        r#"
        [tables.items]
        name = "items"

        [[metrics]]
        key = "items"
        table = "items"
        count = "*"

        [[metrics]]
        key = "by_kind"
        table = "items"
        count = "*"
        by = { column = "kind" }

        [[metrics]]
        key = "disk"
        sql = "SELECT 1"
        unit = "bytes"

        [[metrics]]
        key = "backups"
        sql = "SELECT 1"
        alert = { critical = "< 1" }
        "#,
    );
    let parts = |books: i64, other: i64| {
        let part = |key: Option<&str>, label: &str, count: i64| Part {
            key: key.map_or(PartKey::Other, |key| PartKey::Value(key.to_owned())),
            label: label.to_owned(),
            count: count.into(),
        };
        let parts = vec![part(Some("b"), "Books", books), part(None, "", other)];
        Reading::observed(Some(Value::Parts(parts)))
    };
    let fill = |on: &str, items: &str, by: Reading| {
        let entry = with(with(day(on), "items", number(items)), "by_kind", by);
        with(entry, "disk", number("9007199254740993"))
    };
    let before = fill("2025-10-02", "100", parts(95, 5));
    let mut today = fill("2025-10-03", "46", parts(42, 4));
    today = with(today, "backups", number("0"));
    today.readings.get_mut("items").unwrap().provenance = Provenance {
        observed_at: Some(instant("2025-10-03T22:15:00Z")),
        nulls: Some(3),
        ..Provenance::default()
    };
    today.duration_ms = 412;
    told(&[before, today], &catalog)
}

#[test]
fn a_letter_has_all_that_show_has() {
    let (entries, catalog) = many();
    for report in [motley(), told(&entries, &catalog)] {
        let (show, letter) = (json::show(&report), letter_json(&letter(report)));
        assert!(is_within(&show, &letter), "{show:#}\n{letter:#}");
    }
}

#[test]
fn a_day_as_a_letter_says_how_it_was_judged() {
    let told = letter_json(&letter(motley()));
    let head = |key: &str| told[key].clone();
    assert_eq!(head("app"), "Beryl");
    assert_eq!(head("verdict"), "critical");
    assert_eq!(
        head("counts"),
        json!({ "critical": 2, "warnings": 0, "welcome": 0 })
    );
    assert_eq!(head("as_usual"), 2);
    assert_eq!(
        (head("first"), head("known_day")),
        (json!(false), json!(null))
    );
    assert_eq!(head("day_start"), "2025-10-03T00:00:00+02:00");
    assert_eq!(head("day_end"), "2025-10-04T00:00:00+02:00");
    assert_eq!(head("collected_at"), "2025-10-04T00:00:00+02:00");
    assert_eq!(head("collection_duration_ms"), 412);
    assert_eq!(
        head("matters"),
        json!([
            { "key": "backups", "severity": "critical", "state": "new", "day": 1, "welcome": false, "settled": false,
              "rule": "absolute", "limit": "< 1", "value": 0, "previous": null,
              "previous_date": null, "mover": null },
            { "key": "items", "severity": "critical", "state": "new", "day": 1, "welcome": false, "settled": false,
              "rule": "1 day", "limit": null, "value": 46, "previous": 100,
              "previous_date": "2025-10-02", "mover": { "part": "Books", "change": -53, "of": -54 } },
        ])
    );
    assert_eq!(head("also"), json!([]));
    assert_eq!(head("next_due"), json!(null));
}

#[test]
fn metrics_of_a_letter_have_their_unit_trend_and_when_they_were_counted() {
    let told = letter_json(&letter(motley()));
    let metrics = told["metrics"].as_array().unwrap();
    assert_eq!(metrics[0]["counted_at"], "2025-10-04T00:15:00+02:00");
    assert_eq!(
        (&metrics[0]["nulls"], &metrics[0]["unit"]),
        (&json!(3), &json!(""))
    );
    let trend = metrics[0]["trend"].as_array().unwrap();
    assert_eq!(trend.len(), 30);
    assert_eq!(trend[27..], [json!(null), json!(100), json!(46)]);
    assert_eq!(metrics[1]["trend"], json!([]));
    assert_eq!(metrics[1]["value"][1], json!({ "other": true, "count": 4 }));
    assert_eq!(metrics[2]["unit"], "bytes");
    // Beyond what a binary fraction holds.
    assert_eq!(metrics[2]["value"].to_string(), "9007199254740993");
    assert!(metrics.iter().all(|metric| metric.get("usual").is_none()));
}

#[test]
fn a_letter_says_what_is_usual_once_that_is_known() {
    let week = "100 100 100 100 100 100 100 ";
    let entries = series("2025-09-01", &week.repeat(5));
    let told = letter_json(&letter(told(&entries, &one_metric(""))));
    // What never moved may by its root.
    assert_eq!(
        told["metrics"][0]["usual"],
        json!({ "low": 90, "high": 110 })
    );
    assert_eq!(told["verdict"], "ok");
}

#[test]
fn a_letter_says_what_is_to_be_said_around_the_numbers() {
    let mut letter = letter(told(&[n("2025-10-03", "7")], &one_metric("")));
    letter.around = around();
    assert!(is_within(&around_json(), &letter_json(&letter)));
}

#[test]
fn a_failed_night_says_what_failed_and_since_when() {
    let mut expected = json!({
        "schema": 1,
        "date": "2025-10-03",
        "time_zone": "Europe/Zurich",
        "verdict": "no_numbers",
        "reason": "PostgreSQL unreachable",
        "since": "2025-10-04T00:15:00+02:00",
        "app": "Beryl",
    });
    let around = around_json();
    let around = around.as_object().unwrap().clone();
    expected.as_object_mut().unwrap().extend(around);
    assert_eq!(letter_json(&failed_night()), expected);
}

#[test]
fn letters_of_odd_days_keep_to_the_schema() {
    let open = |mut entry: Entry| {
        entry.partial = true;
        entry.as_of = instant("2025-10-03T12:30:15.123456Z");
        entry
    };
    let evil = "<script>\u{0}\u{202e}\r\n\"'👩‍🚀";
    let days: Vec<Vec<Entry>> = vec![
        vec![n("2025-10-03", "7")],
        vec![open(n("2025-10-03", "7"))],
        vec![n("2025-10-26", "7")],
        vec![n("2025-03-30", "7")],
        vec![day("2025-10-03")],
        vec![with(day("2025-10-03"), "n", Reading::failed(evil))],
        vec![with(day("2025-10-03"), "n", Reading::observed(None))],
        series("2025-09-01", "0 5 -3 0.5 0 0 1000000000000000000 - 3 3"),
    ];
    for entries in days {
        let lines = "alert = { warning = \"> 5\", percent = { min_base = 0, min_change = 0 } }\n\
                     [[calendar]]\ndate = \"2025-10-26\"\nname = \"Clock change\"";
        for back in 0..entries.len() {
            let mut letter = letter(told(&entries[..=back], &one_metric(lines)));
            letter.name = evil.to_owned();
            letter_json(&letter);
        }
    }
}

#[test]
fn the_schema_is_strict() {
    let day = letter_json(&letter(motley()));
    let night = letter_json(&failed_night());
    let changed = |letter: &Json, pointer: &str, key: &str, value: Json| {
        let mut letter = letter.clone();
        let object = letter.pointer_mut(pointer).unwrap();
        object
            .as_object_mut()
            .unwrap()
            .insert(key.to_owned(), value);
        letter
    };
    let wrong = [
        changed(&day, "", "extra", json!(1)),
        changed(&day, "", "schema", json!(2)),
        changed(&day, "", "verdict", json!("no_numbers")),
        changed(&day, "", "next_due", json!("tomorrow")),
        changed(&day, "/counts", "minor", json!(0)),
        changed(&day, "/metrics/0", "extra", json!(1)),
        changed(&day, "/metrics/0", "value", json!("46")),
        changed(&day, "/metrics/0/changes", "2", json!({})),
        changed(&day, "/matters/1/mover", "share", json!(0.98)),
        changed(&night, "", "metrics", json!([])),
        changed(&night, "", "verdict", json!("ok")),
    ];
    for letter in wrong {
        assert!(!SCHEMA.is_valid(&letter), "{letter:#}");
    }
    for key in day.as_object().unwrap().keys() {
        let mut letter = day.clone();
        letter.as_object_mut().unwrap().shift_remove(key);
        assert!(!SCHEMA.is_valid(&letter), "without {key}");
    }
}

#[test]
fn the_schema_declares_its_draft_and_closes_every_object() {
    let schema = json::schema();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    let mut open = Vec::new();
    objects(&schema, "", &mut open);
    assert!(open.is_empty(), "{open:?}");
}

fn objects(schema: &Json, path: &str, open: &mut Vec<String>) {
    if schema["type"] == "object" && schema["additionalProperties"] != false {
        open.push(path.to_owned());
    }
    match schema {
        Json::Object(inner) => inner
            .iter()
            .for_each(|(key, inner)| objects(inner, &format!("{path}/{key}"), open)),
        Json::Array(inner) => inner.iter().for_each(|inner| objects(inner, path, open)),
        _ => {}
    }
}
