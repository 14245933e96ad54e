//! Killed at any moment and started again, the result is that of one undisturbed run.

#![expect(clippy::disallowed_methods, reason = "the program tells the real time")]

use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::live::keep;
use daybook::live::store::Store;
use serde_json::Value as Json;
use support::dice::Dice;
use support::world::World;

use super::super::rules;
use super::{agents, archive_tasks, bot, points, world};

const TASKS: u32 = 25_000;
const STAGES: u32 = 12_000;

/// Rows of the last two days.
async fn fill(world: &World, now: DateTime<Utc>) {
    let storage = agents(world, "storage.db", "WAL").await;
    let begin = (now - TimeDelta::days(2)).timestamp();
    storage
        .execute(&format!(
            "WITH RECURSIVE ids(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < {TASKS})
             INSERT INTO task_metrics SELECT id, 'task_' || id, 'agent_' || id % 7, {begin} + id * 6, id % 1000, id % 77, id % 5 > 0, NULL FROM ids"
        ))
        .await;
    for first in (1..10_000).step_by(1000) {
        let ids: Vec<String> = (first..first + 1000).map(|id| id.to_string()).collect();
        archive_tasks(&storage, &ids.join(", ")).await;
    }
    let local = |id: u32| {
        let at = now - TimeDelta::days(2) + TimeDelta::seconds(i64::from(id) * 10);
        at.with_timezone(&Tz::Europe__Zurich)
            .format("%Y-%m-%dT%H:%M:%S")
            .to_string()
    };
    let (mut values, mut log) = (String::new(), String::new());
    for id in 1..=STAGES {
        let at = local(id);
        // Every third is only in the log, every third only in the database.
        if id % 3 != 0 {
            let comma = if values.is_empty() { "" } else { ", " };
            write!(values, "{comma}('{id:08}', 'session', 1, 1, 'ai_processing', '{at}', '{at}', {id}, 1, NULL, '{{}}')").unwrap();
        }
        if id % 3 != 1 {
            writeln!(log, r#"{{"timestamp": "{at}", "event_type": "timing_completed", "session_id": "session", "user_id": 1, "metric_id": "{id:08}", "stage": "ai_processing", "duration_ms": {id}, "success": true}}"#).unwrap();
        }
    }
    let database = bot(world, "metrics.db").await;
    database
        .execute(&format!("INSERT INTO processing_metrics VALUES {values}"))
        .await;
    fs::write(world.path("metrics.jsonl"), log).unwrap();
}

const MIGRATE: [&str; 5] = [
    "live",
    "migrate",
    "storage.db",
    "metrics.db",
    "metrics.jsonl",
];

async fn killed(times: usize, seed: u64) {
    let world = world();
    fill(&world, Utc::now()).await;
    let mut dice = Dice(seed);
    let mut killed = 0;
    for round in 0..times {
        let mut program = world.start(&MIGRATE);
        thread::sleep(Duration::from_millis(100 + dice.below(2_500)));
        let is_at_work = program.try_wait().unwrap().is_none();
        killed += usize::from(is_at_work);
        // Every third is only asked to stop.
        if round % 3 == 0 {
            let id = program.id().to_string();
            if is_at_work {
                Command::new("kill").args(["-TERM", &id]).status().unwrap();
            }
            let ended = program.wait_with_output().unwrap();
            let message = String::from_utf8_lossy(&ended.stderr);
            let is_said = message.contains("run the same command again to go on");
            // A signal that comes too early to be heard kills.
            let is_killed = ended.status.code().is_none();
            assert!(ended.status.success() || is_said || is_killed, "{message}");
        } else {
            program.kill().unwrap();
            program.wait().unwrap();
        }
    }
    assert!(killed > times / 4, "{killed}");
    has_all(&world).await;
}

/// Once it has run to its end.
async fn has_all(world: &World) {
    let ended = world.binary(&[&MIGRATE[..], &["--json"]].concat());
    assert!(ended.status.success(), "{ended:?}");
    let report: Json = serde_json::from_slice(&ended.stdout).unwrap();
    for month in report["months"].as_array().unwrap() {
        assert_eq!(month["verdict"], "equal", "{month}");
    }
    for (kind, label, count) in [("task", "task_id", TASKS), ("stage", "", STAGES)] {
        let points = points(world, kind).await;
        assert_eq!(points.len(), count as usize, "{kind}");
        let mut ids: Vec<u64> = points.iter().map(|point| number(point, label)).collect();
        ids.sort_unstable();
        assert!(ids.into_iter().eq(1..=u64::from(count)), "{kind}");
    }
    let path = world.path("live.db");
    let mut store = Store::open(&path, daybook::config::live::Durable::Commit)
        .await
        .unwrap();
    let kinds = world.config().live.unwrap().kinds;
    let later = Utc::now() + TimeDelta::hours(2);
    keep::round(&mut store, &rules(&kinds, Tz::Europe__Zurich), later)
        .await
        .unwrap();
    let held = store
        .held(&kinds["task"], Tz::Europe__Zurich)
        .await
        .unwrap();
    let durations: f64 = held
        .values()
        .map(|month| month.values["duration"].sum())
        .sum();
    let expected: u32 = (1..=TASKS).map(|id| id % 1000).sum();
    assert_eq!(durations, f64::from(expected));
    let succeeded: u64 = held.values().map(|month| month.succeeded).sum();
    assert_eq!(succeeded, u64::from(TASKS - TASKS / 5));
}

/// The number in a task's id, or a stage's duration, which is its own.
fn number(point: &Json, label: &str) -> u64 {
    match point["labels"][label].as_str() {
        Some(id) => id.trim_start_matches("task_").parse().unwrap(),
        None => point["values"]["duration"].as_u64().unwrap(),
    }
}

#[tokio::test]
async fn of_two_at_once_each_takes_what_the_other_has_not() {
    let world = world();
    fill(&world, Utc::now()).await;
    let both = [world.start(&MIGRATE), world.start(&MIGRATE)];
    for program in both {
        let ended = program.wait_with_output().unwrap();
        let message = String::from_utf8_lossy(&ended.stderr);
        let was_first = ended.status.success();
        assert!(was_first || ended.status.code() == Some(69), "{message}");
        assert!(
            was_first || message.contains("takes the same records"),
            "{message}"
        );
    }
    has_all(&world).await;
}

#[tokio::test]
async fn a_dozen_kills_lose_nothing_and_double_nothing() {
    killed(12, 41).await;
}

#[tokio::test]
#[ignore = "takes minutes: make soak"]
async fn two_hundred_kills_lose_nothing_and_double_nothing() {
    killed(200, 42).await;
}
