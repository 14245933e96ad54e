//! What the list of runs says of a night.

use std::time::Instant;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::book::{Ending, Outcome, Stages};

use super::{Night, NightError, milliseconds};

/// What was stored before the night broke off is told too.
pub(super) fn of(
    night: &Night,
    broke_off: Option<&NightError>,
    started: DateTime<Utc>,
    (begun, stages): (Instant, Stages),
) -> Ending {
    let duration_ms = milliseconds(begun);
    let written = night.days.iter().filter(|day| day.entry.is_some());
    let dates: Vec<NaiveDate> = written.map(|day| day.date).collect();
    let outcome = match broke_off {
        Some(_) => Outcome::Failed,
        None if dates.is_empty() => Outcome::Nothing,
        None => Outcome::Stored,
    };
    let away = night.unreachable.first().map(ToString::to_string);
    let span = dates.iter().min().zip(dates.iter().max());
    Ending {
        ended_at: started + TimeDelta::milliseconds(duration_ms),
        outcome,
        dates: span.map(|(first, last)| *first..=*last),
        days: u32::try_from(dates.len()).unwrap_or(u32::MAX),
        error: broke_off.map(ToString::to_string).or(away),
        duration_ms,
        stages,
    }
}
