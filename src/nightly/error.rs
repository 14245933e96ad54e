//! Why a night did not follow its orders.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use thiserror::Error;

use crate::book::BookError;
use crate::calendar::{NoSuchDay, spoken};
use crate::collect::Unreachable;
use crate::report::STOPPED_AFTER;
use crate::text::duration;

#[derive(Debug, Error)]
pub enum NightError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Book(#[from] BookError),
    #[error(transparent)]
    Clock(#[from] ClockDoubt),
    /// Nothing could be counted.
    #[error("{0}")]
    Unavailable(Unreachable),
    #[error(
        "reading the databases took longer than max_duration = {}: days already stored were kept; see `daybook runs` for the slow statements, or raise `max_duration` under [collect]",
        duration::spoken(*.0)
    )]
    TooLong(Duration),
    #[error("interrupted; days already stored were kept")]
    Stopped,
}

impl NightError {
    /// The readers get a message that there are no numbers.
    pub fn leaves_no_numbers(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::TooLong(_))
    }

    /// Why there are no numbers, for readers: they cannot change settings.
    pub(super) fn reason_for_readers(&self) -> String {
        match self {
            Self::TooLong(limit) => format!("{STOPPED_AFTER}{}", duration::spoken(*limit)),
            error => error.to_string(),
        }
    }
}

/// Why a day cannot be collected. The same command will fail again.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    #[error("{} is in the future: in {zone} it is {} now", spoken(*.date), spoken(*.today))]
    Future {
        date: NaiveDate,
        today: NaiveDate,
        zone: chrono_tz::Tz,
    },
    #[error(
        "{} is older than the {days} days that are kept: set `[retention] days = {needed}` in {file} to collect it{}; METRICS_RETENTION_DAYS overrides the file; if you use it, set it for every later `daybook collect`",
        spoken(*.date), rest_of(*.range)
    )]
    TooOld {
        date: NaiveDate,
        days: u32,
        /// The retention that keeps all days of the command.
        needed: i64,
        file: String,
        /// The whole range, if it is one.
        range: Option<(NaiveDate, NaiveDate)>,
    },
    #[error(transparent)]
    NoSuchDay(#[from] NoSuchDay),
    #[error("--from {from} is after --to {to}")]
    Backwards { from: NaiveDate, to: NaiveDate },
    #[error("no metric or family `{key}`{hint}")]
    NoSuchMetric { key: String, hint: String },
}

fn rest_of(range: Option<(NaiveDate, NaiveDate)>) -> String {
    range.map_or_else(String::new, |(from, to)| {
        format!(" and the rest from {from} to {to}")
    })
}

/// Why no day is collected before an operator checks the clock.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClockDoubt {
    #[error(
        "this machine's clock shows {}, but the newest stored day is {}, {} days earlier, and {}: nothing was collected, sent or deleted; set the clock; if it is right, run `daybook collect --from {yesterday} --to {yesterday}`",
        spoken(*.today), spoken(*.newest), (*.today - *.newest).num_days(), newest_row(*.row)
    )]
    Ahead {
        today: NaiveDate,
        yesterday: NaiveDate,
        newest: NaiveDate,
        /// The newest row of the application.
        row: Option<DateTime<Utc>>,
    },
    #[error(
        "this machine's clock shows {}, but every stored day is later, the first one {}: nothing was collected, sent or deleted; set the clock; if it is right, delete those days with `daybook prune --future --yes`",
        spoken(*.today), spoken(*.first)
    )]
    Behind { today: NaiveDate, first: NaiveDate },
}

fn newest_row(row: Option<DateTime<Utc>>) -> String {
    match row {
        Some(at) => format!(
            "the newest row in the app databases is of {}",
            at.format("%Y-%m-%d %H:%M:%S UTC")
        ),
        None => "no app database has a dated row".to_owned(),
    }
}
