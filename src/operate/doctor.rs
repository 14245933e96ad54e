//! What could keep the next report from its readers, found before it does. Nothing is sent or changed.

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
pub mod mail;
mod secrets;
mod zoneinfo;

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::text::counted::counted;

/// What the next night would meet in the app databases.
pub use databases::examine as app_databases;

/// Something that was looked at: how it is, what follows from that and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `settings`, `mail`
    pub area: &'static str,
    pub level: Level,
    pub what: String,
    pub means: String,
    /// Empty where nothing is to be done.
    pub advice: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Ok,
    Warning,
    Error,
}

/// How long one thing may take that hangs; they are looked at side by side, so this is about the longest
/// of all.
const PATIENCE: Duration = Duration::from_secs(25);

/// Longer lists say how many more there are.
const MOST_NAMED: usize = 8;

/// Everything that the next night and its report need, in the order in which they need it.
pub async fn examine(
    config: &Config,
    now: DateTime<Utc>,
    stop: &CancellationToken,
) -> Vec<Finding> {
    let (databases, stored, mail, channels) = tokio::join!(
        databases::examine(config, now, stop),
        book::examine(config, now),
        mail::examine(config, now),
        channels::examine(config, now),
    );
    let mut findings = settings(config);
    findings.extend(clock::examine(config, now, stored.newest_collected_at));
    findings.extend(databases);
    findings.extend(stored.findings);
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
        Self {
            area,
            level: Level::Ok,
            what: what.into(),
            means: means.into(),
            advice: String::new(),
        }
    }

    fn advising(self, level: Level, advice: impl Into<String>) -> Self {
        Self {
            level,
            advice: advice.into(),
            ..self
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
    let warnings = warnings.filter(|warning| !secrets::tells(config, warning));
    let warnings = warnings.map(|warning| {
        let means = "The configuration can be used, with this warning.";
        Finding::ok("settings", warning, means).advising(
            Level::Warning,
            format!("Fix it in {file}, or where the message says."),
        )
    });
    std::iter::once(read).chain(warnings).collect()
}

/// `a, b, c`, and of many how many more.
fn listed(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let names: Vec<String> = names
        .into_iter()
        .map(|name| name.as_ref().to_owned())
        .collect();
    let more = names.len().saturating_sub(MOST_NAMED);
    let shown = names[..names.len() - more].join(", ");
    match more {
        0 => shown,
        _ => format!("{shown} and {more} more"),
    }
}
