//! Questions about a million task runs of 30 days, sealed and sorted; beside them the same from DuckDB, one thread, if Python has it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use daybook::config::live::Durable;
use daybook::kinds::Kinds;
use daybook::live::keep::{self, Rules};
use daybook::live::question::Context;
use daybook::live::question::ask;
use daybook::live::question::parameters::read;
use daybook::live::store::{Known, Store};

use super::points::task;
use super::sizes;

const ROUNDS: usize = 51;

type Pairs = &'static [(&'static str, &'static str)];

const QUESTIONS: [(&str, &str, Pairs); 11] = [
    ("newest 100", "points", &[("limit", "100")]),
    (
        "one agent's newest page",
        "points",
        &[("limit", "100"), ("label.agent_id", "agent_07")],
    ),
    ("one task", "points", &[("label.task_id", "task_0500000")]),
    (
        "hourly average",
        "aggregate",
        &[
            ("every", "hour"),
            ("figure", "count"),
            ("figure", "avg of duration"),
        ],
    ),
    ("p95", "percentile", &[("percentile", "95")]),
    (
        "p95, from rollups",
        "percentile",
        &[("percentile", "95"), ("estimate", "true")],
    ),
    (
        "hourly p95, from rollups",
        "aggregate",
        &[
            ("every", "hour"),
            ("figure", "p95 of duration"),
            ("estimate", "true"),
        ],
    ),
    ("top agents", "top", &[("by", "agent_id")]),
    ("summary", "summary", &[]),
    ("summary, from rollups", "summary", &[("estimate", "true")]),
    ("slowest 10", "slowest", &[]),
];

pub(super) async fn answered(folder: &Path) -> Result<()> {
    let path = folder.join("tasks.db");
    let (kinds, now) = filled(&path, sizes::TASKS).await?;
    let kind = &kinds["task"];
    println!("\n## Questions about {} tasks\n", sizes::TASKS);
    println!("| question | read | median, ms | slowest of {ROUNDS} |");
    println!("|---|---|--:|--:|");
    let mut store = Store::open_reading(&path).await?.context("no file")?;
    let context = Context {
        zone: Tz::Europe__Zurich,
        now,
    };
    for (words, question, pairs) in QUESTIONS {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        let pairs: Vec<(String, String)> = pairs.iter().map(owned).collect();
        let asked = read(question, &pairs, kind, context)?;
        let mut times = Vec::new();
        let mut from = String::new();
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let answer = ask(&mut store, kind, &asked, context).await?;
            from = answer.facts["read"].to_string();
            let written = answer.into_json().to_string();
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            anyhow::ensure!(written.len() > 100, "{written}");
        }
        times.sort_by(f64::total_cmp);
        let (median, slowest) = (times[ROUNDS / 2], times[ROUNDS - 1]);
        println!("| {words} | {from} | {median:.2} | {slowest:.2} |");
    }
    store.close().await?;
    contender(folder)
}

/// Records that many task runs, and seals and sorts them; two days later nothing is left to do.
pub(super) async fn filled(path: &Path, count: usize) -> Result<(Kinds, DateTime<Utc>)> {
    let (mut store, rules, mut now) = recorded(path, count).await?;
    now += TimeDelta::days(2);
    keep::round(&mut store, &rules, now).await?;
    store.close().await?;
    Ok((rules.kinds, now))
}

/// As they lie there when the last ones have come.
pub(super) async fn recorded(path: &Path, count: usize) -> Result<(Store, Rules, DateTime<Utc>)> {
    let mut rules = super::rules();
    for kind in rules.kinds.values_mut() {
        kind.keep.points = None;
        kind.keep.hourly = None;
    }
    let mut store = Store::open(path, Durable::Memory).await?;
    let known = &mut Known::new(1000, false);
    let mut now = Utc::now();
    for (at, batch) in sizes::tasks(count) {
        store.commit(&mut [batch], &rules.kinds, at, known).await?;
        keep::round(&mut store, &rules, at).await?;
        now = at;
    }
    Ok((store, rules, now))
}

/// The same numbers as a table of DuckDB's.
fn contender(folder: &Path) -> Result<()> {
    let path = folder.join("tasks.csv");
    let mut file = BufWriter::new(File::create(&path)?);
    writeln!(file, "ts_s,task_id,agent_id,duration_ms,tokens,success")?;
    for number in 0..sizes::TASKS {
        let task = task(number);
        let at: DateTime<Utc> = sizes::task_at(number, sizes::TASKS);
        writeln!(
            file,
            "{},task_{number:07},{},{},{},{}",
            at.timestamp(),
            task.agent,
            task.duration,
            task.tokens,
            u8::from(task.ok)
        )?;
    }
    file.flush()?;
    println!();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/live/contenders.py");
    let ran = Command::new("python3").arg(script).arg(&path).status();
    if !ran.is_ok_and(|status| status.success()) {
        println!("no contender: it needs python3 with duckdb, numpy and pyarrow");
    }
    Ok(())
}
