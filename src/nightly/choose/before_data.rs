//! Skips days of a range from before the application had any rows: they would be years of zeros.

use chrono::NaiveDate;

use crate::book::Book;
use crate::calendar::{Day, spoken};
use crate::collect;
use crate::live_readings;
use crate::plan::database_of;

use super::super::error::NightError;
use super::super::types::{NightContext, Orders, Todo, Which};
use super::days::{first_stored, known_keys};

/// Removes the days before the oldest row or event from the tasks, if the beginning of every metric's rows is known, and returns
/// those days. Days that are already stored stay.
pub(super) async fn skip(
    context: &NightContext<'_>,
    orders: &Orders,
    book: Option<&Book>,
    todo: &mut Todo,
) -> Result<Vec<(NaiveDate, String)>, NightError> {
    let (config, Which::Range(from, _)) = (context.config, &orders.which) else {
        return Ok(Vec::new());
    };
    if (first_stored(book).await?).is_some_and(|first| first <= *from) {
        return Ok(Vec::new());
    }
    let keys = known_keys(&config.catalog, orders.metric.as_deref())?;
    let (zone, limits) = (config.time_zone, context.limits());
    let oldest = collect::oldest_row(&config.apps, &config.catalog, &keys, zone, &limits);
    // A database that is away is retried and reported when the days are counted.
    let Ok(oldest) = oldest.await else {
        return Ok(Vec::new());
    };
    let counts_rows = |key: &String| {
        let metric = config.catalog.metric(key);
        metric.is_some_and(|metric| database_of(&config.catalog, metric).is_some())
    };
    if oldest.is_none() && keys.iter().any(counts_rows) {
        return Ok(Vec::new());
    }
    let event = live_readings::first_event(&config.catalog, config.live.as_ref(), &keys).await;
    let row = oldest.map(|row| (row.at, format!("the oldest row (in `{}`", row.table)));
    let event = event.map(|(kind, at)| (at, format!("the first event (of `{kind}`")));
    let Some((at, what)) = row.into_iter().chain(event).min() else {
        return Ok(Vec::new());
    };
    let begins = Day::containing(at, zone).date;
    let why = format!(
        "before {what}, {}); set `since = \"{begins}\"` in {}",
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
