//! The days with a single metric: a year of one reads as fast as a week of all.

use std::ops::RangeInclusive;

use chrono::NaiveDate;

use crate::catalog::Metric;
use crate::engine::Engine;
use crate::entry::Entry;

use super::entries::{comparable, scan};
use super::row::entry_of;
use super::{Book, BookError};

// `->` gives JSON as it is written, so that decimals stay exact, and nothing where there is no such key.
const IN_FILE: &str =
    "SELECT collection_date, collected_at, as_of, partial, time_zone, day_start, day_end,
        collection_duration_ms, catalog_hash,
        '{' || coalesce(json_quote(?3) || ':' || (metrics -> ?3), '')
            || CASE WHEN metrics -> ?3 IS NULL OR metrics -> ?4 IS NULL THEN '' ELSE ',' END
            || coalesce(json_quote(?4) || ':' || (metrics -> ?4), '') || '}' AS metrics,
        '{' || coalesce(json_quote(?3) || ':' || (provenance -> ?3), '')
            || CASE WHEN provenance -> ?3 IS NULL OR provenance -> ?4 IS NULL THEN '' ELSE ',' END
            || coalesce(json_quote(?4) || ':' || (provenance -> ?4), '') || '}' AS provenance
    FROM daily_metrics WHERE collection_date BETWEEN ?1 AND ?2 ORDER BY collection_date";

const ON_POSTGRES: &str = "SELECT collection_date, collected_at, as_of, partial, time_zone, day_start, day_end,
        collection_duration_ms, catalog_hash,
        '{' || coalesce(to_json(?3)::text || ':' || (metrics -> ?3)::text, '')
            || CASE WHEN metrics -> ?3 IS NULL OR metrics -> ?4 IS NULL THEN '' ELSE ',' END
            || coalesce(to_json(?4)::text || ':' || (metrics -> ?4)::text, '') || '}' AS metrics,
        '{' || coalesce(to_json(?3)::text || ':' || (provenance -> ?3)::text, '')
            || CASE WHEN provenance -> ?3 IS NULL OR provenance -> ?4 IS NULL THEN '' ELSE ',' END
            || coalesce(to_json(?4)::text || ':' || (provenance -> ?4)::text, '') || '}' AS provenance
    FROM daily_metrics WHERE collection_date BETWEEN ?1 AND ?2 ORDER BY collection_date";

/// The entries of these days, oldest first, with no other metric than this one under its present and former key.
pub async fn entries_of(
    book: &Book,
    metric: &Metric,
    days: RangeInclusive<NaiveDate>,
) -> Result<Vec<Entry>, BookError> {
    let text = match book.store.engine() {
        Engine::Sqlite => IN_FILE,
        Engine::Postgres => ON_POSTGRES,
        Engine::Mysql => return whole_entries(book, metric, days).await,
    };
    let binds = [
        comparable(*days.start()),
        comparable(*days.end()),
        (&metric.key).into(),
        (&metric.was).into(),
    ];
    let rows = book
        .rows("read the entries of a metric", text, &binds)
        .await?;
    rows.iter().map(|row| entry_of(book, row)).collect()
}

/// MySQL rewrites numbers when it takes JSON apart, so decimals would not stay exact.
async fn whole_entries(
    book: &Book,
    metric: &Metric,
    days: RangeInclusive<NaiveDate>,
) -> Result<Vec<Entry>, BookError> {
    let mut entries = Vec::new();
    let take = |mut entry: Entry| {
        let is_wanted = |key: &String| *key == metric.key || Some(key) == metric.was.as_ref();
        entry.readings.retain(|key, _| is_wanted(key));
        entries.push(entry);
    };
    scan(book, days, take).await?;
    Ok(entries)
}
