//! The whole program as cron runs it: wall time and peak memory of the process.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::Beryl;
use crate::table::{self, Row, median};

const DAYBOOK: &str = env!("CARGO_BIN_EXE_daybook");

const ROUNDS: usize = 25;

/// Memory is read while the process runs, so that fewer rounds with close looks do.
const LOOKS: usize = 8;

const BETWEEN_LOOKS: Duration = Duration::from_micros(50);

pub(crate) fn on_the_demo(room: &Path) -> Result<()> {
    let folder = room.join("demo").display().to_string();
    let settings = room.join("demo/daybook.toml");
    let begun = Instant::now();
    run(&["demo", "--dir", &folder])?;
    let demo = begun.elapsed();
    let commands: [&[&str]; 3] = [
        &["collect"],
        &["collect", "--date", "yesterday", "--force"],
        &["show"],
    ];
    let mut times: [Vec<Duration>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (command, taken) in commands.iter().zip(&mut times) {
            let begun = Instant::now();
            run(&with(&settings, command))?;
            taken.push(begun.elapsed());
        }
    }
    let mut rows = vec![Row::of([
        "`daybook demo`".to_owned(),
        table::seconds(demo),
        String::new(),
        String::new(),
    ])];
    for (command, taken) in commands.iter().zip(&times) {
        rows.push(Row::of([
            format!("`daybook {}`", command.join(" ")),
            table::seconds(median(taken)),
            table::spread(taken),
            megabytes(peak(&with(&settings, command))?),
        ]));
    }
    table::print(
        ["what", "median", "fastest … slowest", "peak memory"],
        rows.into_iter(),
    );
    Ok(())
}

pub(crate) fn by_size(small: &[Beryl], large: &[Beryl], items: i64) -> Result<()> {
    let mut rows = Vec::new();
    for (small, large) in small.iter().zip(large) {
        let collect = |beryl: &Beryl| peak(&with(&beryl.settings, &["collect"]));
        let (few, many) = (collect(small)?, collect(large)?);
        rows.push(Row::of([
            small.engine.to_owned(),
            megabytes(few),
            megabytes(many),
        ]));
    }
    let (few, many) = (format!("{} items", items / 10), format!("{items} items"));
    table::print(["application database", &few, &many], rows.into_iter());
    Ok(())
}

fn with<'a>(settings: &'a Path, command: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["--config", settings.to_str().unwrap_or_default()];
    all.extend(command);
    all
}

fn run(arguments: &[&str]) -> Result<()> {
    let ended = Command::new(DAYBOOK)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    match ended.success() {
        true => Ok(()),
        false => bail!("daybook {} ended with {ended}", arguments.join(" ")),
    }
}

/// The most memory that was resident at any time, in kilobytes: the kernel keeps that mark for as long as
/// the process lives.
fn peak(arguments: &[&str]) -> Result<u64> {
    let mut most = 0;
    for _ in 0..LOOKS {
        let mut child = Command::new(DAYBOOK)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let status = format!("/proc/{}/status", child.id());
        while child.try_wait()?.is_none() {
            let told = std::fs::read_to_string(&status).unwrap_or_default();
            let mark = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let mark = mark.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
            most = most.max(mark.unwrap_or(0));
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }
    Ok(most)
}

fn megabytes(kilobytes: u64) -> String {
    format!("{:.1} MB", kilobytes as f64 / 1024.0)
}
