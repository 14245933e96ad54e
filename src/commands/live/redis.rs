//! `daybook live redis`: the server where several processes meet, by hand.

use serde_json::{Value as Json, json};

use crate::cli::{Redis, RedisChange};
use crate::config::Config;
use crate::live::redis::forget::Gone;
use crate::live::redis::keep::{Keeper, OfHosts, Reset, Trimmed};
use crate::live::redis::server::{Replica, Server, Trouble};
use crate::text::counted::counted;

use super::super::{CommandError, Ended, World, output};
use super::settings;

pub(super) async fn run(
    config: &Config,
    args: &Redis,
    world: &World,
) -> Result<Ended, CommandError> {
    let live = settings(config)?;
    let Some(redis) = &live.redis else {
        let file = config.file.display();
        return Err(CommandError::Usage(format!(
            "{file} names no Redis server: set `url` under [live.redis], or METRICS_REDIS_URL"
        )));
    };
    let failed = |trouble: Trouble| {
        CommandError::Unavailable(format!("{} cannot be used: {trouble}", redis.server))
    };
    let mut server = Server::connect(redis).await.map_err(failed)?;
    server.check().await.map_err(failed)?;
    let dry_run = match args {
        Redis::Status { .. } => true,
        Redis::Trim(change) | Redis::Reset(change) | Redis::Clear(change) => change.dry_run,
        Redis::Forget { change, .. } | Redis::Retire { change, .. } => change.dry_run,
    };
    let mut keeper = Keeper {
        server: &mut server,
        settings: redis,
        kinds: &live.kinds,
        now: world.now,
        dry_run,
    };
    match args {
        Redis::Status { json } => {
            let hosts = keeper.count().await.map_err(failed)?;
            let replicas = server.replicas(&redis.prefix).await.map_err(failed)?;
            status(&replicas, hosts, *json)?;
        }
        Redis::Trim(change) => trimmed(*change, keeper.trim().await.map_err(failed)?)?,
        Redis::Reset(change) => reset(*change, keeper.reset().await.map_err(failed)?)?,
        Redis::Clear(change) => {
            let hosts = keeper.hosts().await.map_err(failed)?;
            let gone = keeper.forget_hosts(&hosts).await;
            deleted(*change, gone.map_err(failed)?)?;
        }
        Redis::Forget { host, change } => {
            // Whoever was away may still have samples of a host of which nothing else is left.
            let gone = keeper.forget_hosts(std::slice::from_ref(host)).await;
            let gone = gone.map_err(failed)?;
            if gone.is_nothing() {
                let host = host.escape_debug();
                return Err(CommandError::Usage(format!(
                    "nothing is kept of a host `{host}`"
                )));
            }
            deleted(*change, gone)?;
        }
        Redis::Retire { replica, change } => {
            let replicas = server.replicas(&redis.prefix).await.map_err(failed)?;
            if !replicas.iter().any(|known| known.name == *replica) {
                let replica = replica.escape_debug();
                return Err(CommandError::Usage(format!(
                    "no process forwards as `{replica}`: `daybook live redis status` lists them"
                )));
            }
            if !change.dry_run {
                server
                    .retire(&redis.prefix, replica)
                    .await
                    .map_err(failed)?;
            }
            let done = verb(*change, "retired");
            say(
                *change,
                json!({ "replica": replica }),
                &format!("{replica} {done}"),
            )?;
        }
    }
    Ok(Ended::Done)
}

fn status(replicas: &[Replica], hosts: OfHosts, as_json: bool) -> Result<(), CommandError> {
    if as_json {
        let replica = |replica: &Replica| {
            json!({
                "name": replica.name, "mark": replica.mark, "rollups_mark": replica.rolled,
                "forwarded_until": replica.until,
            })
        };
        let replicas: Vec<Json> = replicas.iter().map(replica).collect();
        return output::json(&json!({
            "schema": 1, "replicas": replicas, "hosts": hosts.hosts, "samples": hosts.samples,
        }));
    }
    let mut text = String::new();
    for replica in replicas {
        let until = replica
            .until
            .map_or("an unknown instant".to_owned(), |until| {
                until.format("%Y-%m-%d %H:%M:%S UTC").to_string()
            });
        text += &format!("{} has forwarded everything until {until}\n", replica.name);
    }
    if replicas.is_empty() {
        text += "nothing was forwarded yet\n";
    }
    text += &format!(
        "{} of {}\n",
        counted(hosts.samples.unsigned_abs(), "sample"),
        counted(hosts.hosts.unsigned_abs(), "host")
    );
    output::data(&text)
}

fn trimmed(change: RedisChange, trimmed: Trimmed) -> Result<(), CommandError> {
    let Trimmed {
        samples,
        hosts,
        rollups,
        events,
        latest,
    } = trimmed;
    let json = json!({
        "samples": samples, "hosts": hosts, "rollups": rollups, "events": events, "latest": latest,
    });
    let mut parts = vec![
        counted(samples.unsigned_abs(), "sample"),
        counted(hosts.unsigned_abs(), "host"),
        counted(rollups.unsigned_abs(), "rollup"),
    ];
    if !change.dry_run {
        parts.push(counted(events.unsigned_abs(), "event"));
    }
    let last = counted(latest.unsigned_abs(), "latest point");
    let done = verb(change, "deleted");
    say(
        change,
        json,
        &format!("{} and {last} {done}", parts.join(", ")),
    )
}

fn reset(change: RedisChange, reset: Reset) -> Result<(), CommandError> {
    let counters = counted(reset.counters.unsigned_abs(), "counter");
    let hashes = counted(reset.hashes.unsigned_abs(), "key");
    let done = verb(change, "taken as baseline");
    let json = json!({ "hashes": reset.hashes, "counters": reset.counters });
    say(change, json, &format!("{counters} of {hashes} {done}"))
}

fn deleted(change: RedisChange, deleted: Gone) -> Result<(), CommandError> {
    let samples = counted(deleted.samples.unsigned_abs(), "sample");
    let hosts = counted(deleted.hosts.unsigned_abs(), "host");
    let done = verb(change, "deleted");
    let json = json!({
        "hosts": deleted.hosts, "samples": deleted.samples, "points": deleted.points,
    });
    say(change, json, &format!("{samples} of {hosts} {done}"))
}

fn verb(change: RedisChange, done: &str) -> String {
    match change.dry_run {
        true => format!("would be {done}"),
        false => done.to_owned(),
    }
}

fn say(change: RedisChange, mut json: Json, text: &str) -> Result<(), CommandError> {
    if !change.json {
        output::say(text);
        return Ok(());
    }
    json["schema"] = json!(1);
    json["dry_run"] = json!(change.dry_run);
    output::json(&json)
}
