//! The sections `[collect]` and `[retention]`: limits of the nightly collection, and how long to keep its rows.

use std::time::Duration;

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::Deserialize;

use super::rows::{Row, section};
use super::settle::{Settler, whole};
use crate::text::duration::{DAY, HOUR, MINUTE, SECOND, spoken, within};

/// Durations are text: `90s`, `5m`, `24h`, `2d`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Collect {
    /// How long after a day's end a value that changes still counts as observed for that day; `24h` when left out.
    #[schemars(regex(pattern = r"^(0|[0-9]+[smhd])$"))]
    pub grace: Option<String>,
    /// How many days back to fill in missing days; 31 when left out.
    #[schemars(range(max = 366))]
    pub catch_up_days: Option<u32>,
    /// How long to retry an unreachable database; when left out `5m`, and not at all on a terminal.
    #[schemars(regex(pattern = r"^(0|[0-9]+[smhd])$"))]
    pub retry_for: Option<String>,
    /// Stop counting after this time and tell readers there are no numbers. No limit when left out.
    #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
    pub max_duration: Option<String>,
    /// A single statement ends after this time; `10m` when left out.
    #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
    pub statement_timeout: Option<String>,
    /// How long a statement waits for a lock; `10s` when left out.
    #[schemars(regex(pattern = r"^[0-9]+[smhd]$"))]
    pub lock_timeout: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// How many days of entries to keep; 365 when left out.
    #[schemars(range(min = 1, max = 36525))]
    pub days: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectSettings {
    /// How long after a day's end a mutable value still counts as observed for it.
    pub grace: Duration,
    pub catch_up_days: u32,
    /// How long to retry an unreachable database. `None`: 5 minutes, but not at all on a terminal.
    pub retry_for: Option<Duration>,
    pub max_duration: Option<Duration>,
    pub statement_timeout: Duration,
    pub lock_timeout: Duration,
}

impl CollectSettings {
    pub fn grace(&self) -> TimeDelta {
        TimeDelta::from_std(self.grace).unwrap_or(TimeDelta::MAX)
    }

    /// A collect lock held for longer blocks all nights. After `max_duration` due messages are still sent, one at a time.
    pub fn longest_night(&self) -> TimeDelta {
        let longest = match self.max_duration {
            Some(set) => set + Duration::from_secs(15 * 60),
            None => Duration::from_secs(12 * 3600),
        };
        TimeDelta::from_std(longest).unwrap_or(TimeDelta::MAX)
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let retry_for = self
            .retry_for
            .map_or_else(|| "5m, on a terminal 0s".to_owned(), spoken);
        let max_duration = self
            .max_duration
            .map_or_else(|| "no limit".to_owned(), spoken);
        let rows = [
            ("grace", spoken(self.grace)),
            ("catch_up_days", self.catch_up_days.to_string()),
            ("retry_for", retry_for),
            ("max_duration", max_duration),
            ("statement_timeout", spoken(self.statement_timeout)),
            ("lock_timeout", spoken(self.lock_timeout)),
        ];
        section("collect", rows)
    }
}

pub fn collect(written: &Collect, settler: &mut Settler<'_>) -> CollectSettings {
    let mut time =
        |setting, text: &Option<String>, range| settler.value(setting, text, within(range));
    let grace = time("collect.grace", &written.grace, Duration::ZERO..=7 * DAY);
    let limit = &written.max_duration;
    let max_duration = time("collect.max_duration", limit, SECOND..=DAY);
    let limit = &written.statement_timeout;
    let statement_timeout = time("collect.statement_timeout", limit, SECOND..=DAY);
    let limit = &written.lock_timeout;
    let lock_timeout = time("collect.lock_timeout", limit, SECOND..=HOUR);
    let retry_for = settler.value_or_variable(
        "collect.retry_for",
        "DAYBOOK_RETRY_FOR",
        &written.retry_for,
        within(Duration::ZERO..=DAY),
    );
    let days = &written.catch_up_days;
    let catch_up_days = settler.value("collect.catch_up_days", days, whole(0..=366));
    for (key, time) in [
        ("retry_for", retry_for),
        ("statement_timeout", statement_timeout),
    ] {
        if let (Some(whole), Some(time)) = (max_duration, time)
            && whole <= time
        {
            let message = format!(
                "counting ends after `max_duration` ({}), before `{key}` ({}) is over: make it longer",
                spoken(whole),
                spoken(time)
            );
            settler.wrong("collect.max_duration", message);
        }
    }
    CollectSettings {
        grace: grace.unwrap_or(DAY),
        catch_up_days: catch_up_days.unwrap_or(31),
        retry_for,
        max_duration,
        statement_timeout: statement_timeout.unwrap_or(10 * MINUTE),
        lock_timeout: lock_timeout.unwrap_or(10 * SECOND),
    }
}

pub fn retention_days(written: &Retention, settler: &mut Settler<'_>) -> u32 {
    let days = settler.value_or_variable(
        "retention.days",
        "METRICS_RETENTION_DAYS",
        &written.days,
        whole(1..=36_525),
    );
    days.unwrap_or(365)
}
