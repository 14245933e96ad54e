//! `daybook live record`: lines of standard input become points.

use std::io::{self, BufRead, Read};
use std::thread;
use std::time::Duration;

use chrono_tz::Tz;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::cli::{Record, RecordFormat};
use crate::config::Config;
use crate::live::batch::Batch;
use crate::live::compat::Format;
use crate::live::record::Recorder;

use super::super::{CommandError, Ended, World, output};
use super::{settings, unavailable};

/// Whoever asks to stop gets the end after this time, whatever is not written then.
const LONGEST_STOP: Duration = Duration::from_secs(30);
/// Lines that are read ahead.
const AHEAD: usize = 128;
/// Lines that came wait so long at most for more of their flush.
const PAUSE: Duration = Duration::from_millis(20);
/// A line that is longer is no event.
const LONGEST_LINE: u64 = 1 << 19;
/// Bytes of lines that are not held back for more.
const FLUSHED: usize = 4 << 20;

pub(super) async fn run(
    config: &Config,
    args: &Record,
    world: &World,
) -> Result<Ended, CommandError> {
    let live = settings(config)?;
    let (format, needed) = match args.format {
        RecordFormat::Events => (Format::Events, None),
        RecordFormat::Scans => (Format::Scans, Some(("scans", "scan", "moderation"))),
        RecordFormat::Bot => (Format::Bot, Some(("bot", "stage", "bot"))),
    };
    if let Some((format, kind, preset)) = needed
        && !live.kinds.contains_key(kind)
    {
        return Err(CommandError::Usage(format!(
            "`--format {format}` needs the kind `{kind}`: add the preset `{preset}` under [live]"
        )));
    }
    let input = Input {
        format,
        zone: config.time_zone,
        flush: args.flush,
    };
    if !live.is_on {
        output::say(
            "recording is off (`on = false`, or ENABLE_METRICS): events are checked and not kept",
        );
        let recorder = Recorder::off(live.kinds.clone(), world.clock);
        return record(&recorder, &input, &world.stop).await;
    }
    let opened = Recorder::open(live, config.time_zone, world.clock).await;
    let (recorder, writer) = opened.map_err(unavailable)?;
    let recorded = record(&recorder, &input, &world.stop).await;
    let end = async { writer.stop().await?.close().await };
    let Ok(ended) = timeout(LONGEST_STOP, end).await else {
        let message = "stopped after 30 seconds with events that are not written";
        return Err(CommandError::Unavailable(message.to_owned()));
    };
    ended.map_err(unavailable)?;
    recorded
}

/// How lines are read, and how many are flushed together.
struct Input {
    format: Format,
    zone: Tz,
    flush: u32,
}

/// Until the input ends or somebody asks to stop: lines as they come, a flush and its answer for those that come together.
async fn record(
    recorder: &Recorder,
    input: &Input,
    stop: &CancellationToken,
) -> Result<Ended, CommandError> {
    let mut lines = lines_of_standard_input();
    let mut ended = Ended::Done;
    let mut number = 0;
    loop {
        let first = tokio::select! {
            line = lines.recv() => line,
            () = stop.cancelled() => None,
        };
        let Some(first) = first else {
            return Ok(ended);
        };
        let now = recorder.now();
        let mut batch = Batch::default();
        let mut next = Some(first);
        let (mut count, mut bytes) = (0, 0);
        while let Some(line) = next.take() {
            number += 1;
            count += 1;
            bytes += line.as_ref().map_or(0, Vec::len);
            let line =
                line.map_err(|error| anyhow::anyhow!("cannot read standard input: {error}"))?;
            if !line.trim_ascii().is_empty() {
                let read = input.format.read(&line, input.zone).transpose();
                if let Some(read) = read {
                    batch.add_read(number, read, recorder.kinds(), now);
                }
            }
            if count < input.flush && bytes < FLUSHED {
                next = timeout(PAUSE, lines.recv()).await.ok().flatten();
            }
        }
        if batch.has_refused() {
            ended = Ended::Incomplete;
        }
        let reply = recorder
            .send_when_free(batch)
            .await
            .map_err(|error| CommandError::Unavailable(error.to_string()))?;
        output::data(&serde_json::json!(reply).to_string())?;
    }
}

/// Read on a thread that nobody waits for, so that a pipe nobody fills keeps no signal from being heard.
fn lines_of_standard_input() -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (lines, read) = mpsc::channel(AHEAD);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let mut line = Vec::new();
            let taken = input
                .by_ref()
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line);
            let line = match taken {
                Ok(0) => return,
                Ok(_) => Ok(line),
                Err(error) => Err(error),
            };
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    read
}
