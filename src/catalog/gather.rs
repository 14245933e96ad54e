//! Collects the catalog's tables, metrics and known days from all documents.

use chrono::NaiveDate;
use toml::Spanned;
use toml::de::DeValue;

use super::document::{Document, Node, read_value};
use super::written::{KnownDay, Metric, Table};
use crate::calendar::rule::Rule;
use crate::kinds::Kinds;
use crate::text::mistake::Mistake;
use crate::text::suggest::did_you_mean;

/// The catalog as written in the documents.
#[derive(Default)]
pub struct Written<'a> {
    pub tables: Vec<(String, Table, Node<'a>)>,
    pub metrics: Vec<(Metric, Node<'a>)>,
    pub known_days: Vec<KnownDay>,
    pub since: Option<NaiveDate>,
    /// The kinds of live events, if there are any.
    pub kinds: Option<&'a Kinds>,
}

impl<'a> Written<'a> {
    pub fn gather(documents: &'a [Document<'a>], mistakes: &mut Vec<Mistake>) -> Self {
        let mut all = Self::default();
        for document in documents {
            all.gather_tables(document, mistakes);
            for value in elements(document, "metrics", mistakes) {
                let before = mistakes.len();
                if let Some(metric) = read_value(document, value, mistakes) {
                    let flawed = mistakes.len() > before;
                    let node = Node {
                        document,
                        value,
                        flawed,
                    };
                    all.metrics.push((metric, node));
                }
            }
            all.known_days.extend(known_days(document, &[], mistakes));
            if let Some(value) = document.get("since")
                && let Some(text) = read_value::<String>(document, value, mistakes)
            {
                match text.parse() {
                    Ok(since) => all.since = Some(since),
                    Err(_) => mistakes.push(document.mistake(
                        value.span(),
                        format!("`{text}` is not a date like 2025-10-03"),
                    )),
                }
            }
        }
        all
    }

    fn gather_tables(&mut self, document: &'a Document<'a>, mistakes: &mut Vec<Mistake>) {
        let Some(value) = document.get("tables") else {
            return;
        };
        let Some(tables) = value.get_ref().as_table() else {
            mistakes.push(document.mistake(
                value.span(),
                "`tables` must be a table: write `[tables.NAME]`",
            ));
            return;
        };
        let mut found: Vec<_> = tables.iter().collect();
        found.sort_by_key(|(id, _)| id.span().start);
        for (id, value) in found {
            let before = mistakes.len();
            let id = id.get_ref().to_string();
            // A table that could not be read is declared all the same: metrics may refer to it.
            let table = read_value(document, value, mistakes).unwrap_or_else(|| Table {
                name: id.clone(),
                ..Table::default()
            });
            let flawed = mistakes.len() > before;
            let node = Node {
                document,
                value,
                flawed,
            };
            self.tables.push((id, table, node));
        }
    }
}

/// The file's `[[calendar]]`, whose days may name the regions that it declares.
pub fn known_days(
    document: &Document<'_>,
    regions: &[String],
    mistakes: &mut Vec<Mistake>,
) -> Vec<KnownDay> {
    let mut days = Vec::new();
    for value in elements(document, "calendar", mistakes) {
        let Some(day) = read_value::<KnownDay>(document, value, mistakes) else {
            continue;
        };
        if let Some(message) = until_mistake(&day) {
            let span = document.span(value, &["until"]);
            mistakes.push(document.mistake(span, message));
        }
        for (at, region) in day.regions.iter().enumerate() {
            if !regions.contains(region) {
                let span = document.span(value, &["regions", &at.to_string()]);
                let hint = did_you_mean(region, regions.iter().map(String::as_str));
                let message = format!("`{region}` is not among the file's `regions`{hint}");
                mistakes.push(document.mistake(span, message));
            }
        }
        days.push(day);
    }
    days
}

/// What is wrong with `date` and `until`.
fn until_mistake(known: &KnownDay) -> Option<&'static str> {
    match (known.date, known.until?) {
        (Rule::Once(first), until) if until < first => Some("`until` is before `date`"),
        (Rule::Once(_), _) => None,
        _ => Some(
            "`until` needs a `date` with its year: a date without one is a single day of every year",
        ),
    }
}

fn elements<'a>(
    document: &'a Document<'a>,
    key: &str,
    mistakes: &mut Vec<Mistake>,
) -> Vec<&'a Spanned<DeValue<'a>>> {
    let Some(value) = document.get(key) else {
        return Vec::new();
    };
    match value.get_ref().as_array() {
        Some(array) => array.iter().collect(),
        None => {
            mistakes.push(document.mistake(
                value.span(),
                format!("`{key}` must be a list: write `[[{key}]]`"),
            ));
            Vec::new()
        }
    }
}
