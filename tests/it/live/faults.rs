//! Full disks, disks that must not be written to, clocks that jump and senders without measure: each is said, and what was
//! answered stays.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::config::live::Durable;
use daybook::kinds::Kinds;
use daybook::live::batch::Batch;
use daybook::live::event::Event;
use daybook::live::grain::Grain;
use daybook::live::keep;
use daybook::live::record::{RecordError, Recorder, Settings};
use daybook::live::store::{Known, Store, StoreError};
use serde_json::Value as Json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};
use support::dice::Dice;
use support::world::{App, World};

use super::disk::watched;
use super::killed::{Sender, has_each_once};
use super::{CHECKOUT, METRICS, kind, kinds, noon, points, rules};

fn world() -> World {
    let settings = format!("[live]\n[live.kinds.checkout]\n{CHECKOUT}{METRICS}");
    World::new("2026-11-20T11:00:00Z", &settings)
}

/// Feeds numbered events from `first` on to a recorder on such a disk, until they or the recorder end.
fn recorded(world: &World, disk: &[(&str, &str)], first: usize, count: usize) -> Output {
    let mut command = world.program();
    if !disk.is_empty() {
        watched(&mut command, &world.path(""), disk);
    }
    let mut recorder = command
        .args(["live", "record", "--flush", "20"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let line = |number: usize| {
        format!(
            r#"{{"kind": "checkout", "id": "a-{number}", "labels": {{"shop": "{}", "order": "a-{number}"}}, "values": {{"amount": {number}}}}}"#,
            ["zh", "be"][number % 2]
        )
    };
    let lines: Vec<String> = (first..first + count).map(line).collect();
    // A recorder that has ended reads nothing any more.
    let mut input = recorder.stdin.take().unwrap();
    drop(input.write_all(lines.join("\n").as_bytes()));
    drop(input);
    recorder.wait_with_output().unwrap()
}

fn answered(ended: &Output) -> usize {
    let answers = str::from_utf8(&ended.stdout).unwrap().lines();
    let accepted = |answer: &str| {
        let answer: Json = serde_json::from_str(answer).unwrap();
        assert_eq!(answer["rejected"], serde_json::json!([]), "{answer}");
        answer["accepted"].as_u64().unwrap() as usize
    };
    answers.map(accepted).sum()
}

fn message(ended: &Output) -> String {
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

#[tokio::test]
async fn a_full_disk_ends_the_recorder_and_what_was_answered_is_there_once_when_it_has_room() {
    let world = world();
    let mut dice = Dice(23);
    let mut sender = Sender {
        name: "a",
        answered: 0,
    };
    let mut rooms = vec![0, 100, 40_000, 100_000, 140_000];
    rooms.extend((0..7).map(|_| 160_000 + dice.below(300_000)));
    for room in rooms {
        let room = room.to_string();
        let ended = recorded(&world, &[("DISK_ROOM", &room)], sender.answered, 10_000);
        let message = message(&ended);
        assert_eq!(ended.status.code(), Some(69), "{room}: {message}");
        assert!(message.contains("live.db: "), "{room}: {message}");
        assert!(message.contains("the disk is full"), "{room}: {message}");
        sender.answered += answered(&ended);
    }
    assert!(sender.answered > 300, "{}", sender.answered);
    let ended = recorded(&world, &[], sender.answered, 500);
    assert!(ended.status.success(), "{ended:?}");
    sender.answered += answered(&ended);
    let path = world.path("live.db");
    let mut store = Store::open(&path, Durable::Commit).await.unwrap();
    let kinds = world.config().live.unwrap().kinds;
    has_each_once(&mut store, &kinds, &[sender]).await;
}

/// Everything in a folder.
fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder).unwrap().map(|file| {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read(path).unwrap())
    });
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}

#[test]
fn a_disk_or_a_folder_that_must_not_be_written_to_is_named_and_left_as_it_is() {
    for (disk, reason) in [
        ("disk", "Read-only file system"),
        ("folder", "Permission denied"),
    ] {
        let world = world();
        let disk = [("DISK_READ_ONLY", disk)];
        let refused = |reason: &str| {
            let before = contents(&world.path(""));
            let ended = recorded(&world, &disk, 0, 20);
            let message = message(&ended);
            assert_eq!(ended.status.code(), Some(69), "{message}");
            assert!(message.contains("live.db: "), "{message}");
            assert!(message.contains(reason), "{message}");
            assert_eq!(ended.stdout, b"", "{ended:?}");
            assert!(contents(&world.path("")) == before, "{disk:?}");
        };
        refused(reason);
        let ended = recorded(&world, &[], 0, 20);
        assert_eq!(answered(&ended), 20, "{ended:?}");
        let files = contents(&world.path(""));
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["daybook.toml", "live.db", "live.db.keeper"]);
        // The file may be written then, but nothing beside it.
        refused(match reason {
            "Permission denied" => "attempt to write a readonly database",
            reason => reason,
        });
    }
}

/// Seconds by which this recorder's clock is wrong.
static WRONG_BY: AtomicI64 = AtomicI64::new(0);

fn wrong_clock() -> DateTime<Utc> {
    noon() + TimeDelta::seconds(WRONG_BY.load(Ordering::Relaxed))
}

/// Points of one instant come in any order.
fn in_one_order(mut points: Vec<Json>) -> Vec<Json> {
    points.sort_by_key(Json::to_string);
    points
}

#[tokio::test]
async fn a_clock_that_jumps_by_an_hour_loses_no_event_and_takes_none_twice() {
    let (recorder, writer) = Recorder::for_tests(kinds(), wrong_clock).await.unwrap();
    let span = recorder.span("checkout").label("shop", "zh");
    for (jump, known) in [(0, 0), (-3600, 1), (3600, 1), (-3600, 1), (0, 1)] {
        WRONG_BY.store(jump, Ordering::Relaxed);
        let mut batch = Batch::with_key("night-run");
        let now = recorder.now();
        batch.add(1, &checkout("zh"), &kinds(), now);
        let reply = recorder.send(batch).await.unwrap();
        assert_eq!(reply.duplicate, known == 1, "{jump}");
        let mut batch = Batch::default();
        batch.add(1, &checkout("zh").id("order-17"), &kinds(), now);
        batch.add(2, &checkout("be"), &kinds(), now);
        let reply = recorder.send(batch).await.unwrap();
        assert_eq!((reply.accepted, reply.known), (2, known), "{jump}");
    }
    // Who is right seems to be ahead.
    WRONG_BY.store(-3600, Ordering::Relaxed);
    for (minutes, accepted) in [(-60, 1), (-55, 1), (-54, 0), (0, 0)] {
        let event = checkout("be").at(noon() + TimeDelta::minutes(minutes));
        let reply = recorder.record(&event).await.unwrap();
        assert_eq!(reply.accepted, accepted, "{minutes}");
    }
    drop(span);
    let mut store = writer.stop().await.unwrap();
    let all = in_one_order(points(&mut store, "checkout").await);
    let spans = all
        .iter()
        .filter_map(|point| point["values"]["duration"].as_f64());
    assert!(spans.clone().all(|took| took >= 0.0), "{all:?}");
    // The batch's, the id's, one of each of five batches, two that were not ahead, the span's.
    assert_eq!((all.len(), spans.count()), (1 + 1 + 5 + 2 + 1, 1));
    // Hours are sealed while the clock is ahead, and get more points when it is right.
    for jump in [7200, -3600, 0, 7200] {
        let now = noon() + TimeDelta::seconds(jump);
        keep::round(&mut store, &rules(&kinds(), Tz::UTC), now)
            .await
            .unwrap();
    }
    let sealed = in_one_order(points(&mut store, "checkout").await);
    assert_eq!(sealed, all);
    let id = store.kind("checkout").await.unwrap().unwrap();
    let hours = store
        .rollups(id, Grain::Hour, &[], i64::MIN..i64::MAX)
        .await
        .unwrap();
    let counted: u64 = hours.iter().map(|(_, rollup)| rollup.points).sum();
    assert_eq!(counted, all.len() as u64);
}

#[tokio::test]
async fn ten_thousand_values_of_a_label_for_fifty_keep_fifty_and_count_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let toml = "shape = \"event\"\nlabels = { page = { most = 50 } }\nby = [[\"page\"]]";
    let visits: Kinds = [("visit".to_owned(), kind("visit", toml))].into();
    let store = Store::open(&path, Durable::Commit).await.unwrap();
    let (recorder, writer) = Recorder::start(store, visits.clone(), Settings::default(), noon);
    for first in (0..10_000).step_by(500) {
        let mut batch = Batch::default();
        for page in first..first + 500 {
            let event = Event::new("visit").label("page", format!("page-{page}"));
            batch.add(page, &event, &visits, noon());
        }
        assert_eq!(recorder.send(batch).await.unwrap().accepted, 500);
    }
    let mut store = writer.stop().await.unwrap();
    let dropped = store.dropped().await.unwrap();
    assert_eq!(dropped.len(), 1);
    assert_eq!(
        (dropped[0].label.as_str(), dropped[0].points),
        ("page", 9950)
    );
    let later = noon() + TimeDelta::hours(2);
    keep::round(&mut store, &rules(&visits, Tz::UTC), later)
        .await
        .unwrap();
    let question = super::everything();
    let found = daybook::live::question::points(&mut store, &visits["visit"], &question)
        .await
        .unwrap();
    let pages: Vec<&str> = daybook::live::point::points(&found.points, "visit")
        .filter_map(|point| point.points.label("page")?.get(point.place))
        .collect();
    assert_eq!(pages.len(), 10_000);
    let others = pages.iter().filter(|page| **page == "other").count();
    let named: BTreeSet<&str> = pages.into_iter().filter(|page| *page != "other").collect();
    assert_eq!((others, named.len()), (9950, 50));
    let id = store.kind("visit").await.unwrap().unwrap();
    let by = ["page".to_owned()];
    let months = store
        .rollups(id, Grain::Month, &by, i64::MIN..i64::MAX)
        .await
        .unwrap();
    assert_eq!(months.len(), 51);
    store.close().await.unwrap();
    let words = App::Sqlite(path).number("SELECT count(*) FROM words").await;
    assert_eq!(words, Some(50.into()));
}

#[tokio::test]
async fn programs_that_make_the_file_at_the_same_time_all_write_it() {
    let folder = tempfile::tempdir().unwrap();
    for file in 0..5 {
        let path = folder.path().join(format!("{file}.db"));
        let mut writers = Vec::new();
        for _ in 0..4 {
            let path = path.clone();
            writers.push(tokio::spawn(async move {
                let (recorder, writer) = super::recorder_in(&path, Settings::default()).await;
                recorder.record(&checkout("zh")).await.unwrap();
                writer.stop().await.unwrap()
            }));
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let mut store = Store::open(&path, Durable::Commit).await.unwrap();
        assert_eq!(points(&mut store, "checkout").await.len(), 4);
    }
}

#[tokio::test]
async fn while_a_reader_stalls_the_log_stays_below_64_mb_and_senders_are_turned_away_but_lose_nothing()
 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    let toml = "shape = \"event\"\nlabels = {}\ndetails = { bytes = 65536 }";
    let dumps: Kinds = [("dump".to_owned(), kind("dump", toml))].into();
    let settings = Settings {
        queue: 100,
        ..Settings::default()
    };
    // A megabyte that nobody can squeeze much.
    let mut dice = Dice(31);
    let mut batch = Batch::default();
    for number in 0..25 {
        let noise = (0..60_000).map(|_| char::from(b'0' + dice.below(64) as u8));
        let dump = Event::new("dump").details(noise.collect::<String>().into());
        batch.add(number, &dump, &dumps, noon());
    }
    assert_eq!(batch.len(), 25);
    let store = Store::open(&path, Durable::Commit).await.unwrap();
    let (recorder, writer) = Recorder::start(store, dumps, settings, noon);
    let send = || {
        let (recorder, batch) = (recorder.clone(), batch.clone());
        tokio::spawn(async move { recorder.send(batch).await.map(|reply| reply.accepted) })
    };
    let log_size = || {
        let log = fs::metadata(folder.path().join("live.db-wal"));
        log.unwrap().len() >> 20
    };
    assert_eq!(send().await.unwrap(), Ok(25));
    let options = SqliteConnectOptions::new().filename(&path);
    let mut reader = options.connect().await.unwrap();
    reader.execute("BEGIN").await.unwrap();
    reader.execute("SELECT count(*) FROM chunks").await.unwrap();

    let mut batches = 1;
    while log_size() < 48 {
        assert_eq!(send().await.unwrap(), Ok(25));
        batches += 1;
    }
    let mut other = Store::open(&path, Durable::Commit).await.unwrap();
    let known = &mut Known::new(5_000_000, false);
    let refused = other
        .commit(&mut [batch.clone()], recorder.kinds(), noon(), known)
        .await;
    let Err(error @ StoreError::Held { .. }) = refused else {
        panic!("{refused:?}");
    };
    let expected =
        "live.db: another program has been reading for too long; nothing is written until it ends";
    assert!(error.to_string().ends_with(expected), "{error}");
    let waiting: Vec<_> = (0..4).map(|_| send()).collect();
    tokio::task::yield_now().await;
    assert_eq!(recorder.send(batch.clone()).await, Err(RecordError::Full));
    assert!(log_size() < 64, "{}", log_size());
    assert!(waiting.iter().all(|sent| !sent.is_finished()));

    reader.execute("COMMIT").await.unwrap();
    for sent in waiting {
        assert_eq!(sent.await.unwrap(), Ok(25));
    }
    assert_eq!(send().await.unwrap(), Ok(25));
    assert!(log_size() <= 16, "{}", log_size());
    let mut store = writer.stop().await.unwrap();
    assert_eq!(store.fill().await.unwrap()[0].points, (batches + 5) * 25);
}

fn checkout(shop: &str) -> Event<'_> {
    Event::new("checkout").label("shop", shop)
}
