//! What is told: in the log each state once, for those who watch at any time.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use support::redis::{Reply, Server};
use support::world::World;

use super::{number, world};

const ENABLED: &str = "Metrics Redis persistence enabled";
const AWAY: &str = "Warning: Redis not available, using in-memory metrics only";
const FAILED: &str = "Failed to batch write metrics to Redis";

/// `daybook live record` with its standard input.
struct Program(Child);

impl Program {
    fn start(world: &World) -> Self {
        let mut program = world.program();
        let program = program.args(["live", "record"]);
        let program = program.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(program.stderr(Stdio::piped()).spawn().unwrap())
    }

    fn record(&mut self, count: usize) {
        let input = self.0.stdin.as_mut().unwrap();
        for _ in 0..count {
            let line =
                r#"{"kind": "checkout", "labels": {"shop": "zh"}, "values": {"duration": 5}}"#;
            writeln!(input, "{line}").unwrap();
        }
        input.flush().unwrap();
    }

    /// Ends it, and gives its exit code and what it said.
    fn end(mut self) -> (i32, Vec<String>) {
        drop(self.0.stdin.take());
        let output = self.0.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (
            output.status.code().unwrap(),
            said.lines().map(str::to_owned).collect(),
        )
    }
}

fn said(lines: &[String], what: &str) -> usize {
    lines.iter().filter(|line| line.contains(what)).count()
}

fn checkouts(server: &Server) -> i64 {
    let mut client = server.client(0);
    let index = ["ZRANGE", "daybook:live:checkout:index:month:", "0", "-1"];
    let keys = client.run(index).list().into_iter().map(Reply::text);
    keys.collect::<Vec<_>>()
        .iter()
        .map(|key| number(&mut client, key, "count"))
        .sum()
}

/// Until a program has come to the server.
fn until_known(server: &Server) {
    while server
        .client(0)
        .run(["EXISTS", "moderator:metrics:applied"])
        == Reply::Number(0)
    {
        pause(50);
    }
}

fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

#[test]
fn each_state_is_said_once_in_the_words_that_are_known() {
    let mut server = Server::start(&[]);
    let world = world(&server.url(), "");
    let mut program = Program::start(&world);
    program.record(3);
    until_known(&server);
    pause(500);
    server.kill();
    program.record(3);
    pause(3000);
    server.restart();
    // It has come back once the server knows it again.
    while server
        .client(0)
        .run(["EXISTS", "moderator:metrics:applied"])
        == Reply::Number(0)
    {
        pause(50);
    }
    pause(500);
    server.client(0).run(["CONFIG", "SET", "maxmemory", "1"]);
    program.record(3);
    pause(3000);
    server.client(0).run(["CONFIG", "SET", "maxmemory", "0"]);
    let (code, lines) = program.end();
    assert_eq!(code, 0, "{lines:?}");
    assert_eq!(said(&lines, ENABLED), 3, "{lines:?}");
    assert_eq!(said(&lines, AWAY), 1, "{lines:?}");
    assert_eq!(said(&lines, FAILED), 1, "{lines:?}");
    assert_eq!(checkouts(&server), 9);
}

#[test]
fn without_a_server_the_program_starts_records_and_ends_well() {
    let world = world("redis://127.0.0.1:1", "attempts = 1");
    let mut program = Program::start(&world);
    program.record(5);
    pause(3000);
    let begun = Instant::now();
    let (code, lines) = program.end();
    assert_eq!(code, 0, "{lines:?}");
    assert_eq!(said(&lines, AWAY), 1, "{lines:?}");
    assert_eq!(said(&lines, ENABLED), 0, "{lines:?}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    let counted = world.binary(&["live", "query", "summary", "checkout", "--json"]);
    let text = String::from_utf8(counted.stdout).unwrap();
    let counted: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(counted["count"], 5, "{text}");
}

#[test]
fn how_often_it_is_tried_before_that_is_said_is_what_the_variables_say() {
    for (variable, text, away, failed) in [
        ("REDIS_RETRY_STRATEGY", "1", 1, 0),
        ("REDIS_RETRY_STRATEGY", "1000", 0, 0),
        ("REDIS_MAX_RETRIES_PER_REQUEST", "1", 0, 1),
        ("REDIS_MAX_RETRIES_PER_REQUEST", "1000", 0, 0),
    ] {
        let mut server = Server::start(&["--maxmemory", "1"]);
        if variable == "REDIS_RETRY_STRATEGY" {
            server.kill();
        }
        let mut world = world(&server.url(), "");
        world.set(variable, text);
        let mut program = Program::start(&world);
        program.record(1);
        pause(3000);
        let (code, lines) = program.end();
        assert_eq!(code, 0);
        assert_eq!(
            (said(&lines, AWAY), said(&lines, FAILED)),
            (away, failed),
            "{variable} {text}"
        );
    }
}

#[test]
fn who_takes_connections_and_says_nothing_is_away_after_the_time_of_its_variable() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut world = world(&format!("redis://127.0.0.1:{port}"), "attempts = 1");
    world.set("REDIS_CONNECT_TIMEOUT", "300");
    let mut program = Program::start(&world);
    program.record(1);
    pause(3000);
    let (_, lines) = program.end();
    let told = format!("{AWAY}: no connection within 300ms");
    assert_eq!(said(&lines, &told), 1, "{lines:?}");
}

#[test]
fn who_is_told_to_stop_forwards_what_waits_within_thirty_seconds() {
    let server = Server::start(&[]);
    let world = world(&server.url(), "");
    let mut program = Program::start(&world);
    program.record(3);
    until_known(&server);
    pause(500);
    // It takes what it is sent, and answers nothing.
    let about = server.client(0).run(["INFO", "server"]).text();
    let id = about
        .lines()
        .find_map(|line| line.strip_prefix("process_id:"));
    let stalled = Pid::from_raw(id.unwrap().parse().unwrap()).unwrap();
    kill_process(stalled, Signal::STOP).unwrap();
    program.record(4);
    pause(500);
    let begun = Instant::now();
    let pid = Pid::from_raw(program.0.id() as i32).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let (code, lines) = program.end();
    assert_eq!(code, 0, "{lines:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    kill_process(stalled, Signal::CONT).unwrap();
    // What stayed in the file goes with the next program.
    let mut program = Program::start(&world);
    program.record(1);
    assert_eq!(program.end().0, 0);
    assert_eq!(checkouts(&server), 8);
}

#[test]
fn depth_and_age_are_seen_in_three_places() {
    let mut server = Server::start(&[]);
    server.kill();
    let mut world = world(&server.url(), "");
    world.set("DAYBOOK_SERVE_LISTEN", "127.0.0.1:0");
    let mut serve = world.start(&["serve"]);
    let mut lines = BufReader::new(serve.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let line = lines
        .find(|line| line.contains("events are taken at"))
        .unwrap();
    let address = line
        .split("http://")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let get = |path: &str| {
        let url = format!("http://{address}{path}");
        let output = std::process::Command::new("curl")
            .args(["-s", &url])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let event = r#"{"kind": "checkout", "labels": {"shop": "zh"}, "values": {"duration": 5}}"#;
    let url = format!("http://{address}/api/events");
    let mut post = std::process::Command::new("curl");
    post.args([
        "-s",
        "-H",
        "content-type: application/json",
        "-d",
        event,
        &url,
    ]);
    assert!(post.output().unwrap().status.success());
    let wait = |holds: &dyn Fn() -> bool| {
        for _ in 0..400 {
            if holds() {
                return;
            }
            pause(50);
        }
        panic!(
            "it never came to be: {} {}",
            get("/readyz"),
            get("/metrics")
        );
    };
    wait(&|| get("/readyz").contains("redis: away, 1 events wait"));
    wait(&|| {
        let metrics = get("/metrics");
        [
            "daybook_live_redis_connected 0",
            "daybook_live_redis_waiting_points 1",
        ]
        .iter()
        .all(|line| metrics.lines().any(|known| known == *line))
    });
    let doctor = String::from_utf8(world.binary(&["doctor"]).stdout).unwrap();
    assert!(doctor.contains("cannot be used"), "{doctor}");
    assert!(doctor.contains("1 event of "), "{doctor}");
    server.restart();
    wait(&|| get("/readyz").contains("redis: connected, 0 events wait"));
    wait(&|| get("/metrics").contains("daybook_live_redis_connected 1"));
    let doctor = String::from_utf8(world.binary(&["doctor"]).stdout).unwrap();
    assert!(doctor.contains("answers: Redis 7"), "{doctor}");
    assert!(doctor.contains("0 events of "), "{doctor}");
    kill_process(Pid::from_raw(serve.id() as i32).unwrap(), Signal::TERM).unwrap();
    assert!(serve.wait().unwrap().success());
}
