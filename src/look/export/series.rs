//! The names of the series, the same on /metrics, in a backfill and in a dashboard's queries.

use crate::catalog::Metric;
use crate::config::Config;

/// The name of a metric's series: its own, else its key behind the prefix.
pub fn series_name(metric: &Metric, config: &Config) -> String {
    let own = metric.prometheus.clone();
    own.unwrap_or_else(|| format!("{}_{}", config.prometheus.prefix, metric.key))
}

/// The name of what Daybook tells of itself, such as `daybook_entry_age_seconds`.
pub fn own_name(what: &str, config: &Config) -> String {
    format!("{}_{what}", config.prometheus.prefix)
}
