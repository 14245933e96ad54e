//! Who gets the report, as a query on an app database tells it.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{AppDatabase, Recipient, RecipientsQuery, When, recipient};
use crate::database::{DatabaseError, Limits, Snapshot, Trouble};
use crate::locale::{Language, Locale, Numbers};
use crate::plan::Cell;
use crate::plan::sql::wrapped;

use super::Unreachable;
use super::lessons::Lessons;
use super::snapshots::with_snapshot;

/// A query that gives more is not meant: it reads the wrong table, or lacks its condition.
const MOST: usize = 10_000;

const COLUMNS: [&str; 5] = ["address", "name", "language", "numbers", "when"];

/// The query's readers, each address once, and what was wrong with some of its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    pub recipients: Vec<Recipient>,
    /// An address with what is wrong about it: no report goes there, or it goes without some wish.
    pub bad: Vec<(String, String)>,
}

/// Reads recipients alone, where nothing needs to be counted.
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
        return Err(away(DatabaseError::new(
            Trouble::Refused,
            "no URL is configured for it",
        )));
    };
    let mut lessons = Lessons::default();
    loop {
        // That the query fails is told otherwise than that there is no snapshot.
        let found = with_snapshot(app, limits, async |snapshot| {
            Ok(read(snapshot, query, limits).await)
        });
        match found.await.map_err(away)? {
            Err(error) if lessons.wants_fresh_snapshot(&error) => lessons.learn_of_rewriting(),
            found => return found.map_err(failed),
        }
    }
}

/// Reads them in a snapshot that others use too; a failure is told and harms nothing else.
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

/// A row without an address is nobody.
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
    let texts: [String; COLUMNS.len()] =
        std::array::from_fn(|at| cells.get(at).map(text).unwrap_or_default());
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
            let (reader, lost) = with_wishes(reader, &texts);
            let lost = lost.into_iter().map(|why| (reader.address.clone(), why));
            found.bad.extend(lost);
            found.recipients.push(reader);
        }
        Ok(_) => {}
        Err(why) => found.bad.push((recipient::shown(&texts[0]), why)),
    }
    Ok(())
}

/// A wish that is not understood is lost, and told; its reader gets the report all the same.
fn with_wishes(mut reader: Recipient, texts: &[String]) -> (Recipient, Vec<String>) {
    let mut lost = Vec::new();
    let [_, name, language, numbers, when] = texts else {
        return (reader, lost);
    };
    match recipient::name(name) {
        Ok(Some(name)) => reader.name = Some(name),
        Ok(None) => {}
        Err(why) => lost.push(format!("{why}; sending without the name")),
    }
    let mut told = |what: &str, word: &str| {
        let word = recipient::shown(word);
        lost.push(format!("unknown {what} `{word}`; using the report's own"));
    };
    match language_of(language) {
        Some(language) => reader.locale.language = language,
        None if language.is_empty() => {}
        None => told("language", language),
    }
    match Numbers::from_code(&numbers.to_lowercase()) {
        Some(numbers) => reader.locale.numbers = numbers,
        None if numbers.is_empty() => {}
        None => told("number format", numbers),
    }
    match when.to_lowercase().as_str() {
        "" | "daily" => {}
        "alerts" => reader.when = When::Alerts,
        "changes" => reader.when = When::Changes,
        _ => lost.push(format!(
            "`{}` is not daily, alerts or changes; sending every day",
            recipient::shown(when)
        )),
    }
    (reader, lost)
}

/// Applications keep `de-ch` or `de_CH`, of which only the language counts here.
fn language_of(text: &str) -> Option<Language> {
    let language = text.split(['-', '_']).next().unwrap_or_default();
    Language::from_code(&language.to_lowercase())
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Integer(number) => number.to_string(),
        Cell::Decimal(number) | Cell::Binary(number) => number.to_string(),
        Cell::Text(text) => text.trim_matches(' ').to_owned(),
    }
}
