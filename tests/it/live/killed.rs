//! Killed at any moment under load, what was answered is there, exactly once.

#![expect(clippy::disallowed_methods, reason = "recorders tell the real time")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::config::live::Durable;
use daybook::kinds::Kinds;
use daybook::live::grain::Grain;
use daybook::live::keep;
use daybook::live::point::points;
use daybook::live::question;
use daybook::live::store::Store;
use serde_json::Value as Json;
use support::dice::Dice;
use support::world::World;

use super::{CHECKOUT, METRICS, rules};

/// A sender that numbers its events, and knows how many of them were answered.
pub(super) struct Sender {
    pub name: &'static str,
    pub answered: usize,
}

impl Sender {
    /// Starts a recorder, feeds it from the first event on that was not answered, kills it after a while.
    fn run(&mut self, world: &World, kill_after: Option<Duration>, count: usize) {
        let mut recorder = world
            .program()
            .args(["live", "record", "--flush", "50"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(recorder.stdout.take().unwrap());
        self.feed(&mut recorder, count);
        if let Some(kill_after) = kill_after {
            thread::sleep(kill_after);
            recorder.kill().unwrap();
        }
        for answer in answers.lines().map_while(Result::ok) {
            // The last line may be cut off by the kill; it was not answered then.
            let Ok(answer) = serde_json::from_str::<Json>(&answer) else {
                break;
            };
            assert_eq!(answer["rejected"], serde_json::json!([]), "{answer}");
            self.answered += answer["accepted"].as_u64().unwrap() as usize;
        }
        let ended = recorder.wait_with_output().unwrap();
        assert!(kill_after.is_some() || ended.status.success(), "{ended:?}");
    }

    fn feed(&self, recorder: &mut Child, count: usize) {
        let (name, first) = (self.name, self.answered);
        let mut input = recorder.stdin.take().unwrap();
        thread::spawn(move || {
            for number in first..first + count {
                let shop = ["zh", "be"][number % 2];
                let id = format!("{name}-{number}");
                let line = format!(
                    r#"{{"kind": "checkout", "id": "{id}", "labels": {{"shop": "{shop}", "order": "{id}"}}, "values": {{"amount": {number}}}}}"#
                );
                if writeln!(input, "{line}").is_err() {
                    return;
                }
            }
        });
    }
}

/// Each event of each sender up to the last that was answered is there once, and the rollups count them all.
pub(super) async fn has_each_once(store: &mut Store, kinds: &Kinds, senders: &[Sender]) {
    let later = Utc::now() + TimeDelta::hours(2);
    let broken = keep::round(store, &rules(kinds, Tz::Europe__Zurich), later)
        .await
        .unwrap();
    assert_eq!(broken, 0);
    let question = super::everything();
    let found = question::points(&mut *store, &kinds["checkout"], &question)
        .await
        .unwrap();
    assert_eq!((&found.broken[..], found.next), (&[][..], None));
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    let points = || points(&found.points, "checkout");
    for place in 0..found.points.len() {
        let order = found.points.label("order").unwrap().text(place);
        *times.entry(order).or_default() += 1;
    }
    for sender in senders {
        for number in 0..sender.answered {
            let id = format!("{}-{number}", sender.name);
            assert_eq!(times.get(id.as_str()), Some(&1), "{id}");
        }
    }
    assert!(times.values().all(|count| *count == 1));
    // A file that ends before its first event knows no kind.
    let Some(id) = store.kind("checkout").await.unwrap() else {
        return;
    };
    let by = ["shop".to_owned()];
    let rollups = store
        .rollups(id, Grain::Month, &by, i64::MIN..i64::MAX)
        .await
        .unwrap();
    for shop in ["zh", "be"] {
        let counted: u64 = rollups
            .iter()
            .filter(|(key, _)| key.words == [shop])
            .map(|(_, rollup)| rollup.points)
            .sum();
        let there = points()
            .filter(|point| point.label("shop") == Some(shop))
            .count();
        assert_eq!(counted, there as u64, "{shop}");
    }
}

async fn live_db_has_each_once(world: &World, senders: &[Sender]) {
    let path = world.path("live.db");
    let mut store = Store::open(&path, Durable::Commit).await.unwrap();
    has_each_once(&mut store, &world.config().live.unwrap().kinds, senders).await;
}

async fn killed(times: usize, seed: u64) {
    let settings =
        format!("[live]\nkeep_every = \"1s\"\n[live.kinds.checkout]\n{CHECKOUT}{METRICS}");
    let world = World::new("2026-11-20T11:00:00Z", &settings);
    let mut dice = Dice(seed);
    let mut senders = [("a", 0), ("b", 0)].map(|(name, answered)| Sender { name, answered });
    for round in 0..times {
        let pause = Duration::from_millis(20 + dice.below(400));
        let [one, other] = &mut senders;
        thread::scope(|scope| {
            // Every other time two processes write the same file.
            if round % 2 == 1 {
                scope.spawn(|| other.run(&world, Some(pause / 2), 5_000));
            }
            one.run(&world, Some(pause), 5_000);
        });
        if round % 10 == 9 {
            live_db_has_each_once(&world, &senders).await;
        }
    }
    for sender in &mut senders {
        sender.run(&world, None, 500);
    }
    assert!(senders.iter().all(|sender| sender.answered >= 500));
    live_db_has_each_once(&world, &senders).await;
}

#[tokio::test]
async fn fifty_kills_lose_nothing_that_was_answered_and_double_nothing() {
    killed(50, 17).await;
}

#[tokio::test]
#[ignore = "takes minutes: make soak"]
async fn five_hundred_kills_lose_nothing_that_was_answered() {
    killed(500, 18).await;
}
