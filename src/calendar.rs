//! Days, windows and clock changes in any IANA zone. Pure arithmetic: no clock is read here.

pub mod rule;

use chrono::{
    DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;
use thiserror::Error;

/// A calendar day in a zone, half-open in instants: `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    pub date: NaiveDate,
    pub zone: Tz,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{date} does not exist in {zone}: its clocks jumped over that whole day")]
pub struct NoSuchDay {
    pub date: NaiveDate,
    pub zone: Tz,
}

/// Reads the long form only: `2025-1-3` might be a typo.
pub fn date(text: &str) -> Option<NaiveDate> {
    let date: NaiveDate = text.parse().ok()?;
    (text.len() == 10 && date.to_string() == text).then_some(date)
}

/// `2025-02-30` too.
pub fn is_written_like_a_date(text: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(fits)
}

impl Day {
    pub fn new(date: NaiveDate, zone: Tz) -> Result<Self, NoSuchDay> {
        let start = first_instant(midnight(date), zone);
        let end = first_instant(midnight(date + Days::new(1)), zone);
        if start < end {
            Ok(Self {
                date,
                zone,
                start,
                end,
            })
        } else {
            Err(NoSuchDay { date, zone })
        }
    }

    /// The day whose bounds hold this instant. Not always the date on the wall clock: if clocks fall back over midnight, the
    /// repeated minutes belong to the day that had already begun.
    pub fn containing(instant: DateTime<Utc>, zone: Tz) -> Self {
        let wall = instant.with_timezone(&zone).date_naive();
        [wall, wall + Days::new(1), wall - Days::new(1)]
            .into_iter()
            .filter_map(|date| Self::new(date, zone).ok())
            .find(|day| day.start <= instant && instant < day.end)
            .expect("days tile time, so one of the three around the wall clock's date holds it")
    }

    /// The day before; skips days that do not exist.
    pub fn previous(&self) -> Self {
        Self::containing(self.start - TimeDelta::microseconds(1), self.zone)
    }

    pub fn hours(&self) -> f64 {
        (self.end - self.start).num_seconds() as f64 / 3600.0
    }

    pub fn opening(&self) -> Edge {
        Edge {
            instant: self.start,
            local: midnight(self.date),
        }
    }

    /// The world as it was when the day ended.
    pub fn close(self) -> AsOf {
        AsOf {
            day: self,
            instant: self.end,
            local: midnight(self.date + Days::new(1)),
            open: false,
        }
    }

    /// The world as of `now`: the day's end when it is over, this instant while it is still open.
    pub fn as_of(self, now: DateTime<Utc>) -> AsOf {
        if now >= self.end {
            return self.close();
        }
        AsOf {
            day: self,
            instant: now,
            local: now.with_timezone(&self.zone).naive_local(),
            open: true,
        }
    }
}

/// The instant at which the world is counted for a day. Rows from that instant on never count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOf {
    pub day: Day,
    pub instant: DateTime<Utc>,
    /// The wall clock's time then; at a day's end always midnight, even if a clock change skips it.
    pub local: NaiveDateTime,
    /// The day has not ended yet.
    pub open: bool,
}

impl AsOf {
    pub fn edge(&self) -> Edge {
        Edge {
            instant: self.instant,
            local: self.local,
        }
    }

    /// Where a window of `days` calendar days begins: the same local time that many days earlier.
    pub fn window_start(&self, days: u32) -> Edge {
        let local = self.local - Days::new(u64::from(days));
        Edge {
            instant: first_instant(local, self.day.zone),
            local,
        }
    }
}

/// A point in time as an instant and as the wall clock shows it, for columns of either kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub instant: DateTime<Utc>,
    pub local: NaiveDateTime,
}

/// Every day that exists from `first` to `last`, oldest first.
pub fn days_between(first: NaiveDate, last: NaiveDate, zone: Tz) -> Vec<Day> {
    first
        .iter_days()
        .take_while(|date| *date <= last)
        .filter_map(|date| Day::new(date, zone).ok())
        .collect()
}

/// The first instant at which the zone's clocks show `local` or, if they skip it, anything later.
pub fn first_instant(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    if let Some(earliest) = zone.from_local_datetime(&local).earliest() {
        return earliest.with_timezone(&Utc);
    }
    // Inside a gap: a bisection between both sides finds the second of the jump.
    let shown = |instant: DateTime<Utc>| instant.with_timezone(&zone).naive_local();
    let mut before = local.and_utc() - TimeDelta::hours(26);
    let mut after = local.and_utc() + TimeDelta::hours(26);
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if shown(middle) < local {
            before = middle;
        } else {
            after = middle;
        }
    }
    DateTime::from_timestamp(after.timestamp(), 0).expect("a second between two valid instants")
}

/// `Fri 3 Oct 2025`
pub fn spoken(date: NaiveDate) -> String {
    format!("{} {}", date.weekday(), date.format("%-d %b %Y"))
}

fn midnight(date: NaiveDate) -> NaiveDateTime {
    date.and_time(NaiveTime::MIN)
}
