//! The channels besides mail: the outbox's folder, webhooks and the health check. Nothing is asked of them.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use rustix::fs::{Access, access};
use secrecy::SecretString;

use crate::config::{Config, Outbox};
use crate::deliver::http::{HttpError, Reached, reach};
use crate::text::counted::counted;

use super::certificate::{SOON_DAYS, not_after};
use super::{Finding, Level, PATIENCE};

/// A way out over HTTP.
struct Channel<'a> {
    area: &'static str,
    name: String,
    url: &'a SecretString,
    timeout: Duration,
    ca_file: Option<&'a Path>,
}

pub(super) async fn examine(config: &Config, now: DateTime<Utc>) -> Vec<Finding> {
    let channels = all(config);
    let reached = join_all(channels.iter().map(|channel| {
        let patience = channel.timeout.min(PATIENCE);
        reach(channel.url, patience, channel.ca_file)
    }));
    let reached = reached.await;
    let over_http = channels.iter().zip(reached);
    let over_http = over_http.map(|(channel, reached)| told(channel, reached, now));
    config.outbox.iter().map(folder).chain(over_http).collect()
}

fn all(config: &Config) -> Vec<Channel<'_>> {
    let webhooks = config.webhooks.iter().map(|webhook| Channel {
        area: "webhooks",
        name: format!("webhook {}", webhook.name),
        url: &webhook.url,
        timeout: webhook.timeout,
        ca_file: webhook.ca_file.as_deref(),
    });
    let ping = config.ping.iter().map(|ping| Channel {
        area: "ping",
        name: "the health check".to_owned(),
        url: &ping.success,
        timeout: ping.timeout,
        ca_file: ping.ca_file.as_deref(),
    });
    webhooks.chain(ping).collect()
}

fn told(channel: &Channel<'_>, reached: Result<Reached, HttpError>, now: DateTime<Utc>) -> Finding {
    let Channel { area, name, .. } = channel;
    let reached = match reached {
        Ok(reached) => reached,
        Err(error) => {
            let means = "Until this is fixed, it gets nothing; what it misses is kept and retried.";
            let advice = "Check its address in the configuration, that its server runs, and that no firewall blocks it.";
            let what = format!("{name}: {error}");
            return Finding::ok(area, what, means).advising(Level::Error, advice);
        }
    };
    let host = &reached.host;
    let Some(until) = reached.certificate.as_deref().and_then(not_after) else {
        let means = "The connection does not leave this machine.";
        return Finding::ok(area, format!("{name}: {host} can be reached"), means);
    };
    let days = (until - now).num_days();
    let left = counted(days, "day");
    let until = until.format("%Y-%m-%d");
    let what =
        format!("{name}: {host} can be reached, its certificate is valid until {until} ({left})");
    match days < SOON_DAYS {
        false => Finding::ok(area, what, "Its identity is verified; nothing was sent."),
        true => Finding::ok(
            area,
            what,
            "Once it has expired, nothing can be sent there.",
        )
        .advising(
            Level::Warning,
            "Renew it; if a program renews it, that program has stopped.",
        ),
    }
}

/// A folder that is not there yet is made by the first report, if whatever is above it allows that.
fn folder(outbox: &Outbox) -> Finding {
    const AREA: &str = "outbox";
    let folder = &outbox.directory;
    let name = folder.display();
    let there = folder.ancestors().find(|one| one.exists());
    let means = "Reports cannot be written there; they are kept and retried.";
    let advice = "Give the folder to the user that runs daybook, or set `directory` under [outbox] to another one.";
    let what = match there {
        Some(there) if !there.is_dir() => format!(
            "{name} cannot hold reports: {} is not a folder",
            there.display()
        ),
        Some(there) if access(there, Access::WRITE_OK | Access::EXEC_OK).is_ok() => {
            let what = match there == folder {
                true => format!("reports can be written to {name}"),
                false => format!("the first report creates the folder {name}"),
            };
            return Finding::ok(AREA, what, "This user may create files there.");
        }
        _ => format!("this user may not create files in {name}"),
    };
    Finding::ok(AREA, what, means).advising(Level::Error, advice)
}
