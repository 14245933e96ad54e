//! What recording live events costs, beside writing the same points as plain rows of SQLite with two indexes, and how large
//! sealed points are. Prints tables and writes nothing that stays; BENCHMARKS.md keeps what came out.
//!
//! `cargo bench --bench live -- 60`: each contender writes for 60 seconds.

#![expect(clippy::print_stdout, reason = "it reports")]
#![expect(clippy::disallowed_methods, reason = "events happen now")]

mod plain;
mod points;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::Utc;
use chrono_tz::Tz;
use daybook::config::live::Durable;
use daybook::kinds::{Kinds, presets};
use daybook::live::keep::{self, Keeper};
use daybook::live::record::{Recorder, Settings};
use daybook::live::store::{Fill, Store};
use tokio_util::sync::CancellationToken;

/// Batches on their way at once.
const SENDERS: usize = 4;

#[tokio::main]
async fn main() -> Result<()> {
    let seconds = std::env::args().filter_map(|text| text.parse().ok()).next();
    let time = Duration::from_secs(seconds.unwrap_or(10));
    let folder = std::env::temp_dir().join(format!("daybook-live-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let done = compare(&folder, time).await;
    std::fs::remove_dir_all(&folder)?;
    done
}

async fn compare(folder: &Path, time: Duration) -> Result<()> {
    println!("\n## Recording, durable, points a second\n");
    println!("| what | Daybook | plain rows | ratio | not sealed at the end |");
    println!("|---|--:|--:|--:|--:|");
    for (size, ids) in [
        (1_000, Ids::None),
        (10_000, Ids::None),
        (1_000, Ids::Key),
        (1_000, Ids::Each),
    ] {
        let file = |name: &str| folder.join(format!("{name}-{size}-{ids:?}.db"));
        let plain = plain::written(&file("plain"), size, time).await?;
        let ours = recorded(&file("live"), size, ids, time).await?;
        println!(
            "| batches of {size}, {} | {:.0} | {plain:.0} | **{:.2}** | {} |",
            ids.words(),
            ours.rate,
            ours.rate / plain,
            ours.fresh
        );
    }
    sizes(folder).await
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
}

fn kinds() -> Kinds {
    let all = presets::PRESETS
        .iter()
        .flat_map(|(_, toml)| presets::kinds(toml));
    all.map(|kind| (kind.name.clone(), kind)).collect()
}

/// With the keeper beside it, as in `daybook live record`.
async fn recorded(path: &Path, size: usize, ids: Ids, time: Duration) -> Result<Recorded> {
    let store = Store::open(path, Durable::Commit).await?;
    let keeper = Keeper {
        store: Store::open(path, Durable::Commit).await?,
        kinds: kinds(),
        zone: Tz::Europe__Zurich,
        every: Duration::from_secs(2),
        clock: Utc::now,
    };
    let stop = CancellationToken::new();
    let keeping = tokio::spawn(keeper.run(stop.clone()));
    let (recorder, writer) = Recorder::start(store, kinds(), Settings::default(), Utc::now);
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
    stop.cancel();
    keeping.await?;
    writer.stop().await?;
    Ok(Recorded { rate, fresh })
}

async fn task(store: &mut Store) -> Result<Fill> {
    let fills = store.fill().await?;
    let task = fills.into_iter().find(|fill| fill.kind == "task");
    task.context("no tasks were kept")
}

/// Bytes of a sealed task point, its id included.
async fn sizes(folder: &Path) -> Result<()> {
    let store = Store::open(&folder.join("sizes.db"), Durable::Memory).await?;
    let (recorder, writer) = Recorder::start(store, kinds(), Settings::default(), Utc::now);
    for batch in 0..100 {
        let batch = points::batch(batch * 10_000, 10_000, Ids::None, &recorder);
        recorder.send_when_free(batch).await?;
    }
    let mut store = writer.stop().await?;
    let later = Utc::now() + chrono::TimeDelta::hours(2);
    let begun = Instant::now();
    keep::round(&mut store, &kinds(), Tz::Europe__Zurich, later).await?;
    let took = begun.elapsed().as_secs_f64();
    let fill = task(&mut store).await?;
    let points = fill.points as f64;
    println!("\n## Sealed\n");
    println!("| what | bytes a point | sealed and rolled up a second |");
    println!("|---|--:|--:|");
    println!(
        "| tasks | {:.2} | {:.0} |",
        fill.bytes as f64 / points,
        points / took
    );
    Ok(())
}
