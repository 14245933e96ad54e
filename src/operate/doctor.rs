//! Finds what could stop the next report. Nothing is sent or changed.

mod access;
mod alerts;
mod book;
pub mod certificate;
mod channels;
mod clock;
mod databases;
mod days;
pub mod disk_space;
mod ledger;
mod line;
mod live;
pub mod mail;
mod redis;
mod secrets;
mod zoneinfo;

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::text::counted::counted;

pub use databases::examine as app_databases;

/// The result of one check: what was found, what follows from it and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `settings`, `mail`
    pub area: &'static str,
    pub level: Level,
    pub what: String,
    pub means: String,
    /// Empty if there is nothing to do.
    pub advice: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Ok,
    Warning,
    Error,
}

/// How long one check may hang. The checks run side by side, so this limits all of them.
const TIMEOUT: Duration = Duration::from_secs(25);

/// Longer lists end with the number of the rest.
const MOST_NAMED: usize = 8;

/// Checks everything that the next night and its report need, in the order in which they need it.
pub async fn examine(
    config: &Config,
    now: DateTime<Utc>,
    stop: &CancellationToken,
) -> Vec<Finding> {
    let (databases, stored, live, redis, mail, channels) = tokio::join!(
        databases::examine(config, now, stop),
        book::examine(config, now),
        live::examine(config, now),
        redis::examine(config, now),
        mail::examine(config, now),
        channels::examine(config, now),
    );
    let mut findings = settings(config);
    findings.extend(clock::examine(config, now, stored.newest_collected_at));
    findings.extend(databases);
    findings.extend(stored.findings);
    findings.extend(live);
    findings.extend(redis);
    findings.extend(mail);
    findings.extend(channels);
    findings.extend(secrets::examine(config));
    findings.extend(disk_space::examine(config));
    findings.push(access::examine(config));
    findings
}

impl Level {
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Finding {
    fn ok(area: &'static str, what: impl Into<String>, means: impl Into<String>) -> Self {
        Self::new(Level::Ok, area, what, means, "")
    }

    fn warning(
        area: &'static str,
        what: impl Into<String>,
        means: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(Level::Warning, area, what, means, advice)
    }

    fn error(
        area: &'static str,
        what: impl Into<String>,
        means: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(Level::Error, area, what, means, advice)
    }

    fn new(
        level: Level,
        area: &'static str,
        what: impl Into<String>,
        means: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            area,
            level,
            what: what.into(),
            means: means.into(),
            advice: advice.into(),
        }
    }
}

fn settings(config: &Config) -> Vec<Finding> {
    let file = config.file.display();
    let read = Finding::ok(
        "settings",
        format!("{file} has no errors"),
        "The configuration can be used.",
    );
    let warnings = config.warnings.iter();
    let warnings = warnings.filter(|warning| !secrets::reports(config, warning));
    let warnings = warnings.map(|warning| {
        let means = "The configuration can be used, with this warning.";
        let advice = format!("Fix it in {file}, or where the message says.");
        Finding::warning("settings", warning, means, advice)
    });
    std::iter::once(read).chain(warnings).collect()
}

/// `a, b, c and 4 more`
fn listed(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let names = names.into_iter().map(|name| name.as_ref().to_owned());
    let mut names: Vec<String> = names.collect();
    let more = names.len().saturating_sub(MOST_NAMED);
    names.truncate(MOST_NAMED);
    let shown = names.join(", ");
    match more {
        0 => shown,
        _ => format!("{shown} and {more} more"),
    }
}
