//! Finds indexes that the app database lacks, from its own plans. Pure.

use crate::catalog::{Catalog, Shape};
use crate::engine::Engine;
use crate::plan::{Facts, Statement};

/// Reading a smaller table completely costs little.
const LARGE_ROWS: i64 = 100_000;
/// Searching fewer rows for each row of another table costs little too.
const MANY_ROWS: i64 = 1_000;
const LARGE_BYTES: i64 = 16 << 20;

/// With an index that begins with this column, these metrics would not need the whole table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub table: String,
    pub column: String,
    pub metrics: Vec<String>,
    /// The column's type, as the database names it.
    pub declared: String,
    /// The number of rows from which the index is worth it, if the plan does not show that.
    pub from_rows: i64,
}

pub fn missing(
    statement: &Statement,
    lines: &[String],
    catalog: &Catalog,
    facts: &Facts,
    engine: Engine,
) -> Vec<Missing> {
    let metrics: Vec<String> = statement.keys().map(str::to_owned).collect();
    // A name in configured SQL may be an alias or a view, and an existing index may not fit.
    let lacking = |(table, column): (String, String), from_rows: i64| {
        let known = facts.table(&statement.database, &table)?;
        let declared = known.types.get(&column)?.clone();
        (!known.indexed.contains(&column)).then(|| Missing {
            table,
            column,
            metrics: metrics.clone(),
            declared,
            from_rows,
        })
    };
    let whole = lines.iter().find(|line| reads_all(line, engine));
    let own = facts.table(&statement.database, &statement.table);
    let bytes = own.map_or(0, |known| known.bytes);
    let windowed = window_of_all(statement, catalog)
        .filter(|_| whole.is_some_and(|line| may_be_large(line, bytes, engine)))
        .map(|column| (statement.table.clone(), column));
    let sql = &statement.sql;
    let automatic = lines.iter().filter_map(|line| automatic(line));
    let automatic = automatic.map(|(alias, column)| (called(sql, alias), column.to_owned()));
    let repeated = lines.iter().enumerate().filter_map(|(at, line)| {
        let alias = line.strip_prefix("SCAN daybook_")?;
        lines[..at]
            .last()?
            .starts_with("CORRELATED")
            .then_some(())?;
        looked_up(sql, &format!("daybook_{alias}"))
    });
    let sought = automatic.chain(repeated);
    let windowed = windowed.into_iter().map(|place| (place, LARGE_ROWS));
    windowed
        .chain(sought.map(|place| (place, MANY_ROWS)))
        .filter_map(|(place, from_rows)| lacking(place, from_rows))
        .collect()
}

/// The column by which every metric of the statement counts a window, if it is the same for all.
fn window_of_all(statement: &Statement, catalog: &Catalog) -> Option<String> {
    let window = |key: &str| match &catalog.metric(key)?.shape {
        Shape::Counted(counted) => Some(counted.window.as_ref()?.column.clone()),
        _ => None,
    };
    let mut columns = statement.keys().map(window);
    let first = columns.next()??;
    columns
        .all(|column| column.as_ref() == Some(&first))
        .then_some(first)
}

/// Whether a line says that all rows of the statement's own table are read.
fn reads_all(line: &str, engine: Engine) -> bool {
    match engine {
        Engine::Sqlite => line == "SCAN this",
        Engine::Postgres => line.contains("Seq Scan on ") && line.contains(" this  ("),
        Engine::Mysql => line.starts_with("this: ALL"),
    }
}

/// SQLite's plans do not show how much that is.
fn may_be_large(line: &str, bytes: i64, engine: Engine) -> bool {
    match engine {
        Engine::Sqlite => true,
        Engine::Postgres => bytes >= LARGE_BYTES,
        Engine::Mysql => {
            let rows = line.split(", about ").nth(1);
            let rows = rows.and_then(|rest| rest.split(' ').next()?.parse().ok());
            rows.is_some_and(|rows: i64| rows >= LARGE_ROWS)
        }
    }
}

/// SQLite makes such an index for one statement and drops it:
/// `SEARCH daybook_1 USING AUTOMATIC COVERING INDEX (user_id=?)`.
fn automatic(line: &str) -> Option<(&str, &str)> {
    let (searched, rest) = line.split_once(" USING AUTOMATIC ")?;
    let alias = searched.split(' ').nth(1)?;
    let (_, columns) = rest.split_once("INDEX (")?;
    let end = columns.find(['=', '>', '<', ')'])?;
    Some((alias, &columns[..end]))
}

/// The table that an alias stands for in a planned statement; in a configured one it may be the name itself.
fn called(sql: &str, alias: &str) -> String {
    let planned = sql.split_once(&format!("\" AS {alias}"));
    let name = planned.and_then(|(before, _)| before.rsplit('"').next());
    name.unwrap_or(alias).to_owned()
}

/// The parent's table, and the key by which it is searched again for every row.
fn looked_up(sql: &str, alias: &str) -> Option<(String, String)> {
    let (_, after) = sql.split_once(&format!(" AS {alias} WHERE {alias}.\""))?;
    let (column, _) = after.split_once('"')?;
    Some((called(sql, alias), column.to_owned()))
}
