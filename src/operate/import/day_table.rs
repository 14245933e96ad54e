//! Another system's table with a row a day, read by a mapping. Values known to be wrong are left out and reported.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use crate::calendar::Day;
use crate::catalog::{Document, read_value};
use crate::collect::days::{self, Mapping, TableDay};
use crate::collect::{Unreachable, limits};
use crate::config::{AppDatabase, ConfigError};
use crate::database::Trouble;
use crate::entry::{Kind, Provenance, Reading, Value};
use crate::text::mistake::{Mistake, Source};

use super::validation::{Frame, Given, Validated, Validation};
use super::{ImportError, LeftOut, Setting};

const CLOCK_CHANGE: &str = "counted rolling hours, and the clocks changed inside its window";
const NULL: &str = "null on those days";

/// A row, and the day that it describes.
struct Row<'a> {
    written: &'a TableDay,
    day: Day,
    /// Counted while the day was open.
    partial: bool,
}

/// Reads the table from the app database and checks it like a file.
pub async fn read(
    mapping: &Source,
    setting: Setting<'_>,
    stop: CancellationToken,
) -> Result<Validated, ImportError> {
    let mut validation = Validation::new(setting);
    let mapping = parse(mapping, &validation).map_err(|mistakes| ConfigError { mistakes })?;
    let limits = limits(setting.config, stop);
    let (name, app) = app(&mapping, setting)?;
    let is_wanted = |column: &str| validation.metric(mapping.key(column)).is_some();
    let read = days::read(app, &mapping, is_wanted, &limits).await;
    let found = read.map_err(|error| match error.trouble {
        Trouble::Unavailable | Trouble::Refused => ImportError::Unavailable(Unreachable {
            name: name.to_owned(),
            error,
        }),
        _ => ImportError::Table {
            table: mapping.table.clone(),
            why: error.message,
        },
    })?;
    let left_out = hand_over(&found, &mapping, setting, &mut validation);
    let mut validated = validation.end()?;
    validated.left_out.extend(left_out);
    Ok(validated)
}

fn parse(source: &Source, validation: &Validation<'_>) -> Result<Mapping, Vec<Mistake>> {
    let document = Document::parse(source)?;
    let mut mistakes = Vec::new();
    let Some(mapping) = read_value::<Mapping>(&document, &document.root, &mut mistakes) else {
        return Err(mistakes);
    };
    let mut wrong = |path: &[&str], message: String| {
        let span = document.span(&document.root, path);
        mistakes.push(document.mistake(span, message));
    };
    for (setting, is_set) in [
        ("day_before_until_hour", mapping.day_before_until_hour > 0),
        ("rolling_windows", mapping.rolling_windows),
    ] {
        if is_set && mapping.counted_at.is_none() {
            wrong(&[setting], format!("`{setting}` needs `counted_at`"));
        }
    }
    for (column, key) in &mapping.columns {
        if validation.metric(key).is_none() {
            let message = format!("no metric is called `{key}`{}", validation.like(key));
            wrong(&["columns", column], message);
        }
    }
    match mistakes.is_empty() {
        true => Ok(mapping),
        false => Err(mistakes),
    }
}

/// The database that the mapping names, the unnamed one, or the only one.
fn app<'a>(
    mapping: &'a Mapping,
    setting: Setting<'a>,
) -> Result<(&'a str, &'a AppDatabase), ImportError> {
    let apps = &setting.config.apps;
    match (&mapping.database, apps.iter().next()) {
        (None, Some((name, app))) if apps.len() == 1 => Ok((name, app)),
        (name, _) => {
            let name = name.as_deref().unwrap_or_default();
            Ok((name, setting.config.app(name)?))
        }
    }
}

/// Hands each row to the validation; a complete day replaces an open one.
fn hand_over(
    table: &[TableDay],
    mapping: &Mapping,
    setting: Setting<'_>,
    validation: &mut Validation<'_>,
) -> Vec<LeftOut> {
    let mut left_out = LeftOutCounts::default();
    let mut rows = Vec::new();
    for written in table {
        match row(written, mapping, setting) {
            Ok(row) => rows.push(row),
            Err((what, why)) => left_out.add(what, why),
        }
    }
    let complete = rows.iter().filter(|row| !row.partial);
    let complete: BTreeSet<NaiveDate> = complete.map(|row| row.day.date).collect();
    rows.retain(|row| !row.partial || !complete.contains(&row.day.date));
    for row in rows {
        let place = format!("row of {}", row.written.date);
        let given = given(&row, mapping, validation, &mut left_out);
        validation.check(&place, given);
    }
    left_out.listed()
}

/// The row's day, or the kind of row that is left out, and why.
fn row<'a>(
    written: &'a TableDay,
    mapping: &Mapping,
    setting: Setting<'_>,
) -> Result<Row<'a>, (&'static str, &'static str)> {
    let zone = setting.config.time_zone;
    let today = Day::containing(setting.now, zone);
    if written.counted_at.is_some_and(|at| at > setting.now) || written.date > today.date {
        return Err(("rows of the future", "nothing can have been counted then"));
    }
    let missing = "rows of days that do not exist";
    let day = Day::new(written.date, zone).map_err(|_| (missing, "the clocks jumped over them"))?;
    let row = |day, partial| Row {
        written,
        day,
        partial,
    };
    let Some(counted_at) = written.counted_at else {
        let why = "when they were counted is unknown";
        let is_over = day.end <= setting.now;
        return is_over
            .then_some(row(day, false))
            .ok_or(("rows of today", why));
    };
    if Day::containing(counted_at, zone).date != written.date {
        let why = "filled in on another day with that day's numbers";
        return Err(("rows of other days", why));
    }
    let hour = counted_at.with_timezone(&zone).hour();
    Ok(match hour < mapping.day_before_until_hour {
        true => row(day.previous(), false),
        false => row(day, true),
    })
}

fn given(
    row: &Row<'_>,
    mapping: &Mapping,
    validation: &Validation<'_>,
    left_out: &mut LeftOutCounts,
) -> Given {
    let Row {
        written,
        day,
        partial,
    } = *row;
    let provenance = Provenance {
        kind: Kind::Imported,
        observed_at: written.counted_at.filter(|_| !partial),
        ..Provenance::default()
    };
    let mut readings = Vec::new();
    for column in written.values.keys() {
        let key = mapping.key(column);
        match sound_value(column, row, mapping, validation) {
            Ok(value) => {
                let (value, provenance) = (Some(value.clone()), provenance.clone());
                readings.push((key.to_owned(), Reading { value, provenance }));
            }
            Err(why) => left_out.add(key, why),
        }
    }
    let frame = Frame {
        zone: Some(day.zone),
        as_of: match partial {
            true => written.counted_at,
            false => Some(day.end),
        },
        partial,
        collected_at: written.counted_at,
        duration_ms: Some(written.duration_ms),
    };
    Given {
        date: day.date,
        frame,
        readings,
    }
}

/// The row's value, or why it is left out.
fn sound_value<'a>(
    column: &str,
    row: &'a Row<'_>,
    mapping: &'a Mapping,
    validation: &Validation<'_>,
) -> Result<&'a Value, &'a str> {
    if let Some(why) = mapping.left_out.get(column) {
        return Err(why);
    }
    let value = row.written.values[column].as_ref().ok_or(NULL)?;
    let key = mapping.key(column);
    let changed = |at| clocks_changed(key, at, row.day.zone);
    if mapping.rolling_windows && row.written.counted_at.is_some_and(changed) {
        return Err(CLOCK_CHANGE);
    }
    let is_distribution = matches!(value, Value::Parts(_));
    match validation.metric(key) {
        Some(metric) if metric.is_distribution() != is_distribution => {
            Err("of another kind than the catalog's metric")
        }
        _ => Ok(value),
    }
}

/// Whether a rolling window of 24-hour days differs from the calendar days, which clock changes lengthen or shorten.
fn clocks_changed(key: &str, at: DateTime<Utc>, zone: Tz) -> bool {
    let windows = [("_24h", 1), ("_7d", 7), ("_30d", 30)];
    let window = windows
        .into_iter()
        .find(|(ending, _)| key.ends_with(ending));
    window.is_some_and(|(_, days)| {
        let before = at - TimeDelta::hours(24 * days);
        let local = |at: DateTime<Utc>| at.with_timezone(&zone).time();
        local(before) != local(at)
    })
}

/// How often something was left out for a reason.
#[derive(Default)]
struct LeftOutCounts(BTreeMap<(String, String), usize>);

impl LeftOutCounts {
    fn add(&mut self, what: &str, why: &str) {
        *self.0.entry((what.to_owned(), why.to_owned())).or_default() += 1;
    }

    fn listed(self) -> Vec<LeftOut> {
        let each = |((what, why), count)| LeftOut { what, why, count };
        self.0.into_iter().map(each).collect()
    }
}
