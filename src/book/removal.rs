//! Taking old rows out of the book, few at a time, so that nobody waits long for the write lock.

use chrono::NaiveDate;

use super::{Book, BookError};

const ROWS_PER_TRANSACTION: usize = 100;

/// Deletes the entries of these days and returns how many there were.
pub async fn remove_entries(book: &Book, dates: &[NaiveDate]) -> Result<u64, BookError> {
    const TASK: &str = "delete old entries";
    let mut removed = 0;
    for batch in dates.chunks(ROWS_PER_TRANSACTION) {
        let mut transaction = book.begin(TASK).await?;
        for date in batch {
            let done = sqlx::query("DELETE FROM daily_metrics WHERE collection_date = ?")
                .bind(date.to_string())
                .execute(&mut *transaction)
                .await
                .map_err(|error| book.error(TASK, error))?;
            removed += done.rows_affected();
        }
        let committed = transaction.commit().await;
        committed.map_err(|error| book.error(TASK, error))?;
    }
    Ok(removed)
}

/// Deletes the runs that started before that day in UTC, with their statements.
pub async fn remove_runs_before(book: &Book, day: NaiveDate) -> Result<u64, BookError> {
    const SOME: &str = "DELETE FROM runs WHERE id IN
         (SELECT id FROM runs WHERE started_at < ? ORDER BY started_at LIMIT ?)";
    remove_before(book, SOME, day).await
}

/// Deletes the ledger of the days before that one, as far as their entries are gone, and returns how many
/// deliveries there were. A report goes after its last delivery, so that none is ever without its report.
pub async fn remove_deliveries_before(book: &Book, day: NaiveDate) -> Result<u64, BookError> {
    const SOME: &str = "DELETE FROM deliveries WHERE id IN
         (SELECT id FROM deliveries WHERE collection_date < ?
             AND collection_date NOT IN (SELECT collection_date FROM daily_metrics)
             ORDER BY collection_date LIMIT ?)";
    const SOME_REPORTS: &str = "DELETE FROM reports WHERE rowid IN
         (SELECT rowid FROM reports WHERE collection_date < ?
             AND collection_date NOT IN (SELECT collection_date FROM daily_metrics)
             AND collection_date NOT IN (SELECT collection_date FROM deliveries)
             ORDER BY collection_date LIMIT ?)";
    let removed = remove_before(book, SOME, day).await?;
    remove_before(book, SOME_REPORTS, day).await?;
    Ok(removed)
}

async fn remove_before(book: &Book, some: &'static str, day: NaiveDate) -> Result<u64, BookError> {
    let mut removed = 0;
    loop {
        let done = sqlx::query(some)
            .bind(day.to_string())
            .bind(ROWS_PER_TRANSACTION as i64)
            .execute(&book.pool)
            .await
            .map_err(|error| book.error("delete old rows", error))?;
        removed += done.rows_affected();
        if done.rows_affected() < ROWS_PER_TRANSACTION as u64 {
            return Ok(removed);
        }
    }
}
