//! What the planner knows about the real tables. Without these facts, plans are slower but still right.

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
    /// An estimate; 0 if unknown.
    pub rows: i64,
    /// The declared type of each column, in lower case.
    pub types: BTreeMap<String, String>,
    pub not_null: BTreeSet<String>,
    /// Column, referenced table, referenced column; a row for each name that the catalog may use for the table.
    pub foreign_keys: Vec<(String, String, String)>,
    /// First columns of indexes that cover the whole table.
    pub indexed: BTreeSet<String>,
    /// Columns that are unique by themselves.
    pub unique: BTreeSet<String>,
    /// Columns whose texts may be equal although their bytes differ. Only for SQLite, which compares two columns by the
    /// collation of the first.
    pub collated: BTreeSet<String>,
    /// One value of each time column that holds text.
    pub samples: BTreeMap<String, String>,
}

impl Facts {
    pub fn table_mut(&mut self, database: &str, name: &str) -> &mut TableFacts {
        let place = (database.to_owned(), name.to_owned());
        self.tables.entry(place).or_default()
    }

    /// By its real name.
    pub fn table(&self, database: &str, name: &str) -> Option<&TableFacts> {
        self.tables.get(&(database.to_owned(), name.to_owned()))
    }

    pub fn declared(&self, table: &Table) -> Option<&TableFacts> {
        self.table(&table.database, &table.name)
    }

    pub fn column_type(&self, table: &Table, column: &str) -> &str {
        let types = self.declared(table).map(|facts| &facts.types);
        types
            .and_then(|types| types.get(column))
            .map_or("", String::as_str)
    }

    pub fn never_null(&self, table: &Table, column: &str) -> bool {
        self.is_in(table, column, |facts| &facts.not_null)
    }

    pub fn is_indexed(&self, table: &Table, column: &str) -> bool {
        self.is_in(table, column, |facts| &facts.indexed)
    }

    pub fn is_collated(&self, table: &Table, column: &str) -> bool {
        self.is_in(table, column, |facts| &facts.collated)
    }

    pub fn is_unique(&self, table: &Table, column: &str) -> bool {
        self.is_in(table, column, |facts| &facts.unique)
    }

    fn is_in(
        &self,
        table: &Table,
        column: &str,
        columns: fn(&TableFacts) -> &BTreeSet<String>,
    ) -> bool {
        let facts = self.declared(table);
        facts.is_some_and(|facts| columns(facts).contains(column))
    }

    /// The database guarantees that every child's key exists in the parent, and comparing the two works in both
    /// directions.
    pub fn is_promised(&self, child: &Table, link: &Parent, parent: &Table) -> bool {
        let promise = promise(link, parent);
        let is_collated =
            self.is_collated(child, &link.column) || self.is_collated(parent, &link.key);
        let facts = self.declared(child);
        !is_collated && facts.is_some_and(|facts| facts.foreign_keys.contains(&promise))
    }

    pub fn promise(&mut self, child: &Table, link: &Parent, parent: &Table) {
        let facts = self.table_mut(&child.database, &child.name);
        facts.foreign_keys.push(promise(link, parent));
    }

    /// Whether a set of all its keys fits into the `work_mem` of our sessions.
    pub fn keys_fit_memory(&self, table: &Table) -> bool {
        const MOST_ROWS: i64 = 1_200_000;
        let facts = self.declared(table);
        facts.is_some_and(|facts| (1..=MOST_ROWS).contains(&facts.rows))
    }
}

fn promise(link: &Parent, parent: &Table) -> (String, String, String) {
    (link.column.clone(), parent.name.clone(), link.key.clone())
}

/// The engine each app database runs on, by name.
pub type Engines = BTreeMap<String, Engine>;

/// What is known about the app databases when their statements are planned.
#[derive(Debug, Clone, Copy)]
pub struct KnownDatabases<'a> {
    pub engines: &'a Engines,
    pub facts: &'a Facts,
}

/// The real tables to probe, with their columns that may hold times as text.
pub fn wanted<'a>(catalog: &'a Catalog, database: &str) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for table in catalog.tables.iter().filter(|one| one.database == database) {
        let columns = wanted.entry(&table.name).or_default();
        let times = table.created_at.iter().chain(&table.deleted_at);
        columns.extend(times.map(String::as_str));
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
