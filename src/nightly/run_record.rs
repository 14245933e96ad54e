//! The record of a night in the list of runs.

use chrono::{NaiveDate, TimeDelta};

use crate::book::{Ending, Outcome};

use super::error::NightError;
use super::types::{Night, NightContext, milliseconds};

/// Includes what was stored before the night broke off.
pub(super) fn ending(
    context: &NightContext<'_>,
    night: &Night,
    error: Option<&NightError>,
) -> Ending {
    let error = error.or(night.broke_off.as_ref());
    let duration_ms = milliseconds(context.begun);
    let dates: Vec<NaiveDate> = night.written_dates().collect();
    let outcome = match error {
        Some(_) => Outcome::Failed,
        None if dates.is_empty() => Outcome::Nothing,
        None => Outcome::Stored,
    };
    let away = night.unreachable.first().map(ToString::to_string);
    let span = dates.iter().min().zip(dates.iter().max());
    Ending {
        ended_at: context.now + TimeDelta::milliseconds(duration_ms),
        outcome,
        dates: span.map(|(first, last)| *first..=*last),
        days: u32::try_from(dates.len()).unwrap_or(u32::MAX),
        error: error.map(ToString::to_string).or(away),
        duration_ms,
        stages: night.stages,
    }
}
