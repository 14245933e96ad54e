//! Whether this machine's clock can be right. A night of another year would store, send and delete what is not.

use chrono::{NaiveDate, TimeDelta};

use crate::calendar::spoken;
use crate::collect;
use crate::prune::{LONGEST_SILENCE, is_silence, newest_before};
use crate::text::counted::counted;

use super::super::error::{ClockDoubt, NightError};
use super::super::types::{NightContext, Orders, Which};

/// After a long silence only the application's own rows prove that so much time has passed. A range is taken as it
/// was asked for, and so is a day that the clock has not chosen. The stored days are sorted.
pub(super) async fn check(
    context: &NightContext<'_>,
    orders: &Orders,
    stored: &[NaiveDate],
) -> Result<(), NightError> {
    let today = context.today();
    let yesterday = today.pred_opt().unwrap_or(today);
    let is_chosen_by_clock = match orders.which {
        Which::CatchUp | Which::Refresh { .. } => true,
        Which::One(date) => date >= yesterday,
        Which::Range(..) => false,
    };
    let Some(first) = stored.first().copied().filter(|_| is_chosen_by_clock) else {
        return Ok(());
    };
    let Some(newest) = newest_before(stored, today) else {
        return match is_silence(today, first) {
            true => Err(ClockDoubt::Behind { today, first }.into()),
            false => Ok(()),
        };
    };
    if !is_silence(newest, today) {
        return Ok(());
    }
    let (config, now) = (context.config, context.now);
    let since = now - TimeDelta::days(LONGEST_SILENCE);
    let row = collect::newest_row(
        &config.apps,
        &config.catalog,
        since,
        now,
        config.time_zone,
        &context.limits(),
    )
    .await;
    let row = row.map_err(|away| match context.stop.is_cancelled() {
        true => NightError::Stopped,
        false => NightError::Unavailable(away),
    })?;
    match row {
        Some(at) if at >= since => Ok(()),
        row => Err(ClockDoubt::Ahead {
            today,
            yesterday,
            newest,
            row,
        }
        .into()),
    }
}

/// What is to be said of days after today: nobody but an operator knows which of the two clocks was wrong.
pub(super) fn future_days(context: &NightContext<'_>, stored: &[NaiveDate]) -> Option<String> {
    let today = context.today();
    let mut future = stored.iter().filter(|date| **date > today);
    let first = future.next()?;
    Some(format!(
        "the book has {} after today, from {} on: a clock was ahead when they were counted, or this one is behind; if this one is right, delete them with `daybook prune --future --yes`; each is counted again when it has ended",
        counted(1 + future.count(), "day"),
        spoken(*first)
    ))
}
