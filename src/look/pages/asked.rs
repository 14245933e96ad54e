//! What a request asks the dashboard for. Addresses that mean the same are equal here, so that a page is built once.

use chrono::NaiveDate;

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Asked {
    /// A day's numbers, by default of the newest.
    Day(Option<NaiveDate>),
    /// A metric's history over some days up to one, by default the newest.
    Metric {
        key: String,
        days: Span,
        until: Option<NaiveDate>,
    },
    /// The alerts up to a day, by default the newest.
    Alerts(Option<NaiveDate>),
    /// The last runs and deliveries.
    Runs,
}

/// How much of a history is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Span {
    Days30,
    Days90,
    Days365,
}

impl Span {
    pub const ALL: [Self; 3] = [Self::Days30, Self::Days90, Self::Days365];

    pub fn days(self) -> u64 {
        match self {
            Self::Days30 => 30,
            Self::Days90 => 90,
            Self::Days365 => 365,
        }
    }
}

impl Asked {
    /// A metric's last 90 days.
    pub fn metric(key: &str, until: Option<NaiveDate>) -> Self {
        Self::Metric {
            key: key.to_owned(),
            days: Span::Days90,
            until,
        }
    }

    /// The shortest address of the page.
    pub fn address(&self) -> String {
        let dated = |path: &str, date: &Option<NaiveDate>| match date {
            Some(date) => format!("{path}?date={date}"),
            None => path.to_owned(),
        };
        match self {
            Self::Day(date) => dated("/sys/metrics", date),
            Self::Alerts(date) => dated("/sys/metrics/alerts", date),
            Self::Runs => "/sys/metrics/runs".to_owned(),
            Self::Metric { key, days, until } => {
                let path = format!("/sys/metrics/metric/{key}");
                match (days, until) {
                    (Span::Days90, date) => dated(&path, date),
                    (days, None) => format!("{path}?days={}", days.days()),
                    (days, Some(date)) => format!("{path}?days={}&date={date}", days.days()),
                }
            }
        }
    }
}
