//! The section `[alerts]`: when a change deserves attention, unless a metric says otherwise.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::catalog::{Judge, Thresholds};

use super::rows::{Row, section};
use super::settle::Settler;

/// Changes are compared in percent, for percentages in points.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// A change this large is a warning; 10 when left out, 0 for never.
    #[schemars(range(min = 0))]
    pub warning: Option<f64>,
    /// A change this large is critical; 25 when left out, 0 for never.
    #[schemars(range(min = 0))]
    pub critical: Option<f64>,
    /// No judgement below this previous value; 20 when left out.
    #[schemars(range(min = 0))]
    pub min_base: Option<f64>,
    /// No judgement below this absolute change; 5 when left out.
    #[schemars(range(min = 0))]
    pub min_change: Option<f64>,
    /// `usual` when left out: a change alerts only if the day is also outside the metric's usual range.
    pub judge: Option<Judge>,
}

/// If two levels contradict each other, the default one gives way. 0 is never reached.
pub fn thresholds(written: &Alerts, settler: &mut Settler<'_>) -> Thresholds {
    let mut level = |setting, variable, written: &Option<f64>| {
        settler.value_or_variable(setting, variable, written, not_negative)
    };
    let warning = level(
        "alerts.warning",
        "METRICS_ALERT_THRESHOLD_WARNING",
        &written.warning,
    );
    let critical = level(
        "alerts.critical",
        "METRICS_ALERT_THRESHOLD_CRITICAL",
        &written.critical,
    );
    let min_base = settler.value("alerts.min_base", &written.min_base, not_negative);
    let min_change = settler.value("alerts.min_change", &written.min_change, not_negative);
    let default = Thresholds::default();
    let (warning, critical) = match (warning, critical) {
        (None, None) => (default.warning, default.critical),
        (Some(warning), None) => (warning, default.critical.max(warning)),
        (None, Some(0.0)) => (default.warning, 0.0),
        (None, Some(critical)) => (default.warning.min(critical), critical),
        (Some(warning), Some(critical)) => {
            if critical > 0.0 && critical < warning {
                let message = format!(
                    "critical ({critical} %) is below warning ({warning} %): a critical change is the larger one"
                );
                settler.wrong_at_origin("alerts.critical", message);
            }
            (warning, critical)
        }
    };
    Thresholds {
        warning,
        critical,
        min_base: min_base.unwrap_or(default.min_base),
        min_change: min_change.unwrap_or(default.min_change),
        judge: written.judge.unwrap_or_default(),
    }
}

pub(super) fn rows(thresholds: &Thresholds) -> Vec<Row> {
    let judge = match thresholds.judge {
        Judge::Usual => "usual",
        Judge::Thresholds => "thresholds",
    };
    let rows = [
        ("warning", thresholds.warning.to_string()),
        ("critical", thresholds.critical.to_string()),
        ("min_base", thresholds.min_base.to_string()),
        ("min_change", thresholds.min_change.to_string()),
        ("judge", judge.to_owned()),
    ];
    section("alerts", rows)
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    number
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| format!("`{text}` is not a number of 0 or more"))
}
