//! What a night has to do, found out before it counts or stores anything.

use chrono::NaiveDate;

use crate::book::{self, Book};
use crate::collect::Unreachable;

use super::plans::{self, Topic};
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
    /// A database that could not be asked what time it is, so nothing can be counted.
    pub(super) away: Option<Unreachable>,
}

/// Without a book every day is new.
pub(super) async fn prepare(
    setting: &Setting<'_>,
    orders: &Orders,
    book: Option<&Book>,
) -> Result<Prepared, NightError> {
    let stored = match book {
        Some(book) => book::all_dates(book).await?,
        None => Vec::new(),
    };
    let away = match Box::pin(clock::check(setting, orders, &stored)).await {
        Err(NightError::Unavailable(away)) => Some(away),
        checked => checked.map(|()| None)?,
    };
    let chosen = days::choose(setting, orders, book).await?;
    let mut todo = todo::of(setting, orders, &chosen.days, book).await?;
    let before_data = beginnings::skip_days_before_data(setting, orders, book, &mut todo);
    let before_data = Box::pin(before_data).await?;
    Ok(Prepared {
        stored,
        topic: plans::topic(&todo).filter(|_| orders.reports()),
        skipped: [chosen.skipped, before_data, todo.skipped.clone()].concat(),
        todo,
        away,
    })
}
