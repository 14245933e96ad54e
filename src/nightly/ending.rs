//! What the list of runs says of a night.

use std::time::Instant;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::book::{Ending, Outcome, Stages};

use super::{Night, NightError, milliseconds};

pub(super) fn of(
    done: &Result<Night, NightError>,
    started: DateTime<Utc>,
    (begun, stages): (Instant, Stages),
) -> Ending {
    let duration_ms = milliseconds(begun);
    let ended_at = started + TimeDelta::milliseconds(duration_ms);
    let written = |night: &Night| -> Vec<NaiveDate> {
        night
            .days
            .iter()
            .filter(|day| day.entry.is_some())
            .map(|day| day.date)
            .collect()
    };
    let (outcome, dates, error) = match done {
        Ok(Night {
            no_numbers: Some(away),
            ..
        }) => (Outcome::Failed, Vec::new(), Some(away.to_string())),
        Ok(night) => {
            let dates = written(night);
            let outcome = if dates.is_empty() {
                Outcome::Nothing
            } else {
                Outcome::Stored
            };
            (
                outcome,
                dates,
                night.unreachable.first().map(ToString::to_string),
            )
        }
        Err(error) => (Outcome::Failed, Vec::new(), Some(error.to_string())),
    };
    let span = dates.iter().min().zip(dates.iter().max());
    Ending {
        ended_at,
        outcome,
        dates: span.map(|(first, last)| *first..=*last),
        days: u32::try_from(dates.len()).unwrap_or(u32::MAX),
        error,
        duration_ms,
        stages,
    }
}
