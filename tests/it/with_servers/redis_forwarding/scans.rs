//! What the bot's hashes come to while several write, read, reset and delete: neither more nor less than was scanned.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveTime, SecondsFormat, TimeDelta, Utc};
use daybook::live::batch::Batch;
use daybook::live::compat::moderation;
use serde_json::{Value as Json, json};
use support::dice::Dice;
use support::redis::{Client, Reply, Server, Value};
use support::world::World;

use super::{Replica, number, until, world};

const TOTALS: &str = "moderator:metrics:totals";
const STATUS: &str = "moderator:metrics:totals:status";

async fn send(replica: &Replica, scans: impl IntoIterator<Item = Json>) {
    let texts = scans.into_iter().map(|scan| scan.to_string());
    send_texts(replica, texts).await;
}

async fn send_texts(replica: &Replica, scans: impl IntoIterator<Item = String>) {
    let mut batch = Batch::default();
    for scan in scans {
        let scan = moderation::event(scan.as_bytes()).unwrap();
        batch.add(1, &scan, replica.recorder.kinds(), replica.recorder.now());
    }
    assert!(batch.reply().rejected.is_empty(), "{:?}", batch.reply());
    replica.recorder.send(batch).await.unwrap();
}

fn image(size: i64) -> Json {
    json!({ "guild_id": 7, "content_type": "image", "file_size": size, "accelerated": true })
}

fn field(client: &mut Client, key: &str, field: &str) -> String {
    client.run(["HGET", key, field]).text()
}

/// The bot's own keys.
fn of_scans(client: &mut Client) -> BTreeMap<String, Value> {
    let mut dump = client.dump();
    dump.retain(|key, _| key.starts_with("moderator:metrics") && !key.contains(":applied"));
    dump
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_square_never_stops_the_totals() {
    let server = Server::start(&[]);
    let mut client = server.client(1);
    // As the bot leaves them after 14,757 images of 25 MB: one more square does not fit.
    client.run(["HSET", STATUS, "scan_complete", "14757"]);
    let before = [
        ["scans_count", "14757"],
        ["total_bytes", "368925000000"],
        ["total_bytes_sq", "9223125000000000000"],
    ];
    for [name, text] in before {
        client.run(["HSET", TOTALS, name, text]);
    }
    let world = world(&server.url(), "scans = \"later\"");
    let replica = Replica::of(&world).await;
    send(&replica, [image(25_000_000), image(25_000_000)]).await;
    // The square of this one alone does not fit.
    send(&replica, [image(4_000_000_000), image(25_000_000)]).await;
    replica.end().await;
    for (name, expected) in [
        ("scans_count", "14761"),
        ("accelerated_scans_count", "4"),
        ("total_bytes", "373000000000"),
        ("total_bytes_sq", "9223372036854775807"),
        ("total_bytes_sq_exact", "25225000000000000000"),
        ("accelerated_total_bytes_sq_exact", "16001875000000000000"),
        ("last_status", "scan_complete"),
    ] {
        assert_eq!(field(&mut client, TOTALS, name), expected, "{name}");
    }
    assert_eq!(field(&mut client, STATUS, "scan_complete"), "14761");
    let index = ["ZRANGE", "moderator:metrics:rollups:index", "0", "-1"];
    let rollups = client.run(index).list().into_iter().map(Reply::text);
    let rollups: Vec<String> = rollups.collect();
    assert_eq!(rollups.len(), 2, "{rollups:?}");
    for rollup in &rollups {
        assert_eq!(field(&mut client, rollup, "scans_count"), "4");
        assert_eq!(
            field(&mut client, rollup, "total_bytes_sq_exact"),
            "16001875000000000000"
        );
    }
    assert_eq!(client.run(["XLEN", "moderator:metrics"]), Reply::Number(4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_never_see_half_a_scan() {
    const READ: &str = "return { redis.call('HMGET', KEYS[1], 'scans_count', 'accelerated_scans_count', \
        'non_accelerated_scans_count', 'unknown_acceleration_scans_count'), redis.call('HVALS', KEYS[2]), \
        { tostring(redis.call('XLEN', KEYS[3])) } }";
    let server = Server::start(&[]);
    let worlds = [(); 2].map(|()| world(&server.url(), "scans = \"later\""));
    let write = async |world: &World, seed| {
        let replica = Replica::of(world).await;
        let mut dice = Dice(seed);
        for _ in 0..40 {
            let scan = |_| {
                let accelerated =
                    [json!(true), json!(false), json!(null)][dice.below(3) as usize].clone();
                json!({ "guild_id": dice.below(3), "content_type": "image", "accelerated": accelerated,
                    "status": dice.pick(&["scan_complete", "no_scan", "unsupported_type"]) })
            };
            let scans: Vec<Json> = (0..25).map(scan).collect();
            send(&replica, scans).await;
            // Otherwise many of them become one batch.
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        replica.end().await;
    };
    let mut client = server.client(1);
    let read = tokio::task::spawn_blocking(move || {
        let command = ["EVAL", READ, "3", TOTALS, STATUS, "moderator:metrics"];
        let mut seen = BTreeMap::new();
        loop {
            let parts = client.run(command).list().into_iter();
            let sum = |parts: &[Reply]| -> i64 {
                let known = parts.iter().filter(|part| **part != Reply::Nil);
                known
                    .map(|part| part.clone().text().parse::<i64>().unwrap())
                    .sum()
            };
            let parts: Vec<Vec<Reply>> = parts.map(Reply::list).collect();
            let scans = sum(&parts[0][..1]);
            let told = [sum(&parts[0][1..]), sum(&parts[1]), sum(&parts[2])];
            assert_eq!(told, [scans; 3]);
            *seen.entry(scans).or_insert(0) += 1;
            if scans == 2000 {
                return seen;
            }
        }
    });
    tokio::join!(write(&worlds[0], 1), write(&worlds[1], 2));
    let seen = read.await.unwrap();
    // It was looked at while they wrote.
    assert!(seen.len() > 5, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn last_fields_are_those_of_one_scan_the_newest_whenever_it_came() {
    let server = Server::start(&[]);
    let worlds = [(); 2].map(|()| world(&server.url(), ""));
    let yesterday = Utc::now().date_naive() - Days::new(1);
    let at =
        |minute: i64| yesterday.and_time(NaiveTime::MIN).and_utc() + TimeDelta::minutes(minute);
    let scan = |minute: i64| {
        json!({ "occurred_at": at(minute), "guild_id": 7, "content_type": "image", "status": format!("s{}", minute % 100),
            "scan_duration_ms": minute, "scan_result": { "is_nsfw": minute % 2 == 1 } })
    };
    // Every minute of 17 hours once, in any order, by two that write at once.
    let mut minutes: Vec<i64> = (0..1020).collect();
    let mut dice = Dice(5);
    (1..minutes.len()).for_each(|at| minutes.swap(at, dice.below(at as u64 + 1) as usize));
    let write = async |world: &World, minutes: &[i64]| {
        let replica = Replica::of(world).await;
        for minutes in minutes.chunks(17) {
            send(&replica, minutes.iter().map(|minute| scan(*minute))).await;
        }
        replica.end().await;
    };
    let (one, other) = minutes.split_at(510);
    tokio::join!(write(&worlds[0], one), write(&worlds[1], other));
    // And at the end those of noon come once more.
    write(&worlds[0], &[720, 721]).await;
    let mut client = server.client(0);
    let moment = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, false);
    for key in [
        TOTALS,
        &format!("moderator:metrics:rollup:{yesterday}:7:image"),
    ] {
        assert_eq!(number(&mut client, key, "scans_count"), 1022);
        assert_eq!(field(&mut client, key, "last_status"), "s19");
        assert_eq!(field(&mut client, key, "last_duration_ms"), "1019");
        assert_eq!(field(&mut client, key, "last_flagged_at"), moment(at(1019)));
        let details: Json = serde_json::from_str(&field(&mut client, key, "last_details")).unwrap();
        assert_eq!(
            (&details["status"], &details["occurred_at"]),
            (&json!("s19"), &json!(moment(at(1019))))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_number_loses_no_scan_and_leaves_valid_json() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "scans = \"later\"");
    let replica = Replica::of(&world).await;
    let lines = [
        r#"{"guild_id": 7, "content_type": "image", "file_size": "many", "scan_duration_ms": NaN, "scan_result": {"is_nsfw": true, "score": NaN}}"#,
        r#"{"guild_id": 7, "content_type": "image", "file_size": 1e40, "scan_duration_ms": [1], "scan_result": {"score": -Infinity}}"#,
        r#"{"guild_id": 7, "content_type": "image", "file_size": {"Decimal": "1.5"}, "scan_duration_ms": 30}"#,
    ];
    send_texts(&replica, lines.map(str::to_owned)).await;
    replica.end().await;
    let mut client = server.client(1);
    for (name, expected) in [
        ("scans_count", 3),
        ("flagged_count", 1),
        ("bytes_missing", 3),
        ("duration_missing", 2),
        ("total_duration_ms", 30),
    ] {
        assert_eq!(number(&mut client, TOTALS, name), expected, "{name}");
    }
    assert_eq!(number(&mut client, STATUS, "scan_complete"), 3);
    let entries = client.run(["XRANGE", "moderator:metrics", "-", "+"]).list();
    let event = |entry: Reply| entry.list().remove(1).list().remove(1).text();
    let events: Vec<String> = entries.into_iter().map(event).collect();
    assert_eq!(events.len(), 3);
    for event in events {
        let event: Json = serde_json::from_str(&event).unwrap();
        assert_eq!(event["file_size"], Json::Null);
        let score = &event["details"]["scan"]["score"];
        assert_eq!(*score, Json::Null, "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_while_scans_come_loses_none_of_them() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "");
    let replica = Replica::of(&world).await;
    let resets = async {
        for _ in 0..6 {
            let reset = world.program().args(["live", "redis", "reset"]).output();
            assert!(reset.unwrap().status.success());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let scans = async {
        for _ in 0..60 {
            send(&replica, vec![image(1000); 10]).await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::join!(resets, scans);
    replica.end().await;
    let mut client = server.client(0);
    assert_eq!(number(&mut client, TOTALS, "scans_count"), 600);
    assert_eq!(number(&mut client, TOTALS, "total_bytes"), 600_000);
    assert_eq!(number(&mut client, STATUS, "scan_complete"), 600);
    // All counters of a hash are of one instant.
    let baseline = format!("{TOTALS}:baseline");
    let scans = number(&mut client, &baseline, "scans_count");
    assert_eq!(number(&mut client, &baseline, "total_bytes"), 1000 * scans);
    let keys = client.run(["KEYS", "*:baseline:*"]).list();
    assert_eq!(keys, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn cleaning_up_takes_no_counter_and_no_detail() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "scans = \"later\"\nkeep_scans = 30");
    let replica = Replica::of(&world).await;
    let video = json!({ "guild_id": 7, "content_type": "video", "status": "no_scan", "accelerated": false,
        "scan_result": { "video_frames_scanned": 5, "video_frames_target": 10, "video_frames_media_total": 20 } });
    send(&replica, [video]).await;
    replica.end().await;
    let mut client = server.client(1);
    let before = of_scans(&mut client);
    let totals = before[TOTALS].hash();
    assert_eq!(totals["total_frames_media"], "20");
    assert_eq!(totals["non_accelerated_total_frames_media"], "20");
    let details: Json = serde_json::from_str(&totals["last_details"]).unwrap();
    assert_eq!(details["status"], json!("no_scan"));
    assert!(details["occurred_at"].is_string(), "{details}");
    for what in ["trim", "reset", "trim"] {
        let done = world.binary(&["live", "redis", what]);
        assert!(done.status.success(), "{done:?}");
        let mut after = of_scans(&mut client);
        after.retain(|key, _| !key.ends_with(":baseline"));
        assert_eq!(after, before, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_with_a_bound_and_rollups_with_a_tier_do_not_grow_for_ever() {
    let server = Server::start(&[]);
    let world = world(
        &server.url(),
        "stream_most = 50\nstream_roughly = false\nkeep_scans = 2",
    );
    let mut client = server.client(0);
    let now = Utc::now();
    for age in (0..6).rev() {
        let replica = Replica::of(&world).await;
        let scan = |guild: i64| json!({ "occurred_at": now - Days::new(age), "guild_id": guild % 4, "content_type": "image" });
        send(&replica, (0..40).map(scan)).await;
        until("all of it", || replica.seen().batches > 0).await;
        replica.end().await;
        let done = world.binary(&["live", "redis", "trim"]);
        assert!(done.status.success(), "{done:?}");
        let length = client.run(["XLEN", "moderator:metrics"]).number();
        assert!(length <= 50, "{length}");
    }
    assert_eq!(number(&mut client, TOTALS, "scans_count"), 240);
    // Of four guilds and three days each a rollup with its status; totals with theirs, the stream and five indexes.
    let keys: Vec<String> = of_scans(&mut client).into_keys().collect();
    assert_eq!(keys.len(), 4 * 3 * 2 + 2 + 1 + 5, "{keys:?}");
}

#[test]
fn who_keeps_scans_for_ever_is_told() {
    let server = Server::start(&[]);
    for (more, is_told) in [
        ("", true),
        ("stream_most = 50", true),
        ("keep_scans = 2", false),
    ] {
        let output = world(&server.url(), more).binary(&["doctor"]);
        let said = String::from_utf8(output.stdout).unwrap();
        let told = said.contains("nothing limits what is kept of scans");
        assert_eq!(told, is_told, "{more}: {said}");
    }
}
