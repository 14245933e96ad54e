//! Whoever follows what is recorded gets each event once, whoever writes and whatever a keeper does meanwhile.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::UTC;
use daybook::config::live::Durable;
use daybook::live::batch::Batch;
use daybook::live::event::Event;
use daybook::live::follow::{Followed, Position, Step, next};
use daybook::live::keep::{forget, round};
use daybook::live::question::Filter;
use daybook::live::record::{Recorder, Settings};
use daybook::live::store::Store;
use support::world::World;

use super::{CHECKOUT, METRICS, kinds, noon, recorder_in, rules};

/// The program's clock is the machine's: nothing is too old for it.
fn world() -> World {
    let old = "late = \"36500d\"\nkeep = { points = \"forever\" }\n";
    let settings = format!(
        "[live]\n[live.kinds.note]\nshape = \"event\"\n{old}[live.kinds.checkout]\n{old}{CHECKOUT}{METRICS}"
    );
    World::new("2026-11-20T11:00:00Z", &settings)
}

fn record(world: &World, lines: &str) {
    let mut recorder = world
        .program()
        .args(["live", "record"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = recorder.stdin.take().unwrap();
    input.write_all(lines.as_bytes()).unwrap();
    drop(input);
    assert!(recorder.wait().unwrap().success());
}

const LINES: &str = r#"{"kind": "checkout", "at": "2026-11-20T10:59:01Z", "labels": {"shop": "zh", "order": 1}, "values": {"duration": 120}, "ok": true}
{"kind": "note", "at": "2026-11-20T10:59:02Z"}
{"kind": "checkout", "at": "2026-11-20T10:59:03Z", "labels": {"shop": "be", "order": 2}, "values": {"amount": 19.95}, "ok": false}
"#;

#[test]
fn the_newest_events_of_all_kinds_are_printed_the_oldest_of_them_first() {
    let world = world();
    let tail = |options: &[&str]| {
        let ended = world.binary(&[&["live", "tail"], options].concat());
        let said = String::from_utf8(ended.stderr).unwrap();
        let printed = String::from_utf8(ended.stdout).unwrap();
        (ended.status.code(), printed, said)
    };
    assert_eq!(tail(&[]), (Some(0), String::new(), String::new()));
    record(&world, LINES);
    let first = r#"{"at":"2026-11-20T10:59:01Z","kind":"checkout","labels":{"order":"1","shop":"zh"},"values":{"duration":120.0},"ok":true}
"#;
    let note = r#"{"at":"2026-11-20T10:59:02Z","kind":"note","labels":{},"values":{}}
"#;
    let last = r#"{"at":"2026-11-20T10:59:03Z","kind":"checkout","labels":{"order":"2","shop":"be"},"values":{"amount":19.95},"ok":false}
"#;
    for (options, printed) in [
        (&[][..], [first, note, last].concat()),
        (&["--json"], [first, note, last].concat()),
        (&["--limit", "2"], [note, last].concat()),
        (&["note"], note.to_owned()),
        (&["note", "checkout", "--limit", "2"], [note, last].concat()),
        (&["--label", "shop=zh"], first.to_owned()),
        (&["--ok", "false"], last.to_owned()),
        (&["--limit", "0"], String::new()),
    ] {
        let told = (Some(0), printed, String::new());
        assert_eq!(tail(options), told, "{options:?}");
    }
    for (options, said) in [
        (&["checkuot"][..], "did you mean `checkout`?"),
        (&["note", "--label", "shop=zh"], "--label shop: "),
        (&["--label", "shop"], "--label shop: expected NAME=VALUE"),
        (&["--ok", "no"], "--ok: `no` is neither true nor false"),
    ] {
        let (code, printed, told) = tail(options);
        assert_eq!((code, printed), (Some(2), String::new()), "{options:?}");
        assert!(told.contains(said), "{options:?}: {told}");
    }
}

/// A tail at work.
struct Tail {
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
}

/// A test that fails leaves none behind.
impl Drop for Tail {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Tail {
    fn of(world: &World, options: &[&str]) -> Self {
        let mut command: Command = world.program();
        let mut child = command
            .args(["live", "tail", "--follow"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Some(BufReader::new(child.stdout.take().unwrap()));
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let lines = self.lines.as_mut().unwrap();
        assert!(lines.read_line(&mut line).unwrap() > 0);
        line
    }
}

#[test]
fn a_tail_goes_on_with_what_other_programs_record_until_it_is_told_to_stop() {
    let world = world();
    // There is no file yet.
    let mut all = Tail::of(&world, &[]);
    record(&world, LINES);
    let first: Vec<String> = (0..3).map(|_| all.line()).collect();
    assert!(
        first.iter().any(|line| line.contains(r#""order":"1""#)),
        "{first:?}"
    );
    let mut failed = Tail::of(&world, &["--ok", "false", "--limit", "1"]);
    assert!(failed.line().contains(r#""order":"2""#));
    let more = LINES.replace("\"order\": 2", "\"order\": 4");
    record(&world, &more);
    let next: Vec<String> = (0..3).map(|_| all.line()).collect();
    assert!(
        next.iter().any(|line| line.contains(r#""order":"4""#)),
        "{next:?}"
    );
    assert!(failed.line().contains(r#""order":"4""#));
    let id = rustix::process::Pid::from_child(&all.child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    assert!(all.child.wait().unwrap().success());
    // Nobody reads any more: it ends with the next event.
    failed.lines = None;
    record(&world, &more);
    assert!(failed.child.wait().unwrap().success());
}

fn orders() -> Followed {
    BTreeMap::from([("checkout".to_owned(), Filter::default())])
}

fn checkout(order: usize) -> Event<'static> {
    Event::new("checkout")
        .label("shop", if order.is_multiple_of(2) { "zh" } else { "be" })
        .label("order", order.to_string())
        .at(noon() - TimeDelta::hours(2))
}

async fn send(recorder: &Recorder, orders: impl Iterator<Item = usize>) {
    let mut batch = Batch::default();
    for order in orders {
        batch.add(1, &checkout(order), recorder.kinds(), recorder.now());
    }
    recorder.send_when_free(batch).await.unwrap();
}

async fn open(path: &Path) -> Store {
    Store::open(path, Durable::Commit).await.unwrap()
}

/// The orders of the next step, and the position behind some of them: as if the connection had broken there.
async fn step(store: &mut Store, position: &mut Position, most: usize) -> Option<Vec<usize>> {
    match next(store, &orders(), *position).await.unwrap() {
        Step::Points {
            points, positions, ..
        } => {
            let taken = positions.len().min(most);
            *position = positions[taken - 1].to_string().parse().unwrap();
            let orders = points.label("order").unwrap();
            let order = |at| orders.get(at).unwrap().parse().unwrap();
            Some((0..taken).map(order).collect())
        }
        Step::End(end) => {
            *position = end;
            Some(Vec::new())
        }
        Step::Gap(end) => {
            *position = end;
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_comes_once_and_in_order_while_a_keeper_seals_and_the_reader_comes_and_goes() {
    const SENDERS: usize = 4;
    const BATCHES: usize = 20;
    const BATCH: usize = 25;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.db");
    drop(open(&path).await);
    let is_over = Arc::new(AtomicBool::new(false));
    let mut senders = Vec::new();
    for sender in 0..SENDERS {
        // Each is a process of its own as far as the file knows.
        let (recorder, writer) = recorder_in(&path, Settings::default()).await;
        senders.push(tokio::spawn(async move {
            for batch in 0..BATCHES {
                let first = (sender * BATCHES + batch) * BATCH;
                send(&recorder, first..first + BATCH).await;
            }
            writer.stop().await.unwrap().close().await.unwrap();
        }));
    }
    let (mut kept, over) = (open(&path).await, Arc::clone(&is_over));
    let keeper = tokio::spawn(async move {
        while !over.load(Ordering::Relaxed) {
            round(&mut kept, &rules(&kinds(), UTC), noon())
                .await
                .unwrap();
            // Writers that wait for the file have their turn.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        round(&mut kept, &rules(&kinds(), UTC), noon())
            .await
            .unwrap();
        kept
    });
    let mut position = Position::FIRST;
    let mut all = Vec::new();
    let mut luck = 17_u64;
    while all.len() < SENDERS * BATCHES * BATCH {
        luck = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut store = Store::open_reading(&path).await.unwrap().unwrap();
        for _ in 0..luck >> 61 {
            let most = 1 + (luck >> 40) as usize % 40;
            all.extend(step(&mut store, &mut position, most).await.unwrap());
        }
        store.close().await.unwrap();
    }
    for sender in senders {
        sender.await.unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    let mut store = keeper.await.unwrap();
    assert_eq!(store.unsealed().await.unwrap().0, 0);
    assert_eq!(step(&mut store, &mut position, 1).await, Some(Vec::new()));
    for sender in 0..SENDERS {
        let own = sender * BATCHES * BATCH..(sender + 1) * BATCHES * BATCH;
        let got: Vec<usize> = all
            .iter()
            .copied()
            .filter(|order| own.contains(order))
            .collect();
        assert_eq!(got, own.collect::<Vec<_>>());
    }
}

/// A store with two batches of orders, all sealed.
async fn sealed(path: &Path) -> Store {
    let (recorder, writer) = recorder_in(path, Settings::default()).await;
    send(&recorder, 0..3).await;
    send(&recorder, 3..6).await;
    let mut store = writer.stop().await.unwrap();
    round(&mut store, &rules(&kinds(), UTC), noon())
        .await
        .unwrap();
    assert_eq!(store.unsealed().await.unwrap().0, 0);
    store
}

async fn round_at(store: &mut Store, now: DateTime<Utc>) {
    round(store, &rules(&kinds(), UTC), now).await.unwrap();
}

#[tokio::test]
async fn what_is_no_longer_kept_for_those_who_come_back_is_a_gap_and_never_silence() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = sealed(&folder.path().join("live.db")).await;
    let mut position = Position::FIRST;
    assert_eq!(step(&mut store, &mut position, 2).await, Some(vec![0, 1]));
    let (mut late, mut current) = (position, position);
    round_at(&mut store, noon() + TimeDelta::minutes(10)).await;
    assert_eq!(step(&mut store, &mut current, 9).await, Some(vec![2]));
    assert_eq!(step(&mut store, &mut current, 9).await, Some(vec![3, 4, 5]));
    assert_eq!(step(&mut store, &mut current, 9).await, Some(Vec::new()));
    round_at(&mut store, noon() + TimeDelta::seconds(601)).await;
    assert_eq!(step(&mut store, &mut late, 9).await, None);
    assert_eq!(step(&mut store, &mut late, 9).await, Some(Vec::new()));
    assert_eq!(step(&mut store, &mut current, 9).await, Some(Vec::new()));
    // Of a file that was replaced by a new one.
    let mut foreign: Position = "9000.4".parse().unwrap();
    assert_eq!(step(&mut store, &mut foreign, 9).await, None);
    assert_eq!(foreign, current);
}

#[tokio::test]
async fn what_is_forgotten_is_not_told_to_those_who_come_back_and_all_others_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = sealed(&folder.path().join("live.db")).await;
    let labels = [("order".to_owned(), "4".to_owned())];
    let kind = &kinds()["checkout"];
    forget(&mut store, kind, &labels, true).await.unwrap();
    let mut position = Position::FIRST;
    assert_eq!(
        step(&mut store, &mut position, 9).await,
        Some(vec![0, 1, 2])
    );
    // One has come to the middle of a chunk.
    let mut further = position;
    assert_eq!(step(&mut store, &mut further, 1).await, Some(vec![3]));
    forget(&mut store, kind, &labels, false).await.unwrap();
    for (mut position, left) in [(position, vec![3, 5]), (further, vec![5])] {
        assert_eq!(step(&mut store, &mut position, 9).await, Some(left));
        assert_eq!(step(&mut store, &mut position, 9).await, Some(Vec::new()));
    }
    let labels = [("order".to_owned(), "3".to_owned())];
    forget(&mut store, kind, &labels, false).await.unwrap();
    for mut position in [position, further] {
        assert_eq!(step(&mut store, &mut position, 9).await, Some(vec![5]));
    }
}

#[test]
fn only_positions_are_read_as_such() {
    for text in [
        "",
        "1",
        "1.",
        ".1",
        "-1.0",
        "1.0.0",
        "1.-1",
        "x.0",
        "99999999999999999999.0",
    ] {
        assert!(text.parse::<Position>().is_err(), "{text}");
    }
    assert_eq!("7.3".parse::<Position>().unwrap().to_string(), "7.3");
}
