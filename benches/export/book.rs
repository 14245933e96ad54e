//! A book of many days, as the nights would have left it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{Datelike, Days, NaiveDate, TimeDelta};
use daybook::book::{self, Book};
use daybook::calendar::Day;
use daybook::config::DatabaseUrl;
use daybook::entry::merge::Mode;
use daybook::entry::{Entry, Part, PartKey, Provenance, Reading, Value};

pub(crate) const METRICS: i64 = 60;

pub(crate) fn settings() -> String {
    let metric = |at| format!("[[metrics]]\nkey = \"metric_{at:02}\"\nsql = \"SELECT 1\"\n");
    let metrics: String = (0..METRICS).map(metric).collect();
    format!("[retention]\ndays = 36500\n\n{metrics}")
}

pub(crate) async fn fill(path: &Path, days: u64) -> Result<()> {
    let book = Book::open(&DatabaseUrl::sqlite(path), Duration::ZERO).await?;
    let first = NaiveDate::from_ymd_opt(2015, 1, 1).context("a date")?;
    let mut entries = Vec::new();
    for at in 0..days {
        entries.push(entry(first + Days::new(at))?);
    }
    book::store_many(&book, entries, Mode::Replace).await?;
    book.close().await;
    Ok(())
}

/// As a night leaves it: half the metrics counted a quarter of an hour late, four distributions.
fn entry(date: NaiveDate) -> Result<Entry> {
    let day = Day::new(date, chrono_tz::Europe::Zurich)?;
    let counted = day.end + TimeDelta::minutes(15);
    let mut entry = Entry::empty(&day.close(), counted, "bench");
    for at in 0..METRICS {
        let value = match at {
            0..4 => Value::Parts(parts()),
            4..10 => Value::Decimal(rust_decimal::Decimal::new(at * 1234, 2)),
            _ => Value::Whole(at * 1_003 + wobble(date, at)),
        };
        let mut reading = Reading::observed(Some(value));
        if at % 2 == 0 {
            reading.provenance = Provenance {
                observed_at: Some(counted),
                ..Provenance::default()
            };
        }
        entry.readings.insert(format!("metric_{at:02}"), reading);
    }
    Ok(entry)
}

/// Numbers that never move would be judged too easily.
fn wobble(date: NaiveDate, at: i64) -> i64 {
    i64::from(date.num_days_from_ce()) * (at * 7_919 + 104_729) % 211
}

fn parts() -> Vec<Part> {
    let part = |at: i64| Part {
        key: PartKey::Value(at.to_string()),
        label: format!("Part number {at}"),
        count: (at * 977).into(),
    };
    (0..20).map(part).collect()
}
