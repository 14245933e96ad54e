//! The view `daily_metrics_columns`: one typed column a metric, for people who ask in SQL.
//!
//! Columns only ever grow in number: a metric that left the catalog keeps its own.

use std::collections::BTreeMap;

use crate::catalog::{Catalog, Measure, Metric, Parts, Shape};
use crate::engine::Engine;

use super::row::{Unreadable, plain};
use super::store::{Row, Writing};
use super::{Book, BookError};

/// What a column of the view holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Whole,
    Real,
    /// The JSON text of a distribution.
    Parts,
    /// Whole or not, as the value is: sums, and metrics that changed their shape.
    Mixed,
}

const TASK: &str = "update the view daily_metrics_columns";
const COLUMNS: &str = r#"SELECT "key", kind FROM metric_columns ORDER BY position"#;

/// Gives every shown metric of the catalog its column. The view is made anew only when it differs.
pub async fn update(book: &Book, catalog: &Catalog) -> Result<(), BookError> {
    let failed = |error| book.error(TASK, error);
    let rows = book.store.rows(COLUMNS, &[]).await.map_err(failed)?;
    let known = columns(&rows).map_err(failed)?;
    let standing = book.store.row(standing(book.store.engine()), &[]).await;
    let standing = said(standing.map_err(failed)?).map_err(failed)?;
    let is_new = !changes(&known, catalog).is_empty();
    if !is_new && standing.as_deref() == Some(definition(&known, book.store.engine()).as_str()) {
        return Ok(());
    }
    let mut writing = book.begin(TASK).await?;
    let columns = remember(&mut writing, catalog).await.map_err(failed)?;
    let definition = definition(&columns, book.store.engine());
    if book.store.engine() == Engine::Mysql {
        // There a view cannot be made within a transaction: one that is behind is made by the next night.
        book.commit(TASK, writing).await?;
        writing = book.begin(TASK).await?;
    }
    recreate(&mut writing, &definition, standing.as_deref())
        .await
        .map_err(failed)?;
    book.commit(TASK, writing).await
}

/// The key and kind of every column, in their order.
type Columns = Vec<(String, String)>;

fn columns(rows: &[Row]) -> sqlx::Result<Columns> {
    let read = |row: &Row| Ok((plain(row, "key")?, plain(row, "kind")?));
    let read: Result<Columns, Unreadable> = rows.iter().map(read).collect();
    read.map_err(|(_, why)| sqlx::Error::Decode(why.into()))
}

/// The catalog's columns that are new or of another kind than before, which makes them mixed.
fn changes<'c>(known: &Columns, catalog: &'c Catalog) -> Vec<(&'c str, &'static str, bool)> {
    let known: BTreeMap<&str, &str> = known
        .iter()
        .map(|(key, kind)| (key.as_str(), kind.as_str()))
        .collect();
    let change = |metric: &'c Metric| {
        let word = kind(metric).word();
        match known.get(metric.key.as_str()) {
            None => Some((metric.key.as_str(), word, true)),
            Some(before) if *before == word || *before == "mixed" => None,
            Some(_) => Some((metric.key.as_str(), Kind::Mixed.word(), false)),
        }
    };
    catalog.shown().filter_map(change).collect()
}

async fn remember(writing: &mut Writing, catalog: &Catalog) -> sqlx::Result<Columns> {
    const NEW: &str = r#"INSERT INTO metric_columns ("key", kind) VALUES (?1, ?2)"#;
    const OTHER: &str = r#"UPDATE metric_columns SET kind = ?2 WHERE "key" = ?1"#;
    let known = columns(&writing.rows(COLUMNS, &[]).await?)?;
    for (key, kind, is_new) in changes(&known, catalog) {
        let text = if is_new { NEW } else { OTHER };
        writing.change(text, &[key.into(), kind.into()]).await?;
    }
    columns(&writing.rows(COLUMNS, &[]).await?)
}

/// Tells the definition that the view was made of, where there is a view.
fn standing(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => {
            "SELECT sql AS definition FROM sqlite_schema WHERE type = 'view' AND name = 'daily_metrics_columns'"
        }
        Engine::Postgres => {
            "SELECT columns AS definition FROM book_state
             WHERE to_regclass(quote_ident(current_schema()) || '.daily_metrics_columns') IS NOT NULL"
        }
        Engine::Mysql => {
            // A view asks with the rights of who made it, who may be gone by now: each account makes it its own.
            "SELECT columns AS definition FROM book_state
             WHERE EXISTS (SELECT 1 FROM information_schema.views
                 WHERE table_schema = database() AND table_name = 'daily_metrics_columns' AND definer = current_user())"
        }
    }
}

fn said(row: Option<Row>) -> sqlx::Result<Option<String>> {
    let text = row.map(|row| plain(&row, "definition")).transpose();
    text.map_err(|(_, why)| sqlx::Error::Decode(why.into()))
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

/// A view that only grows keeps what others built upon it.
async fn recreate(
    writing: &mut Writing,
    definition: &str,
    standing: Option<&str>,
) -> sqlx::Result<()> {
    const DROP: &str = "DROP VIEW IF EXISTS daily_metrics_columns";
    const NOTE: &str = "UPDATE book_state SET columns = ?1";
    let engine = writing.engine();
    let beginning = standing.and_then(|text| text.strip_suffix(" FROM daily_metrics"));
    let grows = beginning.is_some_and(|beginning| definition.starts_with(beginning));
    let replaced = definition.replacen("CREATE VIEW", "CREATE OR REPLACE VIEW", 1);
    let text = match engine {
        Engine::Mysql => replaced,
        Engine::Postgres if grows => replaced,
        Engine::Sqlite | Engine::Postgres => {
            writing.change(DROP, &[]).await?;
            definition.to_owned()
        }
    };
    writing.run(text).await?;
    if engine != Engine::Sqlite {
        writing.change(NOTE, &[definition.into()]).await?;
    }
    Ok(())
}

/// A metric may be called like one of the first two columns; no key begins with `_`.
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

fn kind(metric: &Metric) -> Kind {
    match &metric.shape {
        Shape::Derived(_) => Kind::Real,
        Shape::Sql { .. } => Kind::Mixed,
        Shape::Counted(counted) => match (&counted.parts, &counted.measure) {
            (Parts::By(_), _) => Kind::Parts,
            (_, Measure::Rows | Measure::Filled(_) | Measure::Distinct(_)) => Kind::Whole,
            (_, Measure::Avg(_) | Measure::Newest(_)) => Kind::Real,
            (_, Measure::Sum(_) | Measure::Min(_) | Measure::Max(_)) => Kind::Mixed,
        },
    }
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Real => "real",
            Self::Parts => "parts",
            Self::Mixed => "mixed",
        }
    }
}
