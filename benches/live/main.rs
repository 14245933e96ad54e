//! What recording live events costs, beside writing the same points as plain rows of SQLite with two indexes, and how large
//! sealed points are. Prints tables and writes nothing that stays; BENCHMARKS.md keeps what came out.
//!
//! `cargo bench --bench live -- 60`: each contender writes for 60 seconds.

#![expect(clippy::print_stdout, reason = "it reports")]
#![expect(clippy::disallowed_methods, reason = "events happen now")]

#[path = "../dashboard/client.rs"]
mod client;
mod exports;
mod hosts;
mod http;
mod now;
mod plain;
mod points;
#[path = "../night/program.rs"]
#[expect(dead_code, reason = "a server does not end by itself")]
mod program;
mod questions;
#[path = "../dashboard/server.rs"]
mod server;
mod sizes;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::config::LiveSettings;
use daybook::config::live::Durable;
use daybook::kinds::{Kinds, presets};
use daybook::live::keep::{self, Rules};
use daybook::live::record::Recorder;
use daybook::live::store::{Fill, Known, Store};

/// Batches on their way at once.
const SENDERS: usize = 4;

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let seconds = words.iter().filter_map(|text| text.parse().ok()).next();
    let time = Duration::from_secs(seconds.unwrap_or(10));
    let parts = [
        "recording",
        "sealed",
        "hosts",
        "questions",
        "now",
        "exports",
        "http",
    ];
    let named = parts
        .iter()
        .any(|part| words.iter().any(|word| word == part));
    let is_wanted = |part: &str| !named || words.iter().any(|word| word == part);
    let folder = std::env::temp_dir().join(format!("daybook-live-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let done = async {
        if is_wanted("recording") {
            recording(&folder, time).await?;
        }
        if is_wanted("sealed") {
            sealed(&folder).await?;
        }
        if is_wanted("hosts") {
            hosts::answered(&folder).await?;
        }
        if is_wanted("questions") {
            questions::answered(&folder).await?;
        }
        if is_wanted("now") {
            now::looked_at(&folder).await?;
        }
        if is_wanted("exports") {
            exports::written(&folder).await?;
        }
        if is_wanted("http") {
            http::taken(&folder, time)?;
        }
        anyhow::Ok(())
    };
    let done = done.await;
    std::fs::remove_dir_all(&folder)?;
    done
}

async fn recording(folder: &Path, time: Duration) -> Result<()> {
    println!("\n## Recording, durable, points a second\n");
    println!("| what | Daybook | plain rows | ratio | not sealed at the end | log, MB |");
    println!("|---|--:|--:|--:|--:|--:|");
    for (size, ids) in [
        (1_000, Ids::None),
        (10_000, Ids::None),
        (1_000, Ids::Key),
        (10_000, Ids::Key),
        (1_000, Ids::Each),
    ] {
        let file = |name: &str| folder.join(format!("{name}-{size}-{ids:?}.db"));
        let plain = plain::written(&file("plain"), size, time).await?;
        std::fs::remove_file(file("plain"))?;
        let ours = recorded(&file("live"), size, ids, time).await?;
        std::fs::remove_file(file("live"))?;
        println!(
            "| batches of {size}, {} | {:.0} | {plain:.0} | **{:.2}** | {} | {:.0} |",
            ids.words(),
            ours.rate,
            ours.rate / plain,
            ours.fresh,
            ours.log
        );
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ids {
    None,
    Key,
    Each,
}

impl Ids {
    fn words(self) -> &'static str {
        match self {
            Self::None => "no ids",
            Self::Key => "a key a batch",
            Self::Each => "an id an event",
        }
    }
}

struct Recorded {
    rate: f64,
    fresh: i64,
    /// Megabytes of the write-ahead log.
    log: f64,
}

fn kinds() -> Kinds {
    let all = presets::PRESETS
        .iter()
        .flat_map(|(_, toml)| presets::kinds(toml));
    all.map(|kind| (kind.name.clone(), kind)).collect()
}

fn rules() -> Rules {
    Rules {
        kinds: kinds(),
        zone: Tz::Europe__Zurich,
        archive: None,
        backlog: None,
    }
}

fn settings(path: &Path) -> LiveSettings {
    LiveSettings {
        is_on: true,
        accepts: true,
        database: path.to_owned(),
        durable: Durable::Commit,
        batch: 10_000,
        queue: 100_000,
        ids: 5_000_000,
        flush_every: Duration::from_secs(5),
        keep_every: Duration::from_secs(2),
        span_timeout: Duration::from_secs(3600),
        presets: Vec::new(),
        archive: None,
        archive_folder: "live-archive".into(),
        log_file: None,
        kinds: kinds(),
        alerts: Vec::new(),
        redis: None,
        tokens: Vec::new(),
    }
}

/// With the keeper beside it, as in `daybook live record`.
async fn recorded(path: &Path, size: usize, ids: Ids, time: Duration) -> Result<Recorded> {
    let (recorder, writer) = Recorder::open(&settings(path), Tz::Europe__Zurich, Utc::now).await?;
    let begun = Instant::now();
    let senders = (0..SENDERS).map(|sender| {
        let recorder = recorder.clone();
        tokio::spawn(async move {
            let mut sent = 0;
            while begun.elapsed() < time {
                let first = (sent * SENDERS + sender) * size;
                let batch = points::batch(first, size, ids, &recorder);
                recorder.send_when_free(batch).await?;
                sent += 1;
            }
            anyhow::Ok(sent * size)
        })
    });
    let mut points = 0;
    for sender in senders.collect::<Vec<_>>() {
        points += sender.await??;
    }
    let rate = points as f64 / begun.elapsed().as_secs_f64();
    let mut reader = Store::open_reading(path).await?.context("no file")?;
    let fresh = task(&mut reader).await?.fresh_points;
    let log = std::fs::metadata(path.with_extension("db-wal"));
    let log = log.map_or(0.0, |log| log.len() as f64 / 1e6);
    reader.close().await?;
    writer.stop().await?.close().await?;
    Ok(Recorded { rate, fresh, log })
}

async fn task(store: &mut Store) -> Result<Fill> {
    let fills = store.fill().await?;
    let task = fills.into_iter().find(|fill| fill.kind == "task");
    task.context("no tasks were kept")
}

/// Bytes of points that are sealed and sorted: a million tasks of 30 days, and a day of three hosts.
async fn sealed(folder: &Path) -> Result<()> {
    println!("\n## Sealed and sorted\n");
    println!(
        "| what | points | bytes a point | bytes a value | sealed, rolled up and sorted a second |"
    );
    println!("|---|--:|--:|--:|--:|");
    for (words, values, batches) in sizes::all() {
        let mut store = Store::open(&folder.join(format!("{words}.db")), Durable::Memory).await?;
        let mut rules = rules();
        for kind in rules.kinds.values_mut() {
            kind.keep.points = None;
        }
        let known = &mut Known::new(1000, false);
        let mut took = Duration::ZERO;
        let mut last = Utc::now();
        for (now, batch) in batches {
            store.commit(&mut [batch], &rules.kinds, now, known).await?;
            let begun = Instant::now();
            keep::round(&mut store, &rules, now).await?;
            took += begun.elapsed();
            last = now;
        }
        let begun = Instant::now();
        keep::round(&mut store, &rules, last + TimeDelta::days(2)).await?;
        took += begun.elapsed();
        let fills = store.fill().await?;
        let points: i64 = fills.iter().map(|fill| fill.points).sum();
        let bytes: i64 = fills.iter().map(|fill| fill.bytes).sum();
        let size = bytes as f64 / points as f64;
        println!(
            "| {words} | {points} | {size:.2} | {:.2} | {:.0} |",
            size / values,
            points as f64 / took.as_secs_f64()
        );
    }
    Ok(())
}
