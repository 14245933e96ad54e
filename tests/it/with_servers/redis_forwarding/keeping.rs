//! What is too old goes; hosts are deleted; readers of scans count from a new beginning.

use chrono::{Days, Utc};
use daybook::live::batch::Batch;
use daybook::live::compat::moderation;
use serde_json::{Value as Json, json};
use support::redis::{Client, Reply, Server};
use support::world::World;

use super::{Replica, number, until, world};

fn run(world: &World, args: &[&str]) -> Json {
    let mut all = vec!["live", "redis"];
    all.extend(args);
    all.push("--json");
    let output = world.binary(&all);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A sample of a host that is an hour less than so many days old.
fn sample(client: &mut Client, host: &str, age: i64) {
    let at = Utc::now().timestamp_millis() - age * 86_400_000 + 3_600_000;
    let json = format!("{{\"hostId\":\"{host}\",\"timestamp\":{at}}}");
    client.run([
        "ZADD",
        &format!("metrics:history:{host}"),
        &at.to_string(),
        &json,
    ]);
    client.run(["SADD", "metrics:hosts", host]);
    client.run(["HSET", "metrics:newest", host, &at.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_go_one_by_one_and_hosts_that_are_silent_go_with_their_last() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "retention = 30");
    let mut client = server.client(0);
    for age in (1..=60).rev() {
        sample(&mut client, "alive", age);
    }
    sample(&mut client, "dead", 32);
    let before = client.dump();
    let dry = run(&world, &["trim", "--dry-run"]);
    assert_eq!((&dry["samples"], &dry["hosts"]), (&json!(31), &json!(1)));
    assert_eq!(client.dump(), before);
    let done = run(&world, &["trim"]);
    assert_eq!((&done["samples"], &done["hosts"]), (&json!(31), &json!(1)));
    assert_eq!(
        client.run(["ZCARD", "metrics:history:alive"]),
        Reply::Number(30)
    );
    assert_eq!(
        client.run(["EXISTS", "metrics:history:dead"]),
        Reply::Number(0)
    );
    let hosts = client.run(["SMEMBERS", "metrics:hosts"]).list();
    assert_eq!(hosts, [Reply::Bytes(b"alive".to_vec())]);
    let cleaned: i64 = client
        .run(["GET", "metrics:last_cleanup"])
        .text()
        .parse()
        .unwrap();
    assert!((Utc::now().timestamp_millis() - cleaned).abs() < 60_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarder_takes_what_is_too_old_by_itself() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "retention = 30");
    sample(&mut server.client(0), "dead", 40);
    let replica = Replica::of(&world).await;
    until("the host's end", || {
        server.client(0).run(["EXISTS", "metrics:history:dead"]) == Reply::Number(0)
    })
    .await;
    replica.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_scans_goes_with_everything_that_belongs_to_it() {
    let server = Server::start(&[]);
    // The forwarder has nothing to trim.
    server.client(0).run(["SET", "daybook:live:kept", "1"]);
    let world = world(&server.url(), "keep_scans = 3");
    let replica = Replica::of(&world).await;
    let mut batch = Batch::default();
    let now = replica.recorder.now();
    for age in 0..6 {
        let at = now - Days::new(age);
        let scan = json!({ "guild_id": 7, "content_type": "image", "occurred_at": at });
        let scan = moderation::event(scan.to_string().as_bytes()).unwrap();
        batch.add(1, &scan, replica.recorder.kinds(), now);
    }
    replica.recorder.send(batch).await.unwrap();
    replica.end().await;
    let mut client = server.client(0);
    assert_eq!(
        client.run(["ZCARD", "moderator:metrics:rollups:index"]),
        Reply::Number(6)
    );
    let dry = run(&world, &["trim", "--dry-run"]);
    assert_eq!(dry["rollups"], json!(2));
    assert_eq!(run(&world, &["trim"])["rollups"], json!(2));
    let gone = [4, 5].map(|age| (now - Days::new(age)).date_naive().to_string());
    for key in client
        .dump()
        .into_keys()
        .filter(|key| key.starts_with("moderator"))
    {
        assert!(!gone.iter().any(|day| key.contains(day)), "{key}");
    }
    for index in ["rollups:index", "rollups:index:guild:7"] {
        let index = format!("moderator:metrics:{index}");
        assert_eq!(client.run(["ZCARD", &index]), Reply::Number(4));
    }
    // All time stays all time, and the events came today.
    assert_eq!(
        number(&mut client, "moderator:metrics:totals", "scans_count"),
        6
    );
    assert_eq!(client.run(["XLEN", "moderator:metrics"]), Reply::Number(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_takes_all_counters_as_baseline_and_sets_none_to_zero() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    replica.record("one", 9).await;
    replica.end().await;
    let mut client = server.client(0);
    let before = client.dump();
    let dry = run(&world, &["reset", "--dry-run"]);
    assert_eq!(client.dump(), before);
    for _ in 0..3 {
        let done = run(&world, &["reset"]);
        assert_eq!(done["counters"], dry["counters"]);
    }
    let after = client.dump();
    // Of a baseline there is never a baseline.
    let new: Vec<&String> = after
        .keys()
        .filter(|key| !before.contains_key(*key))
        .collect();
    assert_eq!(new.len(), 4, "{new:?}");
    for (key, value) in &before {
        assert_eq!(after.get(key), Some(value), "{key}");
    }
    let baseline = after["moderator:metrics:totals:baseline"].hash();
    assert_eq!(baseline["scans_count"], "9");
    assert_eq!(baseline["total_bytes"], "9000");
    assert_eq!(
        after["moderator:metrics:totals:status:baseline"].hash()["scan_complete"],
        "9"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_counted_deleted_and_cleared_and_a_replica_is_retired() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "history = \"both\"");
    let replica = Replica::of(&world).await;
    replica.record("one", 5).await;
    replica.record("two", 4).await;
    replica.end().await;
    let mut client = server.client(0);
    let status = run(&world, &["status"]);
    assert_eq!(
        (&status["hosts"], &status["samples"]),
        (&json!(2), &json!(9))
    );
    let name = status["replicas"][0]["name"].as_str().unwrap().to_owned();
    assert_eq!(status["replicas"].as_array().unwrap().len(), 1);
    assert_eq!(
        run(&world, &["forget", "one", "--dry-run"])["samples"],
        json!(5)
    );
    assert_eq!(run(&world, &["status"])["samples"], json!(9));
    assert_eq!(run(&world, &["forget", "one"])["samples"], json!(5));
    let of_hosts = |key: &String| !key.starts_with("daybook:live:checkout");
    let dump = client.dump();
    let left: Vec<&String> = dump.keys().filter(|key| key.contains(":one")).collect();
    assert!(!left.into_iter().any(of_hosts), "{:?}", dump.keys());
    let latest = dump["daybook:live:host:latest:host"].hash();
    assert!(latest.contains_key("two") && !latest.contains_key("one"));
    let unknown = world.binary(&["live", "redis", "forget", "one"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert_eq!(run(&world, &["clear", "--dry-run"])["samples"], json!(4));
    assert_eq!(run(&world, &["clear"])["hosts"], json!(1));
    assert_eq!(run(&world, &["status"])["hosts"], json!(0));
    run(&world, &["retire", &name]);
    assert_eq!(run(&world, &["status"])["replicas"], json!([]));
}
