//! The server where replicas of the live half meet: whether it can be used, what waits for it, and who can read along.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::redis_url::Place;
use crate::config::{Config, LiveSettings};
use crate::live::compat::moderation::KIND as SCAN;
use crate::live::redis::server::Server;
use crate::live::store::{Backlog, Forwarding, Store, StoreError};

use super::{Finding, counted};

const AREA: &str = "redis";
/// What waits for longer is not on its way.
const LATE: TimeDelta = TimeDelta::minutes(2);

pub(super) async fn examine(config: &Config, now: DateTime<Utc>) -> Vec<Finding> {
    let Some(live) = &config.live else {
        return Vec::new();
    };
    let Some(redis) = &live.redis else {
        return Vec::new();
    };
    let place = &redis.server;
    let reached = async { Server::connect(redis).await?.check().await };
    let mut findings = vec![match reached.await {
        Ok(about) => Finding::ok(
            AREA,
            format!("{place} answers: Redis {}", about.version),
            "Events are forwarded to it by `daybook serve` and `daybook live record`.",
        ),
        Err(trouble) => Finding::error(
            AREA,
            format!("{place} cannot be used: {trouble}"),
            "Events wait in this machine's own file, and questions are answered from it.",
            "Fix what the message says. What waits is forwarded as soon as that goes.",
        ),
    }];
    findings.extend(exposed(&place.place, place.password.is_some()));
    if live.kinds.contains_key(SCAN) && redis.keep_scans.is_none() {
        findings.push(Finding::warning(
            AREA,
            "nothing limits what is kept of scans",
            "Rollups and the stream grow for as long as scans come.",
            "Set `keep_scans` under [live.redis] to the days that dashboards look back.",
        ));
    }
    match waiting(live).await {
        Ok(Some((forwarding, backlog))) => findings.extend(judge(&forwarding, backlog, now)),
        Ok(None) => findings.push(Finding::ok(
            AREA,
            "nothing was forwarded yet",
            "`daybook serve` with `accept = true`, or `daybook live record`, begins.",
        )),
        // Said where the file is looked at.
        Err(_) => {}
    }
    findings
}

async fn waiting(live: &LiveSettings) -> Result<Option<(Forwarding, Backlog)>, StoreError> {
    let Some(mut store) = Store::open_reading(&live.database).await? else {
        return Ok(None);
    };
    let Some(forwarding) = store.forwarding().await? else {
        return Ok(None);
    };
    let backlog = store.backlog(forwarding.acknowledged_chunk()).await?;
    Ok(Some((forwarding, backlog)))
}

fn judge(forwarding: &Forwarding, backlog: Backlog, now: DateTime<Utc>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let replica = &forwarding.replica;
    let points = counted(backlog.points, "event");
    let oldest = backlog.oldest.and_then(DateTime::from_timestamp_micros);
    let age = oldest.map_or(TimeDelta::zero(), |oldest| now - oldest);
    findings.push(match (&forwarding.trouble, age > LATE) {
        (None, false) => Finding::ok(
            AREA,
            format!("{points} of {replica} wait to be forwarded"),
            "They are on their way.",
        ),
        (trouble, _) => {
            let why = trouble
                .as_ref()
                .map_or(String::new(), |why| format!(": {why}"));
            Finding::warning(
                AREA,
                format!(
                    "{points} of {replica} wait to be forwarded, for {} minutes{why}",
                    age.num_minutes()
                ),
                "Other replicas and dashboards on Redis do not see them.",
                "Fix what the message says; without one, see whether `daybook serve` runs.",
            )
        }
    });
    if forwarding.lost > 0 {
        let lost = counted(forwarding.lost.unsigned_abs(), "event");
        findings.push(Finding::warning(
            AREA,
            format!("{lost} of {replica} were given up before they were forwarded"),
            "More waited than `backlog` allows. This machine's own file has them; Redis has not.",
            "Raise `backlog` under [live.redis] if the server may be away for so long again.",
        ));
    }
    findings
}

fn exposed(place: &Place, has_password: bool) -> Option<Finding> {
    let hosts: Vec<&String> = match place {
        Place::Tcp { host, .. } => vec![host],
        Place::Sentinels { sentinels, .. } => sentinels.iter().map(|(host, _)| host).collect(),
        Place::Tls { .. } | Place::Socket(_) => return None,
    };
    let is_here = |host: &&String| {
        let address = host.parse::<IpAddr>();
        *host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    };
    if hosts.iter().all(is_here) {
        return None;
    }
    let read = match has_password {
        true => "the password and the events",
        false => "the events",
    };
    Some(Finding::warning(
        AREA,
        "the connection to Redis is not encrypted",
        format!("Whoever is on the way can read {read}."),
        "Write `rediss://` for TLS, or keep both in a network of their own.",
    ))
}
