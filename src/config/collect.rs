//! The sections `[collect]` and `[retention]`: how the nightly collection works, and how long its rows are kept.

use std::time::Duration;

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::Deserialize;

use super::duration::{DAY, HOUR, MINUTE, SECOND, spoken, within};
use super::rows::{Row, section};
use super::settle::{Settler, whole};

/// Durations are text: `90s`, `5m`, `24h`, `2d`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Collect {
    /// How long after a day's end a value that only now is known still counts as observed for that day; `24h` when left out.
    #[schemars(regex(pattern = r"^(0|[0-9]+[smhd])$"))]
    pub grace: Option<String>,
    /// How many days back missing days are filled in; 31 when left out.
    #[schemars(range(max = 366))]
    pub catch_up_days: Option<u32>,
    /// How long an unreachable database is tried again; when left out `5m`, and not at all on a terminal.
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
    /// How many days of entries are kept; 365 when left out.
    #[schemars(range(min = 1, max = 36525))]
    pub days: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectSettings {
    /// How long after a day's end a mutable value still counts as observed for it.
    pub grace: Duration,
    pub catch_up_days: u32,
    /// How long an unreachable database is tried again. `None`: 5 minutes, but not at all on a terminal.
    pub retry_for: Option<Duration>,
    pub max_duration: Option<Duration>,
    pub statement_timeout: Duration,
    pub lock_timeout: Duration,
}

impl CollectSettings {
    pub fn grace(&self) -> TimeDelta {
        TimeDelta::from_std(self.grace).unwrap_or(TimeDelta::MAX)
    }

    /// Whoever holds the collect lock for longer holds up all nights. After `max_duration` what is due is still brought
    /// out, one message at a time.
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
    let mut time = |key: &str, variable, text: &Option<String>, range| {
        let setting = format!("collect.{key}");
        settler.value(&setting, variable, text.clone(), within(range))
    };
    let grace = time("grace", None, &written.grace, Duration::ZERO..=7 * DAY);
    let retry_for = time(
        "retry_for",
        Some("DAYBOOK_RETRY_FOR"),
        &written.retry_for,
        Duration::ZERO..=DAY,
    );
    let max_duration = time("max_duration", None, &written.max_duration, SECOND..=DAY);
    let statement_timeout = time(
        "statement_timeout",
        None,
        &written.statement_timeout,
        SECOND..=DAY,
    );
    let lock_timeout = time("lock_timeout", None, &written.lock_timeout, SECOND..=HOUR);
    let catch_up_days = settler.value(
        "collect.catch_up_days",
        None,
        written.catch_up_days.map(|days| days.to_string()),
        whole(0..=366),
    );
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
    let days = settler.value(
        "retention.days",
        Some("METRICS_RETENTION_DAYS"),
        written.days.map(|days| days.to_string()),
        whole(1..=36_525),
    );
    days.unwrap_or(365)
}
