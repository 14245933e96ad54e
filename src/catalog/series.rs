//! Names of Prometheus series: of metrics, and of Daybook itself.

use super::Metric;

/// The name of the metric's series.
pub fn name(metric: &Metric, prefix: &str) -> String {
    let given = metric.prometheus.clone();
    given.unwrap_or_else(|| format!("{prefix}_{}", metric.key))
}

/// Whether Daybook's own series, or those of its live events, have that name.
pub fn is_own(series: &str, prefix: &str) -> bool {
    let mut own = Own::ALL.iter().map(|own| own.name(prefix));
    own.any(|own| own == series) || series.starts_with(&format!("{prefix}_live_"))
}

/// Series about Daybook itself and its judgement, in the order of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    Build,
    EntryTime,
    EntryPartial,
    CollectionDuration,
    Available,
    Severity,
    Muted,
    UsualLow,
    UsualHigh,
    Undelivered,
    LastRun,
    LastRunSuccess,
    LastRunDays,
    LastRunDuration,
    LastSuccess,
    EntryAge,
}

impl Own {
    pub const ALL: [Self; 16] = [
        Self::Build,
        Self::EntryTime,
        Self::EntryPartial,
        Self::CollectionDuration,
        Self::Available,
        Self::Severity,
        Self::Muted,
        Self::UsualLow,
        Self::UsualHigh,
        Self::Undelivered,
        Self::LastRun,
        Self::LastRunSuccess,
        Self::LastRunDays,
        Self::LastRunDuration,
        Self::LastSuccess,
        Self::EntryAge,
    ];

    pub fn name(self, prefix: &str) -> String {
        format!("{prefix}_{}", self.suffix())
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Build => "build_info",
            Self::EntryTime => "entry_timestamp_seconds",
            Self::EntryPartial => "entry_partial",
            Self::CollectionDuration => "collection_duration_seconds",
            Self::Available => "metric_available",
            Self::Severity => "metric_severity",
            Self::Muted => "metric_muted",
            Self::UsualLow => "metric_usual_low",
            Self::UsualHigh => "metric_usual_high",
            Self::Undelivered => "undelivered_messages",
            Self::LastRun => "last_run_timestamp_seconds",
            Self::LastRunSuccess => "last_run_success",
            Self::LastRunDays => "last_run_days",
            Self::LastRunDuration => "last_run_duration_seconds",
            Self::LastSuccess => "last_success_timestamp_seconds",
            Self::EntryAge => "entry_age_seconds",
        }
    }

    pub fn help(self) -> &'static str {
        match self {
            Self::Build => "Always 1; the label names the version of Daybook.",
            Self::EntryTime => "The instant that the newest entry describes.",
            Self::EntryPartial => "1 if the newest entry's day was still open when it was counted.",
            Self::CollectionDuration => "How long counting the newest entry took.",
            Self::Available => {
                "1 if the metric was counted for the newest entry, 0 if its number is unknown there."
            }
            Self::Severity => {
                "Unwelcome alerts on the newest complete day: 0 none, 1 warning, 2 critical. Open days are not judged."
            }
            Self::Muted => {
                "1 for a metric whose alerts somebody has muted; there is no series of the others."
            }
            Self::UsualLow => {
                "Least of what was usual for the weekday of the newest complete day. Open days are not judged."
            }
            Self::UsualHigh => {
                "Most of what was usual for the weekday of the newest complete day. Open days are not judged."
            }
            Self::Undelivered => {
                "Messages about the newest days that failed for good or of which nobody knows whether they arrived."
            }
            Self::LastRun => {
                "When the last run ended, well or not; when it began if it was interrupted."
            }
            Self::LastRunSuccess => "1 if the last run stored its days or had nothing to store.",
            Self::LastRunDays => {
                "How many days the last run stored, also one that broke off afterwards."
            }
            Self::LastRunDuration => "How long the last run took, by stage and in total.",
            Self::LastSuccess => {
                "When the last run ended that stored its days or had nothing to store."
            }
            Self::EntryAge => "How long ago the instant is that the newest entry describes.",
        }
    }
}
