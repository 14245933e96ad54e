//! How a column represents time, guessed from its type, its name and at most one value.

use crate::calendar;
use crate::catalog::TimeKind;
use crate::collect::schema::survey::{Column, Sample};
use crate::engine::Engine;

/// A time column, and the reason to take it for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    pub column: String,
    pub kind: TimeKind,
    pub why: String,
    /// Its type or form is clear, whatever the table's `time` says.
    pub says_itself: bool,
}

/// How a column represents time; `None` if it does not.
pub fn column_time(column: &Column, engine: Engine) -> Option<Time> {
    if !column.is_readable {
        return None;
    }
    let (kind, why) = match &column.sample {
        _ if holds_dates(column) => (
            TimeKind::Local,
            "a date without a time is a day in the zone above".to_owned(),
        ),
        Some(Sample::Whole(whole)) => kind_of_number(*whole)?,
        Some(Sample::Text(text)) => kind_of_text(text, &column.name)?,
        None if is_moment(column) => kind_of_type(column, engine),
        None if is_number(column) => (
            TimeKind::EpochS,
            "a number, but no value to look at: seconds since 1970 are common".to_owned(),
        ),
        // Text without a value to look at is no time, except in SQLite, which has no other type for one.
        None if engine == Engine::Sqlite && is_text(column) => kind_of_name(&column.name),
        None => return None,
    };
    Some(Time {
        column: column.name.clone(),
        kind,
        says_itself: kind == TimeKind::Instant || holds_dates(column),
        why,
    })
}

/// Thirteen digits are milliseconds, ten are seconds; dates before 1980 are not what an application writes.
fn kind_of_number(whole: i64) -> Option<(TimeKind, String)> {
    match whole {
        315_532_800..=9_999_999_999 => {
            Some((TimeKind::EpochS, "looks like seconds since 1970".to_owned()))
        }
        315_532_800_000..=9_999_999_999_999 => Some((
            TimeKind::EpochMs,
            "looks like milliseconds since 1970".to_owned(),
        )),
        _ => None,
    }
}

/// `2025-10-03 12:34:56`, with `T`, `Z` or a fraction.
fn kind_of_text(text: &str, name: &str) -> Option<(TimeKind, String)> {
    let form = |(at, letter): (usize, char)| match at {
        4 | 7 => letter == '-',
        10 => letter == ' ' || letter == 'T',
        13 | 16 => letter == ':',
        _ => letter.is_ascii_digit(),
    };
    let is_time = text.chars().count() >= 19 && text.chars().take(19).enumerate().all(form);
    let rest = text.get(19..)?;
    let rest = rest.trim_end_matches('Z').trim_start_matches('.');
    if !is_time || rest.chars().any(|letter| !letter.is_ascii_digit()) {
        return None;
    }
    match text.ends_with('Z') {
        true => Some((TimeKind::Utc, "its text ends with Z".to_owned())),
        false => Some(kind_of_name(name)),
    }
}

fn holds_dates(column: &Column) -> bool {
    match &column.sample {
        Some(Sample::Text(text)) => calendar::date(text).is_some(),
        Some(Sample::Whole(_)) => false,
        None => is_date(column),
    }
}

fn kind_of_type(column: &Column, engine: Engine) -> (TimeKind, String) {
    let kind = column.kind.as_str();
    let is_instant = match engine {
        Engine::Mysql => kind.starts_with("timestamp"),
        _ => kind.contains("with time zone") || kind.contains("timestamptz"),
    };
    match is_instant {
        true => (TimeKind::Instant, "its type has a time zone".to_owned()),
        false => kind_of_name(&column.name),
    }
}

/// Frameworks that say `created_at` keep UTC; those that say `date_added` the server's own time.
fn kind_of_name(name: &str) -> (TimeKind, String) {
    let name = name.to_lowercase();
    let is_local = ["date_add", "date_added", "post_date"].contains(&name.as_str());
    match is_local {
        true => (
            TimeKind::Local,
            "its type has no zone, and systems with such names write the server's own time"
                .to_owned(),
        ),
        false => (
            TimeKind::Utc,
            "its type has no zone, and most frameworks write UTC".to_owned(),
        ),
    }
}

pub fn is_moment(column: &Column) -> bool {
    column.kind.starts_with("timestamp") || column.kind.starts_with("datetime")
}

pub fn is_date(column: &Column) -> bool {
    column.kind == "date"
}

pub fn is_number(column: &Column) -> bool {
    let kind = column.kind.as_str();
    ["int", "bigint", "integer", "mediumint", "int8", "int4"]
        .iter()
        .any(|one| {
            kind == *one
                || kind.starts_with(&format!("{one}("))
                || kind.starts_with(&format!("{one} "))
        })
}

pub fn is_text(column: &Column) -> bool {
    let kind = column.kind.as_str();
    kind.contains("char") || kind == "text" || kind.is_empty()
}
