//! What a server takes over HTTP: batches of a thousand and single events, durable, from a load generator on the same
//! processors, while somebody looks at the dashboard.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{Days, Utc};

use super::client::Client;
use super::points::{Task, task};
use super::program;
use super::server::Server;

/// Batches of each sender, sent again and again.
const BODIES: usize = 16;
/// Between two looks at the dashboard and at the memory.
const PAUSE: Duration = Duration::from_millis(20);
/// Days of the demo that are looked at.
const DAYS: u64 = 300;

#[derive(Clone, Copy)]
struct Load {
    connections: usize,
    /// Events of a batch.
    size: usize,
    /// Events a second.
    most: usize,
}

const BATCHES: Load = Load {
    connections: 4,
    size: 1000,
    most: usize::MAX,
};
const SINGLE: Load = Load {
    connections: 64,
    size: 1,
    most: usize::MAX,
};

impl Load {
    /// From one batch of a connection to its next.
    fn pause(self) -> Duration {
        let events = (self.size * self.connections) as f64;
        Duration::from_secs_f64(events / self.most as f64)
    }
}

pub(super) fn taken(folder: &Path, time: Duration) -> Result<()> {
    println!("\n## Over HTTP, durable\n");
    println!(
        "| what | bytes an event | events a second | pages: median, 99 %, longest | memory: median, peak |"
    );
    println!("|---|--:|--:|--:|--:|");
    for (words, load) in [
        ("batches of 1,000 as JSON Lines, 4 connections", BATCHES),
        ("single events, 64 connections", SINGLE),
        (
            "batches, no more than the goal",
            Load {
                most: 100_000,
                ..BATCHES
            },
        ),
        (
            "single events, no more than the goal",
            Load {
                most: 5000,
                ..SINGLE
            },
        ),
    ] {
        let size = load.size;
        let folder = folder.join(format!("http-{size}-{}", load.most));
        let settings = demo(&folder)?;
        let server = Server::start(&settings)?;
        // The book is read once.
        Client::connect(&server)?.get("/sys/metrics", None)?;
        let bodies: Vec<Vec<u8>> = (0..BODIES).map(|at| body(at * size, size)).collect();
        let bytes: usize = bodies.iter().map(Vec::len).sum();
        let measured = send(&server, load, &bodies, time)?;
        let mut pages = measured.pages;
        pages.sort_unstable();
        let at = |part: f64| pages[((pages.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
        let mut memory = measured.memory;
        memory.sort_unstable();
        let kilobytes = |at: usize| program::megabytes(memory[at]);
        println!(
            "| {words} | {:.0} | **{:.0}** | {:.1}, {:.1}, {:.1} ms | {}, {} |",
            bytes as f64 / (BODIES * size) as f64,
            (measured.requests * size) as f64 / time.as_secs_f64(),
            at(0.5),
            at(0.99),
            at(1.0),
            kilobytes(memory.len() / 2),
            kilobytes(memory.len() - 1),
        );
    }
    Ok(())
}

/// The demo's book, with a server that takes task runs.
fn demo(folder: &Path) -> Result<std::path::PathBuf> {
    let path = folder.to_str().context("a folder with a plain name")?;
    program::run(program::daybook(&["demo", "--dir", path]))?;
    let settings = folder.join("daybook.toml");
    let text = std::fs::read_to_string(&settings)?;
    let text = text.replace("[live]\n", "[live]\npresets = [\"agents\"]\n");
    std::fs::write(&settings, text)?;
    Ok(settings)
}

fn body(first: usize, size: usize) -> Vec<u8> {
    let event = |at: usize| {
        let Task {
            agent,
            duration,
            tokens,
            ok,
        } = task(at);
        format!(
            "{{\"kind\":\"task\",\"labels\":{{\"task_id\":\"task_{at:09}\",\"agent_id\":\"{agent}\"}},\"values\":{{\"duration\":{duration},\"tokens_used\":{tokens}}},\"ok\":{ok}}}\n"
        )
    };
    (first..first + size)
        .map(event)
        .collect::<String>()
        .into_bytes()
}

struct Measured {
    requests: usize,
    pages: Vec<Duration>,
    /// In kilobytes.
    memory: Vec<u64>,
}

fn send(server: &Server, load: Load, bodies: &[Vec<u8>], time: Duration) -> Result<Measured> {
    let has_ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let senders: Vec<_> = (0..load.connections)
            .map(|sender| {
                let has_ended = &has_ended;
                scope.spawn(move || {
                    let mut client = Client::connect(server)?;
                    let mut sent = 0;
                    let mut due =
                        Instant::now() + load.pause() * sender as u32 / load.connections as u32;
                    while !has_ended.load(Ordering::Relaxed) {
                        let body = &bodies[(sender + sent) % bodies.len()];
                        client.post("/api/events", "application/x-ndjson", body)?;
                        sent += 1;
                        due += load.pause();
                        thread::sleep(due.saturating_duration_since(Instant::now()));
                    }
                    anyhow::Ok(sent)
                })
            })
            .collect();
        let looked = look(server, time);
        has_ended.store(true, Ordering::Relaxed);
        let mut measured = looked?;
        for sender in senders {
            let sent = sender
                .join()
                .map_err(|_| anyhow::anyhow!("a sender panicked"))?;
            measured.requests += sent?;
        }
        Ok(measured)
    })
}

/// Looks at pages that nobody has built before, and at the server's memory, until the time is over.
fn look(server: &Server, time: Duration) -> Result<Measured> {
    let mut measured = Measured {
        requests: 0,
        pages: Vec::new(),
        memory: Vec::new(),
    };
    let begun = Instant::now();
    let mut reader = Client::connect(server)?;
    for number in 0.. {
        if begun.elapsed() > time {
            break;
        }
        measured.pages.push(reader.get(&page(number), None)?.took);
        measured.memory.push(server.resident()?);
        thread::sleep(PAUSE);
    }
    Ok(measured)
}

/// Days and metrics by turns.
fn page(number: u64) -> String {
    let day = Utc::now().date_naive() - Days::new(2 + number / 2 % DAYS);
    match number % 2 {
        0 => format!("/sys/metrics?date={day}"),
        _ => format!("/sys/metrics/metric/total_users?days=90&date={day}"),
    }
}
