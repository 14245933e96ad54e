//! Past days as series with the time of each value, for Prometheus and for VictoriaMetrics.

use std::io::Write;
use std::ops::RangeInclusive;

use chrono::{DateTime, NaiveDate, Utc};

use crate::book::{self, Book};
use crate::catalog::{Metric, series};
use crate::config::Config;
use crate::entry::Entry;

use super::ExportError;
use super::prometheus::{help_of, numbers::numbers, seconds};
use crate::text::exposition::{Form, family, sample};

/// How many days are read at once. In between, the book is free, however slowly the text is read.
const DAYS_AT_ONCE: usize = 100;

/// Writes the days, and returns how many there were. A part has the label of each day, as if it had been scraped then.
/// The families come first and the samples day by day, which both readers accept and which needs little memory.
pub async fn write(
    book: &Book,
    config: &Config,
    days: RangeInclusive<NaiveDate>,
    form: Form,
    out: &mut dyn Write,
) -> Result<usize, ExportError> {
    let prefix = &config.prometheus.prefix;
    let metrics = config.catalog.shown();
    let named: Vec<(&Metric, String)> = metrics
        .map(|metric| (metric, series::name(metric, prefix)))
        .collect();
    let mut text = String::new();
    for (metric, name) in &named {
        family(&mut text, name, help_of(metric), form);
    }
    out.write_all(text.as_bytes())?;
    let mut dates = book::all_dates(book).await?;
    dates.retain(|date| days.contains(date));
    let mut count = 0;
    for some in dates.chunks(DAYS_AT_ONCE) {
        let (Some(first), Some(last)) = (some.first(), some.last()) else {
            continue;
        };
        for entry in book::entries(book, *first..=*last).await? {
            text.clear();
            day(&mut text, &entry, &named, config, form);
            out.write_all(text.as_bytes())?;
            count += 1;
        }
    }
    if form == Form::OpenMetrics {
        out.write_all(b"# EOF\n")?;
    }
    out.flush()?;
    Ok(count)
}

fn day(out: &mut String, entry: &Entry, named: &[(&Metric, String)], config: &Config, form: Form) {
    let time = time(entry.as_of, form);
    for (metric, name) in named {
        for (labels, value) in numbers(entry, metric, &config.catalog) {
            sample(out, name, &labels, value);
            out.push(' ');
            out.push_str(&time);
            out.push('\n');
        }
    }
}

fn time(as_of: DateTime<Utc>, form: Form) -> String {
    match form {
        Form::Prometheus => as_of.timestamp_millis().to_string(),
        Form::OpenMetrics => seconds(as_of).to_string(),
    }
}
