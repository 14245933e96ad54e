//! Pieces of time in a zone: the hours, days and months of rollups, and what answers are given by.

use chrono::{DateTime, Datelike, NaiveDate, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

use crate::calendar::Day;

/// Of rollups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grain {
    Hour,
    Day,
    Month,
}

/// What an answer has a row for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Every {
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

/// An hour, day or month, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// By this it is called. Where clocks went back by half an hour, an hour begins later than its name says.
    pub start: i64,
    pub begin: i64,
    pub end: i64,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
/// Clocks change at quarters of an hour.
pub const QUARTER: i64 = 900;

impl Grain {
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// The first second of the hour, day or month in which `at` (a second) lies.
    pub fn start(self, at: i64, zone: Tz) -> i64 {
        match self {
            // By the minutes that the clock shows: there are zones at 45 minutes past.
            Self::Hour => at - (at + offset(at, zone)).rem_euclid(HOUR),
            Self::Day => day(at, zone).start.timestamp(),
            Self::Month => month(at, zone).start.timestamp(),
        }
    }

    /// The piece that holds this second.
    pub fn piece(self, at: i64, zone: Tz) -> Piece {
        let start = self.start(at, zone);
        let (begin, end) = match self {
            Self::Hour if offset(start, zone) == offset(start + HOUR - 1, zone) => {
                (start, start + HOUR)
            }
            Self::Hour => {
                let is_same = |at: &i64| self.start(*at, zone) == start;
                let quarter = at - at.rem_euclid(QUARTER);
                let last = |step: i64| {
                    let quarters = (0..).map(|count| quarter + count * step);
                    quarters.take_while(is_same).last().unwrap_or(quarter)
                };
                (last(-QUARTER), last(QUARTER) + QUARTER)
            }
            Self::Day => (start, day(at, zone).end.timestamp()),
            Self::Month => {
                let first = month(at, zone).date;
                let next = first.checked_add_months(chrono::Months::new(1));
                let next = next.map(|date| existing(date, zone).start.timestamp());
                (start, next.unwrap_or(i64::MAX))
            }
        };
        Piece { start, begin, end }
    }
}

impl Every {
    pub const ALL: [Self; 5] = [Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month];

    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Seconds, the shortest that there is.
    pub fn shortest(self) -> i64 {
        match self {
            Self::Minute => MINUTE,
            Self::Hour => HOUR / 2,
            Self::Day => 22 * HOUR,
            Self::Week => 6 * 24 * HOUR,
            Self::Month => 27 * 24 * HOUR,
        }
    }

    /// The first second of the piece in which `at` lies; weeks begin on Monday.
    pub fn start(self, at: i64, zone: Tz) -> i64 {
        match self {
            Self::Minute => at - (at + offset(at, zone)).rem_euclid(MINUTE),
            Self::Hour => Grain::Hour.start(at, zone),
            Self::Day => Grain::Day.start(at, zone),
            Self::Week => {
                let date = day(at, zone).date;
                let since_monday = TimeDelta::days(date.weekday().num_days_from_monday().into());
                existing(date - since_monday, zone).start.timestamp()
            }
            Self::Month => Grain::Month.start(at, zone),
        }
    }

    /// Rollups of these make up its pieces, the coarsest first.
    pub fn grains(self) -> &'static [Grain] {
        match self {
            Self::Minute => &[],
            Self::Hour => &[Grain::Hour],
            Self::Day | Self::Week => &[Grain::Day, Grain::Hour],
            Self::Month => &[Grain::Month, Grain::Day, Grain::Hour],
        }
    }

    /// Within so many seconds from one of their multiples on all belongs to one piece.
    fn step(self) -> i64 {
        match self {
            Self::Minute => MINUTE,
            _ => QUARTER,
        }
    }
}

/// The starts of the pieces in which these microseconds lie, and each one's place among them.
pub fn pieces(at: &[i64], every: Every, zone: Tz) -> (Vec<i64>, Vec<u32>) {
    let step = every.step() * 1_000_000;
    let bounds = at.iter().min().zip(at.iter().max());
    let (first, last) = bounds.map_or((0, 0), |(first, last)| {
        (first.div_euclid(step), last.div_euclid(step))
    });
    let mut starts: Vec<i64> = Vec::new();
    // By the step, where they are not too many to be listed.
    let mut known = vec![
        u32::MAX;
        if last - first < 1 << 20 {
            (last - first) as usize + 1
        } else {
            0
        }
    ];
    let mut place_of = |step_of: i64| {
        let start = every.start(step_of * every.step(), zone);
        let place = starts.iter().rposition(|known| *known == start);
        place.unwrap_or_else(|| {
            starts.push(start);
            starts.len() - 1
        }) as u32
    };
    let place = |at: &i64| {
        let step_of = at.div_euclid(step);
        match known.get_mut((step_of - first) as usize) {
            Some(place) if *place == u32::MAX => {
                *place = place_of(step_of);
                *place
            }
            Some(place) => *place,
            None => place_of(step_of),
        }
    };
    let places = at.iter().map(place).collect();
    (starts, places)
}

fn offset(at: i64, zone: Tz) -> i64 {
    let instant = DateTime::from_timestamp(at, 0).unwrap_or_default();
    let offset = zone.offset_from_utc_datetime(&instant.naive_utc());
    i64::from(offset.fix().local_minus_utc())
}

fn day(at: i64, zone: Tz) -> Day {
    Day::containing(DateTime::from_timestamp(at, 0).unwrap_or_default(), zone)
}

fn month(at: i64, zone: Tz) -> Day {
    let day = day(at, zone);
    day.date
        .with_day(1)
        .map_or(day, |date| existing(date, zone))
}

/// This day, or the first one after it that there is.
fn existing(date: NaiveDate, zone: Tz) -> Day {
    let days = date.iter_days().take(3);
    let mut days = days.filter_map(|date| Day::new(date, zone).ok());
    days.next()
        .unwrap_or_else(|| Day::containing(DateTime::default(), zone))
}
