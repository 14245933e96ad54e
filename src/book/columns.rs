//! The view `daily_metrics_columns`: one typed column a metric, for people who ask in SQL.
//!
//! Columns only ever grow in number: a metric that left the catalog keeps its own.

use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use crate::catalog::{Catalog, Measure, Metric, Parts, Shape};

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

/// Gives every shown metric of the catalog its column. The view is made anew only when it differs.
pub async fn update(book: &Book, catalog: &Catalog) -> Result<(), BookError> {
    const TASK: &str = "update the view daily_metrics_columns";
    let mut transaction = book.begin(TASK).await?;
    let done = async {
        remember(&mut transaction, catalog).await?;
        recreate(&mut transaction).await?;
        transaction.commit().await
    };
    done.await.map_err(|error| book.error(TASK, error))
}

async fn remember(connection: &mut SqliteConnection, catalog: &Catalog) -> sqlx::Result<()> {
    for metric in catalog.shown() {
        sqlx::query(
            "INSERT INTO metric_columns (key, kind) VALUES (?, ?)
             ON CONFLICT (key) DO UPDATE SET kind = 'mixed' WHERE kind <> excluded.kind",
        )
        .bind(&metric.key)
        .bind(kind(metric).word())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn recreate(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    let rows = sqlx::query("SELECT key, kind FROM metric_columns ORDER BY position")
        .fetch_all(&mut *connection)
        .await?;
    let mut definition = String::from(
        "CREATE VIEW daily_metrics_columns AS SELECT collection_date AS collection_date, partial AS partial",
    );
    for row in &rows {
        let (key, kind): (String, String) = (row.try_get("key")?, row.try_get("kind")?);
        definition.push_str(&column(&key, &kind));
    }
    definition.push_str(" FROM daily_metrics");

    let standing: Option<String> = sqlx::query_scalar(
        "SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = 'daily_metrics_columns'",
    )
    .fetch_optional(&mut *connection)
    .await?;
    if standing.as_deref() == Some(definition.as_str()) {
        return Ok(());
    }
    sqlx::query("DROP VIEW IF EXISTS daily_metrics_columns")
        .execute(&mut *connection)
        .await?;
    sqlx::query(AssertSqlSafe(definition))
        .execute(&mut *connection)
        .await?;
    Ok(())
}

/// A metric may be called like one of the first two columns; no key begins with `_`.
fn column(key: &str, kind: &str) -> String {
    let name = match key {
        "collection_date" | "partial" => format!("_{key}"),
        key => key.replace('"', "\"\""),
    };
    let path = key.replace('\'', "''");
    let value = format!("json_extract(metrics, '$.\"{path}\"')");
    let value = match kind {
        "whole" => format!("CAST({value} AS INTEGER)"),
        "real" => format!("CAST({value} AS REAL)"),
        _ => value,
    };
    format!(",\n  {value} AS \"{name}\"")
}

fn kind(metric: &Metric) -> Kind {
    match &metric.shape {
        Shape::Derived(_) => Kind::Real,
        Shape::Sql { .. } => Kind::Mixed,
        Shape::Counted(counted) => match (&counted.parts, &counted.measure) {
            (Parts::By(_), _) => Kind::Parts,
            (_, Measure::Rows | Measure::Filled(_) | Measure::Distinct(_)) => Kind::Whole,
            (_, Measure::Avg(_)) => Kind::Real,
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
