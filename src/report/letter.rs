//! Letters: a day's report with the rest of the message, or the notice that there are no numbers.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::calendar::{Day, first_instant};
use crate::catalog::Limit;

use super::{Report, Severity};

/// The message about a day.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The application's name.
    pub name: String,
    pub content: Content,
    pub around: Around,
}

#[derive(Debug, Clone)]
pub enum Content {
    Day(Box<Report>),
    NoNumbers(NoNumbers),
}

/// A night that failed altogether.
#[derive(Debug, Clone)]
pub struct NoNumbers {
    pub date: NaiveDate,
    pub time_zone: Tz,
    /// What failed, in the words of the error.
    pub reason: String,
    /// When it was first tried.
    pub since: DateTime<Utc>,
}

/// The stored reason where counting reached its time limit; the limit follows.
pub const STOPPED_AFTER: &str = "counting was stopped after ";

impl NoNumbers {
    /// The time limit that counting reached, if that is the reason.
    pub fn time_limit(&self) -> Option<&str> {
        self.reason.strip_prefix(STOPPED_AFTER)
    }
}

/// The rest of a message, around the numbers.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// Numbers of earlier days that have changed since they were sent.
    pub corrections: Vec<Correction>,
    /// Further days collected in the same run, which get no message of their own.
    pub also: Vec<NaiveDate>,
    /// What was raised between two nights.
    pub live_alerts: Vec<LiveAlert>,
    /// Deliveries of earlier reports that failed or are in doubt.
    pub undelivered: Vec<Undelivered>,
    /// Addresses that could not be used, with why.
    pub bad_addresses: Vec<(String, String)>,
    /// The recipients could not be read, so the last known ones are used: why.
    pub stale_recipients: Option<String>,
    pub next_due: Option<DateTime<Utc>>,
    /// Where the dashboard is.
    pub link: Option<String>,
}

/// A number that was sent and has changed since.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    pub date: NaiveDate,
    pub key: String,
    pub label: String,
    pub unit: String,
    pub decimals: Option<u32>,
    pub mailed: f64,
    pub now: f64,
}

/// An alert about live events that was raised on the day; each group of events has its own.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveAlert {
    pub key: String,
    /// With the group: `Slow checkout, zh`
    pub label: String,
    pub unit: String,
    pub decimals: Option<u32>,
    /// The worst of the day, with its number.
    pub severity: Severity,
    pub value: Option<f64>,
    /// None of an alert that is declared no more.
    pub limit: Option<Limit>,
    /// How often it was raised.
    pub times: usize,
    pub since: DateTime<Utc>,
    /// When it was over; none if it is not.
    pub until: Option<DateTime<Utc>>,
}

/// A delivery that did not arrive, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    pub date: NaiveDate,
    /// `email`, `webhook`, …
    pub channel: String,
    pub recipient: String,
    /// Perhaps it did arrive: the answer was lost.
    pub in_doubt: bool,
    /// The server's answer or the error.
    pub reply: String,
}

impl Letter {
    pub fn date(&self) -> NaiveDate {
        match &self.content {
            Content::Day(report) => report.date,
            Content::NoNumbers(none) => none.date,
        }
    }

    pub fn report(&self) -> Option<&Report> {
        match &self.content {
            Content::Day(report) => Some(report),
            Content::NoNumbers(_) => None,
        }
    }

    pub fn time_zone(&self) -> Tz {
        match &self.content {
            Content::Day(report) => report.time_zone,
            Content::NoNumbers(none) => none.time_zone,
        }
    }
}

/// When the next report after that instant is due: at this local time on the next day that exists or, if clocks skip
/// that time, at the first instant after it.
pub fn next_due(after: DateTime<Utc>, zone: Tz, due: NaiveTime) -> DateTime<Utc> {
    let today = Day::containing(after, zone).date;
    let before = today - Days::new(1);
    before
        .iter_days()
        .filter(|date| Day::new(*date, zone).is_ok())
        .map(|date| first_instant(date.and_time(due), zone))
        .find(|instant| *instant > after)
        .expect("days go on")
}

/// When the report after a day's own is due. The own one is due the next morning: if sent before, it must not announce
/// itself.
pub fn due_after(date: NaiveDate, now: DateTime<Utc>, zone: Tz, due: NaiveTime) -> DateTime<Utc> {
    let last_second = date.and_time(NaiveTime::MIN) + TimeDelta::seconds(86_399);
    let own = next_due(first_instant(last_second, zone), zone, due);
    next_due(own.max(now), zone, due)
}

/// The newest day whose report is due.
pub fn expected(now: DateTime<Utc>, zone: Tz, due: NaiveTime) -> NaiveDate {
    let today = now.with_timezone(&zone).date_naive();
    let due_today = first_instant(today.and_time(due), zone);
    let back = if now < due_today { 2 } else { 1 };
    today - Days::new(back)
}
