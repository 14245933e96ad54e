//! What forwarding live events to Redis takes, beside redis-benchmark's pipelined rate of the same commands in the same run and beside
//! the same changes one command at a time, as the original systems make them. Prints tables; BENCHMARKS.md keeps what came out.
//!
//! `cargo bench --bench redis`; needs redis-server and redis-benchmark.

#![expect(clippy::print_stdout, reason = "it reports")]
#![expect(clippy::disallowed_methods, reason = "events happen now")]

mod reads;

use std::process::Command;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use daybook::config::live_redis::{History, RedisSettings};
use daybook::config::redis_url::Place;
use daybook::config::{self, LiveSettings};
use daybook::kinds::Kind;
use daybook::live::batch::Batch;
use daybook::live::columns::Columns;
use daybook::live::compat::moderation as bot;
use daybook::live::event::{self, Event};
use daybook::live::record::Recorder;
use daybook::live::redis::changes::{Call, Changes};
use daybook::live::redis::compact::Chains;
use daybook::live::redis::hosts;
use daybook::live::redis::moderation;
use daybook::live::redis::server::Server as Connection;
use serde_json::json;
use support::redis::{Client, Reply, Sent, Server};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

const PREFIX: &str = "moderator:metrics";
const SCANS: usize = 100_000;
const HOSTS: usize = 1_000;
const ROUNDS: usize = 60;

#[tokio::main]
async fn main() -> Result<()> {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir()?;
    let settings = settings(folder.path(), &server)?;
    scans(&server, &settings).await?;
    samples(&server, &settings).await?;
    memory(&server, &settings).await?;
    whole(&server, &settings).await?;
    let compact = named(folder.path(), &server, "history = \"compact\"")?;
    let later = named(folder.path(), &server, "scans = \"later\"")?;
    reads::hosts(&server, &[("documented", &settings), ("compact", &compact)]).await?;
    reads::scans(&server, &settings, &later).await
}

fn settings(folder: &std::path::Path, server: &Server) -> Result<LiveSettings> {
    named(folder, server, "")
}

fn named(folder: &std::path::Path, server: &Server, more: &str) -> Result<LiveSettings> {
    let text = format!(
        "[live]\naccept = true\npresets = [\"moderation\", \"hosts\"]\n[live.redis]\nurl = \"{}/0\"\n{more}\n\
         [[metrics]]\nkey = \"scans\"\nlive = {{ kind = \"scan\", value = \"count\" }}\n",
        server.url()
    );
    std::fs::write(folder.join("daybook.toml"), text)?;
    let request = config::Request {
        path: None,
        environment: [("HOME".to_owned(), "/nowhere".to_owned())].into(),
        cwd: folder.to_owned(),
    };
    config::load(&request)?.live.context("it has [live]")
}

fn redis(settings: &LiveSettings) -> Result<&RedisSettings> {
    settings.redis.as_ref().context("it has [live.redis]")
}

/// Twenty guilds, three types, a tenth of them flagged, with details as the bot has them.
fn scan(number: usize, now: DateTime<Utc>) -> Result<Event<'static>> {
    let kind = ["image", "video", "text_file"][number / 20 % 3];
    let categories = ["adult", "violence", "medical", "racy"];
    let score = |at: usize| (0.001 * ((number * 7 + at * 131) % 400) as f64, at);
    let scores = (0..categories.len()).map(score);
    let scores: serde_json::Map<String, serde_json::Value> = scores
        .map(|(score, at)| (categories[at].to_owned(), json!(score)))
        .collect();
    let mut result = json!({
        "is_nsfw": number.is_multiple_of(10), "category": "adult", "score": 0.31, "threshold": 0.7,
        "summary_categories": scores, "max_similarity": 0.81, "max_category": "adult",
        "high_accuracy": true,
    });
    if kind == "video" {
        result["video_frames_scanned"] = json!(16);
        result["video_frames_target"] = json!(32);
        result["video_frames_media_total"] = json!(900);
    }
    let accelerated = [Some(true), Some(false), None][number % 3];
    let scan = json!({
        "guild_id": 1_000_000_000_000 + (number % 20), "content_type": kind, "file_size": 250_000 + number,
        "scan_duration_ms": 40 + number % 400, "accelerated": accelerated,
        "scanner": "nsfw_scanner", "source": "attachment", "scan_result": result,
        "occurred_at": now - TimeDelta::microseconds(number as i64),
    });
    bot::event(scan.to_string().as_bytes()).map_err(|refused| anyhow::anyhow!(refused.error))
}

fn sample(host: usize, round: usize, now: DateTime<Utc>) -> Event<'static> {
    let number = (host * 131 + round * 17) as f64;
    let mut event = Event::new("host").label("host", format!("host-{host:04}"));
    event.at = Some(now - TimeDelta::seconds(30 * (ROUNDS - round) as i64));
    let total = 16_u64 << 30;
    let used = total / 4 + (number as u64 % 1000) * 4096 * 37;
    for (name, value) in [
        ("cpu", number % 1000.0 / 10.0),
        ("cores", 8.0),
        ("load1", number % 400.0 / 100.0),
        ("load5", number % 300.0 / 100.0),
        ("load15", number % 200.0 / 100.0),
        ("memory_total", total as f64),
        ("memory_used", used as f64),
        ("memory_free", (total - used) as f64),
        (
            "memory",
            (1000.0 * used as f64 / total as f64).round() / 10.0,
        ),
        ("disk_total", 5e11),
        ("disk_used", 2.5e11),
        ("disk_free", 2.5e11),
        ("disk", 50.0),
        ("bytes_in", (1_000_000 * round + 1500 * host) as f64),
        ("bytes_out", (700_000 * round + 900 * host) as f64),
        ("packets_in", (900 * round + host) as f64),
        ("packets_out", (800 * round + host) as f64),
    ] {
        event = event.value(name, value);
    }
    event
}

fn points(kind: &Kind, events: impl Iterator<Item = Event<'static>>) -> Result<Columns> {
    let mut points = Columns::new(kind);
    for event in events {
        let added = event::add_old(&event, kind, Utc::now(), &mut points);
        added.map_err(|refused| anyhow::anyhow!("{}: {}", refused.field, refused.error))?;
    }
    Ok(points)
}

fn parts(points: &Columns, size: usize) -> Vec<Columns> {
    let all: Vec<u32> = (0..points.len() as u32).collect();
    all.chunks(size).map(|places| points.pick(places)).collect()
}

/// Sends points as one replica does.
async fn send(
    settings: &LiveSettings,
    points: &Columns,
    mut fill: impl FnMut(&mut Changes, &Columns),
) -> Result<()> {
    let mut connection = Connection::connect(redis(settings)?).await?;
    for (number, part) in parts(points, 2_000).iter().enumerate() {
        let mut changes = Changes::new(PREFIX);
        fill(&mut changes, part);
        let call = changes.call("bench", &mark(number), &mark(number + 1), 0);
        connection.apply(&call).await?;
    }
    Ok(())
}

/// How many a second are applied, from points in memory on. While the server is busy with a batch, the next one is made, as the
/// forwarder does it.
async fn applied(
    server: &Server,
    settings: &LiveSettings,
    points: &Columns,
    size: usize,
    mut fill: impl FnMut(&mut Changes, &Columns) + Send,
) -> Result<(f64, Duration)> {
    let mut best = (0.0, Duration::ZERO);
    for _ in 0..3 {
        server.client(0).run(["FLUSHALL"]);
        let mut connection = Connection::connect(redis(settings)?).await?;
        let parts = parts(points, size);
        let begun = Instant::now();
        let mut make = |made: SyncSender<Call>| {
            for (number, part) in parts.iter().enumerate() {
                let mut changes = Changes::new(PREFIX);
                fill(&mut changes, part);
                let call = changes.call("bench", &mark(number), &mark(number + 1), 0);
                if made.send(call).is_err() {
                    break;
                }
            }
        };
        let longest = block_in_place(|| {
            thread::scope(|scope| {
                let (made, batches) = sync_channel(0);
                scope.spawn(move || make(made));
                let mut longest = Duration::ZERO;
                for call in batches {
                    let sent = Instant::now();
                    Handle::current().block_on(connection.apply(&call))?;
                    longest = longest.max(sent.elapsed());
                }
                anyhow::Ok(longest)
            })
        })?;
        let rate = points.len() as f64 / begun.elapsed().as_secs_f64();
        if rate > best.0 {
            best = (rate, longest);
        }
    }
    Ok(best)
}

/// Behind so many batches.
fn mark(batches: usize) -> String {
    match batches {
        0 => String::new(),
        _ => format!("{batches}.0"),
    }
}

fn sent(call: &Call) -> Sent {
    Sent::of(call.keys.bytes(), call.arguments.bytes())
}

/// The same changes one command after another, and how many they are an event.
fn one_by_one(server: &Server, calls: &[Call]) -> (f64, f64) {
    let mut client = server.client(0);
    client.run(["FLUSHALL"]);
    let calls = calls.iter().map(sent);
    let calls: Vec<Sent> = calls.collect();
    let begun = Instant::now();
    let mut commands = 0;
    for call in &calls {
        let mut rest = &call.arguments[4..];
        while let [letter, key, count, ..] = rest {
            let number = |part: &[u8]| String::from_utf8_lossy(part).parse::<usize>().unwrap_or(0);
            let (parts, behind) = rest[3..].split_at(number(count));
            let key = call.keys[number(key) - 1].as_slice();
            let mut run = |command: &str, parts: &[&[u8]]| {
                commands += 1;
                let all = [command.as_bytes(), key]
                    .into_iter()
                    .chain(parts.iter().copied());
                client.run(all);
            };
            let command = match letter.as_slice() {
                b"x" => "XADD",
                b"a" => "HINCRBY",
                b"h" | b"l" => "HSET",
                b"z" => "ZADD",
                _ => "",
            };
            match command {
                "" => {}
                "XADD" => {
                    for event in &parts[1..] {
                        run(command, &[b"*", b"event", event]);
                    }
                }
                _ => {
                    for pair in parts.chunks(2) {
                        run(command, &[&pair[0], &pair[1]]);
                    }
                }
            }
            rest = behind;
        }
    }
    let took = begun.elapsed().as_secs_f64();
    (
        calls.len() as f64 / took,
        commands as f64 / calls.len() as f64,
    )
}

/// Requests a second of redis-benchmark, 50 connections with 16 commands on their way.
fn pipelined(server: &Server, command: &[&str]) -> Result<f64> {
    let mut best: f64 = 0.0;
    for _ in 0..3 {
        server.client(0).run(["FLUSHALL"]);
        let output = Command::new("redis-benchmark")
            .args([
                "-p",
                &server.port.to_string(),
                "-c",
                "50",
                "-P",
                "16",
                "-n",
                "300000",
                "-r",
                "100000",
                "-q",
            ])
            .args(command)
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).replace('\r', "\n");
        let rate = text.lines().rev().find_map(|line| {
            let (before, _) = line.split_once(" requests per second")?;
            before.rsplit([' ', ':']).next()?.parse::<f64>().ok()
        });
        best = best.max(rate.with_context(|| format!("no rate in {text}"))?);
    }
    Ok(best)
}

async fn scans(server: &Server, settings: &LiveSettings) -> Result<()> {
    let now = Utc::now();
    let kind = &settings.kinds["scan"];
    let events: Vec<Event<'static>> = (0..SCANS)
        .map(|number| scan(number, now))
        .collect::<Result<_>>()?;
    let points = points(kind, events.into_iter())?;
    println!("\n## Scans\n");
    println!(
        "| form | XADD of the event, pipelined | batch | events a second | of XADD | longest batch, ms |"
    );
    println!("|---|--:|--:|--:|--:|--:|");
    for later in [false, true] {
        let layout = moderation::Layout {
            prefix: PREFIX.to_owned(),
            stream: PREFIX.to_owned(),
            bound: None,
            later,
        };
        let fill = |changes: &mut Changes, points: &Columns| {
            moderation::add(changes, points, &layout, now);
        };
        let mut one = Changes::new(PREFIX);
        fill(&mut one, &points.pick(&[1]));
        let one = sent(&one.call("bench", "", "1.0", 0));
        let event = one
            .arguments
            .iter()
            .find(|part| part.starts_with(b"{\"occurred_at\""));
        let event = String::from_utf8_lossy(event.context("an event")?).into_owned();
        let xadd = pipelined(server, &["XADD", "stream", "*", "event", &event])?;
        let form = if later { "later" } else { "documented" };
        for size in [1_000, 2_000, 10_000] {
            let (rate, longest) = applied(server, settings, &points, size, fill).await?;
            println!(
                "| {form}, {} bytes | {xadd:.0} | {size} | **{rate:.0}** | {:.2} | {:.1} |",
                event.len(),
                rate / xadd,
                longest.as_secs_f64() * 1000.0
            );
        }
        let calls = (0..3_000_u32).map(|place| {
            let mut changes = Changes::new(PREFIX);
            fill(&mut changes, &points.pick(&[place]));
            changes.call("bench", "", "1.0", 0)
        });
        let (rate, commands) = one_by_one(server, &calls.collect::<Vec<Call>>());
        println!(
            "| {form}, {commands:.1} commands an event, one at a time | {xadd:.0} | 1 | {rate:.0} | | |"
        );
    }
    Ok(())
}

fn rounds(settings: &LiveSettings, of: std::ops::Range<usize>) -> Result<Columns> {
    let now = Utc::now();
    let events = of.flat_map(|round| (0..HOSTS).map(move |host| sample(host, round, now)));
    points(&settings.kinds["host"], events)
}

async fn samples(server: &Server, settings: &LiveSettings) -> Result<()> {
    let points = rounds(settings, 0..ROUNDS)?;
    // Each its own, as no two samples are the same.
    let member = format!("{}__rand_int__", "x".repeat(404));
    let zadd = pipelined(server, &["ZADD", "history", "__rand_int__", &member])?;
    println!(
        "\n## Samples of {HOSTS} hosts\n\nZADD of a member of 416 bytes, pipelined: {zadd:.0} a second\n"
    );
    println!("| history | batch | samples a second | longest batch, ms |");
    println!("|---|--:|--:|--:|");
    for (words, history) in [
        ("documented", History::Documented),
        ("compact", History::Compact),
        ("both", History::Both),
    ] {
        for size in [1_000, 2_000, 10_000] {
            let layout = hosts::Layout {
                retention_days: 30,
                history,
            };
            let mut chains = Chains::new(1);
            let (rate, longest) = applied(server, settings, &points, size, |changes, points| {
                hosts::add(changes, points, layout, &mut chains);
            })
            .await?;
            println!(
                "| {words} | {size} | **{rate:.0}** | {:.1} |",
                longest.as_secs_f64() * 1000.0
            );
        }
    }
    Ok(())
}

fn used(client: &mut Client) -> f64 {
    let text = client.run(["INFO", "memory"]).text();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    line.and_then(|bytes| bytes.parse().ok()).unwrap_or(0.0)
}

/// A day of 35 hosts, a sample every 30 seconds.
async fn memory(server: &Server, settings: &LiveSettings) -> Result<()> {
    println!("\n## Memory of a sample, 35 hosts every 30 seconds for a day\n");
    println!("| history | bytes a sample |");
    println!("|---|--:|");
    let now = Utc::now();
    for (words, history) in [
        ("documented", History::Documented),
        ("compact", History::Compact),
    ] {
        let mut client = server.client(0);
        client.run(["FLUSHALL"]);
        let before = used(&mut client);
        let mut connection = Connection::connect(redis(settings)?).await?;
        let (mut chains, mut count) = (Chains::new(1), 0);
        for round in 0..2880 {
            let events = (0..35).map(|host| {
                let mut event = sample(host, round, now);
                event.at = Some(now - TimeDelta::seconds(30 * (2880 - round as i64)));
                event
            });
            let points = points(&settings.kinds["host"], events)?;
            count += points.len();
            let mut changes = Changes::new(PREFIX);
            let layout = hosts::Layout {
                retention_days: 30,
                history,
            };
            hosts::add(&mut changes, &points, layout, &mut chains);
            let call = changes.call("bench", &mark(round), &mark(round + 1), 0);
            connection.apply(&call).await?;
        }
        // All but the histories.
        for host in 0..35 {
            client.run(["DEL", &format!("metrics:current:host-{host:04}")]);
        }
        println!(
            "| {words} | {:.1} |",
            (used(&mut client) - before) / count as f64
        );
    }
    Ok(())
}

/// From a commit in the file to the server, with everything that belongs to it.
async fn whole(server: &Server, settings: &LiveSettings) -> Result<()> {
    println!("\n## Catching up: from the file to Redis, with rollups and points of every kind\n");
    println!("| what | events | events a second |");
    println!("|---|--:|--:|");
    for (words, count) in [
        ("scans, documented", SCANS),
        ("samples, documented", HOSTS * ROUNDS),
    ] {
        server.client(0).run(["FLUSHALL"]);
        let mut live = settings.clone();
        live.database = settings.database.with_file_name(format!("{count}.db"));
        // Nothing is there while it is recorded.
        let there = redis(&live)?.clone();
        if let Some(redis) = &mut live.redis {
            redis.server.place = Place::Socket(settings.database.with_file_name("nowhere"));
        }
        let zone = chrono_tz::Europe::Zurich;
        let (recorder, writer) = Recorder::open(&live, zone, Utc::now).await?;
        let now = Utc::now();
        for first in (0..count).step_by(2_000) {
            let mut batch = Batch::default();
            for number in first..(first + 2_000).min(count) {
                let event = match words.starts_with("scans") {
                    true => scan(number, now)?,
                    false => sample(number % HOSTS, number / HOSTS, now),
                };
                batch.add(number, &event, recorder.kinds(), now);
            }
            recorder.send(batch).await?;
        }
        writer.stop().await?.close().await?;
        live.redis = Some(there);
        let begun = Instant::now();
        let opened = Recorder::open(&live, zone, Utc::now).await?;
        let done = |client: &mut Client| match words.starts_with("scans") {
            true => {
                client.run(["HGET", "moderator:metrics:totals", "scans_count"])
                    == Reply::Bytes(count.to_string().into())
            }
            false => {
                client.run(["ZCARD", "metrics:history:host-0999"]) == Reply::Number(ROUNDS as i64)
            }
        };
        let mut client = server.client(0);
        while !done(&mut client) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let took = begun.elapsed().as_secs_f64();
        println!("| {words} | {count} | **{:.0}** |", count as f64 / took);
        opened.1.stop().await?.close().await?;
    }
    Ok(())
}
