//! `daybook live forget`: what must not be kept goes at once.

use serde_json::json;

use crate::cli::Forget;
use crate::config::{Config, LiveSettings};
use crate::live::keep::{Forgotten, forget};
use crate::live::redis::forget::Gone;
use crate::live::redis::keep::Keeper;
use crate::live::redis::server::{Server, Trouble};
use crate::live::store::Store;
use crate::text::counted::counted;

use super::super::{CommandError, Ended, World, output};
use super::{kind, labels, settings, unavailable};

pub(super) async fn run(
    config: &Config,
    args: &Forget,
    world: &World,
) -> Result<Ended, CommandError> {
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
    let on_redis = forget_on_redis(live, &kind.name, &labels, args, world).await?;
    if args.json {
        let broken: Vec<&i64> = forgotten.broken.iter().map(|(chunk, _)| chunk).collect();
        let mut json = json!({
            "schema": 1, "dry_run": args.dry_run, "points": forgotten.points,
            "rollups": forgotten.rollups, "broken_chunks": broken,
        });
        if let Some(gone) = on_redis {
            json["on_redis"] = json!({
                "points": gone.points, "rollups": gone.rollups, "samples": gone.samples,
            });
        }
        output::json(&json)?;
    } else {
        let verb = if args.dry_run {
            "would be deleted"
        } else {
            "deleted"
        };
        let both = |points: usize, rollups: usize| {
            let points = counted(points as u64, "point");
            format!("{points} and {}", counted(rollups as u64, "rollup"))
        };
        let own = both(forgotten.points, forgotten.rollups);
        output::say(&format!("{}: {own} {verb}", kind.name));
        if let Some(gone) = on_redis {
            let there = both(gone.points, gone.rollups as usize);
            output::say(&format!("{}: {there} {verb} on Redis", kind.name));
        }
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

/// The same for all replicas, if they meet.
async fn forget_on_redis(
    live: &LiveSettings,
    kind: &str,
    labels: &[(String, String)],
    args: &Forget,
    world: &World,
) -> Result<Option<Gone>, CommandError> {
    let Some(settings) = &live.redis else {
        return Ok(None);
    };
    let failed = |trouble: Trouble| {
        let server = &settings.server;
        let done = match args.dry_run {
            true => "nothing was counted there",
            false => "what is in the own file is deleted, on Redis it is not: try again",
        };
        CommandError::Unavailable(format!("{server} cannot be used: {trouble}; {done}"))
    };
    let mut server = Server::connect(settings).await.map_err(failed)?;
    server.check().await.map_err(failed)?;
    let mut keeper = Keeper {
        server: &mut server,
        settings,
        kinds: &live.kinds,
        now: world.now,
        dry_run: args.dry_run,
    };
    let gone = keeper.forget(kind, &[labels.to_vec()]).await;
    gone.map(Some).map_err(failed)
}
