//! The night without leaving a trace.

use std::time::Instant;

use crate::book::{Book, BookError};
use crate::entry::merge::{Mode, merge};

use super::counting::{count, failures};
use super::prepare::{Prepared, prepare};
use super::{
    Night, NightError, Orders, Setting, days, done, laid_over, letters, milliseconds, morning,
    plans, settled,
};

/// Counts as a night would, and stores and sends nothing: no book is made, none is changed.
pub(super) async fn rehearse(
    setting: &Setting<'_>,
    orders: &Orders,
    begun: Instant,
) -> Result<Night, NightError> {
    days::check(setting, orders)?;
    let book = match Book::open_to_read(&setting.config.book.url).await {
        Ok(book) => Some(book),
        Err(BookError::NoBook { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let Prepared {
        todo,
        topic,
        skipped,
        hindrance,
        ..
    } = prepare(setting, orders, book.as_ref(), begun).await?;
    if let Some(error) = hindrance {
        return Err(error);
    }
    let mut night = Night {
        skipped,
        ..Night::default()
    };
    for task in &todo.tasks {
        let topic = topic.as_ref().filter(|topic| task.holds(topic.date));
        let query = topic.and(setting.config.report.recipients_query.as_ref());
        let counted = count(setting, orders, (task, &todo), query, &mut night).await?;
        if let Some(topic) = topic {
            let entries = match &book {
                Some(book) => letters::judged_entries(book, topic.date).await?,
                None => Vec::new(),
            };
            let entries = laid_over(entries, topic.date, (task, &todo), &counted.entries);
            let found = counted.recipients;
            let plan = plans::report(setting, book.as_ref(), topic, &entries, found).await?;
            morning::would_send(book.as_ref(), plan, &mut night).await?;
        }
        for new in counted.entries {
            let failed = failures(&new);
            let before = todo.stored.get(&new.date);
            // What a rehearsal shows is what it counted; of a refreshed day, what would become of it.
            let after = match task.mode {
                Mode::Refresh => merge(before, new, task.mode),
                _ => new,
            };
            night
                .days
                .push(done(setting, task, (before, after), failed));
        }
    }
    if let (Some(book), Some(topic)) = (&book, &topic)
        && todo.settled.contains(&topic.date)
    {
        let entries = letters::judged_entries(book, topic.date).await?;
        let plan = plans::report(setting, Some(book), topic, &entries, None).await?;
        morning::would_send(Some(book), plan, &mut night).await?;
    }
    night.days.extend(todo.settled.iter().copied().map(settled));
    night.duration_ms = milliseconds(begun);
    Ok(night)
}
