//! The end of a night: what is too old goes, unless that would be suspiciously much.

use chrono::NaiveDate;

use crate::book::{self, Book, BookError};
use crate::prune;

use super::{Night, Setting, days};

/// `before` are the days that were stored before this night.
pub(super) async fn forget(
    setting: &Setting<'_>,
    book: &Book,
    before: &[NaiveDate],
    night: &mut Night,
) -> Result<(), BookError> {
    let today = days::today(setting);
    let retention = setting.config.retention_days;
    let newest = night.days.iter().map(|day| day.date).max();
    let planned = prune::plan(&book::all_dates(book).await?, today, retention, newest);
    if let Some(doubt) = prune::doubt(&planned, before, today, retention) {
        night.unpruned = Some(doubt).filter(|_| !planned.is_empty());
        return Ok(());
    }
    let pruned = prune::prune(book, &planned, prune::oldest_kept(today, retention)).await?;
    night.pruned = pruned.entries;
    Ok(())
}
