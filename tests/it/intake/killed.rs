//! Two servers on one file, killed at any moment under load: what was answered is there once, and a repeat is harmless.

#![expect(clippy::disallowed_methods, reason = "the servers tell the real time")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use daybook::config::live::Durable;
use daybook::kinds::Kinds;
use daybook::live::grain::Grain;
use daybook::live::keep::{self, Rules};
use daybook::live::point::points;
use daybook::live::question;
use daybook::live::store::Store;
use support::dice::Dice;
use support::world::World;

use super::shop;
use crate::live::everything;

const BATCH: usize = 20;

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(world: &World) -> Self {
        let mut child = world.start(&["serve", "--listen", "127.0.0.1:0"]);
        let mut words = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        words.read_line(&mut said).unwrap();
        let port = said
            .split("http://127.0.0.1:")
            .nth(1)
            .unwrap_or_else(|| panic!("{said}"));
        let port = port.split('/').next().unwrap().parse().unwrap();
        // Whatever it says later must not block it.
        thread::spawn(move || drop(words.read_to_end(&mut Vec::new())));
        Self { child, port }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A program that sends numbered batches and one span each, again and again until it has an answer.
struct Client {
    name: &'static str,
    /// Batches that were answered.
    answered: usize,
}

impl Client {
    /// Sends until the server does not answer any more, or until the end.
    fn send(&mut self, port: u16, has_ended: &AtomicBool) {
        while !has_ended.load(Ordering::Relaxed) && self.send_one(port) {}
    }

    fn send_one(&mut self, port: u16) -> bool {
        let number = self.answered;
        let events = (0..BATCH).map(|at| self.event(number * BATCH + at));
        let events: Vec<String> = events.collect();
        let key = format!("{}-{number}", self.name);
        let span = format!(
            r#"{{"kind": "checkout", "id": "{key}", "labels": {{"shop": "be", "order": "span-{key}"}}}}"#
        );
        let end = format!("/api/spans/{key}/end");
        let sent = post(
            port,
            "/api/events",
            &key,
            &format!("[{}]", events.join(",")),
        ) && post(port, "/api/spans", "", &span)
            && post(port, &end, "", "");
        self.answered += usize::from(sent);
        sent
    }

    /// Every other event carries an id, too.
    fn event(&self, number: usize) -> String {
        let name = format!("{}-{number}", self.name);
        let id = match number % 2 {
            0 => format!(r#""id": "{name}", "#),
            _ => String::new(),
        };
        format!(
            r#"{{"kind": "checkout", {id}"labels": {{"shop": "zh", "order": "{name}"}}, "values": {{"amount": {number}}}}}"#
        )
    }
}

/// Whether it was answered, and well.
fn post(port: u16, address: &str, key: &str, body: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let key = match key {
        "" => String::new(),
        key => format!("Idempotency-Key: {key}\r\n"),
    };
    let request = format!(
        "POST {address} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{key}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut answer = String::new();
    let sent = stream.write_all(request.as_bytes()).is_ok();
    if !sent || stream.read_to_string(&mut answer).is_err() || answer.is_empty() {
        return false;
    }
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    // An answer that the kill has cut off is none.
    if !body.ends_with('}') {
        return false;
    }
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    assert!(!body.contains("\"line\""), "{body}");
    true
}

async fn has_each_once(world: &World, kinds: &Kinds, clients: &[Client]) {
    let mut store = Store::open(&world.path("live.db"), Durable::Commit)
        .await
        .unwrap();
    let rules = Rules {
        kinds: kinds.clone(),
        zone: world.config().time_zone,
        archive: None,
        backlog: None,
    };
    let later = Utc::now() + TimeDelta::hours(2);
    assert_eq!(keep::round(&mut store, &rules, later).await.unwrap(), 0);
    let question = everything();
    let found = question::points(&mut store, &kinds["checkout"], &question)
        .await
        .unwrap();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for point in points(&found.points, "checkout") {
        let order = point.label("order").unwrap().to_owned();
        *times.entry(order).or_default() += 1;
    }
    for client in clients {
        for number in 0..client.answered {
            let name = client.name;
            assert_eq!(
                times.get(&format!("span-{name}-{number}")),
                Some(&1),
                "{name} {number}"
            );
            for event in number * BATCH..(number + 1) * BATCH {
                assert_eq!(
                    times.get(&format!("{name}-{event}")),
                    Some(&1),
                    "{name} {event}"
                );
            }
        }
    }
    assert!(times.values().all(|count| *count == 1));
    let id = store.kind("checkout").await.unwrap().unwrap();
    let all = store
        .rollups(id, Grain::Month, &[], i64::MIN..i64::MAX)
        .await
        .unwrap();
    let counted: u64 = all.iter().map(|(_, rollup)| rollup.points).sum();
    assert_eq!(counted, found.points.len() as u64);
    store.close().await.unwrap();
}

async fn killed(times: usize, seed: u64) {
    let world = shop("keep_every = \"1s\"");
    let kinds = world.config().live.unwrap().kinds;
    let mut dice = Dice(seed);
    let mut clients = [("a", 0), ("b", 0)].map(|(name, answered)| Client { name, answered });
    let mut servers = [Server::start(&world), Server::start(&world)];
    for round in 0..times {
        let pause = Duration::from_millis(10 + dice.below(150));
        // What one server did not answer is sent again to the other.
        let ports = [servers[round % 2].port, servers[(round + 1) % 2].port];
        let has_ended = AtomicBool::new(false);
        let killed = dice.below(2) as usize;
        let kills_both = dice.one_in(5);
        thread::scope(|scope| {
            let has_ended = &has_ended;
            for (client, port) in clients.iter_mut().zip(ports) {
                scope.spawn(move || client.send(port, has_ended));
            }
            thread::sleep(pause);
            for (at, server) in servers.iter_mut().enumerate() {
                if at == killed || kills_both {
                    server.kill();
                }
            }
            has_ended.store(true, Ordering::Relaxed);
        });
        for (at, server) in servers.iter_mut().enumerate() {
            if at == killed || kills_both {
                *server = Server::start(&world);
            }
        }
        if round % 25 == 24 {
            has_each_once(&world, &kinds, &clients).await;
        }
    }
    for client in &mut clients {
        let before = client.answered;
        client.send_one(servers[0].port);
        assert_eq!(client.answered, before + 1);
    }
    servers.iter_mut().for_each(Server::kill);
    assert!(clients.iter().all(|client| client.answered > times / 4));
    has_each_once(&world, &kinds, &clients).await;
}

#[tokio::test]
async fn fifty_kills_of_two_servers_lose_nothing_that_was_answered() {
    killed(50, 21).await;
}

#[tokio::test]
#[ignore = "takes minutes: make soak"]
async fn five_hundred_kills_of_two_servers_lose_nothing_that_was_answered() {
    killed(500, 22).await;
}
