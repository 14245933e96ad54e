//! Deleting old rows in small batches, so that nobody waits long for the write lock.

use chrono::{NaiveDate, NaiveTime};

use super::entries::comparable;
use super::row::{self, Unreadable, plain};
use super::store::{Bind, Row};
use super::{Book, BookError};

const ROWS_PER_TRANSACTION: usize = 100;

/// Deletes the entries of these days and returns how many there were.
pub async fn remove_entries(book: &Book, dates: &[NaiveDate]) -> Result<u64, BookError> {
    const TASK: &str = "delete old entries";
    const DELETE: &str = "DELETE FROM daily_metrics WHERE collection_date = ?1";
    let mut removed = 0;
    for batch in dates.chunks(ROWS_PER_TRANSACTION) {
        let mut tx = book.begin(TASK).await?;
        for date in batch {
            removed += tx.change(DELETE, &[(*date).into()]).await?;
        }
        tx.commit().await?;
    }
    Ok(removed)
}

/// Deletes the runs that started before that day in UTC, with their statements.
pub async fn remove_runs_before(book: &Book, day: NaiveDate) -> Result<u64, BookError> {
    const OLD: &str = "SELECT id FROM runs WHERE started_at < ?1 ORDER BY started_at LIMIT ?2";
    let midnight = day.and_time(NaiveTime::MIN).and_utc();
    remove_old(book, Table::Runs, OLD, &[midnight.into()]).await
}

/// Deletes the deliveries of days before that one that were planned before it and have no entry any more, and returns how
/// many there were. A report goes after its last delivery, so that no delivery is ever without its report.
pub async fn remove_deliveries_before(book: &Book, day: NaiveDate) -> Result<u64, BookError> {
    const DELIVERIES: &str =
        "SELECT id FROM deliveries WHERE collection_date < ?1 AND planned_at < ?3
             AND collection_date NOT IN (SELECT collection_date FROM daily_metrics)
         ORDER BY collection_date LIMIT ?2";
    const REPORTS: &str =
        "SELECT DISTINCT collection_date FROM reports WHERE collection_date < ?1 AND planned_at < ?3
             AND collection_date NOT IN (SELECT collection_date FROM daily_metrics)
             AND collection_date NOT IN (SELECT collection_date FROM deliveries)
         ORDER BY collection_date LIMIT ?2";
    let midnight = day.and_time(NaiveTime::MIN).and_utc();
    let bounds = [comparable(day), midnight.into()];
    let removed = remove_old(book, Table::Deliveries, DELIVERIES, &bounds).await?;
    remove_old(book, Table::Reports, REPORTS, &bounds).await?;
    Ok(removed)
}

/// Deletes the deliveries and reports of the days after that one, and returns how many deliveries there were.
pub async fn remove_deliveries_after(book: &Book, day: NaiveDate) -> Result<u64, BookError> {
    const DELIVERIES: &str =
        "SELECT id FROM deliveries WHERE collection_date > ?1 ORDER BY collection_date LIMIT ?2";
    const REPORTS: &str = "SELECT DISTINCT collection_date FROM reports WHERE collection_date > ?1
         ORDER BY collection_date LIMIT ?2";
    let bounds = [comparable(day)];
    let removed = remove_old(book, Table::Deliveries, DELIVERIES, &bounds).await?;
    remove_old(book, Table::Reports, REPORTS, &bounds).await?;
    Ok(removed)
}

#[derive(Clone, Copy)]
enum Table {
    Runs,
    Deliveries,
    Reports,
}

impl Table {
    fn delete(self) -> &'static str {
        match self {
            Self::Runs => "DELETE FROM runs WHERE id = ?1",
            Self::Deliveries => "DELETE FROM deliveries WHERE id = ?1",
            Self::Reports => "DELETE FROM reports WHERE collection_date = ?1",
        }
    }

    fn key(self, row: &Row) -> Result<Bind, Unreadable> {
        match self {
            Self::Runs | Self::Deliveries => plain(row, "id").map(|id: i64| id.into()),
            Self::Reports => row::date(row, "collection_date").map(Bind::from),
        }
    }
}

/// Deletes the rows that `find` finds. The bounds are its first and third places; the second is how many to find.
async fn remove_old(
    book: &Book,
    table: Table,
    find: &'static str,
    bounds: &[Bind],
) -> Result<u64, BookError> {
    const TASK: &str = "delete old rows";
    let mut binds = bounds.to_vec();
    binds.insert(1, (ROWS_PER_TRANSACTION as i64).into());
    let mut removed = 0;
    // Most nights find nothing, and then nobody has to wait.
    while !book.rows(TASK, find, &binds).await?.is_empty() {
        let mut tx = book.begin(TASK).await?;
        for row in tx.rows(find, &binds).await? {
            let key = table.key(&row);
            let key = key.map_err(|unreadable| book.bad_row("old row".to_owned(), unreadable))?;
            removed += tx.change(table.delete(), &[key]).await?;
        }
        tx.commit().await?;
    }
    Ok(removed)
}
