//! Points become changes to Redis keys: texts, numbers and expiries as they are sent.

mod generic;
mod hosts;

use chrono::{DateTime, Utc};
use daybook::live::columns::{Columns, Texts};
use daybook::live::compat::moderation as bot;
use daybook::live::event::{self, Event};
use daybook::live::redis::changes::Changes;
use daybook::live::redis::moderation;
use serde_json::{Value as Json, json};
use support::redis::Sent;

use super::kinds;

fn now() -> DateTime<Utc> {
    "2024-06-01T00:00:00Z".parse().unwrap()
}

fn kept(kind: &str, events: impl IntoIterator<Item = Event<'static>>) -> Columns {
    let kind = &kinds()[kind];
    let mut points = Columns::new(kind);
    for event in events {
        event::add_old(&event, kind, now(), &mut points).unwrap();
    }
    points
}

fn scans(lines: &[Json]) -> Columns {
    let read = |line: &Json| bot::event(line.to_string().as_bytes()).unwrap();
    kept("scan", lines.iter().map(read))
}

fn layout(later: bool) -> moderation::Layout {
    moderation::Layout {
        prefix: "p".to_owned(),
        stream: "scans".to_owned(),
        bound: Some(moderation::Bound {
            most: 5,
            roughly: true,
        }),
        later,
    }
}

fn flagged_video() -> Json {
    json!({
        "occurred_at": "2024-01-01T12:00:00.5Z", "guild_id": 123, "content_type": "video/x y",
        "status": "unsupported_type", "file_size": 1500, "scan_duration_ms": 120, "accelerated": true,
        "scanner": "s", "scan_result": { "is_nsfw": true, "score": 0.00001, "video_frames_scanned": 15 },
    })
}

fn texts(parts: &[Vec<u8>]) -> Vec<&str> {
    let text = |part| std::str::from_utf8(part).unwrap();
    parts.iter().map(|part| text(part)).collect()
}

fn call(fill: impl FnOnce(&mut Changes)) -> Sent {
    let mut changes = Changes::new("p");
    fill(&mut changes);
    sent(changes)
}

fn sent(changes: Changes) -> Sent {
    let call = changes.call("web1", "", "7.0", 9);
    Sent::of(call.keys.bytes(), call.arguments.bytes())
}

/// The parts of the changes of this letter to this key.
fn changed(call: &Sent, letter: &str, key: &str) -> Vec<String> {
    let keys = texts(&call.keys);
    let mut rest = &texts(&call.arguments)[4..];
    let mut found = Vec::new();
    while let [own, number, count, ..] = rest {
        let (parts, behind) = rest[3..].split_at(count.parse().unwrap());
        if *own == letter && keys[number.parse::<usize>().unwrap() - 1] == key {
            found.extend(parts.iter().map(|part| (*part).to_owned()));
        }
        rest = behind;
    }
    found
}

#[test]
fn a_scan_in_the_documented_form() {
    let call = call(|changes| {
        moderation::add(changes, &scans(&[flagged_video()]), &layout(false), now());
    });
    let details = r#"{"scanner": "s", "accelerated": true, "flags_count": 1, "scan": {"is_nsfw": true, "score": 1e-05, "video_frames_scanned": 15}, "file": {"name": null, "mime": null, "size_bytes": 1500}, "source": null, "channel_id": null, "user_id": null, "message_id": null, "context": null, "status": "unsupported_type", "was_flagged": true, "occurred_at": "2024-01-01T12:00:00.500000+00:00", "reference": null}"#;
    let event = format!(
        r#"{{"occurred_at": "2024-01-01T12:00:00.500000+00:00", "metric_date": "2024-01-01", "guild_id": 123, "content_type": "video/x y", "status": "unsupported_type", "was_flagged": true, "flags_count": 1, "file_size": 1500, "scan_duration_ms": 120, "reference": null, "details": {details}}}"#
    );
    let rollup = "p:rollup:2024-01-01:123:video%2Fx%20y";
    let status = format!("{rollup}:status");
    let keys = [
        "p:applied",
        "p:applied:until",
        "scans",
        "p:totals",
        "p:totals:status",
        &status,
        rollup,
        "p:rollups:index",
        "p:rollups:index:guild:123",
    ];
    assert_eq!(texts(&call.keys), keys);
    let mut expected = vec!["web1", "", "7.0", "9", "x", "3", "2", "~5", &event];
    expected.extend(["h", "4", "2", "updated_at", "2024-06-01T00:00:00+00:00"]);
    let counts = [
        "scans_count",
        "1",
        "flagged_count",
        "1",
        "flags_sum",
        "1",
        "total_bytes",
        "1500",
        "total_duration_ms",
        "120",
    ];
    for (status, key) in [("5", "4"), ("6", "7")] {
        expected.extend(["a", status, "2", "unsupported_type", "1", "a", key, "10"]);
        expected.extend(counts);
    }
    let at = "1704110400500000";
    for key in ["4", "7"] {
        expected.extend(["l", key, "6", "last_us", at, "last_duration_ms", "120"]);
        expected.extend(["last_status", "unsupported_type"]);
        expected.extend(["l", key, "4", "last_details_us", at, "last_details"]);
        expected.push(details);
        expected.extend(["l", key, "6", "last_flagged_us", at, "last_flagged_at"]);
        expected.extend(["2024-01-01T12:00:00.500000+00:00", "last_reference", ""]);
    }
    for index in ["8", "9"] {
        expected.extend(["z", index, "2", "738886", rollup]);
    }
    assert_eq!(texts(&call.arguments), expected);
}

#[test]
fn a_scan_in_the_later_form_counts_also_for_all_guilds_and_by_acceleration() {
    let call = call(|changes| {
        moderation::add(changes, &scans(&[flagged_video()]), &layout(true), now());
    });
    let details = r#"{"scanner": "s", "accelerated": true, "flags_count": 1, "scan": {"is_nsfw": true, "score": 1e-05, "video_frames_scanned": 15}, "workload": {"bytes": 1500, "duration_ms": 120, "frames_scanned": 15}, "status": "unsupported_type", "was_flagged": true, "occurred_at": "2024-01-01T12:00:00.500000+00:00"}"#;
    let event = format!(
        r#"{{"occurred_at": "2024-01-01T12:00:00.500000+00:00", "metric_date": "2024-01-01", "guild_id": 123, "content_type": "video/x y", "status": "unsupported_type", "was_flagged": true, "flags_count": 1, "file_size": 1500, "scan_duration_ms": 120, "details": {details}, "accelerated": true, "frames_scanned": 15, "frames_target": null, "frames_media_total": null}}"#
    );
    assert_eq!(changed(&call, "x", "scans"), ["~5", &event]);
    let counts = [
        ("scans_count", "1"),
        ("flagged_count", "1"),
        ("flags_sum", "1"),
        ("total_bytes", "1500"),
        ("total_duration_ms", "120"),
        ("total_bytes_sq", "2250000"),
        ("total_duration_sq_ms", "14400"),
        ("total_frames_scanned", "15"),
    ];
    let mut expected = Vec::new();
    for prefix in ["", "accelerated_"] {
        for (name, count) in counts {
            expected.extend([format!("{prefix}{name}"), count.to_owned()]);
        }
    }
    for guild in ["123", "0"] {
        let rollup = format!("p:rollup:2024-01-01:{guild}:video%2Fx%20y");
        assert_eq!(changed(&call, "a", &rollup), expected);
        let index = format!("p:rollups:index:guild:{guild}");
        assert_eq!(changed(&call, "z", &index), ["738886", &rollup]);
    }
    assert_eq!(changed(&call, "a", "p:totals"), expected);
}

#[test]
fn a_guild_that_is_no_number_is_guild_0() {
    let mut points = scans(&[flagged_video()]);
    // As the store keeps the guild after the ten-thousandth.
    points.labels.iter_mut().for_each(|column| {
        if column.name == "guild" {
            column.cells = Texts::coded();
            column.cells.push("other");
        }
    });
    let call = call(|changes| moderation::add(changes, &points, &layout(true), now()));
    let keys = texts(&call.keys);
    assert!(keys.contains(&"p:rollup:2024-01-01:0:video%2Fx%20y"));
    assert!(keys.iter().all(|key| !key.contains("other")));
    let event = &changed(&call, "x", "scans")[1];
    assert_eq!(serde_json::from_str::<Json>(event).unwrap()["guild_id"], 0);
}

#[test]
fn sums_of_any_size_are_exact() {
    let most = i128::from(i64::MAX);
    let mut large = flagged_video();
    large["file_size"] = json!(i64::MAX);
    let points = scans(&vec![large; 5]);
    let call = call(|changes| moderation::add(changes, &points, &layout(true), now()));
    let parts = changed(&call, "a", "p:totals");
    let squares = parts.chunks(2).filter(|pair| pair[0] == "total_bytes_sq");
    let squares: Vec<i128> = squares.map(|pair| pair[1].parse().unwrap()).collect();
    // Three do not fit into one number.
    assert_eq!(squares, [2 * most * most, 2 * most * most, most * most]);
    let bytes = parts.chunks(2).find(|pair| pair[0] == "total_bytes");
    assert_eq!(bytes.unwrap()[1], (5 * most).to_string());
}

#[test]
fn the_size_of_a_batch_is_known_roughly() {
    let lines: Vec<Json> = (0..200)
        .map(|guild| {
            let mut line = flagged_video();
            line["guild_id"] = json!(guild % 7);
            line
        })
        .collect();
    let mut changes = Changes::new("p");
    assert_eq!(changes.bytes(), 0);
    moderation::add(&mut changes, &scans(&lines), &layout(true), now());
    let said = changes.bytes();
    let call = sent(changes);
    let parts = call.keys.iter().chain(&call.arguments);
    // Each part goes behind its length.
    let sent: usize = parts.map(|part| part.len() + 7).sum();
    assert!((sent / 2..sent * 2).contains(&said), "{said} of {sent}");
}

#[test]
fn details_are_json_as_python_writes_it() {
    let mut line = flagged_video();
    line["scan_result"] = json!({
        "reason": "x\",y: ☃\u{1}",
        "category": [1, 2.5, -1e-5, 1e16, 1e300, 123456789012345.67, 0.0001, 1.5e-7, 1e15, -0.0, { "b,:{": [] }, {}, null],
    });
    let call = call(|changes| {
        moderation::add(changes, &scans(&[line]), &layout(true), now());
    });
    let event = &changed(&call, "x", "scans")[1];
    let expected = r#""scan": {"category": [1, 2.5, -1e-05, 1e+16, 1e+300, 123456789012345.67, 0.0001, 1.5e-07, 1000000000000000.0, -0.0, {"b,:{": []}, {}, null], "reason": "x\",y: ☃\u0001"}, "workload""#;
    assert!(event.contains(expected), "{event}");
}

#[test]
fn what_the_details_say_already_is_not_said_again() {
    let event = json!({
        "kind": "scan", "at": "2024-01-01T00:00:00Z",
        "labels": { "guild": "1", "content_type": "image", "status": "own", "acceleration": "unknown" },
        "values": { "flagged": 0 },
        "details": { "status": "said", "flags_count": 7, "inner": { "was_flagged": [1, { "workload": 2 }] } },
    });
    let event = Event::from_json(event.to_string().as_bytes()).unwrap();
    let points = kept("scan", [event]);
    let call = call(|changes| moderation::add(changes, &points, &layout(true), now()));
    let details = r#"{"status": "said", "flags_count": 7, "inner": {"was_flagged": [1, {"workload": 2}]}, "was_flagged": false, "occurred_at": "2024-01-01T00:00:00+00:00"}"#;
    let event = &changed(&call, "x", "scans")[1];
    let expected = format!(
        r#""status": "own", "was_flagged": false, "flags_count": 7, "file_size": null, "scan_duration_ms": null, "details": {details}, "accelerated": null"#
    );
    assert!(event.contains(&expected), "{event}");
}
