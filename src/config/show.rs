//! Every setting with its value and where it was set, for people and as JSON. Passwords stay hidden.

use serde::Serialize;

use super::duration::spoken;
use super::{Config, Origin};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The setting's path in the file: `collect.grace`.
    pub setting: String,
    pub value: String,
    /// `daybook.toml:12`, `environment METRICS_RETENTION_DAYS`, `default`.
    pub origin: String,
}

/// One row for each setting, in the order of the example file.
pub fn show(config: &Config) -> Vec<Shown> {
    let origin = |setting: &str| {
        let origin = config.origins.get(setting).unwrap_or(&Origin::Default);
        origin.to_string()
    };
    rows(config)
        .into_iter()
        .map(|(setting, value)| Shown {
            origin: origin(&setting),
            setting,
            value,
        })
        .collect()
}

fn rows(config: &Config) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut row = |setting: &str, value: String| rows.push((setting.to_owned(), value));
    row("name", config.name.clone());
    row("time_zone", config.time_zone.name().to_owned());
    let since = config.catalog.since;
    row(
        "since",
        since.map_or_else(|| "not set".to_owned(), |date| date.to_string()),
    );
    let unnamed = std::iter::once(String::new());
    for name in unnamed.chain(config.declared_apps.iter().cloned()) {
        let section = match name.as_str() {
            "" => "app".to_owned(),
            _ => format!("apps.{name}"),
        };
        let app = config.apps.get(&name);
        let url = app.map_or_else(|| "not set".to_owned(), |app| app.url.to_string());
        row(&format!("{section}.database_url"), url);
        if let Some(app) = app {
            row(
                &format!("{section}.connections"),
                app.connections.to_string(),
            );
        }
    }
    row("book.database_url", config.book.url.to_string());
    let collect = &config.collect;
    row("collect.grace", spoken(collect.grace));
    row("collect.catch_up_days", collect.catch_up_days.to_string());
    row(
        "collect.retry_for",
        collect
            .retry_for
            .map_or_else(|| "5m, on a terminal 0s".to_owned(), spoken),
    );
    row(
        "collect.max_duration",
        collect
            .max_duration
            .map_or_else(|| "no limit".to_owned(), spoken),
    );
    row(
        "collect.statement_timeout",
        spoken(collect.statement_timeout),
    );
    row("collect.lock_timeout", spoken(collect.lock_timeout));
    row("retention.days", config.retention_days.to_string());
    let thresholds = &config.catalog.thresholds;
    row("alerts.warning", thresholds.warning.to_string());
    row("alerts.critical", thresholds.critical.to_string());
    row("alerts.min_base", thresholds.min_base.to_string());
    row("alerts.min_change", thresholds.min_change.to_string());
    rows
}
