//! What happens now, as Prometheus reads it: a few series a kind, never one a task.

use crate::config::LiveSettings;
use crate::live::now::{KindNow, Now, Summed};
use crate::text::exposition::{self, Form, family, labels};
use crate::threshold::Severity;

/// Alerts that are listed; there may be one for each host.
const MOST_ALERTS: usize = 1000;

/// The last hour of each kind, and the alerts that are raised.
pub fn live_series(live: &LiveSettings, now: &Now, prefix: &str) -> String {
    let mut out = String::new();
    let gauges: [(&str, &str, Read); 3] = [
        (
            "events_last_hour",
            "Events of the last hour, by kind.",
            |kind| Some(kind.hour.count as f64),
        ),
        (
            "failures_last_hour",
            "Failures of the last hour, by kind.",
            |kind| kind.hour.success_pct.map(|_| kind.hour.failed as f64),
        ),
        (
            "latest_event_seconds",
            "When the newest event was, by kind, in seconds since 1970.",
            |kind| {
                kind.latest
                    .map(|latest| latest.timestamp_micros() as f64 / 1e6)
            },
        ),
    ];
    for (suffix, help, read) in gauges {
        let name = format!("{prefix}_live_{suffix}");
        family(&mut out, &name, help, Form::Prometheus);
        for kind in &now.kinds {
            if let Some(number) = read(kind) {
                line(&mut out, &name, &[("kind", &kind.name)], number);
            }
        }
    }
    percentiles(&mut out, now, prefix);
    alerts(&mut out, live, now, prefix);
    out
}

type Read = fn(&KindNow) -> Option<f64>;
type Percentile = fn(&Summed) -> Option<f64>;

fn percentiles(out: &mut String, now: &Now, prefix: &str) {
    let name = format!("{prefix}_live_value_last_hour");
    let help = "Percentiles of the last hour, by kind, of its main value in its own unit.";
    family(out, &name, help, Form::Prometheus);
    let percentiles: [(&str, Percentile); 3] = [
        ("0.5", |summed| summed.p50),
        ("0.95", |summed| summed.p95),
        ("0.99", |summed| summed.p99),
    ];
    for kind in &now.kinds {
        for (quantile, read) in percentiles {
            if let (Some(number), Some(value)) = (read(&kind.hour), &kind.value) {
                let labels = [
                    ("kind", kind.name.as_str()),
                    ("value", value),
                    ("quantile", quantile),
                ];
                line(out, &name, &labels, number);
            }
        }
    }
}

fn alerts(out: &mut String, live: &LiveSettings, now: &Now, prefix: &str) {
    let name = format!("{prefix}_live_alert");
    let help = "Alerts that are raised: 1 for a warning, 2 for a critical one.";
    family(out, &name, help, Form::Prometheus);
    for (key, words, known) in now.raised.iter().take(MOST_ALERTS) {
        let alert = live.alerts.iter().find(|alert| alert.key == *key);
        let (Some(alert), Some(raised)) = (alert, known.raised) else {
            continue;
        };
        let own = alert.watch.by.iter().zip(words);
        let own = own.map(|(name, word)| match name.as_str() {
            // It has that name already.
            "alert" => ("label_alert", word.as_str()),
            name => (name, word.as_str()),
        });
        let labels: Vec<(&str, &str)> = [("alert", key.as_str())].into_iter().chain(own).collect();
        let severity = match raised.severity {
            Severity::Warning => 1.0,
            Severity::Critical => 2.0,
        };
        line(out, &name, &labels, severity);
    }
}

fn line(out: &mut String, name: &str, pairs: &[(&str, &str)], number: f64) {
    exposition::line(out, name, &labels(pairs), number);
}
