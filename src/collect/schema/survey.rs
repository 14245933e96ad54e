//! Reads a whole schema for `init` from the engine's own catalog: tables, columns, keys and allowed values. Of the rows, it
//! reads only their number and single values of columns that may hold times.

pub mod rows;

use std::collections::BTreeMap;

use crate::collect::snapshots::with_snapshot;
use crate::config::AppDatabase;
use crate::database::{DatabaseError, Limits, Snapshot};
use crate::engine::Engine;
use crate::plan::Cell;
use crate::plan::pass::as_text;
use crate::plan::sql::{quoted, table as quoted_table};

use super::optional;
use rows::Rows;

/// The schema of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    pub engine: Engine,
    pub relations: Vec<Relation>,
}

/// A table, or a partitioned one with all its parts, or a view.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relation {
    /// With its schema, if it is not found without.
    pub name: String,
    pub is_view: bool,
    pub rows: Rows,
    pub columns: Vec<Column>,
    /// Column, referenced table, referenced column.
    pub foreign_keys: Vec<(String, String, String)>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// The declared type in lower case, with its size: `varchar(20)`.
    pub kind: String,
    pub not_null: bool,
    pub is_readable: bool,
    /// Part of the primary key.
    pub is_key: bool,
    /// The only allowed values, if the schema lists them.
    pub values: Vec<String>,
    /// By default the column gets the time of the insert, and keeps it.
    pub is_filled: bool,
    /// One value of a column that may hold times.
    pub sample: Option<Sample>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sample {
    Whole(i64),
    Text(String),
}

impl Relation {
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// Reads the schema in one read-only snapshot, and values only of columns that `may_be_sampled`.
pub async fn survey(
    app: &AppDatabase,
    may_be_sampled: impl Fn(&Relation, &Column, Engine) -> bool,
    limits: &Limits,
) -> Result<Survey, DatabaseError> {
    with_snapshot(app, limits, async |snapshot| {
        let mut survey = Survey {
            engine: app.url.engine(),
            relations: relations(snapshot, limits).await?,
        };
        rows::complete(snapshot, &mut survey.relations, limits).await?;
        sample(snapshot, &mut survey, &may_be_sampled, limits).await?;
        Ok(survey)
    })
    .await
}

/// Parts of partitioned tables are counted with the whole table, and not listed.
const POSTGRES_COLUMNS: &str = "
SELECT CASE WHEN strpos(relation.relname, '.') > 0 THEN quote_ident(relation.relname) WHEN pg_table_is_visible(relation.oid) THEN relation.relname::text ELSE place.nspname || '.' || relation.relname END,
       CASE WHEN relation.relkind IN ('r', 'p') THEN 0 ELSE 1 END,
       CASE WHEN relation.relkind = 'p'
            THEN (SELECT CASE WHEN min(part.reltuples) >= 0 THEN sum(part.reltuples)::bigint END FROM pg_partition_tree(relation.oid) AS tree JOIN pg_class AS part ON part.oid = tree.relid WHERE tree.isleaf)
            WHEN relation.reltuples < 0 THEN NULL ELSE relation.reltuples::bigint END,
       attribute.attname::text, lower(format_type(attribute.atttypid, attribute.atttypmod)), attribute.attnotnull,
       has_schema_privilege(place.oid, 'USAGE') AND has_column_privilege(relation.oid, attribute.attnum, 'SELECT'),
       EXISTS (SELECT FROM pg_index AS made WHERE made.indrelid = relation.oid AND made.indisprimary AND attribute.attnum = ANY (made.indkey::int2[])),
       (SELECT json_agg(label.enumlabel ORDER BY label.enumsortorder)::text FROM pg_enum AS label WHERE label.enumtypid = attribute.atttypid),
       (SELECT pg_get_constraintdef(promise.oid) FROM pg_constraint AS promise
        WHERE promise.conrelid = relation.oid AND promise.contype = 'c' AND promise.conkey = ARRAY[attribute.attnum] ORDER BY promise.oid LIMIT 1),
       EXISTS (SELECT FROM pg_attrdef AS usual WHERE usual.adrelid = relation.oid AND usual.adnum = attribute.attnum
               AND pg_get_expr(usual.adbin, usual.adrelid) ~* '(now|_timestamp)\\(|current_date|current_timestamp|localtimestamp')
FROM pg_class AS relation
JOIN pg_namespace AS place ON place.oid = relation.relnamespace
JOIN pg_attribute AS attribute ON attribute.attrelid = relation.oid
WHERE relation.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT relation.relispartition AND relation.relpersistence <> 't'
    AND place.nspname <> 'information_schema' AND place.nspname NOT LIKE 'pg\\_%'
    AND attribute.attnum > 0 AND NOT attribute.attisdropped
ORDER BY place.nspname, relation.relname, attribute.attnum";

const POSTGRES_KEYS: &str = "
SELECT CASE WHEN pg_table_is_visible(child.oid) THEN child.relname::text ELSE child.relnamespace::regnamespace || '.' || child.relname END,
       own.attname::text,
       CASE WHEN pg_table_is_visible(parent.oid) THEN parent.relname::text ELSE parent.relnamespace::regnamespace || '.' || parent.relname END,
       referenced.attname::text
FROM pg_constraint AS promise
JOIN pg_class AS child ON child.oid = promise.conrelid AND NOT child.relispartition
JOIN pg_class AS parent ON parent.oid = promise.confrelid
JOIN pg_attribute AS own ON own.attrelid = promise.conrelid AND own.attnum = promise.conkey[1]
JOIN pg_attribute AS referenced ON referenced.attrelid = promise.confrelid AND referenced.attnum = promise.confkey[1]
WHERE promise.contype = 'f' AND cardinality(promise.conkey) = 1
ORDER BY 1, 2, 3";

/// Without the tables in which SQLite's own modules, such as full-text search, keep their indexes.
const SQLITE_COLUMNS: &str = "
SELECT made.name, made.type = 'view', NULL, info.name, lower(info.type), info.\"notnull\", 1, info.pk > 0, NULL, made.sql,
       lower(info.dflt_value) IN ('current_timestamp', 'current_date') OR replace(lower(info.dflt_value), ' ', '') LIKE '%unixepoch()%'
       OR replace(lower(info.dflt_value), ' ', '') LIKE '%(''now''%' OR replace(lower(info.dflt_value), ' ', '') LIKE '%,''now''%'
FROM sqlite_schema AS made, pragma_table_xinfo(made.name) AS info
WHERE made.type IN ('table', 'view') AND made.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND info.hidden <> 1
    AND made.name NOT IN (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow')
ORDER BY made.name, info.cid";

const SQLITE_KEYS: &str = "
SELECT made.name, one.\"from\", one.\"table\", coalesce(one.\"to\", 'id')
FROM sqlite_schema AS made, pragma_foreign_key_list(made.name) AS one
WHERE made.type = 'table' AND (SELECT count(*) FROM pragma_foreign_key_list(made.name) AS other WHERE other.id = one.id) = 1
ORDER BY 1, 2, 3";

/// Only tables of the database in the URL: an account may also see those of other applications.
const MYSQL_COLUMNS: &str = "
SELECT made.TABLE_NAME, made.TABLE_TYPE LIKE '%VIEW', CAST(made.TABLE_ROWS AS signed), its.COLUMN_NAME, lower(its.COLUMN_TYPE),
       its.IS_NULLABLE = 'NO', its.PRIVILEGES LIKE '%select%', its.COLUMN_KEY = 'PRI', NULL,
       CASE its.DATA_TYPE WHEN 'enum' THEN concat('check ', its.COLUMN_NAME, ' in (', substr(its.COLUMN_TYPE, 6)) END,
       lower(its.COLUMN_DEFAULT) LIKE 'current_timestamp%' AND its.EXTRA NOT LIKE '%on update%'
FROM information_schema.TABLES AS made
JOIN information_schema.COLUMNS AS its ON its.TABLE_SCHEMA = made.TABLE_SCHEMA AND its.TABLE_NAME = made.TABLE_NAME
WHERE made.TABLE_SCHEMA = database()
ORDER BY made.TABLE_NAME, its.ORDINAL_POSITION";

const MYSQL_KEYS: &str = "
SELECT max(TABLE_NAME), max(COLUMN_NAME), max(REFERENCED_TABLE_NAME), max(REFERENCED_COLUMN_NAME)
FROM information_schema.KEY_COLUMN_USAGE
WHERE TABLE_SCHEMA = database() AND REFERENCED_TABLE_SCHEMA = TABLE_SCHEMA
GROUP BY TABLE_NAME, CONSTRAINT_NAME HAVING count(*) = 1
ORDER BY 1, 2, 3";

async fn relations(
    snapshot: &mut Snapshot,
    limits: &Limits,
) -> Result<Vec<Relation>, DatabaseError> {
    let (columns, keys) = match snapshot.engine() {
        Engine::Postgres => (POSTGRES_COLUMNS, POSTGRES_KEYS),
        Engine::Sqlite => (SQLITE_COLUMNS, SQLITE_KEYS),
        Engine::Mysql => (MYSQL_COLUMNS, MYSQL_KEYS),
    };
    let mut relations: Vec<Relation> = Vec::new();
    for row in snapshot.all_rows(columns, &[], limits).await? {
        add_column(row, &mut relations);
    }
    for row in snapshot.all_rows(keys, &[], limits).await? {
        if let Ok(
            [
                Cell::Text(child),
                Cell::Text(own),
                Cell::Text(parent),
                Cell::Text(key),
            ],
        ) = <[Cell; 4]>::try_from(row)
            && let Some(child) = relations.iter_mut().find(|one| one.name == child)
        {
            child.foreign_keys.push((own, parent, key));
        }
    }
    Ok(relations)
}

/// Rows arrive in the order of their tables.
fn add_column(row: Vec<Cell>, relations: &mut Vec<Relation>) {
    let Ok(
        [
            Cell::Text(table),
            view,
            rows,
            Cell::Text(name),
            Cell::Text(kind),
            not_null,
            readable,
            key,
            labels,
            check,
            filled,
        ],
    ) = <[Cell; 11]>::try_from(row)
    else {
        return;
    };
    let is = |cell: Cell| cell == Cell::Integer(1);
    if relations.last().is_none_or(|last| last.name != table) {
        relations.push(Relation {
            name: table,
            is_view: is(view),
            rows: match rows {
                // No rows may mean that the table was never analyzed.
                Cell::Integer(rows) if rows > 0 => Rows::About(rows),
                _ => Rows::Unknown,
            },
            ..Relation::default()
        });
    }
    let values = match (labels, check) {
        (Cell::Text(labels), _) => serde_json::from_str(&labels).unwrap_or_default(),
        (_, Cell::Text(check)) => allowed(&check, &name),
        _ => Vec::new(),
    };
    if let Some(relation) = relations.last_mut() {
        relation.columns.push(Column {
            name,
            kind,
            not_null: is(not_null),
            is_readable: is(readable),
            is_key: is(key),
            values,
            is_filled: is(filled),
            sample: None,
        });
    }
}

/// The texts of `CHECK (status IN ('new', 'paid'))`, and of `= ANY (ARRAY['new'::text, …])`, for this column.
pub fn allowed(sql: &str, column: &str) -> Vec<String> {
    let lower = sql.to_ascii_lowercase();
    let column = column.to_ascii_lowercase();
    for (at, _) in lower.match_indices("check") {
        let rest = &sql[at + "check".len()..];
        let trimmed = rest.trim_start_matches([' ', '\n', '\t', '(', '"', '`']);
        let Some(after) = trimmed
            .get(..column.len())
            .filter(|begin| begin.eq_ignore_ascii_case(&column))
            .map(|_| &trimmed[column.len()..])
        else {
            continue;
        };
        let listed = after.trim_start_matches(['"', '`', ')']);
        let listed = listed.split_once("::").map_or(listed, |(before, cast)| {
            match before.trim().is_empty() {
                true => cast,
                false => listed,
            }
        });
        let head: String = listed.chars().take_while(|one| *one != '\'').collect();
        let head = head.to_ascii_lowercase();
        let is_list = head.contains(" in ") || head.contains(" in(") || head.contains("= any");
        if is_list && !head.contains("not in") && !head.contains(" and ") {
            return literals(listed);
        }
    }
    Vec::new()
}

/// Quoted texts up to the end of their list, separated by a comma and casts.
fn literals(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some((between, begun)) = rest.split_once('\'') {
        let goes_on =
            between.contains(',') && !between.starts_with("))") && !between.starts_with("),");
        if !all.is_empty() && !goes_on {
            break;
        }
        let Some((literal, after)) = literal(begun) else {
            break;
        };
        all.push(literal);
        rest = after;
    }
    all
}

/// A quote inside is written twice.
fn literal(begun: &str) -> Option<(String, &str)> {
    let (mut literal, mut rest) = begun
        .split_once('\'')
        .map(|(one, rest)| (one.to_owned(), rest))?;
    while let Some(more) = rest.strip_prefix('\'') {
        let (next, after) = more.split_once('\'')?;
        literal.push('\'');
        literal.push_str(next);
        rest = after;
    }
    Some((literal, rest))
}

/// Reads one value of each column in its own statement: a table that cannot be read hides only its own values.
async fn sample(
    snapshot: &mut Snapshot,
    survey: &mut Survey,
    may_be_sampled: &impl Fn(&Relation, &Column, Engine) -> bool,
    limits: &Limits,
) -> Result<(), DatabaseError> {
    let engine = survey.engine;
    for relation in survey.relations.iter_mut().filter(|one| !one.is_view) {
        let table = quoted_table(&relation.name);
        let columns = relation.columns.iter().enumerate();
        let wanted =
            columns.filter(|(_, one)| one.is_readable && may_be_sampled(relation, one, engine));
        let wanted: Vec<usize> = wanted.map(|(at, _)| at).collect();
        for column in wanted {
            let column = &mut relation.columns[column];
            let name = quoted(&column.name);
            // If times are numbers, zero means "never".
            let question = format!(
                "SELECT {name} FROM {table} WHERE {name} IS NOT NULL AND {} NOT IN ('', '0') LIMIT 1",
                as_text(&name, engine)
            );
            column.sample = match optional(snapshot.value(&question, &[], limits).await)? {
                Some(Cell::Integer(whole)) => Some(Sample::Whole(whole)),
                Some(Cell::Text(text)) => Some(Sample::Text(text)),
                _ => None,
            };
        }
    }
    Ok(())
}

/// How many tables each table is referenced by.
pub fn references(survey: &Survey) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for relation in &survey.relations {
        for (_, parent, _) in &relation.foreign_keys {
            *counts.entry(parent.as_str()).or_default() += 1;
        }
    }
    counts
}
