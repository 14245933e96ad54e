//! The night as written by hand: runs it, and sees to it that it gives the same numbers.

use std::cell::Cell as Counter;
use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use daybook::calendar::{AsOf, Edge};
use daybook::config::AppDatabase;
use daybook::database::decode;
use daybook::engine::Engine;
use daybook::entry::{Entry, Part, Value};
use daybook::plan::Cell;
use rust_decimal::Decimal;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Row};

const POSTGRES: &str = include_str!("floor_postgres.sql");
const SQLITE: &str = include_str!("floor_sqlite.sql");
const MYSQL: &str = include_str!("floor_mysql.sql");

pub(crate) struct Floor {
    app: AppDatabase,
    statements: Vec<String>,
    agreed: Counter<usize>,
}

/// One row by column name.
type Named = BTreeMap<String, Cell>;

impl Floor {
    pub(crate) fn new(app: &AppDatabase, as_of: &AsOf) -> Self {
        let text = match app.url.engine() {
            Engine::Postgres => POSTGRES,
            Engine::Sqlite => SQLITE,
            Engine::Mysql => MYSQL,
        };
        let literal = |edge: &Edge| {
            let utc = edge.instant.format("%Y-%m-%d %H:%M:%S%.6f");
            match app.url.engine() {
                Engine::Postgres => format!("timestamptz '{utc}+00'"),
                Engine::Sqlite | Engine::Mysql => format!("'{utc}'"),
            }
        };
        let text = text
            .replace("DAY_30", &literal(&as_of.window_start(30)))
            .replace("DAY_7", &literal(&as_of.window_start(7)))
            .replace("DAY_1", &literal(&as_of.window_start(1)))
            .replace("AS_OF", &literal(&as_of.edge()));
        let bare: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with("--"))
            .collect();
        let statements = bare
            .join("\n")
            .split(';')
            .map(|one| one.trim().to_owned())
            .collect::<Vec<_>>();
        Self {
            app: app.clone(),
            statements: statements
                .into_iter()
                .filter(|one| !one.is_empty())
                .collect(),
            agreed: Counter::new(0),
        }
    }

    pub(crate) fn has_jit(&self) -> bool {
        self.app.url.engine() == Engine::Postgres
    }

    pub(crate) fn agreed(&self) -> usize {
        self.agreed.get()
    }

    /// Connects, runs all statements one after another, and closes.
    pub(crate) async fn rows(&self, jit: bool) -> Result<Vec<Named>> {
        let mut all = Vec::new();
        match self.app.url.engine() {
            Engine::Postgres => {
                let options = PgConnectOptions::from_str(self.app.url.expose())?
                    .disable_statement_logging()
                    .options([("jit", if jit { "on" } else { "off" })]);
                let mut connection = options.connect().await?;
                for statement in &self.statements {
                    let rows = sqlx::query(AssertSqlSafe(statement.clone()))
                        .fetch_all(&mut connection)
                        .await?;
                    for row in &rows {
                        all.push(named(row.columns(), decode::postgres(row)?));
                    }
                }
                connection.close().await?;
            }
            Engine::Sqlite => {
                let file = self.app.url.sqlite_path().context("SQLite has a file")?;
                let options = SqliteConnectOptions::new()
                    .filename(file)
                    .read_only(true)
                    .disable_statement_logging();
                let mut connection = options.connect().await?;
                for statement in &self.statements {
                    let rows = sqlx::query(AssertSqlSafe(statement.clone()))
                        .fetch_all(&mut connection)
                        .await?;
                    for row in &rows {
                        all.push(named(row.columns(), decode::sqlite(row)?));
                    }
                }
                connection.close().await?;
            }
            Engine::Mysql => {
                let options = MySqlConnectOptions::from_str(self.app.url.expose())?
                    .disable_statement_logging();
                let mut connection = options.connect().await?;
                for statement in &self.statements {
                    let rows = sqlx::raw_sql(AssertSqlSafe(statement.clone()))
                        .fetch_all(&mut connection)
                        .await?;
                    for row in &rows {
                        all.push(named(row.columns(), decode::mysql(row)?));
                    }
                }
                connection.close().await?;
            }
        }
        Ok(all)
    }

    /// Every number of the catalog, or an error that names the first which differs.
    pub(crate) async fn agrees_with(&self, entry: &Entry) -> Result<()> {
        let rows = self.rows(true).await?;
        let mut sums = sums(&rows);
        self.derive(&mut sums);
        let mut left: Vec<&str> = Vec::new();
        for (key, reading) in &entry.readings {
            match (&reading.value, sums.get(key.as_str())) {
                (Some(Value::Parts(listed)), _) => self.same_parts(key, listed, &rows)?,
                (Some(value), Some(sum)) => {
                    let found = value.number().context("a number")?;
                    if (found - sum).abs() > 1e-9 {
                        bail!("{key} is {found} by Daybook and {sum} by hand");
                    }
                    self.agreed.set(self.agreed.get() + 1);
                }
                _ => left.push(key),
            }
        }
        // A constant, and the two sides of averages that are compared themselves.
        left.retain(|key| {
            *key != "emails_synced_resend" && !key.starts_with("of_") && !key.starts_with("per_")
        });
        match left.first() {
            Some(key) => bail!("{key} is not counted by hand, or Daybook has no value for it"),
            None => Ok(()),
        }
    }

    /// What stands on several lines of the result, and what is made of other numbers.
    fn derive(&self, sums: &mut BTreeMap<String, f64>) {
        let get = |key: &str, sums: &BTreeMap<String, f64>| sums.get(key).copied().unwrap_or(0.0);
        let rounded = |number: f64| (number * 100.0).round_ties_even() / 100.0;
        let items = get("total_items", sums);
        for part in ["images", "attributes", "links"] {
            let share = 100.0 * get(&format!("items_with_{part}"), sums) / items;
            sums.insert(format!("items_with_{part}_pct"), rounded(share));
        }
        let per_item = get("attribute_values", sums) / items;
        let per_collection = get("collected_items", sums) / get("total_collections", sums);
        sums.insert("avg_attributes_per_item".to_owned(), rounded(per_item));
        sums.insert(
            "avg_items_per_collection".to_owned(),
            rounded(per_collection),
        );
    }

    fn same_parts(&self, key: &str, listed: &[Part], rows: &[Named]) -> Result<()> {
        let column = match key {
            "item_type_distribution" => "total_items",
            "link_pattern_distribution" => "total_links",
            "storage_by_type" => "total_storage_bytes",
            "attribute_usage" => "attribute_values",
            _ => bail!("{key} is not counted by hand"),
        };
        let mut parts: BTreeMap<&str, Decimal> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.contains_key(column)) {
            if let (Some(Cell::Text(part)), Some(count)) = (row.get("part"), number(row, column)) {
                *parts.entry(part).or_default() += count;
            }
        }
        let whole: Decimal = parts.values().sum();
        let listed_sum: Decimal = listed.iter().map(|part| part.count).sum();
        let differs = listed.iter().any(|part| {
            let by_hand = part.key.value().and_then(|key| parts.get(key));
            by_hand.is_some_and(|count| *count != part.count)
        });
        if differs {
            bail!("a part of {key} differs");
        }
        if whole != listed_sum {
            bail!("{key} adds up to {listed_sum} by Daybook and to {whole} by hand");
        }
        self.agreed.set(self.agreed.get() + 1);
        Ok(())
    }
}

fn named(columns: &[impl Column], cells: Vec<Cell>) -> Named {
    columns
        .iter()
        .map(|column| column.name().to_owned())
        .zip(cells)
        .collect()
}

fn number(row: &Named, column: &str) -> Option<Decimal> {
    match row.get(column)? {
        Cell::Integer(whole) => Some(Decimal::from(*whole)),
        Cell::Decimal(decimal) | Cell::Binary(decimal) => Some(*decimal),
        Cell::Null | Cell::Text(_) => None,
    }
}

/// Each column added up over all rows, and those of a grouping also by group.
fn sums(rows: &[Named]) -> BTreeMap<String, f64> {
    const STATUSES: [(&str, &str); 8] = [
        ("IN_COLLECTION", "items_in_collection"),
        ("WANTED", "items_wanted"),
        ("RESERVED", "items_reserved"),
        ("ORDERED", "items_ordered"),
        ("LENT_OUT", "items_lent"),
        ("PREVIOUSLY_OWNED", "items_previously_owned"),
        ("SOLD", "items_sold"),
        ("GIVEN_AWAY", "items_given_away"),
    ];
    let mut sums: BTreeMap<String, Decimal> = BTreeMap::new();
    for (_, key) in STATUSES {
        sums.insert(key.to_owned(), Decimal::ZERO);
    }
    let mut add = |key: &str, count: Decimal| *sums.entry(key.to_owned()).or_default() += count;
    for row in rows {
        for column in row.keys() {
            if let Some(count) = number(row, column) {
                add(column, count);
            }
        }
        if let (Some(Cell::Text(group)), Some(count)) =
            (row.get("group"), number(row, "total_items"))
            && let Some((_, key)) = STATUSES.iter().find(|(status, _)| status == group)
        {
            add(key, count);
        }
        if let Some(count) = number(row, "total_links") {
            let matched = !matches!(row.get("part"), Some(Cell::Null));
            add(
                if matched {
                    "matched_link_patterns"
                } else {
                    "unmatched_link_patterns"
                },
                count,
            );
        }
    }
    let float = |decimal: Decimal| decimal.to_string().parse().unwrap_or(f64::NAN);
    sums.into_iter()
        .map(|(key, sum)| (key, float(sum)))
        .collect()
}
