//! Tables: sound names, times that fit together, parents that end somewhere.

use std::collections::BTreeSet;

use crate::catalog::document::NodeMistakes;
use crate::catalog::gather::Written;
use crate::catalog::written::Table;
use crate::catalog::{Catalog, TimeKind};
use crate::text::mistake::Mistake;

use super::name_is_sound;

pub(super) fn all_are_sound(catalog: &Catalog, written: &Written<'_>, mistakes: &mut Vec<Mistake>) {
    let mut seen = BTreeSet::new();
    for (id, table, node) in &written.tables {
        let mistakes = &mut node.mistakes(mistakes);
        if !seen.insert(id) {
            mistakes.push(&["name"], format!("table `{id}` is declared twice"));
        }
        is_sound(id, table, mistakes);
    }
    lineage_ends(catalog, written, mistakes);
}

fn is_sound(id: &str, table: &Table, mistakes: &mut NodeMistakes<'_>) {
    name_is_sound("table name", &table.name, &["name"], mistakes);
    for (key, column) in [
        ("created_at", &table.created_at),
        ("deleted_at", &table.deleted_at),
    ] {
        if let Some(column) = column {
            name_is_sound("column", column, &[key], mistakes);
        }
    }
    if table
        .condition
        .as_ref()
        .is_some_and(|text| text.trim().is_empty())
    {
        mistakes.push(&["where"], "`where` is empty: write an SQL condition");
    }
    if table.deleted_at.is_some() && table.created_at.is_none() {
        mistakes.push(&["deleted_at"],
            format!("table `{id}` has `deleted_at` but no `created_at`: a row that ended must have begun"));
    }
    if let Some(form) = &table.text_form
        && !matches!(table.time, TimeKind::Utc | TimeKind::Local)
    {
        mistakes.push(
            &["text_form"],
            format!("`text_form = \"{form}\"` needs `time = \"utc\"` or `\"local\"`"),
        );
    }
}

/// A table that belongs to itself through others would never be counted.
fn lineage_ends(catalog: &Catalog, written: &Written<'_>, mistakes: &mut Vec<Mistake>) {
    for (at, (id, _, node)) in written.tables.iter().enumerate() {
        let mistakes = &mut node.mistakes(mistakes);
        let parents = catalog
            .tables
            .get(at)
            .map(|table| table.parents.as_slice())
            .unwrap_or_default();
        if parents
            .iter()
            .any(|parent| catalog.lineage(parent.table).contains(&at))
        {
            mistakes.push(
                &["belongs_to"],
                format!("table `{id}` belongs to itself in a circle"),
            );
        }
        for parent in parents {
            name_is_sound("column", &parent.column, &["belongs_to"], mistakes);
            name_is_sound("column", &parent.key, &["belongs_to"], mistakes);
            if catalog.tables[parent.table].database != catalog.tables[at].database {
                mistakes.push(
                    &["belongs_to"],
                    format!("table `{id}` and its parent are in different databases"),
                );
            }
        }
    }
}
