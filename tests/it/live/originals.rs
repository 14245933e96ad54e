//! What the originals' tests ask of writing, buffering, retention and concurrency, and where the originals failed.

use std::fs;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::config::live::Durable;
use daybook::live::batch::Batch;
use daybook::live::event::Event;
use daybook::live::grain::Grain;
use daybook::live::keep::{self, Pruned, prune_all};
use daybook::live::record::{RecordError, Recorder, Settings};
use daybook::live::store::Store;
use serde_json::{Value as Json, json};
use support::dice::Dice;
use support::world::App;

use super::{kinds, noon, points, recorder, recorder_in, rules};

fn task(number: usize) -> Event<'static> {
    Event::new("task")
        .label("task_id", format!("task_{number:03}"))
        .label("agent_id", format!("agent_{}", number % 3))
        .value("duration", 1500)
        .value("tokens_used", 500)
}

/// Tasks of one moment, in batches of so many.
async fn record_tasks(recorder: &Recorder, count: usize, batch_size: usize, at: DateTime<Utc>) {
    for first in (0..count).step_by(batch_size) {
        let mut batch = Batch::default();
        for number in first..first + batch_size {
            batch.add(number, &task(number).at(at), recorder.kinds(), at);
        }
        let reply = recorder.send(batch).await.unwrap();
        assert_eq!(reply.accepted, batch_size);
    }
}

#[tokio::test]
async fn tasks_agents_and_swarms_come_back_with_every_field() {
    let (recorder, writer) = recorder().await;
    for ok in [true, false] {
        let details = json!({ "complexity": "high" });
        let event = task(1).ok(ok).details(details);
        recorder.record(&event).await.unwrap();
    }
    let agent = Event::new("agent")
        .label("agent_id", "agent_001")
        .label("metric_type", "throughput")
        .value("value", 10.5);
    recorder.record(&agent).await.unwrap();
    let swarm = Event::new("swarm")
        .label("swarm_id", "swarm_001")
        .label("metric_type", "health")
        .value("value", 0.95);
    recorder.record(&swarm).await.unwrap();
    let mut store = writer.stop().await.unwrap();
    let at = "2026-11-20T11:00:00Z";
    let task = |ok: bool| {
        json!({
            "at": at, "kind": "task", "labels": { "agent_id": "agent_1", "task_id": "task_001" },
            "values": { "duration": 1500, "tokens_used": 500 }, "ok": ok, "details": { "complexity": "high" },
        })
    };
    let mut tasks = points(&mut store, "task").await;
    tasks.sort_by_key(|point| point["ok"].as_bool());
    assert_eq!(tasks, [task(false), task(true)]);
    let agent = json!({
        "at": at, "kind": "agent", "values": { "value": 10.5 },
        "labels": { "agent_id": "agent_001", "metric_type": "throughput" },
    });
    assert_eq!(points(&mut store, "agent").await, [agent]);
    let swarm = json!({
        "at": at, "kind": "swarm", "values": { "value": 0.95 },
        "labels": { "metric_type": "health", "swarm_id": "swarm_001" },
    });
    assert_eq!(points(&mut store, "swarm").await, [swarm]);
}

#[tokio::test]
async fn ten_kilobytes_of_details_come_back_and_none_are_none() {
    let (recorder, writer) = recorder().await;
    let details = json!({ "log": "x".repeat(10_000), "at": "1970-01-01", "kind": "other" });
    recorder
        .record(&task(1).details(details.clone()))
        .await
        .unwrap();
    recorder.record(&task(2).details(Json::Null)).await.unwrap();
    let mut store = writer.stop().await.unwrap();
    let mut all = points(&mut store, "task").await;
    all.sort_by_key(|point| point["labels"]["task_id"].to_string());
    // Details that are named like fields change none of them.
    let fields = |point: &Json| (point["at"].clone(), point["kind"].clone());
    assert_eq!(
        fields(&all[0]),
        (json!("2026-11-20T11:00:00Z"), json!("task"))
    );
    assert_eq!(all[0]["details"], details);
    assert_eq!(all[1].get("details").unwrap_or(&Json::Null), &Json::Null);
}

#[tokio::test]
async fn of_twelve_buffered_points_ten_are_written_and_two_wait_for_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let settings = Settings {
        durable: Durable::Memory,
        batch: 10,
        flush_every: std::time::Duration::from_secs(3600),
        ..Settings::default()
    };
    let (recorder, writer) = recorder_in(&path, settings).await;
    let mut reader = Store::open_reading(&path).await.unwrap().unwrap();
    record_tasks(&recorder, 5, 1, noon()).await;
    assert_eq!(points(&mut reader, "task").await.len(), 0);
    record_tasks(&recorder, 7, 1, noon()).await;
    while points(&mut reader, "task").await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(points(&mut reader, "task").await.len(), 10);
    writer.stop().await.unwrap();
    assert_eq!(points(&mut reader, "task").await.len(), 12);
}

#[tokio::test]
async fn a_thousand_single_writes_are_a_thousand_points_whatever_the_buffer_holds() {
    for batch in [1, 99, 100, 10_000] {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            durable: Durable::Memory,
            batch,
            ..Settings::default()
        };
        let (recorder, writer) = recorder_in(&folder.path().join("live.db"), settings).await;
        record_tasks(&recorder, 1000, 1, noon()).await;
        let mut store = writer.stop().await.unwrap();
        assert_eq!(points(&mut store, "task").await.len(), 1000, "{batch}");
    }
}

#[tokio::test]
async fn a_value_that_is_no_number_among_hundreds_loses_nobody_elses() {
    let (recorder, writer) = recorder().await;
    record_tasks(&recorder, 10, 1, noon()).await;
    for (count, value) in [(30, f64::NAN), (300, f64::INFINITY)] {
        let mut batch = Batch::default();
        let poison = Event::new("agent")
            .label("agent_id", "agent_1")
            .label("metric_type", "throughput")
            .value("value", value);
        for number in 0..count {
            batch.add(number, &task(number), &kinds(), noon());
            if number == count / 2 {
                batch.add(number, &poison, &kinds(), noon());
            }
        }
        let reply = recorder.send(batch).await.unwrap();
        assert_eq!((reply.accepted, reply.rejected.len()), (count, 1));
    }
    let mut store = writer.stop().await.unwrap();
    assert_eq!(points(&mut store, "task").await.len(), 340);
    assert_eq!(points(&mut store, "agent").await, [] as [Json; 0]);
}

#[tokio::test]
async fn after_the_end_events_are_refused_and_not_lost() {
    let (recorder, writer) = recorder().await;
    let mut store = writer.stop().await.unwrap();
    assert_eq!(recorder.record(&task(1)).await, Err(RecordError::Stopped));
    let mut batch = Batch::default();
    batch.add(1, &task(2), &kinds(), noon());
    assert_eq!(
        recorder.send_when_free(batch).await,
        Err(RecordError::Stopped)
    );
    let span = recorder
        .span("task")
        .label("task_id", "3")
        .label("agent_id", "a");
    drop(span);
    assert_eq!(recorder.lost_spans(), 1);
    assert_eq!(points(&mut store, "task").await, [] as [Json; 0]);
}

#[test]
fn a_program_that_ends_without_stopping_its_writer_has_what_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    runtime().block_on(async {
        let (recorder, _writer) = recorder_in(&path, Settings::default()).await;
        record_tasks(&recorder, 199, 1, noon()).await;
    });
    let count = runtime().block_on(async {
        let mut store = Store::open(&path, Durable::Commit).await.unwrap();
        points(&mut store, "task").await.len()
    });
    assert_eq!(count, 199);
}

#[tokio::test]
async fn three_tasks_of_ten_writes_each_are_thirty_points() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, writer) = recorder_in(&folder.path().join("live.db"), Settings::default()).await;
    let mut writing = Vec::new();
    for _ in 0..3 {
        let recorder = recorder.clone();
        writing.push(tokio::spawn(async move {
            record_tasks(&recorder, 10, 1, noon()).await;
        }));
    }
    for task in writing {
        task.await.unwrap();
    }
    let mut store = writer.stop().await.unwrap();
    assert_eq!(points(&mut store, "task").await.len(), 30);
}

#[tokio::test]
async fn a_commit_that_fails_leaves_what_was_there_and_the_next_one_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let (recorder, writer) = recorder_in(&path, Settings::default()).await;
    recorder.record(&task(1).id("one")).await.unwrap();
    let app = App::Sqlite(path);
    app.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON chunks BEGIN SELECT raise(ABORT, 'not now'); END",
    )
    .await;
    let refused = recorder.record(&task(2).id("two")).await;
    let Err(RecordError::Store(message)) = refused else {
        panic!("{refused:?}");
    };
    assert!(message.contains("live.db"), "{message}");
    assert!(message.ends_with("not now"), "{message}");
    app.execute("DROP TRIGGER refuse").await;
    // Its id was forgotten with it.
    let reply = recorder.record(&task(2).id("two")).await.unwrap();
    assert_eq!((reply.accepted, reply.known), (1, 0));
    let mut store = writer.stop().await.unwrap();
    assert_eq!(points(&mut store, "task").await.len(), 2);
}

fn of_tasks(pruned: &[Pruned]) -> i64 {
    let tasks = pruned.iter().find(|pruned| pruned.kind == "task");
    tasks.map_or(0, |pruned| pruned.points)
}

#[tokio::test]
async fn a_prune_takes_what_is_older_than_its_tier_and_nothing_of_an_empty_file() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, writer) = recorder_in(&folder.path().join("live.db"), Settings::default()).await;
    record_tasks(&recorder, 5, 5, noon() - TimeDelta::days(5)).await;
    record_tasks(&recorder, 5, 5, noon()).await;
    let mut store = writer.stop().await.unwrap();
    let later = noon() + TimeDelta::days(5);
    let pruned = prune_all(&mut store, &rules(&kinds(), Tz::UTC), later, false)
        .await
        .unwrap();
    assert_eq!(of_tasks(&pruned), 5);
    assert_eq!(points(&mut store, "task").await.len(), 5);

    let mut empty = Store::in_memory().await.unwrap();
    for dry_run in [true, false] {
        let pruned = prune_all(&mut empty, &rules(&kinds(), Tz::UTC), later, dry_run)
            .await
            .unwrap();
        assert_eq!(pruned, []);
    }
}

#[tokio::test]
async fn one_prune_takes_5000_old_points_that_nobody_sealed_and_still_counts_them() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, writer) = recorder_in(&folder.path().join("live.db"), Settings::default()).await;
    record_tasks(&recorder, 5000, 50, noon()).await;
    let mut store = writer.stop().await.unwrap();
    let later = noon() + TimeDelta::days(10);
    for dry_run in [true, false] {
        let pruned = prune_all(&mut store, &rules(&kinds(), Tz::UTC), later, dry_run)
            .await
            .unwrap();
        assert_eq!(of_tasks(&pruned), 5000, "{dry_run}");
    }
    assert_eq!(points(&mut store, "task").await, [] as [Json; 0]);
    let id = store.kind("task").await.unwrap().unwrap();
    for grain in [Grain::Hour, Grain::Day, Grain::Month] {
        let rollups = store
            .rollups(id, grain, &[], i64::MIN..i64::MAX)
            .await
            .unwrap();
        let counted: u64 = rollups.iter().map(|(_, rollup)| rollup.points).sum();
        assert_eq!(counted, 5000, "{grain:?}");
    }
}

#[tokio::test]
async fn what_is_pruned_gives_its_room_back_to_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let (recorder, writer) = recorder_in(&path, Settings::default()).await;
    let mut dice = Dice(29);
    for number in 0..200 {
        let noise: String = (0..1000)
            .map(|_| format!("{:06x}", dice.below(1 << 24)))
            .collect();
        let event = task(number).details(json!({ "noise": noise }));
        recorder.record(&event).await.unwrap();
    }
    writer.stop().await.unwrap().close().await.unwrap();
    let before = fs::metadata(&path).unwrap().len();
    let mut store = Store::open(&path, Durable::Commit).await.unwrap();
    let later = noon() + TimeDelta::days(10);
    prune_all(&mut store, &rules(&kinds(), Tz::UTC), later, false)
        .await
        .unwrap();
    store.close().await.unwrap();
    let after = fs::metadata(&path).unwrap().len();
    assert!(after < before / 4, "{before} {after}");
}

#[tokio::test]
async fn sealed_points_lie_under_their_own_day_not_the_day_they_were_sealed() {
    let (recorder, writer) = recorder().await;
    record_tasks(&recorder, 3, 3, noon() - TimeDelta::days(2)).await;
    record_tasks(&recorder, 4, 4, noon()).await;
    let mut store = writer.stop().await.unwrap();
    let later = noon() + TimeDelta::days(3);
    keep::round(&mut store, &rules(&kinds(), Tz::UTC), later)
        .await
        .unwrap();
    let id = store.kind("task").await.unwrap().unwrap();
    for (day, expected) in [(-2, 3), (-1, 0), (0, 4), (1, 0), (3, 0)] {
        let date = (noon() + TimeDelta::days(day)).date_naive();
        let chunks = store
            .sealed_of(id, i64::from(date.num_days_from_ce()))
            .await
            .unwrap();
        let count: i64 = chunks.iter().map(|chunk| chunk.points).sum();
        assert_eq!(count, expected, "{date}");
    }
}

#[tokio::test]
async fn records_whose_ids_begin_alike_do_not_replace_each_other() {
    let (recorder, writer) = recorder().await;
    for id in ["eb3e1a6f-1", "eb3e1a6f-2", "eb3e1a6f-3"] {
        let event = Event::new("correction")
            .id(id)
            .label("correction_type", "rejection")
            .label("admin_user_id", "7")
            .label("session_id", "s");
        let reply = recorder.record(&event).await.unwrap();
        assert_eq!((reply.accepted, reply.known), (1, 0));
    }
    let mut store = writer.stop().await.unwrap();
    assert_eq!(points(&mut store, "correction").await.len(), 3);
}

#[tokio::test]
async fn a_satisfaction_beyond_one_to_five_and_the_words_of_a_message_are_refused() {
    let (recorder, writer) = recorder().await;
    let correction = Event::new("correction")
        .label("correction_type", "rejection")
        .label("admin_user_id", "7")
        .label("session_id", "s");
    for (satisfaction, accepted) in [(-4, 0), (0, 0), (1, 1), (5, 1), (6, 0), (99, 0)] {
        let event = correction.clone().value("admin_satisfaction", satisfaction);
        let reply = recorder.record(&event).await.unwrap();
        assert_eq!(reply.accepted, accepted, "{satisfaction}");
    }
    let preview = Event::new("filter")
        .label("reason", "length_check")
        .label("session_id", "s")
        .value("message_length", 3)
        .label("message_preview", "the user's words");
    let reply = recorder.record(&preview).await.unwrap();
    assert_eq!(reply.rejected[0].field, "labels.message_preview");
    let mut store = writer.stop().await.unwrap();
    assert_eq!(points(&mut store, "correction").await.len(), 2);
    assert_eq!(points(&mut store, "filter").await, [] as [Json; 0]);
}

#[tokio::test]
async fn a_recorder_that_is_off_checks_and_answers_and_a_span_is_not_lost() {
    let recorder = Recorder::off(kinds(), noon);
    let reply = recorder.record(&task(1)).await.unwrap();
    assert_eq!(reply.accepted, 1);
    let reply = recorder.record(&Event::new("task")).await.unwrap();
    assert_eq!((reply.accepted, reply.rejected.len()), (0, 1));
    drop(
        recorder
            .span("task")
            .label("task_id", "1")
            .label("agent_id", "a"),
    );
    assert_eq!(recorder.lost_spans(), 0);
}
