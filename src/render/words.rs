//! Words of terminal output and JSON, which are English whatever the locale.

use chrono::{DateTime, Utc};

use crate::calendar::spoken;
use crate::entry::{Kind, Value};
use crate::report::{
    Change, Difference, Direction, Outcome, Report, Row, Severity, State, Twin, Unlisted,
};

use crate::locale::{Language, Locale, Numbers};
use crate::text::counted::{counted, one_or_many};

use super::number;
use super::phrases::speech::Scale;
use super::phrases::{Phrases, Speech};

/// A terminal writes English with Swiss numbers, whatever the locale of reports.
pub const HABIT: Numbers = Numbers::Swiss;

pub(super) fn speech() -> Speech {
    Speech::new(Locale::default())
}

/// The words of reports in English, of which a terminal uses some.
pub fn english() -> &'static Phrases {
    Phrases::in_language(Language::English)
}

pub fn severity(severity: Severity) -> &'static str {
    english().severity(severity)
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

/// The date, the zone, the day's length if it is not 24 hours, and whether it is still open.
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

/// The value, or why there is none; for a distribution the number of its parts.
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
        Outcome::NoneThen(gap) => english().gap(*gap).to_owned(),
        Outcome::Compared(difference) => compared(difference, row),
    }
}

fn compared(difference: &Difference, row: &Row) -> String {
    let arrow = match difference.direction {
        Direction::Up => '▲',
        Direction::Down => '▼',
        Direction::Unchanged => return "= unchanged".to_owned(),
    };
    let mut cell = format!("{arrow} {}", moved(difference, Scale::of_row(row)));
    if difference.is_new() {
        cell.push_str(" new");
    }
    if let Some(severity) = difference.severity {
        cell.push(' ');
        cell.push_str(&match row.muted {
            Some(_) => english().muted.to_owned(),
            None => speech().standing(severity, difference.held.is_some()),
        });
    }
    if let Some(suppression) = difference.suppression {
        cell.push(' ');
        cell.push_str(english().suppression(suppression));
    }
    cell
}

/// The change as it is judged: in points, in percent or, from zero, as it is.
pub(super) fn moved(difference: &Difference, scale: Scale<'_>) -> String {
    match difference.percent {
        _ if scale.in_points => format!("{} points", number::points(difference.change, HABIT)),
        Some(percent) => number::percent(percent, HABIT),
        None => number::change(difference.change, scale.unit, scale.decimals, HABIT),
    }
}

/// How a value was obtained, unless it was simply counted in time.
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

/// `412 sent, 415 in the database (Orders, 24 h)`
pub fn differs(row: &Row, twin: &Twin) -> String {
    let scale = Scale::of_row(row);
    let speech = speech();
    let own = speech.reading(row.value.as_ref(), row.provenance.kind, scale);
    let other = speech.value(&twin.value, Scale::of_twin(twin));
    let label = &twin.label;
    if twin.is_stored {
        return format!("{own} sent, {other} in the database ({label})");
    }
    let difference = twin.difference.number().unwrap_or_default();
    let difference = speech.amount(difference, scale);
    format!("{own}, but {label}: {other} ({difference})")
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

/// `counted 00:15`, with the date unless the day ended on it.
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
