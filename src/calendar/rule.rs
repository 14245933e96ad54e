//! Rules for recurring days: a date of every year, a distance from Easter, a weekday of a month.

use chrono::{Datelike, Month, NaiveDate, TimeDelta, Weekday};
use serde::Deserialize;
use thiserror::Error;

/// `2025-10-03`, `12-24`, `Easter +39`, `third Sunday of September +1` or `Monday`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Rule {
    Once(NaiveDate),
    Yearly {
        month: u32,
        day: u32,
    },
    Easter {
        days_after: i16,
    },
    OfMonth {
        /// From 0; the highest means the month's last.
        nth: usize,
        weekday: Weekday,
        month: Month,
        days_after: i16,
    },
    Weekday(Weekday),
}

const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "last"];
const LAST: usize = ORDINALS.len() - 1;

#[derive(Debug, Error)]
#[error(
    "`{0}` is not a day like 2025-10-03, 12-24, `Easter +39`, `third Sunday of September` or `Monday`"
)]
pub struct NoRule(String);

impl TryFrom<String> for Rule {
    type Error = NoRule;

    fn try_from(text: String) -> Result<Self, NoRule> {
        read(&text).ok_or(NoRule(text))
    }
}

fn read(text: &str) -> Option<Rule> {
    if let Ok(date) = text.parse() {
        return Some(Rule::Once(date));
    }
    // A leap year has all the days there are.
    if let Some(date) = super::date(&format!("2024-{text}")) {
        let (month, day) = (date.month(), date.day());
        return Some(Rule::Yearly { month, day });
    }
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let distance = words.pop_if(|last| last.starts_with(['+', '-']));
    let days_after = distance.map_or(Ok(0), str::parse).ok()?;
    match words[..] {
        ["Easter"] => Some(Rule::Easter { days_after }),
        [nth, weekday, "of", month] => Some(Rule::OfMonth {
            nth: ORDINALS.iter().position(|ordinal| *ordinal == nth)?,
            weekday: weekday.parse().ok()?,
            month: month.parse().ok()?,
            days_after,
        }),
        [weekday] if distance.is_none() => weekday.parse().ok().map(Rule::Weekday),
        _ => None,
    }
}

impl Rule {
    pub fn is(self, date: NaiveDate) -> bool {
        let before = |days: i16| date.checked_sub_signed(TimeDelta::days(days.into()));
        match self {
            Self::Once(only) => date == only,
            Self::Yearly { month, day } => date.month() == month && date.day() == day,
            Self::Easter { days_after } => {
                before(days_after).is_some_and(|date| easter(date.year()) == Some(date))
            }
            Self::OfMonth {
                nth,
                weekday,
                month,
                days_after,
            } => before(days_after).is_some_and(|date| {
                let is_nth = match nth {
                    LAST => (date + TimeDelta::days(7)).month() != date.month(),
                    _ => date.day0() as usize / 7 == nth,
                };
                is_nth && date.weekday() == weekday && date.month() == month.number_from_month()
            }),
            Self::Weekday(weekday) => date.weekday() == weekday,
        }
    }
}

/// Easter Sunday in the Gregorian calendar, by the rule of Meeus, Jones and Butcher.
pub fn easter(year: i32) -> Option<NaiveDate> {
    let (golden, century, rest) = (
        year.rem_euclid(19),
        year.div_euclid(100),
        year.rem_euclid(100),
    );
    let moved = (century + 8).div_euclid(25);
    let skipped = (century - moved + 1).div_euclid(3);
    let epact = (19 * golden + century - century.div_euclid(4) - skipped + 15).rem_euclid(30);
    let weekday =
        (32 + 2 * century.rem_euclid(4) + 2 * (rest / 4) - epact - rest % 4).rem_euclid(7);
    let late = (golden + 11 * epact + 22 * weekday).div_euclid(451);
    let day = epact + weekday - 7 * late + 114;
    NaiveDate::from_ymd_opt(
        year,
        u32::try_from(day / 31).ok()?,
        u32::try_from(day % 31 + 1).ok()?,
    )
}
