//! Task runs of 30 days, sealed and sorted, exported in each format: rows a second on one thread, and the memory that this takes.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use chrono_tz::Tz;
use daybook::live::export::{Export, Format, Request, to_file};
use daybook::live::question::Context;
use daybook::live::store::Store;

use super::questions::filled;

pub(super) async fn written(folder: &Path) -> Result<()> {
    println!("\n## Exports of task runs\n");
    println!("| tasks | format | rows a second | MB written | memory at most, MB |");
    println!("|--:|---|--:|--:|--:|");
    for count in [1_000_000, 10_000_000] {
        let path = folder.join(format!("exported-{count}.db"));
        let (kinds, now) = filled(&path, count).await?;
        let context = Context {
            zone: Tz::Europe__Zurich,
            now,
        };
        for format in Format::ALL {
            let pairs = [("format".to_owned(), format.name().to_owned())];
            let read = Request::read(&[&kinds["task"]], &pairs, context);
            let mut store = Store::open_reading(&path).await?.context("no file")?;
            // From here on its peak counts.
            fs::write("/proc/self/clear_refs", "5")?;
            let begun = Instant::now();
            let bytes = exported(&mut store, format, read?.1, folder).await?;
            let rate = count as f64 / begun.elapsed().as_secs_f64();
            store.close().await?;
            println!(
                "| {count} | {} | {rate:.0} | {:.0} | {:.0} |",
                format.name(),
                bytes as f64 / 1e6,
                peak()?
            );
        }
        fs::remove_file(&path)?;
    }
    Ok(())
}

async fn exported(
    store: &mut Store,
    format: Format,
    request: Request,
    folder: &Path,
) -> Result<u64> {
    if format.is_file() {
        let path = folder.join("exported");
        to_file(store, format, &request, &path).await?;
        return Ok(fs::metadata(&path)?.len());
    }
    let mut export = Export::new(store, format, request).await?;
    let (mut piece, mut bytes) = (Vec::new(), 0);
    while export.next(store, &mut piece).await? {
        bytes += piece.len() as u64;
        piece.clear();
    }
    Ok(bytes + piece.len() as u64)
}

/// Of this process, in MB.
fn peak() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kilobytes.context("no peak")?.parse::<f64>()? / 1000.0)
}
