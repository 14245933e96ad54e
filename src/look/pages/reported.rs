//! Whether a day's report has been delivered.

use chrono::NaiveDate;

use crate::book::{self, Book, BookError, Delivery, Subject, newest_copies, planned};

/// Whether the day is complete, its report was planned, and every recipient has it. Pings do not count.
pub async fn is_reported(book: &Book, date: NaiveDate) -> Result<bool, BookError> {
    let entry = book::entry(book, date).await?;
    if entry.is_none_or(|entry| entry.partial) {
        return Ok(false);
    }
    if planned(book, date, Subject::Report).await?.is_none() {
        return Ok(false);
    }
    let newest = newest_copies(book, date, Subject::Report).await?;
    Ok(newest.iter().all(Delivery::has_arrived))
}
