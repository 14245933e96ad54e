//! `daybook live prune`: tiers by hand; the keeper does it too.

use serde_json::{Value as Json, json};

use crate::cli::LivePrune;
use crate::config::Config;
use crate::live::keep::{Pruned, Rules, prune_all};
use crate::live::store::Store;
use crate::text::counted::counted;

use super::super::{CommandError, Ended, World, output};
use super::{settings, unavailable};

pub(super) async fn run(
    config: &Config,
    args: &LivePrune,
    world: &World,
) -> Result<Ended, CommandError> {
    let live = settings(config)?;
    let mut pruned = Vec::new();
    if live.database.exists() {
        let mut store = Store::open(&live.database, live.durable)
            .await
            .map_err(unavailable)?;
        let done = prune_all(
            &mut store,
            &Rules::of(live, config.time_zone),
            world.now,
            args.dry_run,
        )
        .await;
        pruned = done.map_err(unavailable)?;
        store.close().await.map_err(unavailable)?;
    }
    if args.json {
        let kinds: Vec<Json> = pruned.iter().map(as_json).collect();
        output::json(&json!({ "schema": 1, "dry_run": args.dry_run, "kinds": kinds }))?;
        return Ok(Ended::Done);
    }
    let verb = if args.dry_run {
        "would be pruned"
    } else {
        "pruned"
    };
    for kind in &pruned {
        let rollups = kind.hourly + kind.daily + kind.monthly;
        let rollups = counted(rollups as u64, "rollup");
        let points = counted(kind.points as u64, "point");
        output::say(&format!("{}: {points} and {rollups} {verb}", kind.kind));
    }
    Ok(Ended::Done)
}

fn as_json(pruned: &Pruned) -> Json {
    json!({
        "kind": pruned.kind, "points": pruned.points,
        "hourly": pruned.hourly, "daily": pruned.daily, "monthly": pruned.monthly,
    })
}
