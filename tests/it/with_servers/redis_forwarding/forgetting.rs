//! What is forgotten through one replica is forgotten on the server at once, and in the files of all others.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use daybook::live::chunk::Chunk;
use daybook::live::event::Event;
use daybook::live::question::{Filter, count};
use daybook::live::redis::forget::Gone;
use daybook::live::redis::keep::Keeper;
use daybook::live::redis::server::Server as Connection;
use daybook::live::store::Store;
use serde_json::{Value as Json, json};
use support::proxy::Proxy;
use support::redis::{Client, Holds, Reply, Server};
use support::world::World;

use super::hosts::{sample, send};
use super::{Replica, until, world};

const HISTORIES: [&str; 3] = ["documented", "compact", "both"];
const NOTES: &str = "daybook:live:forgotten";

fn run(world: &World, args: &[&str]) -> Json {
    let output = world.binary(&[args, &["--json"]].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// No two samples of a host are the same, even if they are of one millisecond.
static SAMPLES: AtomicU32 = AtomicU32::new(0);

/// So many samples of a host, the last of them now.
fn samples(host: &str, count: i64) -> impl Iterator<Item = Event<'_>> {
    let now = Utc::now();
    let before = move |number| now - TimeDelta::milliseconds(10 * (count - 1 - number));
    (0..count).map(move |number| {
        let cpu = f64::from(SAMPLES.fetch_add(1, Relaxed));
        sample(host, before(number), cpu)
    })
}

/// The points of a host in a replica's own file.
async fn own(world: &World, host: &str) -> u64 {
    let live = world.config().live.unwrap();
    let mut store = Store::open_reading(&live.database).await.unwrap().unwrap();
    let filter = Filter {
        labels: vec![("host".to_owned(), host.to_owned())],
        ok: None,
    };
    let window = i64::MIN..i64::MAX;
    let counted = count(&mut store, &live.kinds["host"], window, &filter).await;
    store.close().await.unwrap();
    counted.unwrap()
}

/// The points of a host as questions find them: one by one, by host, and the newest.
fn asked(world: &World, host: &str) -> [u64; 3] {
    let label = format!("host={host}");
    let mut found = Vec::new();
    for args in [
        &["points", "host", "--label", &label, "--limit", "10000"][..],
        &["aggregate", "host", "--by", "host", "--figure", "count"],
        &["latest", "host", "--label", &label],
    ] {
        let answer = run(world, &[&["live", "query"], args].concat());
        assert_eq!(answer["answered_from"], json!("redis"));
        found.push(answer);
    }
    let of_host = |row: &&Json| row["labels"]["host"] == json!(host);
    let row = found[1]["rows"].as_array().unwrap().iter().find(of_host);
    [
        found[0]["points"].as_array().unwrap().len() as u64,
        row.map_or(0, |row| row["count"].as_u64().unwrap()),
        found[2]["points"].as_array().unwrap().len() as u64,
    ]
}

/// The samples of a host in the monitor's histories.
fn kept(client: &mut Client, host: &str) -> [i64; 2] {
    let history = format!("metrics:history:{host}");
    let documented = client.run(["ZCARD", &history]).number();
    let compact = format!("metrics:compact:{host}:");
    let mut count = 0;
    for (key, value) in client.dump() {
        if let (Some(day), Holds::List(items)) = (key.strip_prefix(&compact), value.holds) {
            let items: Vec<u8> = items.into_iter().flat_map(Reply::bytes).collect();
            let day: i64 = day.parse().unwrap();
            let samples = daybook::live::redis::compact::read(86_400_000 * day, &items);
            count += samples.unwrap().len() as i64;
        }
    }
    [documented, count]
}

/// Each key that has this text in its name or among its bytes, but for the notes.
fn keys_with(client: &mut Client, text: &str) -> Vec<String> {
    client.run(["CONFIG", "SET", "rdbcompression", "no"]);
    let has = |bytes: &[u8]| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    let keys = client.run(["KEYS", "*"]).list().into_iter();
    let keys: Vec<String> = keys.map(Reply::text).filter(|key| key != NOTES).collect();
    let found = keys.into_iter().filter(|key| {
        let is_named = has(key.as_bytes()) || has(&client.run(["DUMP", key]).bytes());
        let items = match client.run(["TYPE", key]).text().as_str() {
            "list" if !key.contains("compact") => client.run(["LRANGE", key, "0", "-1"]).list(),
            _ => Vec::new(),
        };
        // Texts of chunks may be squeezed.
        let labels = [("host".to_owned(), text.to_owned())];
        let is_in = |item: Reply| {
            let item = item.bytes();
            !Chunk::open(&item)
                .unwrap()
                .places(&labels)
                .unwrap()
                .is_empty()
        };
        is_named || items.into_iter().any(is_in)
    });
    found.collect()
}

/// The count of a host's rollups of a grain.
fn rolled(client: &mut Client, grain: &str, host: &str) -> i64 {
    let index = format!("daybook:live:host:index:{grain}:host");
    let keys = client.run(["ZRANGE", &index, "0", "-1"]).list();
    let keys = keys.into_iter().map(Reply::text);
    let own = keys.filter(|key| key.ends_with(&format!(":{host}")));
    own.map(|key| super::number(client, &key, "count")).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_forgotten_through_another_replica_right_after_its_last_sample_stays_so() {
    for history in HISTORIES {
        let server = Server::start(&[]);
        let more = format!("history = \"{history}\"");
        let worlds = [(); 2].map(|()| world(&server.url(), &more));
        let [one, two] = [Replica::of(&worlds[0]).await, Replica::of(&worlds[1]).await];
        let mut client = server.client(0);
        send(&two, samples("web", 7)).await;
        send(&one, samples("web", 5).chain(samples("z9", 30))).await;
        let expected = match history {
            "documented" => [30, 0],
            "compact" => [0, 30],
            _ => [30, 30],
        };
        until("all samples", || {
            kept(&mut client, "z9") == expected
                && kept(&mut client, "web").iter().sum::<i64>() % 12 == 0
        })
        .await;
        let forget = ["live", "forget", "host", "--label", "host=z9"];
        let there = json!({ "points": 30, "rollups": 0, "samples": 30 });
        let dry = run(&worlds[1], &[&forget[..], &["--dry-run"]].concat());
        assert_eq!((&dry["points"], &dry["on_redis"]), (&json!(0), &there));
        assert_eq!(kept(&mut client, "z9"), expected);
        let done = run(&worlds[1], &forget);
        assert_eq!((&done["points"], &done["on_redis"]), (&json!(0), &there));
        // At once, before the other replica has heard of it.
        assert_eq!(keys_with(&mut client, "z9"), [""; 0], "{history}");
        for world in &worlds {
            assert_eq!(asked(world, "z9"), [0; 3]);
            assert_eq!(asked(world, "web"), [12, 12, 1]);
        }
        for _ in 0..400 {
            if own(&worlds[0], "z9").await == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        assert_eq!(own(&worlds[0], "z9").await, 0);
        assert_eq!(own(&worlds[0], "web").await, 5);
        // Whoever ends rolls up all that it has.
        one.end().await;
        two.end().await;
        assert_eq!(keys_with(&mut client, "z9"), [""; 0], "{history}");
        for grain in ["hour", "day", "month"] {
            assert_eq!(rolled(&mut client, grain, "web"), 12, "{history} {grain}");
        }
        assert_eq!(asked(&worlds[0], "web"), [12, 12, 1]);
        assert_eq!(
            kept(&mut client, "web"),
            expected.map(|count| count * 12 / 30)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_away_forgets_once_it_is_back() {
    let server = Server::start(&[]);
    let away = world(&server.url(), "");
    let here = world(&server.url(), "");
    let mut client = server.client(0);
    let replica = Replica::of(&away).await;
    send(&replica, samples("web", 4).chain(samples("z9", 6))).await;
    replica.end().await;
    // What it records without the server waits in its file.
    let mut alone = away.config().live.unwrap();
    let settings = alone.redis.as_mut().unwrap();
    settings.server =
        daybook::config::redis_url::RedisServer::parse("redis://127.0.0.1:1").unwrap();
    let replica = Replica::with(alone).await;
    send(&replica, samples("web", 3).chain(samples("z9", 5))).await;
    replica.end().await;
    let done = run(&here, &["live", "redis", "forget", "z9"]);
    assert_eq!([&done["points"], &done["samples"]], [&json!(6), &json!(6)]);
    assert_eq!(keys_with(&mut client, "z9"), [""; 0]);
    assert_eq!(own(&away, "z9").await, 11);
    let replica = Replica::of(&away).await;
    replica.end().await;
    assert_eq!(own(&away, "z9").await, 0);
    assert_eq!(own(&away, "web").await, 7);
    assert_eq!(keys_with(&mut client, "z9"), [""; 0]);
    assert_eq!(asked(&here, "web"), [7, 7, 1]);
    assert_eq!(rolled(&mut client, "month", "web"), 7);
    // It has done so, and does not do it again.
    let name = client.run(["HKEYS", "daybook:live:forgotten:done"]).list();
    assert_eq!(name.len(), 1);
    let replica = Replica::of(&away).await;
    send(&replica, samples("z9", 2)).await;
    replica.end().await;
    assert_eq!(own(&away, "z9").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_after_the_deletion_count() {
    for history in HISTORIES {
        let server = Server::start(&[]);
        let more = format!("history = \"{history}\"");
        let worlds = [(); 2].map(|()| world(&server.url(), &more));
        let replica = Replica::of(&worlds[0]).await;
        let mut client = server.client(0);
        let mut last = 0;
        for round in 1..=3 {
            send(&replica, samples("z9", 3)).await;
            last += 3;
            let there = |client: &mut Client| kept(client, "z9").into_iter().max().unwrap();
            until("its samples", || there(&mut client) == last).await;
            // In every round those of the round before go, too.
            run(&worlds[1], &["live", "redis", "forget", "z9"]);
            send(
                &replica,
                [
                    sample("z9", Utc::now(), 2.0),
                    sample("web", Utc::now(), 2.0),
                ],
            )
            .await;
            last = 1;
            until("what came afterwards", || there(&mut client) == last).await;
            assert_eq!(asked(&worlds[1], "z9"), [1; 3], "{history}");
            assert_eq!(asked(&worlds[1], "web"), [round, round, 1], "{history}");
        }
        replica.end().await;
        for (host, left) in [("z9", 1), ("web", 3)] {
            assert_eq!(own(&worlds[0], host).await, left as u64);
            assert_eq!(rolled(&mut client, "hour", host), left, "{history}");
            assert_eq!(rolled(&mut client, "month", host), left, "{history}");
            assert_eq!(
                kept(&mut client, host).iter().max(),
                Some(&left),
                "{history}"
            );
        }
    }
}

async fn forget(world: &World, hosts: &[String], now: DateTime<Utc>) -> Gone {
    let live = world.config().live.unwrap();
    let settings = live.redis.as_ref().unwrap();
    let mut server = Connection::connect(settings).await.unwrap();
    let mut keeper = Keeper {
        server: &mut server,
        settings,
        kinds: &live.kinds,
        now,
        dry_run: false,
    };
    keeper.forget_hosts(hosts).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_loses_nothing_of_others_while_they_record_and_others_forget() {
    const ROUNDS: i64 = 8;
    let server = Server::start(&[]);
    let worlds = [(); 2].map(|()| world(&server.url(), "history = \"both\""));
    let [one, two] = [Replica::of(&worlds[0]).await, Replica::of(&worlds[1]).await];
    let mut client = server.client(0);
    let names: Vec<[String; 2]> = (0..ROUNDS)
        .map(|round| ["x", "y"].map(|name| format!("{name}{round}")))
        .collect();
    let recording = async {
        for [x, y] in &names {
            for replica in [&one, &two] {
                let samples = samples(x, 3).chain(samples(y, 3)).chain(samples("web", 10));
                send(replica, samples).await;
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        }
    };
    // Both forget out of the same items.
    let forgetting = |which: usize| {
        let (world, names) = (&worlds[which], &names);
        async move {
            for names in names {
                forget(world, &names[which..=which], Utc::now()).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    tokio::join!(recording, forgetting(0), forgetting(1));
    one.end().await;
    two.end().await;
    let all: Vec<String> = names.iter().flatten().cloned().collect();
    forget(&worlds[0], &all, Utc::now()).await;
    for name in &all {
        assert_eq!(keys_with(&mut client, name), [""; 0]);
    }
    let web = 20 * ROUNDS;
    assert_eq!(asked(&worlds[0], "web"), [web as u64, web as u64, 1]);
    assert_eq!(kept(&mut client, "web"), [web; 2]);
    for grain in ["hour", "day", "month"] {
        assert_eq!(rolled(&mut client, grain, "web"), web, "{grain}");
    }
    assert_eq!(
        own(&worlds[0], "web").await + own(&worlds[1], "web").await,
        web as u64
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_point_of_a_lost_reply_is_sent_again_by_nobody() {
    let server = Server::start(&[]);
    let proxy = Proxy::to(server.port);
    let worlds = [world(&proxy.url(), ""), world(&server.url(), "")];
    let replica = Replica::of(&worlds[0]).await;
    let mut client = server.client(0);
    until("the connection", || replica.seen().is_connected).await;
    for round in 1..=3 {
        proxy.cut(2);
        send(&replica, samples("z9", 3).chain(samples("web", 4))).await;
        until("its samples", || kept(&mut client, "z9") == [3, 0]).await;
        forget(&worlds[1], &["z9".to_owned()], Utc::now()).await;
        until("the end of forgetting", || {
            let done = client.run(["HVALS", "daybook:live:forgotten:done"]).list();
            done.into_iter().map(Reply::text).eq([round.to_string()])
        })
        .await;
        assert_eq!(keys_with(&mut client, "z9"), [""; 0]);
        assert_eq!(own(&worlds[0], "z9").await, 0);
    }
    replica.end().await;
    assert_eq!(asked(&worlds[1], "web"), [12, 12, 1]);
    assert_eq!(rolled(&mut client, "month", "web"), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_are_counted_in_whichever_form_they_are_kept() {
    for history in HISTORIES {
        let server = Server::start(&[]);
        let world = world(&server.url(), &format!("history = \"{history}\""));
        let replica = Replica::of(&world).await;
        send(&replica, samples("one", 5).chain(samples("two", 4))).await;
        replica.end().await;
        let status = run(&world, &["live", "redis", "status"]);
        assert_eq!(
            [&status["hosts"], &status["samples"]],
            [&json!(2), &json!(9)]
        );
        let changes = [
            (&["forget", "one", "--dry-run"][..], 1, 5),
            (&["forget", "one"], 1, 5),
            (&["clear", "--dry-run"], 1, 4),
            (&["clear"], 1, 4),
            (&["clear"], 0, 0),
        ];
        for (args, hosts, samples) in changes {
            let done = run(&world, &[&["live", "redis"], args].concat());
            let told = ["hosts", "samples", "points"].map(|name| done[name].clone());
            let expected = [json!(hosts), json!(samples), json!(samples)];
            assert_eq!(told, expected, "{history} {args:?}");
        }
    }
}

/// Of the point of another label's value only the rollups by that label alone go.
#[tokio::test(flavor = "multi_thread")]
async fn points_of_any_kind_and_label_are_forgotten() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    replica.record("zh", 6).await;
    replica.record("be", 3).await;
    replica.end().await;
    let mut client = server.client(0);
    let done = run(
        &world,
        &["live", "forget", "checkout", "--label", "shop=zh"],
    );
    assert_eq!(
        [&done["points"], &done["on_redis"]["points"]],
        [&json!(6), &json!(6)]
    );
    assert_eq!(done["on_redis"]["samples"], json!(0));
    assert_eq!(done["on_redis"]["rollups"], json!(3));
    let left = client
        .dump()
        .into_keys()
        .filter(|key| key.starts_with("daybook:live:checkout:"));
    let left: Vec<String> = left.filter(|key| key.contains(":zh")).collect();
    assert_eq!(left, [""; 0]);
    let answer = run(&world, &["live", "query", "points", "checkout"]);
    let shops = answer["points"].as_array().unwrap().iter();
    let shops: Vec<&Json> = shops.map(|point| &point["labels"]["shop"]).collect();
    assert_eq!(shops, [&json!("be"); 3]);
    let latest = client.dump()["daybook:live:checkout:latest:shop"]
        .hash()
        .clone();
    assert_eq!(latest.keys().collect::<Vec<_>>(), ["be", "be\0us"]);
    // A host of that name is another thing.
    assert_eq!(kept(&mut client, "zh"), [6, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_the_documented_rights_forgets() {
    let server = Server::start(&[]);
    let mut client = server.client(0);
    let rights: &str = include_str!("../../../../docs/redis.md");
    let line = rights
        .lines()
        .find(|line| line.starts_with("ACL SETUSER daybook "));
    assert_eq!(client.run(line.unwrap().split(' ')), Reply::ok());
    let url = format!("redis://daybook:SECRET@127.0.0.1:{}", server.port);
    let world = world(&url, "history = \"both\"");
    let replica = Replica::of(&world).await;
    send(&replica, samples("z9", 5).chain(samples("web", 4))).await;
    until("all samples", || kept(&mut client, "web") == [4; 2]).await;
    let done = run(&world, &["live", "redis", "forget", "z9"]);
    assert_eq!(done["points"], json!(5));
    until("the end of forgetting", || {
        client.run(["HLEN", "daybook:live:forgotten:done"]) == Reply::Number(1)
    })
    .await;
    replica.end().await;
    assert_eq!(keys_with(&mut client, "z9"), [""; 0]);
    assert_eq!(asked(&world, "web"), [4, 4, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_fleet_is_forgotten_but_for_what_it_sends_afterwards() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "history = \"compact\"");
    let replica = Replica::of(&world).await;
    let hosts: Vec<String> = (0..120).map(|host| format!("fleet-{host:03}")).collect();
    let all = hosts.iter().flat_map(|host| samples(host, 2));
    send(&replica, all).await;
    let mut client = server.client(0);
    until("all of them", || {
        client.run(["SCARD", "metrics:hosts"]) == Reply::Number(120)
    })
    .await;
    let done = run(&world, &["live", "redis", "clear"]);
    let told = ["hosts", "samples", "points"].map(|name| done[name].clone());
    assert_eq!(told, [json!(120), json!(240), json!(240)]);
    assert_eq!(keys_with(&mut client, "fleet-"), [""; 0]);
    send(&replica, [sample("fleet-007", Utc::now(), 2.0)]).await;
    replica.end().await;
    for host in &hosts {
        let left = u64::from(host == "fleet-007");
        assert_eq!(own(&world, host).await, left, "{host}");
    }
    assert_eq!(asked(&world, "fleet-007"), [1; 3]);
    assert_eq!(rolled(&mut client, "month", "fleet-007"), 1);
    assert_eq!(rolled(&mut client, "month", "fleet-008"), 0);
    let done = client.run(["HVALS", "daybook:live:forgotten:done"]).list();
    assert_eq!(done, [Reply::Bytes(b"120".to_vec())]);
}
