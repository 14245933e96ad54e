//! Every setting with its value and where it was set, for people and as JSON. Passwords stay hidden.

use serde::Serialize;

use super::rows::or_not_set;
use super::{Config, LiveSettings, Origin, alerts, apps, channels, mail};

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
    row("since", or_not_set(config.catalog.since));
    let holidays = Some(config.holidays.join(", "));
    row(
        "holidays",
        or_not_set(holidays.filter(|all| !all.is_empty())),
    );
    rows.extend(apps::rows(&config.apps, &config.declared_apps));
    rows.push(("book.database_url".to_owned(), config.book.url.to_string()));
    rows.extend(config.collect.rows());
    rows.push((
        "retention.days".to_owned(),
        config.retention_days.to_string(),
    ));
    rows.extend(alerts::rows(&config.catalog.thresholds));
    rows.extend(config.report.rows());
    rows.extend(mail::rows(config.mail.as_ref(), &config.origins));
    rows.extend(channels::rows(config));
    rows.extend(config.serve.rows());
    rows.push((
        "prometheus.prefix".to_owned(),
        config.prometheus.prefix.clone(),
    ));
    rows.extend(config.live.iter().flat_map(LiveSettings::rows));
    rows
}
