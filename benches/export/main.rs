//! What an export of one and of ten years costs, beside writing the same bytes plainly to a file. Prints a
//! table and writes nothing that stays; BENCHMARKS.md keeps what came out.

#![expect(clippy::print_stdout, reason = "it reports")]

mod book;
#[path = "../night/program.rs"]
mod program;
#[path = "../night/table.rs"]
mod table;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use table::{median, seconds, spread};

const ROUNDS: usize = 21;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("daybook-export-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let done = compare(&folder).await;
    fs::remove_dir_all(&folder)?;
    done
}

async fn compare(folder: &Path) -> Result<()> {
    let mut rows = Vec::new();
    for years in [1, 10] {
        let home = folder.join(format!("{years}"));
        fs::create_dir(&home)?;
        fs::write(home.join("daybook.toml"), book::settings())?;
        book::fill(&home.join("daybook.db"), years * 365).await?;
        for format in ["jsonl", "json", "csv"] {
            rows.push(measured(&home, years, format)?);
        }
    }
    println!("\n## Exports of {} metrics\n", book::METRICS);
    let heads = [
        "what",
        "size",
        "whole program",
        "fastest … slowest",
        "same bytes plainly",
        "fastest … slowest",
        "peak memory",
    ];
    table::print(heads, rows);
    Ok(())
}

/// Taken by turns, so that both meet the same machine.
fn measured(home: &Path, years: u64, format: &str) -> Result<[String; 7]> {
    let target = home.join(format!("days.{format}"));
    let export = || export(home, format, &target);
    program::run(export())?;
    let bytes = fs::read(&target)?;
    let (mut exported, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        exported.push(program::run(export())?);
        plain.push(plainly(&home.join("plain"), &bytes)?);
    }
    let peak = program::peak(export())?;
    Ok([
        format!("{format}, {} days", years * 365),
        format!("{:.1} MB", bytes.len() as f64 / 1e6),
        seconds(median(&exported)),
        spread(&exported),
        seconds(median(&plain)),
        spread(&plain),
        program::megabytes(peak),
    ])
}

fn export(home: &Path, format: &str, target: &Path) -> Command {
    let target = target.to_str().unwrap_or_default();
    let arguments = ["export", "--format", format, "--output", target];
    program::with(&home.join("daybook.toml"), &arguments)
}

/// Whole or not at all, as an export is.
fn plainly(target: &Path, bytes: &[u8]) -> Result<Duration> {
    let beside = target.with_extension("unfinished");
    let begun = Instant::now();
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, target)?;
    File::open(target.parent().context("a folder")?)?.sync_all()?;
    Ok(begun.elapsed())
}
