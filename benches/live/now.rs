//! What the live page and `/metrics` show, of ten million task runs of 30 days: it is looked at as the last one comes in,
//! and half an hour later.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use chrono::TimeDelta;
use daybook::live::keep;
use daybook::live::now;
use daybook::live::question::Context;
use daybook::live::store::Store;

use super::questions::recorded;

const TASKS: usize = 10_000_000;
const ROUNDS: usize = 51;

pub(super) async fn looked_at(folder: &Path) -> Result<()> {
    let path = folder.join("now.db");
    let (mut writer, rules, now) = recorded(&path, TASKS).await?;
    let settings = super::settings(&path);
    println!("\n## Now, among {TASKS} tasks\n");
    println!("| when | median, ms | slowest of {ROUNDS} |");
    println!("|---|--:|--:|");
    for (when, minutes) in [("at midnight", 0), ("half an hour later", 30)] {
        let now = now + TimeDelta::minutes(minutes);
        keep::round(&mut writer, &rules, now).await?;
        let context = Context {
            zone: rules.zone,
            now,
        };
        let mut store = Store::open_reading(&path).await?.context("no file")?;
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let seen = now::now(&mut store, &settings, |_| true, context).await?;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            let busy = seen.kinds.iter().find(|kind| kind.hour.count > 0);
            anyhow::ensure!(busy.is_some(), "nothing was seen of the last hour");
        }
        times.sort_by(f64::total_cmp);
        let (median, slowest) = (times[ROUNDS / 2], times[ROUNDS - 1]);
        println!("| {when} | {median:.2} | {slowest:.2} |");
        store.close().await?;
    }
    writer.close().await?;
    std::fs::remove_file(&path)?;
    Ok(())
}
