//! Prunes at the end of a night what is too old, unless that is suspiciously much.

use crate::book::{self, BookError};
use crate::prune;
use crate::text::counted::counted;

use super::choose::Choice;
use super::store::Store;
use super::types::{Night, NightContext};

pub(super) async fn prune(
    context: &NightContext<'_>,
    store: &Store,
    choice: &Choice,
    night: &mut Night,
) -> Result<(), BookError> {
    let Some(book) = store.writable() else {
        return Ok(());
    };
    let today = context.today();
    let retention = context.config.retention_days;
    let newest = night.days.iter().map(|day| day.date).max();
    let planned = prune::plan(&book::all_dates(book).await?, today, retention, newest);
    if let Some(doubt) = prune::doubt(&planned, &choice.stored_dates, today, retention) {
        night.unpruned = Some(doubt).filter(|_| !planned.is_empty());
        return Ok(());
    }
    let pruned = prune::prune(book, &planned, prune::oldest_kept(today, retention)).await?;
    night.pruned = pruned.entries;
    tracing::debug!("{} pruned", counted(night.pruned, "entry"));
    Ok(())
}
