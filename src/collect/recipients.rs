//! Reads who gets the report with a query on an app database.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{AppDatabase, Recipient, RecipientsQuery, When, recipient};
use crate::database::{DatabaseError, Limits, Snapshot};
use crate::locale::{Language, Locale, Numbers};
use crate::plan::Cell;
use crate::plan::sql::wrapped;

use super::Unreachable;
use super::lessons::Lessons;
use super::snapshots::with_snapshot;

/// A query with more rows reads the wrong table, or lacks its condition.
const MOST: usize = 10_000;

const COLUMNS: [&str; 5] = ["address", "name", "language", "numbers", "when"];

/// The query's recipients, each address once, and the problems of its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    pub recipients: Vec<Recipient>,
    /// Addresses with their problems: no report goes there, or it goes without a preference.
    pub bad: Vec<(String, String)>,
}

/// Reads the recipients if nothing needs to be counted.
pub async fn recipients(
    apps: &BTreeMap<String, AppDatabase>,
    query: &RecipientsQuery,
    limits: &Limits,
) -> Result<Found, String> {
    let away = |error: DatabaseError| {
        let name = query.database.clone();
        Unreachable { name, error }.to_string()
    };
    let Some(app) = apps.get(&query.database) else {
        return Err(away(super::no_url()));
    };
    let mut lessons = Lessons::default();
    loop {
        // A failed query and a missing snapshot get different messages.
        let found = with_snapshot(app, limits, async |snapshot| {
            Ok(read(snapshot, query, limits).await)
        });
        match found.await.map_err(away)? {
            Err(error) if lessons.wants_fresh_snapshot(&error) => lessons.learn_of_rewriting(),
            found => return found.map_err(failed),
        }
    }
}

/// Reads them in a snapshot that is also used otherwise, which a failure does not harm.
pub async fn in_snapshot(
    snapshot: &mut Snapshot,
    query: &RecipientsQuery,
    limits: &Limits,
) -> Result<Found, String> {
    read(snapshot, query, limits).await.map_err(failed)
}

pub(super) fn failed(error: DatabaseError) -> String {
    format!("`recipients_sql` failed: {error}")
}

pub(super) async fn read(
    snapshot: &mut Snapshot,
    query: &RecipientsQuery,
    limits: &Limits,
) -> Result<Found, DatabaseError> {
    let mut found = Found::default();
    let mut seen = BTreeSet::new();
    let each = |cells: &[Cell]| {
        row(cells, query.locale, &mut seen, &mut found)?;
        if found.recipients.len() + found.bad.len() > MOST {
            return Err(DatabaseError::query(format!(
                "it gives more than {MOST} recipients: give it a condition"
            )));
        }
        Ok(())
    };
    let sql = wrapped(&query.sql);
    snapshot.rows(&sql, &[], limits, each).await?;
    Ok(found)
}

/// Skips a row without an address.
fn row(
    cells: &[Cell],
    locale: Locale,
    seen: &mut BTreeSet<String>,
    found: &mut Found,
) -> Result<(), DatabaseError> {
    if cells.len() > COLUMNS.len() {
        return Err(DatabaseError::query(format!(
            "it gives {} columns; known are, in this order, {}",
            cells.len(),
            COLUMNS.join(", ")
        )));
    }
    let text = |at: usize| cells.get(at).map(Cell::text).unwrap_or_default();
    let texts: [String; COLUMNS.len()] =
        std::array::from_fn(|at| text(at).trim_matches(' ').to_owned());
    if texts[0].is_empty() {
        return Ok(());
    }
    match recipient::parse(&texts[0]) {
        Ok((name, address)) if seen.insert(address.to_ascii_lowercase()) => {
            let reader = Recipient {
                address,
                name,
                locale,
                when: When::Daily,
            };
            let (reader, problems) = with_preferences(reader, &texts);
            let problems = problems.into_iter();
            let problems = problems.map(|why| (reader.address.clone(), why));
            found.bad.extend(problems);
            found.recipients.push(reader);
        }
        Ok(_) => {}
        Err(why) => found.bad.push((recipient::shown(&texts[0]), why)),
    }
    Ok(())
}

/// A preference that is not understood becomes a problem; the recipient still gets the report.
fn with_preferences(
    mut reader: Recipient,
    texts: &[String; COLUMNS.len()],
) -> (Recipient, Vec<String>) {
    let mut problems = Vec::new();
    let [_, name, language, numbers, when] = texts;
    match recipient::name(name) {
        Ok(Some(name)) => reader.name = Some(name),
        Ok(None) => {}
        Err(why) => problems.push(format!("{why}; sending without the name")),
    }
    let mut unknown = |what: &str, word: &str| {
        let word = recipient::shown(word);
        problems.push(format!("unknown {what} `{word}`; using the report's own"));
    };
    match language_of(language) {
        Some(language) => reader.locale.language = language,
        None if language.is_empty() => {}
        None => unknown("language", language),
    }
    match Numbers::from_code(&numbers.to_lowercase()) {
        Some(numbers) => reader.locale.numbers = numbers,
        None if numbers.is_empty() => {}
        None => unknown("number format", numbers),
    }
    match when.to_lowercase().as_str() {
        "" | "daily" => {}
        "alerts" => reader.when = When::Alerts,
        "changes" => reader.when = When::Changes,
        _ => problems.push(format!(
            "`{}` is not daily, alerts or changes; sending every day",
            recipient::shown(when)
        )),
    }
    (reader, problems)
}

/// Applications keep `de-ch` or `de_CH`; only the language counts here.
fn language_of(text: &str) -> Option<Language> {
    let language = text.split(['-', '_']).next().unwrap_or_default();
    Language::from_code(&language.to_lowercase())
}
