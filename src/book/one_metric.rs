//! The days with a single metric: a year of it is read in the time that a week of all takes.

use std::ops::RangeInclusive;

use chrono::NaiveDate;

use crate::catalog::Metric;
use crate::entry::Entry;

use super::entries::comparable;
use super::row::entry_of;
use super::{Book, BookError};

/// The entries of these days, oldest first, as if nothing but this metric stood in them, under its own key and
/// the one that it had.
pub async fn entries_of(
    book: &Book,
    metric: &Metric,
    days: RangeInclusive<NaiveDate>,
) -> Result<Vec<Entry>, BookError> {
    // `->` gives JSON as it is written, so that decimals stay exact, and nothing where there is no such key.
    let rows = sqlx::query(
        r#"SELECT collection_date, collected_at, as_of, partial, time_zone, day_start, day_end,
             collection_duration_ms, catalog_hash,
             '{' || coalesce(json_quote(?3) || ':' || (metrics -> ?3), '')
                 || CASE WHEN metrics -> ?3 IS NULL OR metrics -> ?4 IS NULL THEN '' ELSE ',' END
                 || coalesce(json_quote(?4) || ':' || (metrics -> ?4), '') || '}' AS metrics,
             '{' || coalesce(json_quote(?3) || ':' || (provenance -> ?3), '')
                 || CASE WHEN provenance -> ?3 IS NULL OR provenance -> ?4 IS NULL THEN '' ELSE ',' END
                 || coalesce(json_quote(?4) || ':' || (provenance -> ?4), '') || '}' AS provenance
         FROM daily_metrics WHERE collection_date BETWEEN ?1 AND ?2 ORDER BY collection_date"#,
    )
    .bind(comparable(*days.start()))
    .bind(comparable(*days.end()))
    .bind(&metric.key)
    .bind(&metric.was)
    .fetch_all(&book.pool)
    .await
    .map_err(|error| book.error("read the entries of a metric", error))?;
    rows.iter().map(|row| entry_of(book, row)).collect()
}
