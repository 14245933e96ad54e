//! Exports of stored days for other programs.

pub mod backfill;
pub mod csv;
pub mod grafana;
pub mod json;
pub mod prometheus;

use std::io::{self, Write};
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use thiserror::Error;

use crate::book::{self, Book, BookError, RawDay};
use crate::config::Config;
use crate::text::csv::writer;

/// How days are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One JSON document.
    Document,
    /// A JSON object a line.
    Lines,
    /// CSV: a day a line, a metric a column.
    Table,
}

#[derive(Debug, Error)]
pub enum ExportError {
    #[error(transparent)]
    Book(#[from] BookError),
    #[error("the book's {0}; correct or delete that row")]
    Unreadable(String),
    #[error(transparent)]
    Write(#[from] io::Error),
    #[error(transparent)]
    Table(#[from] ::csv::Error),
}

/// Writes the stored days of this range, oldest first, and returns how many there were. Calls `step` after each.
pub async fn write(
    book: &Book,
    config: &Config,
    days: RangeInclusive<NaiveDate>,
    layout: Layout,
    out: &mut dyn Write,
    step: &dyn Fn(usize),
) -> Result<usize, ExportError> {
    match layout {
        Layout::Document => {
            out.write_all(json::opening(config).as_bytes())?;
            let each = |day: &RawDay, before| Ok(json::entry(day, before == 0, out)?);
            let count = write_each(book, days, step, each).await?;
            out.write_all(json::CLOSING)?;
            Ok(count)
        }
        Layout::Lines => {
            let each = |day: &RawDay, _| Ok(json::line(day, out)?);
            write_each(book, days, step, each).await
        }
        Layout::Table => {
            let columns = csv::columns(&config.catalog, book::keys(book).await?);
            let mut table = writer(out);
            csv::header(&columns, &mut table)?;
            let each = |day: &RawDay, _| csv::day(day, &columns, &mut table);
            let count = write_each(book, days, step, each).await?;
            table.flush()?;
            Ok(count)
        }
    }
}

/// Calls `each` with every day and the number of days before it.
async fn write_each(
    book: &Book,
    days: RangeInclusive<NaiveDate>,
    step: &dyn Fn(usize),
    mut each: impl FnMut(&RawDay, usize) -> Result<(), ExportError>,
) -> Result<usize, ExportError> {
    let mut count = 0;
    let counted = |day: &RawDay| {
        each(day, count)?;
        count += 1;
        step(count);
        Ok::<(), ExportError>(())
    };
    book::scan_raw(book, days, counted).await?;
    Ok(count)
}
