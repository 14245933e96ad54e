//! What the panels ask Prometheus. Every series is asked for by the name under which it is exported.

use crate::catalog::Metric;
use crate::catalog::series::{self, Own};
use crate::config::Config;

/// Whose numbers: two Daybooks may tell one Prometheus series of the same names.
const JOB: &str = r#"job=~"$job""#;

/// A metric's series.
pub(super) fn of(metric: &Metric, config: &Config) -> String {
    format!(
        "{}{{{JOB}}}",
        series::name(metric, &config.prometheus.prefix)
    )
}

/// A series of Daybook's own.
pub(super) fn own(what: Own, config: &Config) -> String {
    format!("{}{{{JOB}}}", what.name(&config.prometheus.prefix))
}

/// The same, only where the labels are so.
pub(super) fn own_where(what: Own, labels: &str, config: &Config) -> String {
    format!("{}{{{JOB},{labels}}}", what.name(&config.prometheus.prefix))
}

/// A series' past as one line for each value of these labels. Where nothing was scraped, days that were taken
/// over later stand in: they have one point a day, which holds until the next, at most 25 hours later.
pub(super) fn past(series: &str, by: &str, config: &Config) -> String {
    let scraped = own(Own::Build, config);
    let taken_over = format!("last_over_time({series}[25h]) unless on () {scraped}");
    let whose = match by {
        "" => String::new(),
        labels => format!(" by ({labels}) "),
    };
    format!("max{whose}({series} or ({taken_over}))")
}
