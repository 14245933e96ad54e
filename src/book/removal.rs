//! Taking old rows out of the book, few at a time, so that nobody waits long for the write lock.

use chrono::{NaiveDate, NaiveTime};

use super::entries::comparable;
use super::row::{self, plain};
use super::store::Bind;
use super::{Book, BookError};

const ROWS_PER_TRANSACTION: usize = 100;

/// Deletes the entries of these days and returns how many there were.
pub async fn remove_entries(book: &Book, dates: &[NaiveDate]) -> Result<u64, BookError> {
    const TASK: &str = "delete old entries";
    let mut removed = 0;
    for batch in dates.chunks(ROWS_PER_TRANSACTION) {
        let mut writing = book.begin(TASK).await?;
        for date in batch {
            let text = "DELETE FROM daily_metrics WHERE collection_date = ?1";
            let done = writing.change(text, &[(*date).into()]).await;
            removed += done.map_err(|error| book.error(TASK, error))?;
        }
        book.commit(TASK, writing).await?;
    }
    Ok(removed)
}

/// Deletes the runs that started before that day in UTC, with their statements.
pub async fn remove_runs_before(book: &Book, day: NaiveDate) -> Result<u64, BookError> {
    let midnight = day.and_time(NaiveTime::MIN).and_utc();
    let old = Old {
        find: "SELECT id FROM runs WHERE started_at < ?1 ORDER BY started_at LIMIT ?2",
        delete: "DELETE FROM runs WHERE id = ?1",
        key: Key::Number,
    };
    remove_old(book, &old, &[midnight.into()]).await
}

/// Deletes the ledger of the days before that one, as far as their entries are gone and they were planned before it,
/// and returns how many deliveries there were. A report goes after its last delivery, so that none is ever without its report.
pub async fn remove_deliveries_before(book: &Book, day: NaiveDate) -> Result<u64, BookError> {
    let deliveries = Old {
        find: "SELECT id FROM deliveries WHERE collection_date < ?1 AND planned_at < ?3
                 AND collection_date NOT IN (SELECT collection_date FROM daily_metrics)
             ORDER BY collection_date LIMIT ?2",
        delete: "DELETE FROM deliveries WHERE id = ?1",
        key: Key::Number,
    };
    let reports = Old {
        find: "SELECT DISTINCT collection_date FROM reports WHERE collection_date < ?1 AND planned_at < ?3
                 AND collection_date NOT IN (SELECT collection_date FROM daily_metrics)
                 AND collection_date NOT IN (SELECT collection_date FROM deliveries)
             ORDER BY collection_date LIMIT ?2",
        delete: "DELETE FROM reports WHERE collection_date = ?1",
        key: Key::Day,
    };
    let midnight = day.and_time(NaiveTime::MIN).and_utc();
    let bounds = [comparable(day), midnight.into()];
    let removed = remove_old(book, &deliveries, &bounds).await?;
    remove_old(book, &reports, &bounds).await?;
    Ok(removed)
}

/// Deletes the ledger of the days after that one, and returns how many deliveries there were.
pub async fn remove_deliveries_after(book: &Book, day: NaiveDate) -> Result<u64, BookError> {
    let deliveries = Old {
        find: "SELECT id FROM deliveries WHERE collection_date > ?1 ORDER BY collection_date LIMIT ?2",
        delete: "DELETE FROM deliveries WHERE id = ?1",
        key: Key::Number,
    };
    let reports = Old {
        find: "SELECT DISTINCT collection_date FROM reports WHERE collection_date > ?1
             ORDER BY collection_date LIMIT ?2",
        delete: "DELETE FROM reports WHERE collection_date = ?1",
        key: Key::Day,
    };
    let removed = remove_old(book, &deliveries, &[comparable(day)]).await?;
    remove_old(book, &reports, &[comparable(day)]).await?;
    Ok(removed)
}

/// Rows that may go: how to find some, and how to delete what was found.
struct Old {
    find: &'static str,
    delete: &'static str,
    key: Key,
}

#[derive(Clone, Copy)]
enum Key {
    Number,
    Day,
}

/// The bounds are the first and the third place of the text that finds them; the second is how many.
async fn remove_old(book: &Book, old: &Old, bounds: &[Bind]) -> Result<u64, BookError> {
    const TASK: &str = "delete old rows";
    let failed = |error| book.error(TASK, error);
    let mut some = bounds.to_vec();
    some.insert(1, (ROWS_PER_TRANSACTION as i64).into());
    let mut removed = 0;
    // Most nights find nothing, for which nobody has to wait.
    while !book
        .store
        .rows(old.find, &some)
        .await
        .map_err(failed)?
        .is_empty()
    {
        let mut writing = book.begin(TASK).await?;
        for row in writing.rows(old.find, &some).await.map_err(failed)? {
            let key = match old.key {
                Key::Number => plain(&row, "id").map(|id: i64| id.into()),
                Key::Day => row::date(&row, "collection_date").map(Bind::from),
            };
            let key = key.map_err(|unreadable| book.bad_row("old row".to_owned(), unreadable))?;
            removed += writing.change(old.delete, &[key]).await.map_err(failed)?;
        }
        book.commit(TASK, writing).await?;
    }
    Ok(removed)
}
