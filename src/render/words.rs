//! The words around the numbers, the same in every rendering.

use chrono::{DateTime, Datelike, NaiveDate, Utc, Weekday};

use crate::calendar::spoken;
use crate::entry::{Kind, Value};
use crate::report::{
    Change, Difference, Direction, Gap, Outcome, Report, Row, Severity, State, Suppression,
    Unlisted,
};

use crate::locale::Numbers;
use crate::text::counted::{counted, one_or_many};

use super::number;

/// A terminal speaks English with Swiss numbers; reports speak as their readers do.
pub const HABIT: Numbers = Numbers::Swiss;

/// Instead of a severity.
pub const MUTED: &str = "muted";

pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

pub fn state(state: State) -> &'static str {
    match state {
        State::New => "new",
        State::Ongoing => "ongoing",
        State::Worse => "worse",
        State::Recovered => "recovered",
    }
}

pub fn days(days: u32) -> String {
    counted(days, "day")
}

/// `usual for a Monday`
pub fn usual_for(date: NaiveDate) -> String {
    let weekday = match date.weekday() {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    };
    format!("usual for a {weekday}")
}

/// Title words: date, zone, the day's length if it is not 24 hours, and whether it is over.
pub fn title(report: &Report) -> String {
    let mut title = format!("{}, {}", spoken(report.date), report.time_zone);
    if report.hours != 24.0 {
        title.push_str(&format!(", {} hours", report.hours));
    }
    if let Some(day) = &report.known_day {
        title.push_str(&format!(", {}", day.name));
    }
    if report.partial {
        let at = report.as_of.with_timezone(&report.time_zone);
        let clock = at.format("%H:%M");
        title.push_str(&format!(
            ": still open, counted as of {clock}, nothing is judged"
        ));
    }
    title
}

/// What stands in the value's place; a distribution tells how many parts it has.
pub fn value(row: &Row) -> String {
    match (&row.value, row.provenance.kind) {
        (Some(Value::Parts(parts)), _) => counted(parts.len(), "part"),
        (Some(value), _) => {
            number::value(value, &row.unit, row.decimals, HABIT).unwrap_or_default()
        }
        (None, kind @ (Kind::Unavailable | Kind::Failed)) => kind.word().to_owned(),
        (None, _) => "no value".to_owned(),
    }
}

/// A change as a table's cell, under a head that names the day: `▼ −54 % critical`, `no data`.
pub fn cell(change: &Change, row: &Row) -> String {
    match &change.outcome {
        Outcome::NoneNow(_) => "–".to_owned(),
        Outcome::NoneThen(gap) => self::gap(*gap).to_owned(),
        Outcome::Compared(difference) => compared(difference, row),
    }
}

/// `critical`, or `still critical` where the alert alone says so.
pub fn standing(severity: Severity, is_held: bool) -> String {
    let still = if is_held { "still " } else { "" };
    format!("{still}{}", self::severity(severity))
}

/// Why there is no number.
pub fn gap(gap: Gap) -> &'static str {
    match gap {
        Gap::NoData => "no data",
        Gap::Unavailable => "unavailable",
        Gap::Failed => "failed",
        Gap::Nothing => "no value",
    }
}

fn compared(difference: &Difference, row: &Row) -> String {
    let arrow = match difference.direction {
        Direction::Up => '▲',
        Direction::Down => '▼',
        Direction::Unchanged => return "= unchanged".to_owned(),
    };
    let mut cell = format!("{arrow} {}", moved(difference, row));
    if difference.is_new() {
        cell.push_str(" new");
    }
    if let Some(severity) = difference.severity {
        cell.push(' ');
        cell.push_str(&match row.muted {
            Some(_) => MUTED.to_owned(),
            None => standing(severity, difference.held.is_some()),
        });
    }
    if let Some(suppression) = difference.suppression {
        cell.push(' ');
        cell.push_str(self::suppression(suppression));
    }
    cell
}

/// The change as it is judged: in points, in percent or, from zero, as it is.
fn moved(difference: &Difference, row: &Row) -> String {
    match difference.percent {
        _ if row.in_points => format!("{} points", number::points(difference.change, HABIT)),
        Some(percent) => number::percent(percent, HABIT),
        None => number::change(difference.change, &row.unit, row.decimals, HABIT),
    }
}

pub fn suppression(suppression: Suppression) -> &'static str {
    match suppression {
        Suppression::Usual => "usual",
        Suppression::Echo => "unusual then",
        Suppression::Learning => "learning",
        Suppression::CoveredByDay => "see its last day",
        Suppression::KnownDay => "known day",
        Suppression::OpenDay => "open day",
    }
}

/// How a value was come by, where that is not plainly counted at its time.
pub fn provenance(row: &Row, report: &Report) -> Vec<String> {
    let provenance = &row.provenance;
    let mut notes = Vec::new();
    if let Some(at) = provenance.observed_at {
        notes.push(counted_at(at, report));
    }
    let word = provenance.kind.word();
    match (&provenance.reason, provenance.kind) {
        (Some(reason), Kind::Observed) => notes.push(reason.clone()),
        (Some(reason), _) => notes.push(format!("{word}: {reason}")),
        (None, Kind::Observed) => {}
        (None, _) => notes.push(word.to_owned()),
    }
    match provenance.nulls {
        None | Some(0) => {}
        Some(nulls) => notes.push(format!("{} without a value", rows(nulls))),
    }
    notes
}

/// Rows that a split does not count.
pub fn unlisted(one: &Unlisted) -> String {
    let values = one.values.iter().map(|values| format!(": {values}"));
    format!(
        "{} not counted, by {}{}",
        rows(one.rows),
        one.column,
        values.collect::<String>()
    )
}

/// `1'234 rows`
fn rows(count: i64) -> String {
    let noun = one_or_many(&count, "row", "rows");
    format!("{} {noun}", number::count(count.into(), HABIT))
}

/// `counted 00:15`, with its date where that is not the one on which the day ended.
fn counted_at(at: DateTime<Utc>, report: &Report) -> String {
    let local = at.with_timezone(&report.time_zone);
    let ended = report.day_end.with_timezone(&report.time_zone);
    let clock = local.format("%H:%M");
    if local.date_naive() == ended.date_naive() {
        format!("counted {clock}")
    } else {
        format!("counted {} {clock}", spoken(local.date_naive()))
    }
}
