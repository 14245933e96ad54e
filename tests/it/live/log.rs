//! Kept events are found again in the log: in the bot metrics service's form, once, and whoever else writes it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use chrono::TimeDelta;
use chrono_tz::Tz;
use daybook::config::live::Durable;
use daybook::live::batch::Batch;
use daybook::live::columns::Columns;
use daybook::live::event::{self, Event};
use daybook::live::log::EventLog;
use daybook::live::record::{Recorder, Settings};
use daybook::live::store::{Kept, Store};
use serde_json::{Value as Json, json};
use support::world::World;

use super::{CHECKOUT, METRICS, kinds, noon, points};

fn log_at(path: &Path) -> EventLog {
    EventLog::new(path.to_owned(), Tz::Europe__Zurich, noon)
}

/// Checkouts of these orders, as a writer hands them over.
fn orders(names: impl Iterator<Item = String>) -> Vec<Kept> {
    let kinds = kinds();
    let mut points = Columns::new(&kinds["checkout"]);
    for name in names {
        let event = Event::new("checkout")
            .label("shop", "zh")
            .label("order", name);
        event::add(&event, &kinds["checkout"], noon(), &mut points).unwrap();
    }
    vec![Kept {
        kind: "checkout".to_owned(),
        points,
        spans: Vec::new(),
        has_begun: false,
    }]
}

fn lines(path: &Path) -> Vec<Json> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn names(folder: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(folder).unwrap();
    names
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test]
async fn each_kind_has_its_line_with_the_same_keys_first_and_a_time_that_names_its_zone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    let store = Store::in_memory().await.unwrap();
    let log = Some(log_at(&path));
    let (recorder, writer) = Recorder::start_logged(store, kinds(), Settings::default(), noon, log);
    let in_session = |kind| Event::new(kind).label("session_id", "f9309ddf-a1a");
    let of_user = |kind| {
        in_session(kind)
            .label("user_id", "12345")
            .label("chat_id", "-100")
    };
    let events = [
        of_user("session").at(noon() - TimeDelta::seconds(9)),
        of_user("stage")
            .at(noon() - TimeDelta::microseconds(7_718_567))
            .label("stage", "ai_processing")
            .value("duration", 1200)
            .ok(false)
            .details(json!({ "error": "timed out", "model": "m", "timestamp": "1970-01-01" })),
        in_session("correction")
            .at(noon() - TimeDelta::seconds(6))
            .label("admin_user_id", "99999")
            .label("message_id", "0042")
            .label("correction_type", "voice_correction")
            .value("original_length", 65)
            .value("corrected_length", 89)
            .value("processing_time_ms", 5000),
        of_user("filter")
            .at(noon() - TimeDelta::seconds(5))
            .label("reason", "length_check")
            .value("message_length", 3),
        Event::new("system")
            .at(noon() - TimeDelta::seconds(4))
            .label("metric_type", "queue_length")
            .value("value", 2.5),
        Event::new("checkout")
            .label("shop", "zh")
            .value("amount", 19.95)
            .ok(true)
            .details(json!([1])),
    ];
    let mut batch = Batch::default();
    for (line, event) in events.iter().enumerate().rev() {
        batch.add(line, event, &kinds(), noon());
    }
    assert!(!batch.has_refused(), "{:?}", batch.reply());
    recorder.send(batch).await.unwrap();
    writer.stop().await.unwrap();
    let expected = r#"{"timestamp":"2026-11-20T11:59:51.000000+01:00","level":"info","event_type":"session_created","message":"Session created","session_id":"f9309ddf-a1a","user_id":12345,"chat_id":-100}
{"timestamp":"2026-11-20T11:59:52.281433+01:00","level":"metric","event_type":"timing_completed","message":"Completed timing ai_processing","session_id":"f9309ddf-a1a","user_id":12345,"chat_id":-100,"stage":"ai_processing","duration_ms":1200,"success":false,"error_message":"timed out","model":"m","timestamp_":"1970-01-01"}
{"timestamp":"2026-11-20T11:59:54.000000+01:00","level":"metric","event_type":"correction_recorded","message":"Correction recorded: voice_correction","session_id":"f9309ddf-a1a","user_id":null,"admin_user_id":99999,"correction_type":"voice_correction","message_id":"0042","corrected_length":89,"original_length":65,"processing_time_ms":5000,"retry_count":0,"length_change":24}
{"timestamp":"2026-11-20T11:59:55.000000+01:00","level":"metric","event_type":"message_filtered","message":"Message filtered: length_check","session_id":"f9309ddf-a1a","user_id":12345,"chat_id":-100,"filtering_reason":"length_check","message_length":3,"processing_time_ms":0}
{"timestamp":"2026-11-20T11:59:56.000000+01:00","level":"metric","event_type":"system_metric","message":"System metric: queue_length","session_id":null,"user_id":null,"metric_type":"queue_length","value":2.5}
{"timestamp":"2026-11-20T12:00:00.000000+01:00","level":"metric","event_type":"checkout","message":"Recorded checkout","session_id":null,"user_id":null,"shop":"zh","amount":19.95,"ok":true,"details":[1]}
"#;
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
}

#[tokio::test]
async fn what_was_there_already_is_not_logged_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    let store = Store::in_memory().await.unwrap();
    let log = Some(log_at(&path));
    let (recorder, writer) = Recorder::start_logged(store, kinds(), Settings::default(), noon, log);
    for ids in [["a", "b"], ["b", "c"], ["b", "c"]] {
        let mut batch = Batch::with_key(ids[0]);
        for id in ids {
            let event = Event::new("checkout")
                .id(id)
                .label("shop", "zh")
                .label("order", id);
            batch.add(1, &event, &kinds(), noon());
        }
        recorder.send(batch).await.unwrap();
    }
    writer.stop().await.unwrap();
    let found: Vec<Json> = lines(&path)
        .iter()
        .map(|line| line["order"].clone())
        .collect();
    assert_eq!(found, ["a", "b", "c"]);
}

#[test]
fn three_writers_lose_no_line_while_the_file_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    // 1200 lines of 187 bytes.
    thread::scope(|scope| {
        for writer in ["a", "b", "c"] {
            let mut log = log_at(&path).with_limit(30_000);
            scope.spawn(move || {
                for batch in 0..80 {
                    let name = |at| format!("{writer}-{:04}", batch * 5 + at);
                    log.write(&orders((0..5).map(name)));
                }
            });
        }
    });
    let mut found = BTreeSet::new();
    let files = names(folder.path());
    for name in files.iter().filter(|name| !name.ends_with(".lock")) {
        let file = folder.path().join(name);
        assert!(fs::metadata(&file).unwrap().len() < 30_300);
        for line in lines(&file) {
            let order = line["order"].as_str().unwrap().to_owned();
            assert!(found.insert(order), "{line}");
        }
    }
    assert_eq!(found.len(), 1200);
    // All of one second, and none of them in another's place.
    assert!(files.contains("metrics.jsonl.20261120_110000"), "{files:?}");
    assert!(
        files.contains("metrics.jsonl.20261120_110000.5"),
        "{files:?}"
    );
}

#[test]
fn the_ten_newest_of_its_own_stay_and_every_neighbour_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    let neighbours = [
        "metrics.jsonl.0_legal_hold.gz",
        "metrics.jsonl.20200101_000000.gz",
        "metrics.jsonl.20200101_000000.01",
        "metrics.jsonl.20200101_000000.1.2",
        "metrics.jsonl.20200101-000000",
        "metrics.jsonl.bak",
        "metrics.jsonl2.20200101_000000",
        "xmetrics.jsonl.20200101_000000",
    ];
    let own = [
        "metrics.jsonl.20200101_000000",
        "metrics.jsonl.20210101_000000.3",
    ];
    for name in neighbours.iter().chain(&own) {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    let mut log = log_at(&path).with_limit(1);
    log.write(&orders((0..13).map(|at| at.to_string())));
    let mut expected: BTreeSet<String> = neighbours.map(str::to_owned).into();
    expected.extend(["metrics.jsonl", "metrics.jsonl.lock"].map(str::to_owned));
    expected.extend((2..12).map(|number| format!("metrics.jsonl.20261120_110000.{number}")));
    assert_eq!(names(folder.path()), expected);
    assert_eq!(lines(&path)[0]["order"], "12");
    let oldest = folder.path().join("metrics.jsonl.20261120_110000.2");
    assert_eq!(lines(&oldest)[0]["order"], "2");
}

#[test]
fn half_a_line_of_a_killed_writer_stays_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    fs::write(&path, "{\"timestamp\": \"20").unwrap();
    let mut log = log_at(&path);
    for _ in 0..2 {
        log.write(&orders(["a".to_owned()].into_iter()));
    }
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert!(
        text.lines()
            .skip(1)
            .all(|line| serde_json::from_str::<Json>(line).is_ok())
    );
}

#[tokio::test]
async fn a_log_that_cannot_be_written_costs_no_event() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("live.db"), Durable::Commit)
        .await
        .unwrap();
    let log = Some(log_at(&folder.path().join("missing/metrics.jsonl")));
    let (recorder, writer) = Recorder::start_logged(store, kinds(), Settings::default(), noon, log);
    for _ in 0..3 {
        let event = Event::new("checkout").label("shop", "zh");
        assert_eq!(recorder.record(&event).await.unwrap().accepted, 1);
    }
    let mut store = writer.stop().await.unwrap();
    assert_eq!(points(&mut store, "checkout").await.len(), 3);
}

#[test]
fn the_program_logs_where_the_environment_says_and_never_into_the_events() {
    let settings = format!("[live]\n[live.kinds.checkout]\n{CHECKOUT}{METRICS}");
    let mut world = World::new("2026-11-20T11:00:00Z", &settings);
    world.set("METRICS_LOG_FILE", "metrics.jsonl");
    let mut recorders = Vec::new();
    for sender in 0..3 {
        let mut recorder = world
            .program()
            .args(["live", "record"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let line = |at| {
            format!(
                "{{\"kind\": \"checkout\", \"labels\": {{\"shop\": \"zh\", \"order\": \"{sender}-{at}\"}}}}\n"
            )
        };
        let text: String = (0..500).map(line).collect();
        recorder
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        recorders.push(recorder);
    }
    for mut recorder in recorders {
        assert!(recorder.wait().unwrap().success());
    }
    let found: BTreeSet<String> = lines(&world.path("metrics.jsonl"))
        .iter()
        .map(|line| line["order"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(found.len(), 1500);
    world.set("METRICS_LOG_FILE", "live.db");
    let refused = world.binary(&["config", "check"]);
    assert_eq!(refused.status.code(), Some(78), "{refused:?}");
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(
        message.contains("this is the file of the events"),
        "{message}"
    );
}
