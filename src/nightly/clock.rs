//! Whether this machine's clock can be right. A night of another year would store, send and delete what is not.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use thiserror::Error;

use crate::calendar::spoken;
use crate::collect;
use crate::prune::{LONGEST_SILENCE, is_silence, newest_before};

use super::counting::limits;
use super::days::{Which, today};
use super::{NightError, Orders, Setting};

/// Why no day is collected before somebody has looked at the clock.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Doubt {
    #[error(
        "this machine's clock shows {}, but the newest stored day is {}, {} days earlier, and {}: nothing was collected, sent or deleted; set the clock; if it is right, run `daybook collect --from {yesterday} --to {yesterday}`",
        spoken(*.today), spoken(*.newest), (*.today - *.newest).num_days(), told(*.row)
    )]
    Ahead {
        today: NaiveDate,
        yesterday: NaiveDate,
        newest: NaiveDate,
        /// The newest row of the application.
        row: Option<DateTime<Utc>>,
    },
    #[error(
        "this machine's clock shows {}, but every stored day is later, the first one {}: nothing was collected, sent or deleted; set the clock; if it is right, delete those days with `daybook prune --future --yes`",
        spoken(*.today), spoken(*.first)
    )]
    Behind { today: NaiveDate, first: NaiveDate },
}

fn told(row: Option<DateTime<Utc>>) -> String {
    match row {
        Some(at) => format!(
            "the newest row in the app databases is of {}",
            at.format("%Y-%m-%d %H:%M:%S UTC")
        ),
        None => "no app database has a dated row".to_owned(),
    }
}

/// After a long silence only the application's own rows prove that so much time has passed. A range is taken as it
/// was asked for, and so is a day that the clock has not chosen. The stored days are sorted.
pub(super) async fn check(
    setting: &Setting<'_>,
    orders: &Orders,
    stored: &[NaiveDate],
) -> Result<(), NightError> {
    let today = today(setting);
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
            true => Err(Doubt::Behind { today, first }.into()),
            false => Ok(()),
        };
    };
    if !is_silence(newest, today) {
        return Ok(());
    }
    let (config, now) = (setting.config, setting.now);
    let since = now - TimeDelta::days(LONGEST_SILENCE);
    let row = collect::newest_row(
        &config.apps,
        &config.catalog,
        since,
        now,
        config.time_zone,
        &limits(setting),
    )
    .await;
    let row = row.map_err(|away| match setting.stop.is_cancelled() {
        true => NightError::Stopped,
        false => NightError::Unavailable(away),
    })?;
    match row {
        Some(at) if at >= since => Ok(()),
        row => Err(Doubt::Ahead {
            today,
            yesterday,
            newest,
            row,
        }
        .into()),
    }
}

/// What is to be said of days after today: nobody but an operator knows which of the two clocks was wrong.
pub(super) fn future_days(setting: &Setting<'_>, stored: &[NaiveDate]) -> Option<String> {
    let today = today(setting);
    let mut future = stored.iter().filter(|date| **date > today);
    let first = future.next()?;
    Some(format!(
        "the book has days after today, {} from {} on: a clock was ahead when they were counted, or this one is behind; if this one is right, `daybook prune --future --yes` deletes them, and each is counted when it has ended",
        1 + future.count(),
        spoken(*first)
    ))
}
