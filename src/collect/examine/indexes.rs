//! Indexes that the application's database lacks, as its own plans show. Pure.

use crate::catalog::{Catalog, Engine, Shape};
use crate::plan::{Facts, Statement};

/// Reading a smaller table whole costs nobody anything.
const LARGE_ROWS: i64 = 100_000;
const LARGE_BYTES: i64 = 16 << 20;

/// An index that begins with this column would spare these metrics a reading of the whole table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub table: String,
    pub column: String,
    pub metrics: Vec<String>,
}

/// `rows` is how many the table has, where the engine's plan does not tell.
pub fn missing(
    (statement, lines): (&Statement, &[String]),
    rows: Option<i64>,
    (catalog, facts): (&Catalog, &Facts),
    engine: Engine,
) -> Vec<Missing> {
    let metrics: Vec<String> = statement.keys().map(str::to_owned).collect();
    let place = (statement.database.clone(), statement.table.clone());
    let known = facts.tables.get(&place);
    let mut all = Vec::new();
    if let (Some(column), Some(known)) = (window_of_all(statement, catalog), known)
        && !known.indexed.contains(&column)
        && lines.iter().any(|line| reads_all(line, engine))
        && is_large(lines, rows, known.bytes, engine)
    {
        all.push(Missing {
            table: statement.table.clone(),
            column,
            metrics: metrics.clone(),
        });
    }
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
    // A name in configured SQL may be an alias or a view, and an index may be there that does not fit.
    let lacks = |(table, column): &(String, String)| {
        let known = facts
            .tables
            .get(&(statement.database.clone(), table.clone()));
        known.is_some_and(|known| {
            known.types.contains_key(column) && !known.indexed.contains(column)
        })
    };
    let sought = automatic.chain(repeated).filter(lacks);
    all.extend(sought.map(|(table, column)| Missing {
        table,
        column,
        metrics: metrics.clone(),
    }));
    all
}

/// The column by which every metric of the statement counts a window, if it is one for all.
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

/// Whether a line says that all rows of the statement's own table are looked at.
pub fn reads_all(line: &str, engine: Engine) -> bool {
    match engine {
        Engine::Sqlite => line == "SCAN this",
        Engine::Postgres => line.contains("Seq Scan on ") && line.contains(" this  ("),
        Engine::Mysql => line.starts_with("this: ALL"),
    }
}

fn is_large(lines: &[String], rows: Option<i64>, bytes: i64, engine: Engine) -> bool {
    match engine {
        Engine::Sqlite => rows.is_some_and(|rows| rows >= LARGE_ROWS),
        Engine::Postgres => bytes >= LARGE_BYTES,
        Engine::Mysql => {
            let told = lines.iter().find(|line| reads_all(line, engine));
            let rows = told.and_then(|line| line.split(", about ").nth(1));
            let rows = rows.and_then(|rest| rest.split(' ').next()?.parse().ok());
            rows.is_some_and(|rows: i64| rows >= LARGE_ROWS)
        }
    }
}

/// SQLite makes such an index for one statement, and throws it away:
/// `SEARCH daybook_1 USING AUTOMATIC COVERING INDEX (user_id=?)`.
pub fn automatic(line: &str) -> Option<(&str, &str)> {
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

/// The parent's table, and the key by which it is looked through anew for every row.
fn looked_up(sql: &str, alias: &str) -> Option<(String, String)> {
    let (_, after) = sql.split_once(&format!(" AS {alias} WHERE {alias}.\""))?;
    let (column, _) = after.split_once('"')?;
    Some((called(sql, alias), column.to_owned()))
}
