//! The view `daily_metrics_columns`: one typed column a metric, for people who query in SQL.
//!
//! Columns are only ever added: a metric that left the catalog keeps its own.

use std::collections::BTreeMap;

use crate::catalog::{Catalog, Measure, Metric, Parts, Shape};
use crate::engine::Engine;

use super::row::{Unreadable, plain};
use super::store::{Row, Transaction};
use super::{Book, BookError};

const TASK: &str = "update the view daily_metrics_columns";
const COLUMNS: &str = r#"SELECT "key", kind FROM metric_columns ORDER BY position"#;

/// Gives every shown metric of the catalog its column. The view is made anew only when it differs.
pub async fn update(book: &Book, catalog: &Catalog) -> Result<(), BookError> {
    let engine = book.store.engine();
    let failed = |unreadable| book.error(TASK, unreadable);
    let known = columns(&book.rows(TASK, COLUMNS, &[]).await?).map_err(failed)?;
    let present = book.row(TASK, present_definition(engine), &[]).await?;
    let present = present.map(|row| plain(&row, "definition")).transpose();
    let present: Option<String> = present.map_err(failed)?;
    let is_new = !changes(&known, catalog).is_empty();
    if !is_new && present.as_deref() == Some(definition(&known, engine).as_str()) {
        return Ok(());
    }
    let mut tx = book.begin(TASK).await?;
    let columns = remember(&mut tx, catalog).await?;
    let definition = definition(&columns, engine);
    if engine == Engine::Mysql {
        // MySQL makes no view within a transaction. If it fails here, the next night makes the view.
        tx.commit().await?;
        tx = book.begin(TASK).await?;
    }
    recreate(&mut tx, &definition, present.as_deref()).await?;
    tx.commit().await
}

/// The key and kind of every column, in their order.
type Columns = Vec<(String, String)>;

fn columns(rows: &[Row]) -> Result<Columns, Unreadable> {
    let read = |row: &Row| Ok((plain(row, "key")?, plain(row, "kind")?));
    rows.iter().map(read).collect()
}

/// The catalog's columns that are new or of another kind than before, which makes them mixed.
fn changes<'c>(known: &Columns, catalog: &'c Catalog) -> Vec<(&'c str, &'static str, bool)> {
    let known: BTreeMap<&str, &str> = known
        .iter()
        .map(|(key, kind)| (key.as_str(), kind.as_str()))
        .collect();
    let change = |metric: &'c Metric| {
        let kind = kind(metric);
        match known.get(metric.key.as_str()) {
            None => Some((metric.key.as_str(), kind, true)),
            Some(before) if *before == kind || *before == MIXED => None,
            Some(_) => Some((metric.key.as_str(), MIXED, false)),
        }
    };
    catalog.shown().filter_map(change).collect()
}

async fn remember(tx: &mut Transaction, catalog: &Catalog) -> Result<Columns, BookError> {
    const NEW: &str = r#"INSERT INTO metric_columns ("key", kind) VALUES (?1, ?2)"#;
    const OTHER: &str = r#"UPDATE metric_columns SET kind = ?2 WHERE "key" = ?1"#;
    let known = columns(&tx.rows(COLUMNS, &[]).await?).map_err(|error| tx.error(error))?;
    for (key, kind, is_new) in changes(&known, catalog) {
        let text = if is_new { NEW } else { OTHER };
        tx.change(text, &[key.into(), kind.into()]).await?;
    }
    columns(&tx.rows(COLUMNS, &[]).await?).map_err(|error| tx.error(error))
}

/// Reads the definition of the view, if there is one.
fn present_definition(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => {
            "SELECT sql AS definition FROM sqlite_schema WHERE type = 'view' AND name = 'daily_metrics_columns'"
        }
        Engine::Postgres => {
            "SELECT columns AS definition FROM book_state
             WHERE to_regclass(quote_ident(current_schema()) || '.daily_metrics_columns') IS NOT NULL"
        }
        Engine::Mysql => {
            // A view has the rights of its maker, whose account may be gone: each account makes its own.
            "SELECT columns AS definition FROM book_state
             WHERE EXISTS (SELECT 1 FROM information_schema.views
                 WHERE table_schema = database() AND table_name = 'daily_metrics_columns' AND definer = current_user())"
        }
    }
}

fn definition(columns: &Columns, engine: Engine) -> String {
    let mut text = String::from(
        "CREATE VIEW daily_metrics_columns AS SELECT collection_date AS collection_date, partial AS partial",
    );
    for (key, kind) in columns {
        text.push_str(&column(key, kind, engine));
    }
    text + " FROM daily_metrics"
}

/// Replaces a view that only grows, so that what others built upon it stays.
async fn recreate(
    tx: &mut Transaction,
    definition: &str,
    present: Option<&str>,
) -> Result<(), BookError> {
    const DROP: &str = "DROP VIEW IF EXISTS daily_metrics_columns";
    const NOTE: &str = "UPDATE book_state SET columns = ?1";
    let engine = tx.engine();
    let beginning = present.and_then(|text| text.strip_suffix(" FROM daily_metrics"));
    let grows = beginning.is_some_and(|beginning| definition.starts_with(beginning));
    let replaced = definition.replacen("CREATE VIEW", "CREATE OR REPLACE VIEW", 1);
    let text = match engine {
        Engine::Mysql => replaced,
        Engine::Postgres if grows => replaced,
        Engine::Sqlite | Engine::Postgres => {
            tx.change(DROP, &[]).await?;
            definition.to_owned()
        }
    };
    tx.run(text).await?;
    if engine != Engine::Sqlite {
        tx.change(NOTE, &[definition.into()]).await?;
    }
    Ok(())
}

/// A metric may have the name of one of the first two columns; no key begins with `_`.
fn column(key: &str, kind: &str, engine: Engine) -> String {
    let name = match key {
        "collection_date" | "partial" => format!("_{key}"),
        key => key.replace('"', "\"\""),
    };
    let path = key.replace('\'', "''");
    let value = match engine {
        Engine::Sqlite => in_file(&path, kind),
        Engine::Postgres => on_postgres(&path, kind),
        Engine::Mysql => on_mysql(&path, kind),
    };
    format!(",\n  {value} AS \"{name}\"")
}

fn in_file(path: &str, kind: &str) -> String {
    let value = format!("json_extract(metrics, '$.\"{path}\"')");
    match kind {
        "whole" => format!("CAST({value} AS INTEGER)"),
        "real" => format!("CAST({value} AS REAL)"),
        _ => value,
    }
}

/// A column has one type there: one that was once parts and once a number shows its numbers.
fn on_postgres(path: &str, kind: &str) -> String {
    let when = |kind| format!("CASE json_typeof(metrics -> '{path}') WHEN '{kind}' THEN");
    let number = format!("{} (metrics ->> '{path}')::numeric END", when("number"));
    match kind {
        "parts" => format!("{} metrics -> '{path}' END", when("array")),
        "whole" => format!("trunc({number})::bigint"),
        "real" => format!("({number})::double precision"),
        _ => number,
    }
}

fn on_mysql(path: &str, kind: &str) -> String {
    let value = format!("json_extract(metrics, '$.\"{path}\"')");
    let when = |kinds| format!("CASE WHEN json_type({value}) IN ({kinds}) THEN");
    let number = when("'INTEGER', 'DOUBLE', 'DECIMAL', 'UNSIGNED INTEGER'");
    match kind {
        "parts" => format!("{} {value} END", when("'ARRAY'")),
        "whole" => format!("{number} CAST({value} AS signed) END"),
        "real" => format!("{number} CAST({value} AS double) END"),
        _ => format!("{number} CAST({value} AS decimal(65, 10)) END"),
    }
}

/// Whole or not, as the value is: sums, and metrics that changed their shape.
const MIXED: &str = "mixed";

/// What the metric's column holds.
fn kind(metric: &Metric) -> &'static str {
    match &metric.shape {
        Shape::Derived(_) => "real",
        Shape::Sql { .. } => MIXED,
        Shape::Live(live) => match live.figure.aggregate.counts() {
            true => "whole",
            false => MIXED,
        },
        Shape::Counted(counted) => match (&counted.parts, &counted.measure) {
            (Parts::By(_), _) => "parts",
            (_, Measure::Rows | Measure::Filled(_) | Measure::Distinct(_)) => "whole",
            (_, Measure::Avg(_) | Measure::Newest(_)) => "real",
            (_, Measure::Sum(_) | Measure::Min(_) | Measure::Max(_)) => MIXED,
        },
    }
}
