//! Over HTTP and from the command line: answered from Redis, and from the own file while that is away.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Child;
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value as Json, json};
use support::redis::Server;
use support::world::World;

use super::{KEPT, Scene};

/// `daybook serve`.
pub(super) struct Site {
    child: Child,
    host: String,
    /// Headers that each request has besides.
    pub(super) more: String,
    /// What it says, once it has ended.
    log: Option<JoinHandle<Vec<String>>>,
}

impl Site {
    pub(super) fn of(world: &World) -> Self {
        let mut child = world.start(&["serve", "--listen", "127.0.0.1:0"]);
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let host = said.find_map(|line| {
            let line = line.unwrap();
            let rest = line.split_once("http://")?.1;
            Some(rest.split('/').next().unwrap().trim().to_owned())
        });
        // It may go on talking.
        let log = std::thread::spawn(move || said.map_while(Result::ok).collect());
        Self {
            child,
            host: host.unwrap(),
            more: String::new(),
            log: Some(log),
        }
    }

    /// Tells it to stop, and gives its exit code and what it said since it began to listen.
    pub(super) fn stop(mut self) -> (i32, Vec<String>) {
        kill_process(Pid::from_raw(self.child.id() as i32).unwrap(), Signal::TERM).unwrap();
        let code = self.child.wait().unwrap().code().unwrap();
        (code, self.log.take().unwrap().join().unwrap())
    }

    pub(super) fn ask(&self, method: &str, path: &str, body: &str) -> Json {
        let (status, answer) = self.try_ask(method, path, body);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    pub(super) fn try_ask(&self, method: &str, path: &str, body: &str) -> (u16, Json) {
        self.send("acme", method, path, body)
    }

    pub(super) fn ask_as(&self, organisation: &str, method: &str, path: &str) -> (u16, Json) {
        self.send(organisation, method, path, "")
    }

    pub(super) fn send(
        &self,
        organisation: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> (u16, Json) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let (host, length, more) = (&self.host, body.len(), &self.more);
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nX-Organization-Id: {organisation}\r\n{more}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap())
    }

    pub(super) fn get(&self, path: &str) -> Json {
        self.ask("GET", path, "")
    }

    fn record(&self, shop: &str, count: usize) {
        let event = json!({
            "kind": "checkout", "labels": { "shop": shop }, "values": { "duration": 5, "amount": 1.5 }, "ok": true,
        });
        let answer = self.ask(
            "POST",
            "/api/events",
            &json!(vec![event; count]).to_string(),
        );
        assert_eq!(answer["accepted"], json!(count));
    }

    fn count(&self) -> Json {
        let answer = self.get("/api/live/checkout/aggregate?figure=count");
        json!([answer["rows"][0]["count"], answer["answered_from"]])
    }

    /// Until that is the answer.
    fn await_count(&self, expected: &Json) {
        let began = Instant::now();
        while self.count() != *expected {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "{}",
                self.count()
            );
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Another replica of the same application.
fn another(scene: &Scene, name: &str) -> World {
    let settings = std::fs::read_to_string(scene.world.path("daybook.toml")).unwrap();
    let named = settings.replace(
        "[live.redis]",
        &format!("[live.redis]\nreplica = \"{name}\""),
    );
    World::new("2026-11-20T11:00:00Z", &named)
}

#[test]
fn each_replica_answers_for_all_and_for_itself_while_redis_is_away() {
    let mut scene = Scene::new(KEPT);
    let worlds = ["one", "two"].map(|name| another(&scene, name));
    let [one, two] = [Site::of(&worlds[0]), Site::of(&worlds[1])];
    one.record("zh", 3);
    two.record("be", 4);
    for site in [&one, &two] {
        site.await_count(&json!([7, "redis"]));
        let points = site.get("/api/live/checkout/points?label.shop=be");
        assert_eq!(points["points"].as_array().unwrap().len(), 4);
    }
    let asked = |world: &World| {
        let output = world.binary(&[
            "live",
            "query",
            "aggregate",
            "checkout",
            "--figure",
            "count",
            "--json",
        ]);
        let said = String::from_utf8(output.stderr).unwrap();
        let answer: Json = serde_json::from_slice(&output.stdout).unwrap();
        (answer, said)
    };
    let (answer, said) = asked(&worlds[0]);
    assert_eq!(answer["answered_from"], json!("redis"));
    assert_eq!(
        (&answer["rows"][0]["count"], said.as_str()),
        (&json!(7), "")
    );

    // What is recorded survives on disk as Redis would after a proper stop.
    scene.server.client(0).run(["SAVE"]);
    scene.server.kill();
    let began = Instant::now();
    let answer = one.get("/api/live/checkout/aggregate?figure=count");
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(answer["rows"][0]["count"], json!(3));
    assert_eq!(answer["answered_from"], json!("own file"));
    assert!(answer["redis_failed"].is_string(), "{answer}");
    // Nobody waits for it again at once.
    let began = Instant::now();
    assert_eq!(one.count(), json!([3, "own file"]));
    assert_eq!(two.count(), json!([4, "own file"]));
    assert!(began.elapsed() < Duration::from_secs(5));
    let (answer, _) = asked(&worlds[1]);
    assert_eq!(answer["rows"][0]["count"], json!(4));
    assert_eq!(answer["answered_from"], json!("own file"));
    let output = worlds[1].binary(&["live", "query", "summary", "checkout"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("answered from the own file"), "{said}");

    one.record("zh", 1);
    scene.server.restart();
    for site in [&one, &two] {
        site.await_count(&json!([8, "redis"]));
    }
}

/// A server that takes connections and never answers.
#[test]
fn a_server_that_hangs_keeps_nobody_waiting_for_long() {
    let mut scene = Scene::new(KEPT);
    let world = another(&scene, "one");
    let site = Site::of(&world);
    site.record("zh", 2);
    site.await_count(&json!([2, "redis"]));
    scene
        .server
        .client(0)
        .run(["CLIENT", "PAUSE", "20000", "ALL"]);
    let began = Instant::now();
    assert_eq!(site.count(), json!([2, "own file"]));
    let first = began.elapsed();
    assert!(first < Duration::from_secs(4), "{first:?}");
    for _ in 0..10 {
        assert_eq!(site.count(), json!([2, "own file"]));
    }
    assert!(began.elapsed() - first < Duration::from_secs(2));
    scene.server.restart();
}

#[test]
fn without_redis_an_answer_says_nothing_of_it() {
    let settings = format!(
        "[live]\naccept = true\n[live.kinds.checkout]\n{}\n{}",
        super::CHECKOUT,
        super::METRICS
    );
    let world = World::new("2026-11-20T11:00:00Z", &settings);
    let site = Site::of(&world);
    site.record("zh", 2);
    let answer = site.get("/api/live/checkout/aggregate?figure=count");
    assert_eq!(answer["rows"][0]["count"], json!(2));
    assert_eq!(
        (answer.get("answered_from"), answer.get("redis_failed")),
        (None, None)
    );
}

/// `[live.redis]` with a history in this form.
pub(super) fn monitor(url: &str, history: &str) -> World {
    let settings = format!(
        "[live]\naccept = true\npresets = [\"hosts\"]\n[live.redis]\nurl = \"{url}\"\nevery = \"20ms\"\nhistory = \"{history}\"\n{}",
        super::METRICS
    );
    World::new("2026-11-20T11:00:00Z", &settings)
}

pub(super) fn heartbeat(site: &Site, host: &str, usage: f64) -> (u16, Json) {
    site.try_ask(
        "POST",
        "/api/agent/heartbeat",
        &beat(host, usage).to_string(),
    )
}

pub(super) fn beat(host: &str, usage: f64) -> Json {
    json!({
        "hostId": host, "agentVersion": "1.2", "agentStatus": "running",
        "metrics": {
            "cpu": { "usage": usage, "cores": 4, "loadAvg": [0.25, 0.5, 0.75] },
            "memory": { "total": 1000, "used": 250, "free": 750, "usagePercent": 25 },
            "disk": { "total": 2000, "used": 100, "free": 1900, "usagePercent": 5 },
            "network": { "bytesIn": 7, "bytesOut": 8, "packetsIn": 9, "packetsOut": 10 },
        },
        "hostInfo": { "hostname": host },
    })
}

pub(super) fn usages(answer: &Json) -> Vec<f64> {
    let metrics = answer["metrics"].as_array().unwrap().iter();
    metrics
        .map(|sample| sample["cpu"]["usage"].as_f64().unwrap())
        .collect()
}

#[test]
fn hosts_of_one_replica_are_seen_by_the_others_and_deleted_for_all() {
    for history in ["documented", "compact"] {
        let mut server = Server::start(&[]);
        let worlds = [(); 2].map(|()| monitor(&server.url(), history));
        let [one, two] = [Site::of(&worlds[0]), Site::of(&worlds[1])];
        for usage in [1.5, 2.5, 3.5] {
            assert_eq!(heartbeat(&one, "db-1", usage).0, 200);
            sleep(Duration::from_millis(20));
        }
        assert_eq!(heartbeat(&two, "web-1", 9.0).0, 200);
        let began = Instant::now();
        let count = || {
            two.try_ask("GET", "/api/hosts/db-1/metrics/count?orgId=acme", "")
                .1
        };
        while count()["count"] != json!(3) || two.get("/api/hosts?orgId=acme")["count"] != json!(2)
        {
            assert!(began.elapsed() < Duration::from_secs(20), "{}", count());
            sleep(Duration::from_millis(50));
        }
        assert_eq!(count(), json!({ "count": 3, "answered_from": "redis" }));

        let listed = two.get("/api/hosts?orgId=acme");
        let hosts = listed["hosts"].as_array().unwrap().iter();
        let hosts: Vec<&str> = hosts.map(|host| host["id"].as_str().unwrap()).collect();
        assert_eq!(hosts, ["db-1", "web-1"]);
        assert_eq!(listed["hosts"][0]["hostname"], json!("db-1"));
        assert_eq!(usages(&two.get("/api/dashboard?orgId=acme")), [3.5, 9.0]);
        let recent = two.get("/api/hosts/db-1/metrics/recent?count=2&orgId=acme");
        assert_eq!(usages(&recent), [3.5, 2.5]);
        let mut sample = recent["metrics"][0].clone();
        sample["timestamp"] = Json::Null;
        let expected = json!({
            "hostId": "db-1", "timestamp": null,
            "cpu": { "usage": 3.5, "cores": 4, "loadAvg": [0.25, 0.5, 0.75] },
            "memory": { "total": 1000, "used": 250, "free": 750, "usagePercent": 25 },
            "disk": { "total": 2000, "used": 100, "free": 1900, "usagePercent": 5 },
            "network": { "bytesIn": 7, "bytesOut": 8, "packetsIn": 9, "packetsOut": 10 },
        });
        assert_eq!(sample, expected);
        let last = &recent["metrics"][1]["timestamp"];
        let range = |from: &str| {
            let path = format!("/api/hosts/db-1/metrics/range?startTime={from}&limit=2&orgId=acme");
            usages(&two.get(&path))
        };
        let day_ago = (last.as_i64().unwrap() - 86_400_000).to_string();
        assert_eq!(range(&day_ago), [1.5, 2.5]);
        assert_eq!(range(&last.to_string()), [2.5, 3.5]);
        let shown = two.get("/api/hosts/db-1?orgId=acme");
        assert_eq!(usages(&shown), [1.5, 2.5, 3.5]);

        // Another organisation sees nothing of it.
        for path in [
            "/api/hosts/db-1?orgId=globex",
            "/api/hosts/db-1/metrics/recent?orgId=globex",
        ] {
            assert_eq!(two.ask_as("globex", "GET", path).0, 403, "{path}");
        }
        let (_, others) = two.ask_as("globex", "GET", "/api/hosts?orgId=globex");
        assert_eq!(others["count"], json!(0));

        let path = "/api/hosts/db-1/metrics?orgId=acme";
        assert_eq!(one.ask_as("acme", "DELETE", path).0, 200);
        let (status, _) = two.try_ask("GET", "/api/hosts/db-1?orgId=acme", "");
        assert_eq!(status, 404);
        let keys = server.client(0).run(["KEYS", "metrics:*:db-1*"]).list();
        assert_eq!(keys, []);
        assert_eq!(usages(&two.get("/api/dashboard?orgId=acme")), [9.0]);

        server.kill();
        let own = one.get("/api/dashboard?orgId=acme");
        assert_eq!(
            (usages(&own), &own["answered_from"]),
            (vec![], &json!("own file"))
        );
        assert_eq!(usages(&two.get("/api/dashboard?orgId=acme")), [9.0]);
        let path = "/api/hosts/web-1/metrics?orgId=acme";
        let (status, answer) = two.ask_as("acme", "DELETE", path);
        assert_eq!(status, 503, "{answer}");
    }
}
