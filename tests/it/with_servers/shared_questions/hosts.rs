//! A host monitor whose replicas meet: at once, whole, to the right organisation, and whatever becomes of the server.

use std::net::TcpListener;
use std::thread::sleep;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};
use support::redis::{Reply, Server};
use support::world::World;

use super::served::{Site, beat, heartbeat, monitor, usages};

const HISTORIES: [&str; 2] = ["documented", "compact"];

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{what} never came to be"
        );
        sleep(Duration::from_millis(50));
    }
}

fn recent(site: &Site, parameters: &str) -> Json {
    site.get(&format!(
        "/api/hosts/db-1/metrics/recent?orgId=acme{parameters}"
    ))
}

/// Heartbeats of one host, none within the same millisecond.
fn beats(site: &Site, all: &[f64]) {
    for usage in all {
        assert_eq!(heartbeat(site, "db-1", *usage).0, 200);
        sleep(Duration::from_millis(5));
    }
}

fn on_redis(server: &Server) -> i64 {
    let key = "metrics:history:db-1";
    server.client(0).run(["ZCARD", key]).number()
}

#[test]
fn without_redis_the_monitor_starts_and_answers_at_once() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().port();
    for port in [1, silent] {
        let began = Instant::now();
        let world = monitor(&format!("redis://127.0.0.1:{port}"), "documented");
        let site = Site::of(&world);
        beats(&site, &[1.5, 2.5]);
        let answer = recent(&site, "");
        assert_eq!(usages(&answer), [2.5, 1.5]);
        assert_eq!(answer["answered_from"], json!("own file"));
        let last = answer["metrics"][0]["timestamp"].as_i64().unwrap();
        for (window, expected) in [
            (format!("startTime={last}"), &[2.5][..]),
            (
                format!("startTime=0{}&endTime={}", last - 9000, last - 1),
                &[1.5],
            ),
            (
                format!("startTime={}&endTime={}", last - 9000, last - 8000),
                &[],
            ),
        ] {
            let answer = site.get(&format!(
                "/api/hosts/db-1/metrics/range?orgId=acme&{window}"
            ));
            assert_eq!(usages(&answer), expected, "{window}");
        }
        let (status, answer) = site.try_ask(
            "GET",
            "/api/hosts/db-1/metrics/recent?orgId=acme&count=abc",
            "",
        );
        assert_eq!(status, 400, "{answer}");
        let took = began.elapsed();
        assert!(took < Duration::from_secs(12), "{took:?}");
    }
}

#[test]
fn while_redis_is_away_hosts_are_read_and_a_stop_loses_nothing() {
    let mut server = Server::start(&[]);
    let world = monitor(&server.url(), "documented");
    let site = Site::of(&world);
    beats(&site, &[1.5]);
    until("the first sample", || on_redis(&server) == 1);
    server.kill();
    beats(&site, &[2.5, 3.5]);
    let began = Instant::now();
    let answer = recent(&site, "&count=2");
    assert_eq!(usages(&answer), [3.5, 2.5]);
    assert_eq!(answer["answered_from"], json!("own file"));
    assert_eq!(usages(&site.get("/api/dashboard?orgId=acme")), [3.5]);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    let began = Instant::now();
    let (code, log) = site.stop();
    assert_eq!(code, 0, "{log:?}");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(28), "{took:?}");
    server.restart();
    let _site = Site::of(&world);
    until("all samples", || on_redis(&server) == 3);
}

#[test]
fn what_a_killed_replica_had_not_forwarded_arrives_with_the_next_one() {
    let mut server = Server::start(&[]);
    let world = monitor(&server.url(), "documented");
    server.kill();
    let site = Site::of(&world);
    beats(&site, &[1.5, 2.5, 3.5]);
    // As by `kill -9`.
    drop(site);
    server.restart();
    let site = Site::of(&world);
    until("all samples", || on_redis(&server) == 3);
    assert_eq!(usages(&recent(&site, "")), [3.5, 2.5, 1.5]);
    let other_world = monitor(&server.url(), "documented");
    let another = Site::of(&other_world);
    assert_eq!(usages(&another.get("/api/dashboard?orgId=acme")), [3.5]);
    assert_eq!(
        usages(&another.get("/api/hosts/db-1?orgId=acme")),
        [1.5, 2.5, 3.5]
    );
}

#[test]
fn a_heartbeat_is_seen_at_once_however_long_forwarding_waits() {
    for history in HISTORIES {
        let server = Server::start(&[]);
        let mut world = monitor(&server.url(), history);
        world.set("REDIS_BATCH_WRITE_INTERVAL_MS", "30000");
        let site = Site::of(&world);
        // Its first batch goes without waiting.
        beats(&site, &[1.5]);
        until("the first sample", || {
            recent(&site, "")["answered_from"] == json!("redis")
        });
        beats(&site, &[2.5, 3.5]);
        let seen = |site: &Site| {
            for (count, expected) in [("", &[3.5, 2.5, 1.5][..]), ("&count=2", &[3.5, 2.5])] {
                let answer = recent(site, count);
                assert_eq!(usages(&answer), expected, "{history}");
                assert_eq!(answer["answered_from"], json!("redis"));
            }
            let listed = site.get("/api/hosts?orgId=acme");
            let usage = &listed["hosts"][0]["currentMetrics"]["cpu"]["usage"];
            assert_eq!((&listed["count"], usage), (&json!(1), &json!(3.5)));
            assert_eq!(usages(&site.get("/api/dashboard?orgId=acme")), [3.5]);
            let since = Utc::now() - TimeDelta::minutes(5);
            let range = format!(
                "/api/hosts/db-1/metrics/range?orgId=acme&limit=2&startTime={}",
                since.timestamp_millis()
            );
            assert_eq!(usages(&site.get(&range)), [1.5, 2.5]);
        };
        seen(&site);
        assert_eq!(heartbeat(&site, "web-1", 9.0).0, 200);
        assert_eq!(usages(&site.get("/api/dashboard?orgId=acme")), [3.5, 9.0]);
        let path = "/api/hosts/web-1/metrics?orgId=acme";
        assert_eq!(site.ask_as("acme", "DELETE", path).0, 200);
        // Forwarded, each is there once.
        assert_eq!(site.stop().0, 0);
        seen(&Site::of(&world));
    }
}

/// A day of them, one in 30 seconds: more than are listed at a time unless somebody says so.
#[test]
fn a_day_of_samples_is_read_whole_and_the_newest_of_it_first() {
    for history in HISTORIES {
        let server = Server::start(&[]);
        let world = monitor(&server.url(), history);
        let site = Site::of(&world);
        let first = Utc::now() - TimeDelta::days(1);
        let event = |number: i64| {
            let at: DateTime<Utc> = first + TimeDelta::seconds(30 * number);
            json!({ "kind": "host", "at": at, "labels": { "host": "db-1", "organisation": "acme" },
                "values": { "cpu": number } })
        };
        for part in 0..4 {
            let events: Vec<Json> = (720 * part..720 * (part + 1)).map(event).collect();
            let answer = site.ask("POST", "/api/events", &json!(events).to_string());
            assert_eq!(answer["accepted"], json!(720));
        }
        let count = "/api/hosts/db-1/metrics/count?orgId=acme";
        until("the last of them", || {
            site.get(count) == json!({ "count": 2880, "answered_from": "redis" })
        });
        let all: Vec<f64> = (0..2880).map(f64::from).collect();
        let start = first.timestamp_millis();
        for (limit, expected) in [
            ("", &all[..1000]),
            ("&limit=5", &all[..5]),
            ("&limit=5000", &all[..]),
        ] {
            let path = format!("/api/hosts/db-1/metrics/range?orgId=acme&startTime={start}{limit}");
            let answer = site.get(&path);
            assert_eq!(answer["answered_from"], json!("redis"));
            assert_eq!(usages(&answer), expected, "{history} {limit}");
        }
        for (count, expected) in [("", 100), ("&count=5", 5), ("&count=4000", 1000)] {
            let newest: Vec<f64> = all.iter().rev().take(expected).copied().collect();
            assert_eq!(usages(&recent(&site, count)), newest, "{history} {count}");
        }
    }
}

fn guarded(url: &str) -> World {
    let tokens = r#"
        [live.tokens.acme]
        token = "the token of acme"
        may = "admin"
        organisation = "acme"
        [live.tokens.globex]
        token = "the token of globex"
        may = "admin"
        organisation = "globex"
        "#;
    let world = monitor(url, "documented");
    let settings = std::fs::read_to_string(world.path("daybook.toml")).unwrap();
    let settings = settings.replace("[[metrics]]", &format!("{tokens}\n[[metrics]]"));
    World::new("2026-11-20T11:00:00Z", &settings)
}

#[test]
fn a_host_that_another_replica_knows_takes_nothing_from_another_organisation() {
    let server = Server::start(&[]);
    let worlds = [(); 2].map(|()| guarded(&server.url()));
    let [mut one, mut two] = [Site::of(&worlds[0]), Site::of(&worlds[1])];
    one.more = "Authorization: Bearer the token of acme\r\n".to_owned();
    two.more = one.more.clone();
    let body = beat("db-1", 1.5).to_string();
    assert_eq!(
        one.ask("POST", "/api/agent/heartbeat", &body)["success"],
        json!(true)
    );
    until("the host", || {
        two.try_ask("GET", "/api/hosts/db-1", "").0 == 200
    });
    two.more = "Authorization: Bearer the token of globex\r\n".to_owned();
    let denied = json!({ "error": "Access denied" });
    let go = json!({ "hostId": "db-1", "heartbeat": { "metrics": { "cpu": { "usage": 99 } } } });
    for (path, body) in [
        ("/api/agent/heartbeat", beat("db-1", 99.0)),
        ("/api/v2/heartbeat", go),
    ] {
        let (status, answer) = two.send("globex", "POST", path, &body.to_string());
        assert_eq!((status, answer), (403, denied.clone()), "{path}");
    }
    let event = json!({ "kind": "host", "labels": { "host": "db-1" }, "values": { "cpu": 99 } });
    let (status, answer) = two.send("globex", "POST", "/api/events", &event.to_string());
    assert_eq!(status, 400, "{answer}");
    let error = &answer["rejected"][0]["error"];
    assert_eq!(*error, json!("the host `db-1` is another organisation's"));
    for path in ["/api/hosts/db-1", "/api/hosts/db-1/metrics/recent"] {
        assert_eq!(two.send("globex", "GET", path, ""), (403, denied.clone()));
    }
    let (status, answer) = two.send("globex", "DELETE", "/api/hosts/db-1/metrics", "");
    assert_eq!((status, answer), (403, denied));
    // What was refused went nowhere, also not later.
    assert_eq!((two.stop().0, on_redis(&server)), (0, 1));
    let recent = one
        .send("acme", "GET", "/api/hosts/db-1/metrics/recent", "")
        .1;
    assert_eq!(usages(&recent), [1.5]);
    let hosts = server.client(0).run(["SMEMBERS", "metrics:hosts"]).list();
    assert_eq!(hosts, [Reply::Bytes(b"db-1".to_vec())]);
}

#[test]
fn while_nobody_knows_whose_a_host_is_it_is_neither_given_away_nor_missing() {
    let mut server = Server::start(&[]);
    let worlds = [(); 2].map(|()| guarded(&server.url()));
    let [mut one, mut two] = [Site::of(&worlds[0]), Site::of(&worlds[1])];
    one.more = "Authorization: Bearer the token of acme\r\n".to_owned();
    let body = beat("db-1", 1.5).to_string();
    one.ask("POST", "/api/agent/heartbeat", &body);
    until("the host", || on_redis(&server) == 1);
    server.kill();
    two.more = "Authorization: Bearer the token of globex\r\n".to_owned();
    let event = json!({ "kind": "host", "labels": { "host": "db-1" }, "values": { "cpu": 99 } });
    for (method, path, body) in [
        (
            "POST",
            "/api/agent/heartbeat",
            beat("db-1", 99.0).to_string(),
        ),
        ("POST", "/api/events", event.to_string()),
        ("GET", "/api/hosts/db-1", String::new()),
        ("DELETE", "/api/hosts/db-1/metrics", String::new()),
    ] {
        let (status, answer) = two.send("globex", method, path, &body);
        assert_eq!(status, 503, "{method} {path}: {answer}");
    }
    // Who has heard of it itself goes on.
    one.ask(
        "POST",
        "/api/agent/heartbeat",
        &beat("db-1", 2.5).to_string(),
    );
    let recent = one
        .send("acme", "GET", "/api/hosts/db-1/metrics/recent", "")
        .1;
    assert_eq!(usages(&recent), [2.5, 1.5]);
    assert_eq!(recent["complete"], json!(false));
}

#[test]
fn of_two_organisations_that_begin_a_host_at_once_one_has_it() {
    let server = Server::start(&[]);
    let worlds = [(); 2].map(|()| guarded(&server.url()));
    let mut sites = worlds.each_ref().map(Site::of);
    for (site, name) in sites.iter_mut().zip(["acme", "globex"]) {
        site.more = format!("Authorization: Bearer the token of {name}\r\n");
    }
    for host in 0..5 {
        let body = beat(&format!("web-{host}"), 1.5).to_string();
        let sent = std::thread::scope(|scope| {
            let send = |(site, name): (&Site, &'static str)| {
                let body = body.clone();
                let send = || site.send(name, "POST", "/api/agent/heartbeat", &body).0;
                send()
            };
            let sending = sites.iter().zip(["acme", "globex"]);
            let sending: Vec<_> = sending.map(|one| scope.spawn(move || send(one))).collect();
            let mut sent: Vec<u16> = sending.into_iter().map(|one| one.join().unwrap()).collect();
            sent.sort_unstable();
            sent
        });
        assert_eq!(sent, [200, 403]);
    }
}

#[test]
fn a_host_that_was_deleted_and_begun_anew_by_others_is_theirs_on_every_replica() {
    let server = Server::start(&[]);
    let worlds = [(); 2].map(|()| guarded(&server.url()));
    let [mut one, mut two] = [Site::of(&worlds[0]), Site::of(&worlds[1])];
    let [acme, globex] =
        ["acme", "globex"].map(|name| format!("Authorization: Bearer the token of {name}\r\n"));
    one.more = globex.clone();
    let body = beat("db-1", 99.0).to_string();
    assert_eq!(
        one.send("globex", "POST", "/api/agent/heartbeat", &body).0,
        200
    );
    until("the host", || on_redis(&server) == 1);
    two.more = globex.clone();
    assert_eq!(
        two.send("globex", "DELETE", "/api/hosts/db-1/metrics", "")
            .0,
        200
    );
    two.more = acme.clone();
    two.ask(
        "POST",
        "/api/agent/heartbeat",
        &beat("db-1", 1.5).to_string(),
    );
    until("it again", || on_redis(&server) == 1);
    for path in ["/api/hosts/db-1", "/api/hosts/db-1/metrics/recent"] {
        assert_eq!(one.send("globex", "GET", path, "").0, 403, "{path}");
    }
    let body = beat("db-1", 98.0).to_string();
    assert_eq!(
        one.send("globex", "POST", "/api/agent/heartbeat", &body).0,
        403
    );
}

#[test]
fn no_answer_stands_in_the_log() {
    let server = Server::start(&[]);
    let world = monitor(&server.url(), "documented");
    let site = Site::of(&world);
    beats(&site, &[77.7; 50]);
    until("the samples", || on_redis(&server) == 50);
    assert_eq!(usages(&recent(&site, "")), [77.7; 50]);
    for path in ["/api/dashboard?orgId=acme", "/api/hosts?orgId=acme"] {
        assert!(site.get(path).to_string().contains("77.7"));
    }
    site.try_ask("GET", "/api/hosts/none?orgId=acme", "");
    let (code, log) = site.stop();
    assert_eq!(code, 0);
    let told = log
        .iter()
        .filter(|line| line.contains("77.7") || line.contains("db-1"));
    assert_eq!(told.count(), 0, "{log:?}");
    assert!(log.iter().all(|line| line.len() < 500), "{log:?}");
}

#[test]
fn a_history_that_cannot_be_read_is_told_and_takes_no_other_day_with_it() {
    let server = Server::start(&[]);
    let world = monitor(&server.url(), "compact");
    let site = Site::of(&world);
    beats(&site, &[1.5, 2.5]);
    until("the samples", || {
        let count = site.get("/api/hosts/db-1/metrics/count?orgId=acme");
        count == json!({ "count": 2, "answered_from": "redis" })
    });
    // Of a day of which the own file has nothing.
    let yesterday = Utc::now().timestamp().div_euclid(86_400) - 2;
    let key = format!("metrics:compact:db-1:{yesterday}");
    let mut client = server.client(0);
    for bytes in [&b"\xff\xff\xff"[..], b"no history", b"\x02", &[0x80; 40]] {
        client.run([b"DEL", key.as_bytes()]);
        client.run([b"RPUSH", key.as_bytes(), bytes]);
        let answer = recent(&site, "");
        assert_eq!(usages(&answer), [2.5, 1.5], "{bytes:?}");
        let broken = answer["broken"].as_array().unwrap();
        let told = broken[0].as_str().unwrap();
        let begin = format!("chunk {yesterday} is corrupt: ");
        assert!(told.starts_with(&begin) && broken.len() == 1, "{broken:?}");
    }
}
