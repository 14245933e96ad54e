//! The channels besides mail: the outbox's folder, webhooks and the health check. Nothing is sent to them.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use rustix::fs::{Access, access};
use secrecy::SecretString;

use crate::config::{Config, Outbox};
use crate::deliver::http::{HttpError, Reached, reach};

use super::certificate::{RENEW, validity};
use super::{Finding, TIMEOUT};

/// A channel over HTTP.
struct Channel<'a> {
    area: &'static str,
    name: String,
    url: &'a SecretString,
    timeout: Duration,
    ca_file: Option<&'a Path>,
}

pub(super) async fn examine(config: &Config, now: DateTime<Utc>) -> Vec<Finding> {
    let channels = all(config);
    let over_http = join_all(channels.iter().map(|channel| async move {
        let timeout = channel.timeout.min(TIMEOUT);
        let reached = reach(channel.url, timeout, channel.ca_file).await;
        finding(channel, reached, now)
    }));
    let over_http = over_http.await;
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

fn finding(
    channel: &Channel<'_>,
    reached: Result<Reached, HttpError>,
    now: DateTime<Utc>,
) -> Finding {
    let Channel { area, name, .. } = channel;
    let reached = match reached {
        Ok(reached) => reached,
        Err(error) => {
            let means = "Until this is fixed, it gets nothing; what it misses is kept and retried.";
            let advice = "Check its address in the configuration, that its server runs, and that no firewall blocks it.";
            let what = format!("{name}: {error}");
            return Finding::error(area, what, means, advice);
        }
    };
    let what = format!("{name}: {} can be reached", reached.host);
    let certificate = reached.certificate.as_deref();
    let Some(valid) = certificate.and_then(|der| validity(der, now)) else {
        return Finding::ok(area, what, "The connection does not leave this machine.");
    };
    let what = format!("{what}, its certificate is valid until {}", valid.until);
    let expires = "Once it has expired, nothing can be sent there.";
    match valid.ends_soon {
        true => Finding::warning(area, what, expires, RENEW),
        false => Finding::ok(area, what, "Its identity is verified; nothing was sent."),
    }
}

/// The first report creates a missing folder, if the one above allows it.
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
    Finding::error(AREA, what, means, advice)
}
