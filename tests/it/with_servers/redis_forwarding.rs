//! What is recorded reaches Redis: in order, once, whatever happens to the server and to the line.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![expect(clippy::disallowed_methods, reason = "recorders tell the real time")]

mod failing;
mod forgetting;
mod hosts;
mod keeping;
mod random;
mod reached;
mod scans;
mod sentinels;
mod told;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use daybook::config::LiveSettings;
use daybook::live::batch::Batch;
use daybook::live::compat::moderation;
use daybook::live::event::Event;
use daybook::live::record::{Recorder, Writer};
use daybook::live::redis::forward::Seen;
use serde_json::json;
use support::redis::{Client, Reply, Server};
use support::world::World;

const CHECKOUT: &str = r#"
[live.kinds.checkout]
shape = "span"
labels = { shop = { most = 50, required = true } }
values = { duration = { unit = "ms", min = 0 }, amount = { unit = "CHF", decimals = 2 } }
by = [["shop"]]
keep = { points = "30d" }
"#;

const METRICS: &str = r#"
[[metrics]]
key = "scans"
live = { kind = "scan", value = "count" }
"#;

/// A program that forwards to this server; `more` goes into `[live.redis]`.
fn world(url: &str, more: &str) -> World {
    let settings = format!(
        "[live]\naccept = true\npresets = [\"moderation\", \"hosts\"]\n\
         [live.redis]\nurl = \"{url}\"\nevery = \"20ms\"\n{more}\n{CHECKOUT}{METRICS}"
    );
    World::new("2026-11-20T11:00:00Z", &settings)
}

/// A recorder with its forwarder.
struct Replica {
    recorder: Recorder,
    writer: Writer,
    live: LiveSettings,
}

/// No two samples of one host are of the same millisecond.
static SINCE: OnceLock<DateTime<Utc>> = OnceLock::new();
static SAMPLES: AtomicI64 = AtomicI64::new(0);

impl Replica {
    async fn of(world: &World) -> Self {
        Self::with(world.config().live.unwrap()).await
    }

    async fn with(live: LiveSettings) -> Self {
        let opened = Recorder::open(&live, chrono_tz::Europe::Zurich, Utc::now).await;
        let (recorder, writer) = opened.unwrap();
        Self {
            recorder,
            writer,
            live,
        }
    }

    /// So many scans, of which every third is flagged, checkouts of one shop and samples of one host.
    async fn record(&self, name: &str, count: usize) {
        let mut batch = Batch::default();
        let now = self.recorder.now();
        for number in 0..count {
            let scan = json!({
                "guild_id": 7, "content_type": "image", "file_size": 1000, "scan_duration_ms": 40,
                "scan_result": { "is_nsfw": number % 3 == 0 },
            });
            let scan = moderation::event(scan.to_string().as_bytes()).unwrap();
            let checkout = Event::new("checkout")
                .label("shop", name)
                .value("duration", 20_i64)
                .value("amount", 1.25)
                .ok(true);
            let mut sample = Event::new("host").label("host", name).value("cpu", 12.5);
            let before = TimeDelta::milliseconds(SAMPLES.fetch_add(1, Relaxed) + 1);
            sample.at = Some(*SINCE.get_or_init(Utc::now) - before);
            for event in [scan, checkout, sample] {
                batch.add(1, &event, self.recorder.kinds(), now);
            }
        }
        assert!(batch.reply().rejected.is_empty(), "{:?}", batch.reply());
        self.recorder.send(batch).await.unwrap();
    }

    fn seen(&self) -> Seen {
        self.writer.forwarding().unwrap().seen()
    }

    /// Until nothing waits any more, as far as it can go.
    async fn end(self) {
        self.writer.stop().await.unwrap().close().await.unwrap();
    }
}

fn number(client: &mut Client, key: &str, field: &str) -> i64 {
    match client.run(["HGET", key, field]) {
        Reply::Nil => 0,
        reply => reply.text().parse().unwrap(),
    }
}

/// What the server holds of scans, checkouts and samples, by whatever tells it.
fn counts(client: &mut Client, names: &[&str]) -> BTreeMap<String, i64> {
    let totals = "moderator:metrics:totals";
    let mut counts = BTreeMap::new();
    let mut say = |name: &str, count: i64| {
        counts.insert(name.to_owned(), count);
    };
    say("scans", number(client, totals, "scans_count"));
    say(
        "status",
        number(client, "moderator:metrics:totals:status", "scan_complete"),
    );
    say("bytes", number(client, totals, "total_bytes"));
    say("stream", client.run(["XLEN", "moderator:metrics"]).number());
    let index = ["ZRANGE", "moderator:metrics:rollups:index", "0", "-1"];
    let keys: Vec<String> = client
        .run(index)
        .list()
        .into_iter()
        .map(Reply::text)
        .collect();
    let of_days = keys
        .iter()
        .map(|key| number(client, key, "scans_count"))
        .sum();
    say("scans of days", of_days);
    for name in names {
        let samples = client
            .run(["ZCARD", &format!("metrics:history:{name}")])
            .number();
        say(&format!("samples of {name}"), samples);
        let index = "daybook:live:checkout:index:month:shop";
        let keys = client
            .run(["ZRANGE", index, "0", "-1"])
            .list()
            .into_iter()
            .map(Reply::text);
        let own = keys.filter(|key| key.ends_with(&format!(":{name}")));
        let own: Vec<String> = own.collect();
        let count = |client: &mut Client, field: &str| {
            own.iter().map(|key| number(client, key, field)).sum()
        };
        say(&format!("checkouts of {name}"), count(client, "count"));
        say(&format!("amount of {name}"), count(client, "amount:sum"));
    }
    counts
}

/// What that must be if each of these has recorded so many.
fn expected(recorded: &[(&str, usize)]) -> BTreeMap<String, i64> {
    let all: i64 = recorded.iter().map(|(_, count)| *count as i64).sum();
    let mut counts = BTreeMap::new();
    let mut say = |name: String, count: i64| {
        counts.insert(name, count);
    };
    for name in ["scans", "status", "stream", "scans of days"] {
        say(name.to_owned(), all);
    }
    say("bytes".to_owned(), 1000 * all);
    for (name, count) in recorded {
        let count = *count as i64;
        say(format!("samples of {name}"), count);
        say(format!("checkouts of {name}"), count);
        say(format!("amount of {name}"), 125 * count);
    }
    counts
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what} never came to be");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_replicas_record_is_counted_once() {
    let server = Server::start(&[]);
    let (one, other) = (world(&server.url(), ""), world(&server.url(), ""));
    let (one, other) = (Replica::of(&one).await, Replica::of(&other).await);
    for _ in 0..5 {
        one.record("one", 30).await;
        other.record("other", 7).await;
    }
    one.end().await;
    other.end().await;
    let counts = counts(&mut server.client(0), &["one", "other"]);
    assert_eq!(counts, expected(&[("one", 150), ("other", 35)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_in_the_order_in_which_they_were_recorded() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    for number in 0..60 {
        let scan = json!({ "guild_id": number, "content_type": "image" });
        let scan = moderation::event(scan.to_string().as_bytes()).unwrap();
        replica.recorder.record(&scan).await.unwrap();
    }
    replica.end().await;
    let entries = server
        .client(0)
        .run(["XRANGE", "moderator:metrics", "-", "+"]);
    let guild = |entry: Reply| {
        let event = entry.list().remove(1).list().remove(1).text();
        let event: serde_json::Value = serde_json::from_str(&event).unwrap();
        event["guild_id"].as_i64().unwrap_or(0)
    };
    let guilds: Vec<i64> = entries.list().into_iter().map(guild).collect();
    assert_eq!(guilds, (0..60).collect::<Vec<i64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_one_command() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    until("the connection", || replica.seen().is_connected).await;
    let calls = |client: &mut Client, command: &str| -> i64 {
        let text = client.run(["INFO", "commandstats"]).text();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
    };
    let mut client = server.client(0);
    until("the first tidying", || {
        client.run(["EXISTS", "metrics:last_cleanup"]) == Reply::Number(1)
            && calls(&mut client, "evalsha") > 2
    })
    .await;
    let loaded = calls(&mut client, "script|load");
    let before = calls(&mut client, "evalsha");
    let batches = replica.seen().batches;
    for _ in 0..10 {
        replica.record("one", 5).await;
        let recorded = replica.seen().batches;
        until("the next batch", || replica.seen().batches > recorded).await;
    }
    let sent = replica.seen().batches - batches;
    let scripts = calls(&mut client, "evalsha") - before;
    // Beside them it is told from time to time up to when all is there.
    assert!(
        (sent as i64..=sent as i64 + 2).contains(&scripts),
        "{scripts} for {sent}"
    );
    assert_eq!(calls(&mut client, "script|load"), loaded);
    assert_eq!(calls(&mut client, "eval"), 0);
    replica.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_batches_in_a_row_are_forwarded_in_few() {
    let server = Server::start(&[]);
    let world = world("redis://127.0.0.1:1", "");
    let replica = Replica::of(&world).await;
    for _ in 0..200 {
        replica.record("one", 3).await;
    }
    replica.end().await;
    let again = world.config().live.unwrap();
    let mut again = again;
    let mut redis = again.redis.take().unwrap();
    redis.server = daybook::config::redis_url::RedisServer::parse(&server.url()).unwrap();
    again.redis = Some(redis);
    let replica = Replica::with(again).await;
    until("everything", || {
        let seen = replica.seen();
        seen.is_connected && seen.backlog.points == 0 && seen.batches > 0
    })
    .await;
    // 1800 points of 200 commits.
    assert!(replica.seen().batches <= 4, "{:?}", replica.seen());
    replica.end().await;
    assert_eq!(
        counts(&mut server.client(0), &["one"]),
        expected(&[("one", 600)])
    );
}
