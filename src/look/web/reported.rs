//! Whether the report that should be there by now is.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::book::{
    self, Book, BookError, Channel, Delivery, DeliveryState, Filter, Subject, deliveries, planned,
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
    Ok(newest_copies(&all).values().all(|one| has_arrived(one)))
}

/// What failed and was sent again on purpose has arrived if the copy has.
fn newest_copies(all: &[Delivery]) -> BTreeMap<(Channel, String), &Delivery> {
    let mut newest: BTreeMap<(Channel, String), &Delivery> = BTreeMap::new();
    let counted = all
        .iter()
        .filter(|one| one.subject == Subject::Report && one.channel != Channel::Ping);
    for one in counted {
        let reader = (one.channel, one.recipient.to_lowercase());
        let known = newest.entry(reader).or_insert(one);
        if one.copy > known.copy {
            *known = one;
        }
    }
    newest
}

fn has_arrived(delivery: &Delivery) -> bool {
    delivery.state == DeliveryState::Accepted || delivery.is_superseded()
}
