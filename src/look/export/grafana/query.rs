//! The panels' Prometheus queries, by the names under which series are exported.

use crate::catalog::Metric;
use crate::catalog::series::{self, Own};
use crate::config::Config;

/// Selects one Daybook: several may export series of the same names.
const JOB: &str = r#"job=~"$job""#;

/// A metric's series.
pub(super) fn series(metric: &Metric, config: &Config) -> String {
    let name = series::name(metric, &config.prometheus.prefix);
    format!("{name}{{{JOB}}}")
}

/// A series of Daybook's own.
pub(super) fn own(what: Own, config: &Config) -> String {
    format!("{}{{{JOB}}}", what.name(&config.prometheus.prefix))
}

/// The same with these labels.
pub(super) fn own_where(what: Own, labels: &str, config: &Config) -> String {
    format!("{}{{{JOB},{labels}}}", what.name(&config.prometheus.prefix))
}

/// A series' past as one line for each value of these labels. Where nothing was scraped, backfilled days stand in:
/// they have one point a day, which holds until the next, at most 25 hours later.
pub(super) fn past(series: &str, by: &str, config: &Config) -> String {
    let scraped = own(Own::Build, config);
    let backfilled = format!("last_over_time({series}[25h]) unless on () {scraped}");
    let whose = match by {
        "" => String::new(),
        labels => format!(" by ({labels}) "),
    };
    format!("max{whose}({series} or ({backfilled}))")
}
