//! What a night has to do, found out before it counts or stores anything.

use std::time::Instant;

use chrono::NaiveDate;

use crate::book::{self, Book};

use super::plans::{self, Topic};
use super::time_limit::within_time;
use super::todo::{self, Todo};
use super::{NightError, Orders, Setting, beginnings, clock, days};

pub(super) struct Prepared {
    /// The days that are in the book already.
    pub(super) stored: Vec<NaiveDate>,
    pub(super) todo: Todo,
    /// The day of the report, if there is to be one.
    pub(super) topic: Option<Topic>,
    /// Days that are not counted, and why.
    pub(super) skipped: Vec<(NaiveDate, String)>,
    /// Why nothing can be counted: no database could prove the clock, or proving it took all of the night's time.
    pub(super) hindrance: Option<NightError>,
}

/// Without a book every day is new.
pub(super) async fn prepare(
    setting: &Setting<'_>,
    orders: &Orders,
    book: Option<&Book>,
    begun: Instant,
) -> Result<Prepared, NightError> {
    let stored = match book {
        Some(book) => book::all_dates(book).await?,
        None => Vec::new(),
    };
    let checking = within_time(setting, begun, async |timed: &Setting<'_>| {
        clock::check(timed, orders, &stored).await
    });
    let hindrance = match Box::pin(checking).await {
        Err(error) if error.leaves_no_numbers() => Some(error),
        checked => checked.map(|()| None)?,
    };
    let chosen = days::choose(setting, orders, book).await?;
    let mut todo = todo::of(setting, orders, &chosen.days, book).await?;
    let before_data = match hindrance {
        Some(_) => Vec::new(),
        None => {
            let skipping = within_time(setting, begun, async |timed: &Setting<'_>| {
                beginnings::skip_days_before_data(timed, orders, book, &mut todo).await
            });
            Box::pin(skipping).await?
        }
    };
    Ok(Prepared {
        stored,
        topic: plans::topic(&todo).filter(|_| orders.reports()),
        skipped: [chosen.skipped, before_data, todo.skipped.clone()].concat(),
        todo,
        hindrance,
    })
}
