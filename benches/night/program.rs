//! Daybook as cron runs it: a process that is timed, and whose memory is watched.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

const DAYBOOK: &str = env!("CARGO_BIN_EXE_daybook");

const BETWEEN_LOOKS: Duration = Duration::from_micros(50);

/// What it prints is not looked at.
pub(crate) fn daybook(arguments: &[&str]) -> Command {
    let mut command = Command::new(DAYBOOK);
    command
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

pub(crate) fn with(settings: &Path, arguments: &[&str]) -> Command {
    let settings = settings.to_str().unwrap_or_default();
    let mut command = daybook(&["--config", settings]);
    command.args(arguments);
    command
}

/// How long it took.
pub(crate) fn run(mut command: Command) -> Result<Duration> {
    let begun = Instant::now();
    let ended = command.status()?;
    let taken = begun.elapsed();
    match ended.success() {
        true => Ok(taken),
        false => bail!("{command:?} ended with {ended}"),
    }
}

/// The most memory that was resident at any time, in kilobytes: the kernel keeps that mark for as long as
/// the process lives.
pub(crate) fn peak(mut command: Command) -> Result<u64> {
    let mut most = 0;
    let mut child = command.spawn()?;
    let file = format!("/proc/{}/status", child.id());
    let ended = loop {
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        let status = std::fs::read_to_string(&file).unwrap_or_default();
        let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let mark = mark.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
        most = most.max(mark.unwrap_or(0));
        std::thread::sleep(BETWEEN_LOOKS);
    };
    match ended.success() {
        true => Ok(most),
        false => bail!("{command:?} ended with {ended}"),
    }
}

pub(crate) fn megabytes(kilobytes: u64) -> String {
    format!("{:.1} MB", kilobytes as f64 / 1024.0)
}
