//! The whole program on the demo and on Beryl: wall time and peak memory of the process.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::Beryl;
use crate::program::{daybook, megabytes, peak, run, with};
use crate::shell;
use crate::table::{self, median};

const ROUNDS: usize = 25;

/// Memory is read while the process runs, so that fewer rounds with close looks do.
const LOOKS: usize = 8;

pub(crate) fn on_the_demo(room: &Path) -> Result<()> {
    let folder = room.join("demo").display().to_string();
    let settings = room.join("demo/daybook.toml");
    let demo = run(daybook(&["demo", "--dir", &folder]))?;
    let commands: [&[&str]; 3] = [
        &["collect"],
        &["collect", "--date", "yesterday", "--force"],
        &["show"],
    ];
    let mut times: [Vec<Duration>; 3] = Default::default();
    let bare = shell::halves(&room.join("demo"))?;
    let mut bare_times: Vec<Duration> = Vec::new();
    for _ in 0..ROUNDS {
        bare_times.extend(shell::run(&bare)?);
        for (command, taken) in commands.iter().zip(&mut times) {
            taken.push(run(with(&settings, command))?);
        }
    }
    let mut rows = vec![[
        "`daybook demo`".to_owned(),
        table::seconds(demo),
        String::new(),
        String::new(),
    ]];
    for (command, taken) in commands.iter().zip(&times) {
        rows.push([
            format!("`daybook {}`", command.join(" ")),
            table::seconds(median(taken)),
            table::spread(taken),
            megabytes(highest(&settings, command)?),
        ]);
    }
    if !bare_times.is_empty() {
        rows.push([
            "its statements by `sqlite3`, twice at once".to_owned(),
            table::seconds(median(&bare_times)),
            table::spread(&bare_times),
            String::new(),
        ]);
    }
    table::print(["what", "median", "fastest … slowest", "peak memory"], rows);
    if !bare_times.is_empty() {
        let ratio = median(&times[1]).as_secs_f64() / median(&bare_times).as_secs_f64();
        println!("\n`collect --force` takes {ratio:.2} times the bare statements.");
    }
    Ok(())
}

pub(crate) fn by_size(small: &[Beryl], large: &[Beryl], items: i64) -> Result<()> {
    let mut rows = Vec::new();
    for (small, large) in small.iter().zip(large) {
        let collect = |beryl: &Beryl| highest(&beryl.settings, &["collect"]);
        let (few, many) = (collect(small)?, collect(large)?);
        rows.push([small.engine.to_owned(), megabytes(few), megabytes(many)]);
    }
    let (few, many) = (format!("{} items", items / 10), format!("{items} items"));
    table::print(["application database", &few, &many], rows);
    Ok(())
}

fn highest(settings: &Path, command: &[&str]) -> Result<u64> {
    let mut most = 0;
    for _ in 0..LOOKS {
        most = most.max(peak(with(settings, command))?);
    }
    Ok(most)
}
