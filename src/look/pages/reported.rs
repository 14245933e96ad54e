//! Whether the report that should be there by now is.

use chrono::NaiveDate;

use crate::book::{
    self, Book, BookError, Delivery, DeliveryState, Filter, Subject, deliveries, newest_copies,
    planned,
};

/// The day is counted to its end, its report was planned, and everybody who was to get it has it. Pings are
/// not readers.
pub async fn is_reported(book: &Book, date: NaiveDate) -> Result<bool, BookError> {
    let entry = book::entry(book, date).await?;
    if entry.is_none_or(|entry| entry.partial) {
        return Ok(false);
    }
    if planned(book, date, Subject::Report).await?.is_none() {
        return Ok(false);
    }
    let of_the_day = Filter {
        date: Some(date),
        ..Filter::default()
    };
    let all = deliveries(book, &of_the_day).await?;
    let mut newest = newest_copies(all, Subject::Report).into_iter();
    Ok(newest.all(|one| has_arrived(&one)))
}

/// What failed and was sent again on purpose has arrived if the copy has.
fn has_arrived(delivery: &Delivery) -> bool {
    delivery.state == DeliveryState::Accepted || delivery.is_superseded()
}
