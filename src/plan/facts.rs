//! What the planner knows of the real tables. Everything here may be missing: plans stay right, only slower.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Catalog, Measure, Parent, Shape, Table};
use crate::engine::Engine;

#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// By app database and real table name.
    pub tables: BTreeMap<(String, String), TableFacts>,
}

#[derive(Debug, Clone, Default)]
pub struct TableFacts {
    pub bytes: i64,
    /// About how many; 0 where nobody knows.
    pub rows: i64,
    /// The declared type of each column, in lower case.
    pub types: BTreeMap<String, String>,
    pub not_null: BTreeSet<String>,
    /// Column, referenced table by each name that the catalog may call it by, referenced column.
    pub foreign_keys: Vec<(String, String, String)>,
    /// Columns by which an index of the whole table is sorted first.
    pub indexed: BTreeSet<String>,
    /// Columns that are unique by themselves.
    pub unique: BTreeSet<String>,
    /// Columns whose texts the engine may hold for equal though their bytes differ. Told of SQLite only, which compares
    /// two columns by the rules of the first.
    pub collated: BTreeSet<String>,
    /// One value of each time column kept as text.
    pub samples: BTreeMap<String, String>,
}

impl Facts {
    /// What is known of a real table so far, to add to.
    pub fn table_mut(&mut self, database: &str, name: &str) -> &mut TableFacts {
        self.tables
            .entry((database.to_owned(), name.to_owned()))
            .or_default()
    }

    pub fn of(&self, table: &Table) -> Option<&TableFacts> {
        self.tables
            .get(&(table.database.clone(), table.name.clone()))
    }

    pub fn column_type(&self, table: &Table, column: &str) -> &str {
        self.of(table)
            .and_then(|facts| facts.types.get(column))
            .map_or("", String::as_str)
    }

    pub fn never_null(&self, table: &Table, column: &str) -> bool {
        self.of(table)
            .is_some_and(|facts| facts.not_null.contains(column))
    }

    /// The database itself promises that every child's key is one of the parent's, whichever of them is compared with
    /// the other.
    pub fn is_promised(&self, child: &Table, link: &Parent, parent: &Table) -> bool {
        let promise = promise(link, parent);
        let is_collated =
            self.is_collated(child, &link.column) || self.is_collated(parent, &link.key);
        !is_collated
            && self
                .of(child)
                .is_some_and(|facts| facts.foreign_keys.contains(&promise))
    }

    pub fn promise(&mut self, child: &Table, link: &Parent, parent: &Table) {
        let facts = self.table_mut(&child.database, &child.name);
        facts.foreign_keys.push(promise(link, parent));
    }

    /// So few rows that a set of all their keys fits the memory that a session of ours has for it.
    pub fn keys_fit_memory(&self, table: &Table) -> bool {
        const MOST_ROWS: i64 = 1_200_000;
        self.of(table)
            .is_some_and(|facts| (1..=MOST_ROWS).contains(&facts.rows))
    }

    pub fn is_indexed(&self, table: &Table, column: &str) -> bool {
        self.of(table)
            .is_some_and(|facts| facts.indexed.contains(column))
    }

    pub fn is_collated(&self, table: &Table, column: &str) -> bool {
        self.of(table)
            .is_some_and(|facts| facts.collated.contains(column))
    }

    pub fn is_unique(&self, table: &Table, column: &str) -> bool {
        self.of(table)
            .is_some_and(|facts| facts.unique.contains(column))
    }
}

fn promise(link: &Parent, parent: &Table) -> (String, String, String) {
    (link.column.clone(), parent.name.clone(), link.key.clone())
}

/// The engine each app database runs on, by name.
pub type Engines = BTreeMap<String, Engine>;

/// What is known of the app databases when their statements are planned.
#[derive(Debug, Clone, Copy)]
pub struct KnownDatabases<'a> {
    pub engines: &'a Engines,
    pub facts: &'a Facts,
}

/// The real tables, with the columns whose times may be text, that a probe should look at.
pub fn wanted<'a>(catalog: &'a Catalog, database: &str) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for table in catalog
        .tables
        .iter()
        .filter(|table| table.database == database)
    {
        let columns = wanted.entry(&table.name).or_default();
        columns.extend(
            table
                .created_at
                .iter()
                .chain(&table.deleted_at)
                .map(String::as_str),
        );
    }
    for metric in &catalog.metrics {
        if let Shape::Counted(counted) = &metric.shape
            && let Some(columns) = wanted.get_mut(catalog.tables[counted.table].name.as_str())
        {
            columns.extend(counted.window.iter().map(|window| window.column.as_str()));
            if let Measure::Newest(column) = &counted.measure {
                columns.insert(column);
            }
        }
    }
    wanted
}
