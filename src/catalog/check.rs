//! Checks of the whole catalog: names, references, shapes that contradict themselves.

mod alert;
mod history;
mod live;
mod reference;
mod series;
mod shape;
mod sql;
mod table;

use std::collections::BTreeSet;

use super::Catalog;
use super::document::{Document, NodeMistakes};
use super::gather::Written;
use super::written::Metric;
use crate::text::mistake::Mistake;
use crate::text::suggest::did_you_mean;

pub use live::NO_LIVE;
pub use series::series_are_unique;
pub use sql::sql_is_whole;

pub fn as_a_whole(catalog: &Catalog, written: &Written<'_>, mistakes: &mut Vec<Mistake>) {
    table::all_are_sound(catalog, written, mistakes);
    keys_are_unique(catalog, written, mistakes);
    for (metric, node) in &written.metrics {
        let mistakes = &mut node.mistakes(mistakes);
        key_is_sound(metric, mistakes);
        shape::is_one(metric, mistakes);
        shape::goes_together(metric, mistakes);
        shape::columns_are_sound(metric, mistakes);
        shape::measures_no_time(metric, catalog, mistakes);
        shape::newest_is_a_time(metric, catalog, mistakes);
        shape::numbers_are_sound(metric, mistakes);
        alert::is_sound(metric, mistakes);
        reference::all_exist(metric, catalog, written, mistakes);
        history::is_possible(metric, catalog, mistakes);
        live::figure_exists(metric, written.kinds, mistakes);
    }
}

/// Names of app databases can only be checked once the settings are known.
pub fn databases_exist(
    documents: &[Document<'_>],
    known: &BTreeSet<String>,
    mistakes: &mut Vec<Mistake>,
) {
    // Its mistakes are reported elsewhere.
    let written = Written::gather(documents, &mut Vec::new());
    let tables = written
        .tables
        .iter()
        .map(|(_, table, node)| (&table.database, node));
    let metrics = written
        .metrics
        .iter()
        .map(|(metric, node)| (&metric.database, node));
    for (name, node) in tables.chain(metrics) {
        if !name.is_empty() && !known.contains(name) {
            let hint = did_you_mean(name, known.iter().map(String::as_str));
            let message = if hint.is_empty() {
                format!("no app database `{name}`: declare it under `[apps.{name}]`")
            } else {
                format!("no app database `{name}` is declared{hint}")
            };
            mistakes.push(node.mistake(&["database"], message));
        }
    }
}

/// Names are quoted into SQL: a quote or control character in one is a mistake, not an attack to escape.
fn name_is_sound(what: &str, name: &str, path: &[&str], mistakes: &mut NodeMistakes<'_>) {
    let forbidden = |letter: char| letter.is_control() || letter == '"' || letter == '`';
    if name.is_empty() {
        mistakes.push(path, format!("an empty text cannot be a {what}"));
    } else if name.contains(forbidden) {
        let message = format!(
            "`{}` cannot be a {what}: quotes, backticks and control characters are not allowed",
            name.escape_debug()
        );
        mistakes.push(path, message);
    }
}

fn keys_are_unique(catalog: &Catalog, written: &Written<'_>, mistakes: &mut Vec<Mistake>) {
    let mut seen = BTreeSet::new();
    let mut reported = BTreeSet::new();
    for metric in &catalog.metrics {
        if !seen.insert(&metric.key) && reported.insert(&metric.key) {
            let last = written
                .metrics
                .iter()
                .rev()
                .find(|(written, _)| written.key == metric.family);
            if let Some((_, node)) = last {
                let message = format!(
                    "the key `{}` is made twice: every stored number needs a key of its own",
                    metric.key
                );
                mistakes.push(node.mistake(&["key"], message));
            }
        }
    }
}

fn key_is_sound(metric: &Metric, mistakes: &mut NodeMistakes<'_>) {
    let mut check = |key: &str, path: &[&str]| {
        let sound = key.starts_with(|first: char| first.is_ascii_lowercase())
            && key.len() <= 58
            && key.chars().all(|letter| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'
            });
        if !sound {
            let rule = "a key begins with a letter a-z and goes on with at most 57 letters a-z, digits and `_`";
            mistakes.push(
                path,
                format!("`{}` cannot be a key: {rule}", key.escape_debug()),
            );
        }
    };
    check(&metric.key, &["key"]);
    if let Some(old) = &metric.was {
        check(old, &["was"]);
    }
    for (value, key) in metric.split.iter().flat_map(|split| &split.into) {
        check(key, &["split", "into", value]);
    }
    if let Some(key) = metric.split.iter().find_map(|split| split.rest.as_ref()) {
        check(key, &["split", "rest"]);
    }
}
