//! Checks whether the newest time of each time column contradicts the catalog.

use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::calendar::first_instant;
use crate::catalog::TimeKind;
use crate::collect::schema::{self, newest::newest};
use crate::database::replayed::spoken;
use crate::database::{DatabaseError, Snapshot};
use crate::plan::Cell;

use super::Examination;
use super::needs::{TimeNeed, births};

/// Time limits for the newest time, which may need a whole table: for one column and for all.
const A_COLUMN: Duration = Duration::from_secs(2);
const ALL_COLUMNS: Duration = Duration::from_secs(6);

/// Clocks differ, and rows are written while the doctor works.
const TOLERANCE: TimeDelta = TimeDelta::minutes(10);

/// Such a number counts milliseconds: as seconds it would be in the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// `orders.at …` for each column whose newest time contradicts the catalog. Columns that take too long are left out.
pub(super) async fn contradictions(
    snapshot: &mut Snapshot,
    examination: &Examination<'_>,
    now: DateTime<Utc>,
    zone: Tz,
) -> Result<Vec<String>, DatabaseError> {
    let begun = Instant::now();
    let limits = examination.limits.within(A_COLUMN);
    let mut found = Vec::new();
    for need in births(examination.catalog, examination.database) {
        let known = examination.table(&need.table);
        if !known.is_some_and(|table| table.types.contains_key(&need.column)) {
            continue;
        }
        if begun.elapsed() > ALL_COLUMNS {
            break;
        }
        let asked = newest(snapshot, &need.table, &need.column, &limits).await;
        if let Some(cell) = schema::optional(asked)?
            && let Some(why) = contradiction(&need, &cell, now, zone)
        {
            found.push(format!("{}.{} {why}", need.table, need.column));
        }
    }
    Ok(found)
}

fn contradiction(need: &TimeNeed, cell: &Cell, now: DateTime<Utc>, zone: Tz) -> Option<String> {
    let kind = need.kind.word();
    match (need.kind, cell) {
        (TimeKind::EpochS, Cell::Integer(number)) if *number >= MILLISECONDS_FROM => {
            return Some(format!(
                "holds milliseconds ({number}), while `time` is {kind}: set it to epoch_ms"
            ));
        }
        (TimeKind::EpochMs, Cell::Integer(number)) if (1..MILLISECONDS_FROM).contains(number) => {
            return Some(format!(
                "holds seconds ({number}), while `time` is {kind}: set it to epoch_s"
            ));
        }
        _ => {}
    }
    let newest = moment(need.kind, cell, zone)?;
    if newest <= now + TOLERANCE {
        return None;
    }
    let ahead = spoken(newest - now);
    let as_local = moment(TimeKind::Local, cell, zone).filter(|_| need.kind == TimeKind::Utc);
    Some(match as_local {
        Some(local) if local <= now + TOLERANCE => format!(
            "has a newest time {ahead} ahead of now, which on the clock of {zone} would not be ahead: set `time` to local"
        ),
        _ => format!("has a newest time {ahead} ahead of now"),
    })
}

pub(in crate::collect) fn moment(kind: TimeKind, cell: &Cell, zone: Tz) -> Option<DateTime<Utc>> {
    match (kind, cell) {
        (TimeKind::EpochS, Cell::Integer(seconds)) => DateTime::from_timestamp(*seconds, 0),
        (TimeKind::EpochMs, Cell::Integer(millis)) => DateTime::from_timestamp_millis(*millis),
        (TimeKind::Instant | TimeKind::Utc | TimeKind::Local, Cell::Text(text)) => {
            if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
                return Some(instant.to_utc());
            }
            if let Ok(date) = text.parse::<NaiveDate>() {
                return Some(first_instant(date.and_time(NaiveTime::MIN), zone));
            }
            let wall = wall_clock(text)?;
            Some(match kind {
                TimeKind::Local => first_instant(wall, zone),
                _ => wall.and_utc(),
            })
        }
        _ => None,
    }
}

pub(in crate::collect) fn wall_clock(text: &str) -> Option<NaiveDateTime> {
    let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
    let mut forms = forms.iter();
    forms.find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
}
