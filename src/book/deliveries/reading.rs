//! Reading the ledger: all of it, what is due, and what never arrived.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};

use crate::book::entries::comparable;
use crate::book::row::{self, date_text};
use crate::book::store::Bind;
use crate::book::{Book, BookError};
use crate::engine::Engine;

use super::planning::stored_addressee;
use super::row::delivery_of;
use super::{Channel, Delivery};

/// Which deliveries to read; by default all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub date: Option<NaiveDate>,
    pub limit: Option<u32>,
    pub ids: Option<Vec<i64>>,
}

/// What makes a delivery due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What was planned before is too old.
    pub planned_after: DateTime<Utc>,
    /// What is in doubt since then or later is due again; without it, nothing in doubt is.
    pub ambiguous_after: Option<DateTime<Utc>>,
}

/// The deliveries, newest day first.
pub async fn deliveries(book: &Book, filter: &Filter) -> Result<Vec<Delivery>, BookError> {
    let ids = filter.ids.as_ref().map(|ids| {
        let ids: serde_json::Value = ids.iter().copied().collect();
        ids.to_string()
    });
    let text = match book.store.engine() {
        Engine::Sqlite => {
            "SELECT * FROM deliveries
             WHERE (?1 IS NULL OR collection_date = ?1)
                 AND (?2 IS NULL OR id IN (SELECT value FROM json_each(?2)))
             ORDER BY collection_date DESC, id LIMIT ?3"
        }
        Engine::Postgres => {
            "SELECT * FROM deliveries
             WHERE (?1 IS NULL OR collection_date = ?1)
                 AND (?2 IS NULL OR id IN (SELECT value::bigint FROM json_array_elements_text(?2) AS value))
             ORDER BY collection_date DESC, id LIMIT ?3"
        }
        Engine::Mysql => {
            "SELECT * FROM deliveries
             WHERE (?1 IS NULL OR collection_date = ?1)
                 AND (?2 IS NULL OR id IN (SELECT one.id FROM json_table(?2, '$[*]' COLUMNS (id bigint PATH '$')) AS one))
             ORDER BY collection_date DESC, id LIMIT ?3"
        }
    };
    let limit = filter.limit.map_or(i64::MAX, i64::from);
    let binds = [filter.date.into(), Bind::Json(ids), limit.into()];
    read(book, text, &binds).await
}

/// Deliveries to send now, oldest day first and pings last in their day.
pub async fn due(book: &Book, terms: &Terms) -> Result<Vec<Delivery>, BookError> {
    due_of(book, terms, None).await
}

/// The delivery as it is now, if it is still due.
pub async fn still_due(book: &Book, id: i64, terms: &Terms) -> Result<Option<Delivery>, BookError> {
    Ok(due_of(book, terms, Some(id)).await?.pop())
}

/// The newest day up to that one whose message to that recipient was accepted or may still be.
pub async fn last_planned_to(
    book: &Book,
    channel: Channel,
    recipient: &str,
    until: NaiveDate,
) -> Result<Option<NaiveDate>, BookError> {
    const LAST: &str = "SELECT collection_date FROM deliveries
         WHERE channel = ?1 AND addressee = ?2 AND collection_date <= ?3
             AND (state <> 'failed' OR retry_at IS NOT NULL)
         ORDER BY collection_date DESC LIMIT 1";
    let to = stored_addressee(book.store.engine(), channel, recipient);
    let binds = [channel.word().into(), (&to).into(), comparable(until)];
    const TASK: &str = "read the last delivery to a recipient";
    let row = book.row(TASK, LAST, &binds).await?;
    row.map(|row| {
        row::date(&row, "collection_date").map_err(|unreadable| {
            book.bad_row(format!("delivery of {}", date_text(&row)), unreadable)
        })
    })
    .transpose()
}

/// Deliveries of the days from `since` and before `before` that failed for good or are in doubt, oldest first. Only the
/// newest copy counts, and nobody misses what the report of the complete day has superseded.
pub async fn undelivered(
    book: &Book,
    since: NaiveDate,
    before: NaiveDate,
) -> Result<Vec<Delivery>, BookError> {
    const MISSED: &str = "SELECT * FROM deliveries AS one
         WHERE collection_date >= ?1 AND collection_date < ?2
             AND (state = 'ambiguous' OR state = 'failed' AND retry_at IS NULL)
             AND NOT EXISTS (SELECT 1 FROM deliveries AS later
                 WHERE later.collection_date = one.collection_date AND later.subject = one.subject
                     AND later.channel = one.channel AND later.addressee = one.addressee
                     AND later.copy > one.copy)
             AND (subject = 'report' OR NOT EXISTS (SELECT 1 FROM reports
                 WHERE reports.collection_date = one.collection_date AND reports.subject = 'report'))
         ORDER BY collection_date, id";
    let between = [comparable(since), comparable(before)];
    read(book, MISSED, &between).await
}

/// Messages about days before `before` that readers did not get, as far back as the report of that day tells: a message
/// may fail for good as late as `give_up`, and then the next report must still name it. Health checks have no readers.
pub async fn lost_to_readers(
    book: &Book,
    report: NaiveDate,
    before: NaiveDate,
    give_up: Duration,
) -> Result<Vec<Delivery>, BookError> {
    let days = Days::new(give_up.as_secs().div_ceil(86_400).saturating_add(1));
    let since = report.checked_sub_days(days);
    let mut lost = undelivered(book, since.unwrap_or(NaiveDate::MIN), before).await?;
    lost.retain(|row| row.channel != Channel::Ping);
    Ok(lost)
}

/// A message about an open or failed day is not due any more once the complete day has its own. Only first copies count
/// for that, so a copy sent on purpose afterwards is due.
async fn due_of(book: &Book, terms: &Terms, id: Option<i64>) -> Result<Vec<Delivery>, BookError> {
    const DUE: &str = "SELECT * FROM deliveries AS one
         WHERE (?1 IS NULL OR id = ?1) AND planned_at >= ?2
             AND (state = 'planned' OR state = 'failed' AND retry_at IS NOT NULL
                 OR state = 'ambiguous' AND in_doubt_since >= ?3)
             AND (subject = 'report' OR NOT EXISTS (SELECT 1 FROM deliveries AS complete
                 WHERE complete.collection_date = one.collection_date AND complete.subject = 'report'
                     AND complete.copy = 1 AND complete.id > one.id))
         ORDER BY collection_date, channel = 'ping', id";
    let binds = [
        id.into(),
        terms.planned_after.into(),
        terms.ambiguous_after.into(),
    ];
    read(book, DUE, &binds).await
}

async fn read(book: &Book, text: &'static str, binds: &[Bind]) -> Result<Vec<Delivery>, BookError> {
    let rows = book.rows("read the deliveries", text, binds).await?;
    rows.iter().map(|row| delivery_of(book, row)).collect()
}
