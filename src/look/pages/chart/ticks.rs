//! Where the days are named under a picture.

use chrono::{Datelike, NaiveDate, Weekday};

use crate::render::phrases::Speech;

use super::x_of;

#[derive(Debug)]
pub(in crate::look::pages) struct Tick {
    pub(in crate::look::pages) x: String,
    pub(in crate::look::pages) text: String,
    /// Left out where there is little room.
    pub(in crate::look::pages) minor: bool,
}

/// Mondays of a month, the first and the fifteenth of a quarter, the months of a year.
pub(in crate::look::pages) fn ticks(dates: &[NaiveDate], speech: &Speech) -> Vec<Tick> {
    let is_named = |date: &NaiveDate| match dates.len() {
        0..=45 => date.weekday() == Weekday::Mon,
        46..=120 => matches!(date.day(), 1 | 15),
        _ => date.day() == 1,
    };
    let text = |date: NaiveDate| match dates.len() {
        0..=120 => speech.day_of_month(date),
        _ => speech.month_or_year(date),
    };
    let named = dates.iter().enumerate().filter(|(_, date)| is_named(date));
    let tick = |(count, (at, date)): (usize, (usize, &NaiveDate))| Tick {
        x: x_of(at, dates.len()),
        text: text(*date),
        minor: count % 2 == 1,
    };
    named.enumerate().map(tick).collect()
}
