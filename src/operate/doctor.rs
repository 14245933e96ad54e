//! What could keep the next report from its readers, found before it does. Nothing is sent or changed.

pub mod certificate;
pub mod mail;

use chrono::{DateTime, Utc};

use crate::config::Config;

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

pub async fn examine(config: &Config, now: DateTime<Utc>) -> Vec<Finding> {
    let mut findings = settings(config);
    findings.extend(mail::examine(config, now).await);
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
        format!("{file} is free of mistakes"),
        "The configuration can be used.",
    );
    let warnings = config.warnings.iter().map(|warning| {
        let means = "The configuration can be used, but this was noticed in it.";
        Finding::ok("settings", warning, means).advising(
            Level::Warning,
            format!("Put it right in {file}, or where the sentence says."),
        )
    });
    std::iter::once(read).chain(warnings).collect()
}
