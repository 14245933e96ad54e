//! Days on their way to other programs.

pub mod backfill;
pub mod csv;
pub mod grafana;
pub mod json;
pub mod prometheus;

use std::io::{self, Write};
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use thiserror::Error;

use crate::book::{self, Book, BookError, KeptDay};
use crate::config::Config;

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
}

/// Writes the stored days of this range, oldest first, one at a time; how many there were. `step` is told
/// after each.
pub async fn write(
    (book, config): (&Book, &Config),
    days: RangeInclusive<NaiveDate>,
    layout: Layout,
    out: &mut dyn Write,
    step: &dyn Fn(usize),
) -> Result<usize, ExportError> {
    let columns = match layout {
        Layout::Table => csv::columns(&config.catalog, book::keys(book).await?),
        Layout::Document | Layout::Lines => Vec::new(),
    };
    match layout {
        Layout::Document => out.write_all(json::opening(config).as_bytes())?,
        Layout::Lines => {}
        Layout::Table => out.write_all(csv::header(&columns).as_bytes())?,
    }
    let mut count = 0;
    let each = |day: &KeptDay| {
        match layout {
            Layout::Document => json::entry(day, count == 0, out)?,
            Layout::Lines => json::line(day, out)?,
            Layout::Table => {
                let line = csv::day(day, &columns).map_err(ExportError::Unreadable)?;
                out.write_all(line.as_bytes())?;
            }
        }
        count += 1;
        step(count);
        Ok::<(), ExportError>(())
    };
    book::scan_kept(book, days, each).await?;
    if layout == Layout::Document {
        out.write_all(json::CLOSING)?;
    }
    Ok(count)
}
