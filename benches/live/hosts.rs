//! Questions about one host among a thousand: half of its day is sorted by host, the other half as it was sealed. Before that lie 29
//! days with a sample every half an hour.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::config::live::Durable;
use daybook::kinds::{Kind, Kinds};
use daybook::live::batch::Batch;
use daybook::live::event::Event;
use daybook::live::keep;
use daybook::live::question::{self, Filter, Order, Points};
use daybook::live::store::Store;

const HOSTS: usize = 1_000;
const STEP: i64 = 5;
const ROUNDS: usize = 101;

fn midnight() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_129_200, 0).unwrap_or_default()
}

/// The time goes on by what is written; at last it is a day and a half, of which the last half is not over.
pub(super) async fn answered(folder: &Path) -> Result<()> {
    let path = folder.join("hosts.db");
    let mut rules = super::rules();
    for kind in rules.kinds.values_mut() {
        kind.keep.points = None;
        kind.keep.hourly = None;
    }
    let kinds = &rules.kinds;
    let kind = &kinds["host"];
    let begun = Instant::now();
    let names: Vec<String> = (0..HOSTS).map(|host| format!("host-{host:04}")).collect();
    let (from, to) = (12 * 3600 / STEP, 36 * 3600 / STEP);
    let mut store = Store::open(&path, Durable::Memory).await?;
    let mut known = daybook::live::store::Known::new(1000, false);
    let earlier = (from - 29 * 24 * 3600 / STEP..from).step_by(360);
    // The last ones are what may be fresh when a question comes.
    for sample in earlier.chain(from..to + 15) {
        let at = midnight() + TimeDelta::seconds(sample * STEP);
        let batch = batch(&names, sample, at, kinds);
        store.commit(&mut [batch], kinds, at, &mut known).await?;
        if sample % 300 == 299 || sample < from {
            keep::round(&mut store, &rules, at).await?;
        }
        if sample == to - 1 {
            keep::round(&mut store, &rules, midnight() + TimeDelta::hours(36)).await?;
        }
    }
    let fill = store.fill().await?;
    let fill = fill
        .iter()
        .find(|fill| fill.kind == "host")
        .context("no hosts")?;
    println!("\n## One host of {HOSTS}, a sample every {STEP} seconds\n");
    println!(
        "{fill:?}\nbuilt in {:.0} s\n",
        begun.elapsed().as_secs_f64()
    );
    store.close().await?;
    println!("| question | points or rows | median, ms |");
    println!("|---|--:|--:|");
    let end = midnight() + TimeDelta::hours(36);
    for (words, from, most) in [
        ("newest 100", i64::MIN, 100),
        (
            "24 hours",
            (end - TimeDelta::hours(24)).timestamp_micros(),
            100_000,
        ),
    ] {
        let mut times = Vec::new();
        let mut count = 0;
        for round in 0..ROUNDS {
            let question = Points {
                window: from..i64::MAX,
                filter: Filter {
                    labels: vec![("host".to_owned(), names[round * 7 % HOSTS].clone())],
                    ok: None,
                },
                order: Order::NewestFirst,
                most,
                after: None,
            };
            let mut reader = Store::open_reading(&path).await?.context("no file")?;
            let begun = Instant::now();
            count = question::points(&mut reader, kind, &question)
                .await?
                .points
                .len();
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            reader.close().await?;
        }
        times.sort_by(f64::total_cmp);
        println!("| {words} | {count} | {:.2} |", times[ROUNDS / 2]);
    }
    asked(&path, &names, kind, end + TimeDelta::seconds(75)).await
}

/// One host's latest sample, and 30 days of it by hour, as programs ask.
async fn asked(path: &Path, names: &[String], kind: &Kind, now: DateTime<Utc>) -> Result<()> {
    let zone = Tz::Europe__Zurich;
    let hourly = [("every", "hour"), ("figure", "avg of cpu"), ("last", "30d")];
    for (words, question, pairs) in [
        ("latest", "latest", &[][..]),
        ("30 days, hourly", "aggregate", &hourly),
    ] {
        let mut times = Vec::new();
        let mut count = 0;
        for round in 0..ROUNDS {
            let host = ("label.host", names[round * 7 % HOSTS].as_str());
            let owned = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
            let pairs: Vec<_> = pairs.iter().copied().chain([host]).map(owned).collect();
            let context = question::Context { zone, now };
            let asked = question::parameters::read(question, &pairs, kind, context)?;
            let mut reader = Store::open_reading(path).await?.context("no file")?;
            let begun = Instant::now();
            let answer = question::ask(&mut reader, kind, &asked, context).await?;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            count = answer.rows.map_or(0, |(_, rows)| rows.len());
            reader.close().await?;
        }
        times.sort_by(f64::total_cmp);
        println!("| {words} | {count} | {:.2} |", times[ROUNDS / 2]);
    }
    Ok(())
}

fn batch(names: &[String], sample: i64, at: DateTime<Utc>, kinds: &Kinds) -> Batch {
    let mut batch = Batch::default();
    for (host, name) in names.iter().enumerate() {
        batch.add(host, &event(name, host, sample).at(at), kinds, at);
    }
    batch
}

/// Numbers with as much noise as those of hosts have.
fn event(name: &str, host: usize, sample: i64) -> Event<'_> {
    let mut noise = (sample as u64 * 1_000 + host as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    noise ^= noise >> 29;
    let noise = |shift: u32, size: u64| (noise >> shift) % size;
    // Counters are never below 0, however early.
    let drift = (sample + 600_000) * 1000 + host as i64 * 77;
    Event::new("host")
        .label("host", name)
        .value("cpu", (host % 50) as f64 + noise(3, 100) as f64 / 10.0)
        .value(
            "memory",
            52.0 + (sample / 700 % 9) as f64 + noise(13, 4) as f64 / 10.0,
        )
        .value("disk_used", 213_456_789_504 + drift / 5_000 * 4096)
        .value(
            "bytes_in",
            81_234_567_890 + drift * 600 + noise(23, 200_000) as i64,
        )
        .value(
            "bytes_out",
            412_345_678_901 + drift * 1500 + noise(33, 400_000) as i64,
        )
}
