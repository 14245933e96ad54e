//! Days as the book would hand them over, written by hand.

use chrono::NaiveDate;
use chrono_tz::Europe::Zurich;
use daybook::calendar::Day;
use daybook::catalog::{Catalog, Document, Judge};
use daybook::entry::{Entry, Reading, Value};
use daybook::text::mistake::Source;

/// Judged by plain thresholds, so that two days are enough for an alert.
pub(crate) fn catalog(text: &str) -> Catalog {
    let source = Source {
        name: "test.toml".to_owned(),
        text: text.to_owned(),
    };
    let document = Document::parse(&source).expect("valid TOML");
    let mut catalog = Catalog::read(&[document], None).expect("a sound catalog");
    catalog.thresholds.judge = Judge::Thresholds;
    catalog
}

/// The same catalog as a user has it, where nothing is said of how to judge.
pub(crate) fn judged_by_usual(mut catalog: Catalog) -> Catalog {
    catalog.thresholds.judge = Judge::Usual;
    catalog
}

/// A catalog of one metric, `n`, with these lines added to it.
pub(crate) fn one_metric(lines: &str) -> Catalog {
    let sql = "sql = \"SELECT 1\"";
    catalog(&format!("[[metrics]]\nkey = \"n\"\n{sql}\n{lines}\n"))
}

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub(crate) fn day(on: &str) -> Entry {
    let day = Day::new(date(on), Zurich).expect("a day in Zurich");
    Entry::empty(&day.close(), day.end, "hash")
}

pub(crate) fn with(mut entry: Entry, key: &str, reading: Reading) -> Entry {
    entry.readings.insert(key.to_owned(), reading);
    entry
}

pub(crate) fn number(text: &str) -> Reading {
    Reading::observed(Some(Value::from_decimal(text.parse().expect("a number"))))
}

/// A day on which `n` was this.
pub(crate) fn n(on: &str, value: &str) -> Entry {
    with(day(on), "n", number(value))
}

/// Consecutive days from the first one; `-` is a day that was missed.
pub(crate) fn series(first: &str, values: &str) -> Vec<Entry> {
    date(first)
        .iter_days()
        .zip(values.split_whitespace())
        .filter(|(_, value)| *value != "-")
        .map(|(on, value)| n(&on.to_string(), value))
        .collect()
}
