//! What was answered is there, once; what cannot be kept is said.

use std::fs;
use std::os::unix::fs::MetadataExt;

use daybook::config::live::Durable;
use daybook::live::batch::Batch;
use daybook::live::event::Event;
use daybook::live::record::{RecordError, Settings};
use daybook::live::store::{Store, StoreError};
use serde_json::json;

use super::{kinds, noon, points, recorder, recorder_in};

#[tokio::test]
async fn a_program_keeps_its_locks_on_the_file_however_often_it_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let (recorder, writer) = recorder_in(&path, Settings::default()).await;
    let event = Event::new("checkout").label("shop", "zh");
    recorder.record(&event).await.unwrap();
    let reading = Store::open_reading(&path).await.unwrap().unwrap();
    reading.close().await.unwrap();
    Store::open(&path, Durable::Commit)
        .await
        .unwrap()
        .close()
        .await
        .unwrap();
    let file = format!(":{} ", fs::metadata(&path).unwrap().ino());
    let locks = fs::read_to_string("/proc/locks").unwrap();
    assert!(locks.lines().any(|lock| lock.contains(&file)), "{locks}");
    writer.stop().await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn an_event_comes_back_as_it_was_sent() {
    let (recorder, writer) = recorder().await;
    let line = r#"{"kind": "checkout", "at": "2026-11-20T11:59:58.123456+01:00", "id": "o-17",
        "labels": {"shop": "zh", "method": "card", "order": 17},
        "values": {"duration": 120.25, "amount": 19.955}, "ok": true, "details": {"note": "gift"}}"#;
    let mut batch = Batch::default();
    batch.add_line(1, line.as_bytes(), &kinds(), noon());
    let reply = recorder.send(batch).await.unwrap();
    assert_eq!(
        json!(reply),
        json!({
            "accepted": 1, "rejected": [], "duplicate": false,
            "remembered_since": "2026-11-20T11:00:00Z",
        })
    );
    let mut store = writer.stop().await.unwrap();
    assert_eq!(
        points(&mut store, "checkout").await,
        [json!({
            "at": "2026-11-20T10:59:58.123456Z",
            "kind": "checkout",
            "labels": { "shop": "zh", "method": "card", "order": "17" },
            "values": { "duration": 120.25, "amount": 19.96 },
            "ok": true,
            "details": { "note": "gift" },
        })]
    );
}

#[tokio::test]
async fn a_batch_that_comes_twice_is_kept_once() {
    let (recorder, writer) = recorder().await;
    for is_again in [false, true] {
        let mut batch = Batch::with_key("night-run-17");
        batch.add(1, &checkout("zh"), &kinds(), noon());
        let reply = recorder.send(batch).await.unwrap();
        assert_eq!((reply.accepted, reply.duplicate), (1, is_again));
    }
    let mut store = writer.stop().await.unwrap();
    assert_eq!(points(&mut store, "checkout").await.len(), 1);
}

#[tokio::test]
async fn an_event_that_comes_twice_is_kept_once_also_within_a_batch() {
    let (recorder, writer) = recorder().await;
    let mut known = Vec::new();
    for ids in [["a", "b", "a"], ["c", "b", "d"]] {
        let mut batch = Batch::default();
        for (at, id) in ids.into_iter().enumerate() {
            batch.add(at, &checkout("zh").id(id), &kinds(), noon());
        }
        known.push(recorder.send(batch).await.unwrap().known);
    }
    assert_eq!(known, [1, 1]);
    let mut store = writer.stop().await.unwrap();
    assert_eq!(points(&mut store, "checkout").await.len(), 4);
}

#[tokio::test]
async fn a_label_with_too_many_values_keeps_its_points_as_other_and_says_so() {
    let (recorder, writer) = recorder().await;
    for method in ["card", "cash", "twint", "cheque", "card", "gold"] {
        let event = checkout("zh").label("method", method);
        recorder.record(&event).await.unwrap();
    }
    let mut store = writer.stop().await.unwrap();
    let mut methods: Vec<String> = points(&mut store, "checkout")
        .await
        .iter()
        .map(|point| point["labels"]["method"].as_str().unwrap().to_owned())
        .collect();
    methods.sort();
    assert_eq!(methods, ["card", "card", "cash", "other", "other", "twint"]);
    let dropped = store.dropped().await.unwrap();
    assert_eq!(dropped.len(), 1);
    assert_eq!(
        (dropped[0].label.as_str(), dropped[0].points),
        ("method", 2)
    );
}

#[tokio::test]
async fn a_full_queue_says_so_and_keeps_nothing_of_the_batch() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        queue: 10,
        durable: Durable::Memory,
        ..Settings::default()
    };
    let (recorder, writer) = recorder_in(&folder.path().join("live.db"), settings).await;
    let batch = |count: usize| {
        let mut batch = Batch::default();
        (0..count).for_each(|at| batch.add(at, &checkout("be"), &kinds(), noon()));
        batch
    };
    assert_eq!(recorder.send(batch(8)).await.unwrap().accepted, 8);
    assert_eq!(recorder.send(batch(3)).await, Err(RecordError::Full));
    assert_eq!(recorder.send(batch(2)).await.unwrap().accepted, 2);
    let mut store = writer.stop().await.unwrap();
    assert_eq!(points(&mut store, "checkout").await.len(), 10);
    assert_eq!(recorder.send(batch(1)).await, Err(RecordError::Stopped));
}

#[tokio::test]
async fn two_writers_of_one_file_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let (one, first) = recorder_in(&path, Settings::default()).await;
    let (other, second) = recorder_in(&path, Settings::default()).await;
    let send = async |recorder: &daybook::live::record::Recorder| {
        for _ in 0..150 {
            recorder.record(&checkout("zh")).await.unwrap();
        }
    };
    tokio::join!(send(&one), send(&other), send(&one), send(&other));
    first.stop().await.unwrap();
    let mut store = second.stop().await.unwrap();
    assert_eq!(points(&mut store, "checkout").await.len(), 600);
}

#[tokio::test]
async fn another_programs_file_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.db");
    let app = support::world::App::Sqlite(path.clone());
    app.execute("CREATE TABLE processing_metrics (metric_id TEXT)")
        .await;
    let before = fs::read(&path).unwrap();
    let refused = Store::open(&path, Durable::Commit).await;
    let Err(error @ StoreError::Foreign { .. }) = refused else {
        panic!("it was opened");
    };
    assert!(
        error.to_string().contains("a database of another program"),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    fs::write(&path, "no database at all").unwrap();
    assert!(Store::open(&path, Durable::Commit).await.is_err());
    assert_eq!(fs::read(&path).unwrap(), b"no database at all");
}

#[tokio::test]
async fn a_file_of_another_version_is_neither_written_nor_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let (_, writer) = recorder_in(&path, Settings::default()).await;
    writer.stop().await.unwrap().close().await.unwrap();
    let app = support::world::App::Sqlite(path.clone());
    for (version, expected) in [
        (9, "a newer Daybook wrote it (version 9): update this one"),
        (
            3,
            "a Daybook before the first release wrote it (version 3): name another file",
        ),
    ] {
        app.execute(&format!("PRAGMA user_version = {version}"))
            .await;
        for refused in [
            Store::open(&path, Durable::Commit).await.map(drop),
            Store::open_reading(&path).await.map(drop),
        ] {
            let message = refused.unwrap_err().to_string();
            assert!(message.ends_with(expected), "{message}");
        }
    }
}

fn checkout(shop: &str) -> Event<'_> {
    Event::new("checkout").label("shop", shop)
}

#[tokio::test]
async fn a_batch_with_very_much_text_lies_in_chunks_that_can_be_read() {
    let (recorder, writer) = recorder().await;
    let mut batch = Batch::default();
    for number in 0..3500 {
        let event = Event::new("agent")
            .label("agent_id", "a")
            .label("metric_type", "cpu")
            .value("value", number)
            .details(json!({ "trace": "x".repeat(16_000) }));
        batch.add(1, &event, &kinds(), noon());
    }
    assert_eq!(recorder.send(batch).await.unwrap().accepted, 3500);
    let mut store = writer.stop().await.unwrap();
    let rules = super::rules(&kinds(), chrono_tz::Tz::UTC);
    let later = noon() + chrono::TimeDelta::hours(2);
    for _ in 0..2 {
        let agents = points(&mut store, "agent").await;
        let longest = agents
            .iter()
            .map(|point| point["details"]["trace"].as_str().unwrap().len());
        assert_eq!((agents.len(), longest.min()), (3500, Some(16_000)));
        let broken = daybook::live::keep::round(&mut store, &rules, later)
            .await
            .unwrap();
        assert_eq!(broken, 0);
    }
}

#[tokio::test]
async fn the_newest_60_samples_of_each_host_are_at_hand() {
    let (recorder, writer) = recorder().await;
    for sample in 0..200 {
        let mut batch = Batch::default();
        for host in ["web-1", "web-2"] {
            let event = Event::new("host")
                .at(noon() - chrono::TimeDelta::seconds(1000 - 5 * sample))
                .label("host", host)
                .value("cpu", sample % 100);
            batch.add(1, &event, &kinds(), noon());
        }
        recorder.send(batch).await.unwrap();
    }
    let recent = recorder.recent("host", "web-2");
    let cpu: Vec<f64> = (0..recent.len())
        .map(|at| recent.value("cpu").unwrap().get(at).unwrap())
        .collect();
    let expected: Vec<f64> = (140..200)
        .rev()
        .map(|sample| f64::from(sample % 100))
        .collect();
    assert_eq!(cpu, expected);
    let latest = recorder.latest("host");
    let hosts = latest.label("host").unwrap();
    assert_eq!(
        (hosts.text(0), hosts.text(1), hosts.len()),
        ("web-1", "web-2", 2)
    );
    assert_eq!(latest.value("cpu").unwrap().get(1), Some(99.0));
    assert!(recorder.recent("host", "web-3").is_empty());
    // What happened, and was not measured, is asked of the store.
    recorder.record(&checkout("zh")).await.unwrap();
    assert!(recorder.latest("checkout").is_empty());
    writer.stop().await.unwrap();
}
