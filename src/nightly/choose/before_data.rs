//! Days of a range from before the application had any rows: years of zeros that nobody asked for.

use chrono::NaiveDate;

use crate::book::{self, Book};
use crate::calendar::{Day, spoken};
use crate::collect;

use super::super::error::NightError;
use super::super::types::{NightContext, Orders, Todo, Which};
use super::days::known_keys;

/// Takes out of the work what lies before the oldest row, where each metric tells of its rows when they began, and
/// says which days those are. What is stored already stays in the work.
pub(super) async fn skip(
    context: &NightContext<'_>,
    orders: &Orders,
    book: Option<&Book>,
    todo: &mut Todo,
) -> Result<Vec<(NaiveDate, String)>, NightError> {
    let (config, Which::Range(from, _)) = (context.config, &orders.which) else {
        return Ok(Vec::new());
    };
    let first = match book {
        Some(book) => book::first_date(book).await?,
        None => None,
    };
    if first.is_some_and(|first| first <= *from) {
        return Ok(Vec::new());
    }
    let keys = known_keys(&config.catalog, orders.metric.as_deref())?;
    let oldest = collect::oldest_row(
        &config.apps,
        &config.catalog,
        &keys,
        config.time_zone,
        &context.limits(),
    )
    .await;
    // A database that is away is waited for, and told of, when the days are counted.
    let Ok(Some(oldest)) = oldest else {
        return Ok(Vec::new());
    };
    let begins = Day::containing(oldest.at, config.time_zone).date;
    let why = format!(
        "before the oldest row (in `{}`, {}); set `since = \"{begins}\"` in {}",
        oldest.table,
        spoken(begins),
        config.file.display()
    );
    let mut skipped = Vec::new();
    for task in &mut todo.tasks {
        task.days.retain(|as_of| {
            let date = as_of.day.date;
            let is_needless = date < begins && !todo.stored.contains_key(&date);
            if is_needless {
                skipped.push((date, why.clone()));
            }
            !is_needless
        });
    }
    todo.tasks.retain(|task| !task.days.is_empty());
    skipped.sort();
    Ok(skipped)
}
