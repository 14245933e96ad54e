//! `daybook live forget`: what must not be kept goes at once.

use serde_json::json;

use crate::cli::Forget;
use crate::config::Config;
use crate::live::keep::{Forgotten, forget};
use crate::live::store::Store;
use crate::text::counted::counted;

use super::super::{CommandError, Ended, output};
use super::{kind, labels, settings, unavailable};

pub(super) async fn run(config: &Config, args: &Forget) -> Result<Ended, CommandError> {
    let live = settings(config)?;
    let kind = kind(live, &args.kind)?;
    let labels = labels(&args.labels, kind)?;
    let mut forgotten = Forgotten::default();
    if live.database.exists() {
        let opened = Store::open(&live.database, live.durable).await;
        let mut store = opened.map_err(unavailable)?;
        let done = forget(&mut store, kind, &labels, args.dry_run).await;
        forgotten = done.map_err(unavailable)?;
        store.close().await.map_err(unavailable)?;
    }
    if args.json {
        let broken: Vec<&i64> = forgotten.broken.iter().map(|(chunk, _)| chunk).collect();
        output::json(&json!({
            "schema": 1, "dry_run": args.dry_run, "points": forgotten.points,
            "rollups": forgotten.rollups, "broken_chunks": broken,
        }))?;
    } else {
        let verb = if args.dry_run {
            "would be deleted"
        } else {
            "deleted"
        };
        let points = counted(forgotten.points as u64, "point");
        let rollups = counted(forgotten.rollups as u64, "rollup");
        output::say(&format!("{}: {points} and {rollups} {verb}", kind.name));
    }
    for (chunk, why) in &forgotten.broken {
        let file = live.database.display();
        output::say(&format!(
            "{file}: chunk {chunk} is {why}; it may hold such points"
        ));
    }
    Ok(match forgotten.broken.is_empty() {
        true => Ended::Done,
        false => Ended::Unsound,
    })
}
