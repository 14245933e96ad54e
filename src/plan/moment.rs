//! Reads times from the values of a database.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::calendar::first_instant;

use super::Cell;
use super::time::{Form, TimeColumn};

/// The clock that shows a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    Utc,
    /// The wall clock of the configured zone.
    Wall,
    /// Seconds since 1970.
    Seconds,
    Milliseconds,
}

impl Clock {
    pub fn for_column(time: &TimeColumn) -> Self {
        match &time.form {
            Form::Seconds => Self::Seconds,
            Form::Milliseconds => Self::Milliseconds,
            _ if time.local => Self::Wall,
            _ => Self::Utc,
        }
    }

    /// The time in a cell, as this clock shows it; `None` if the cell holds no time.
    pub fn shown(self, cell: &Cell) -> Option<NaiveDateTime> {
        let number = match cell {
            Cell::Integer(number) => Decimal::from(*number),
            Cell::Decimal(number) | Cell::Binary(number) => *number,
            Cell::Text(text) if matches!(self, Self::Utc | Self::Wall) => return written(text),
            Cell::Text(_) | Cell::Null => return None,
        };
        let microseconds = match self {
            Self::Seconds => 1_000_000,
            Self::Milliseconds => 1_000,
            Self::Utc | Self::Wall => return None,
        };
        let since_1970 = number.checked_mul(Decimal::from(microseconds))?.to_i64()?;
        Some(DateTime::from_timestamp_micros(since_1970)?.naive_utc())
    }

    /// The instant at which the clock shows this. Of an hour that comes twice, the first is meant.
    pub fn instant(self, shown: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Wall => first_instant(shown, zone),
            Self::Utc | Self::Seconds | Self::Milliseconds => shown.and_utc(),
        }
    }
}

/// `2025-10-03`, or with a time after a space or `T`. Only the offset of UTC can follow: other texts do not have the
/// column's form.
fn written(text: &str) -> Option<NaiveDateTime> {
    let date: NaiveDate = text.get(..10)?.parse().ok()?;
    let Some(rest) = text.get(11..) else {
        return (text.len() == 10).then_some(date.and_time(NaiveTime::MIN));
    };
    let is_of_time = |letter: char| letter.is_ascii_digit() || ":.".contains(letter);
    let time = &rest[..rest
        .find(|letter| !is_of_time(letter))
        .unwrap_or(rest.len())];
    let mut forms = ["%H:%M:%S%.f", "%H:%M"].into_iter();
    let time = forms.find_map(|form| NaiveTime::parse_from_str(time, form).ok())?;
    Some(date.and_time(time))
}
