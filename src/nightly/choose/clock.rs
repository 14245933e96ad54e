//! Checks whether this machine's clock can be right. With a wrong year, a night would store, send and delete wrong days.

use chrono::{NaiveDate, TimeDelta};

use crate::calendar::spoken;
use crate::collect;
use crate::prune::{LONGEST_SILENCE, is_silence, newest_before};
use crate::text::counted::counted;

use super::super::error::{ClockDoubt, NightError};
use super::super::types::{NightContext, Orders, Which};

/// After a long silence, only the application's own rows prove that so much time has passed. A range, or a day not chosen
/// by the clock, is accepted as it is. The stored days are sorted.
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
    let (zone, limits) = (config.time_zone, context.limits());
    let row = collect::newest_row(&config.apps, &config.catalog, since, now, zone, &limits);
    let row = row
        .await
        .map_err(|away| match context.stop.is_cancelled() {
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

/// A remark about days after today: only an operator can know which of the two clocks was wrong.
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
