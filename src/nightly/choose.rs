//! Decides what a night has to do before it counts or stores anything.

mod before_data;
mod clock;
mod days;
mod lacking;
mod recount;
mod todo;

use chrono::NaiveDate;

use crate::book::{self, Book};

use super::error::NightError;
use super::time_limit::within_time;
use super::types::{NightContext, Orders, Todo, Topic};

pub(super) use days::check;
pub use days::known_keys;

pub(super) struct Choice {
    /// The days that are already in the book.
    pub(super) stored_dates: Vec<NaiveDate>,
    pub(super) todo: Todo,
    /// The day of the report, if there will be one.
    pub(super) topic: Option<Topic>,
    /// Days that are not counted, and why.
    pub(super) skipped: Vec<(NaiveDate, String)>,
    pub(super) remarks: Vec<String>,
    /// Why nothing can be counted: no database could confirm the clock, or that took all of the night's time.
    pub(super) obstacle: Option<NightError>,
}

/// Without a book every day is new.
pub(super) async fn choose(
    context: &NightContext<'_>,
    orders: &Orders,
    book: Option<&Book>,
) -> Result<Choice, NightError> {
    let stored_dates = match book {
        Some(book) => book::all_dates(book).await?,
        None => Vec::new(),
    };
    let checking = within_time(context, async |timed: &NightContext<'_>| {
        clock::check(timed, orders, &stored_dates).await
    });
    let obstacle = match Box::pin(checking).await {
        Err(error) if error.leaves_no_numbers() => Some(error),
        checked => checked.map(|()| None)?,
    };
    let mut chosen = days::choose(context, orders, book).await?;
    let mut todo = todo::find(context, orders, &chosen.days, book).await?;
    if obstacle.is_none() {
        let skipping = within_time(context, async |timed: &NightContext<'_>| {
            before_data::skip(timed, orders, book, &mut todo).await
        });
        chosen.skipped.extend(Box::pin(skipping).await?);
    }
    chosen.skipped.append(&mut todo.skipped);
    Ok(Choice {
        topic: todo::topic(&todo).filter(|_| orders.reports()),
        skipped: chosen.skipped,
        remarks: Vec::from_iter(clock::future_days(context, &stored_dates)),
        stored_dates,
        todo,
        obstacle,
    })
}
