//! What the real tables look like: sizes, types, promises between them, and how text times are written.

pub mod newest;
pub mod rights;
pub mod survey;
pub mod unborn;
pub mod undeclared;

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Catalog;
use crate::database::{DatabaseError, Limits, Snapshot};
use crate::engine::Engine;
use crate::plan::facts::wanted;
use crate::plan::sql::{Writer, quoted, table as quoted_table};
use crate::plan::time::is_text_type;
use crate::plan::{Bind, Cell, Facts};

/// Reads the facts of every declared table of one app database, inside its snapshot. A table that
/// cannot be looked at fails later, with the metrics that need it.
pub async fn probe(
    snapshot: &mut Snapshot,
    catalog: &Catalog,
    database: &str,
    limits: &Limits,
) -> Result<Facts, DatabaseError> {
    let wanted = wanted(catalog, database);
    let mut facts = Facts::default();
    let names: Vec<&str> = wanted.keys().copied().collect();
    if forgiven(tables(snapshot, &names, database, limits, &mut facts).await)?.is_none() {
        for name in &names {
            forgiven(tables(snapshot, &[name], database, limits, &mut facts).await)?;
        }
    }
    let times = kept_as_text(snapshot.engine(), &wanted, database, &facts);
    if forgiven(sample(snapshot, &times, database, limits, &mut facts).await)?.is_none() {
        for one in &times {
            let one = std::slice::from_ref(one);
            forgiven(sample(snapshot, one, database, limits, &mut facts).await)?;
        }
    }
    Ok(facts)
}

/// Columns and promises of these tables; one that is not there is left out.
pub(super) async fn tables(
    snapshot: &mut Snapshot,
    names: &[&str],
    database: &str,
    limits: &Limits,
    facts: &mut Facts,
) -> Result<(), DatabaseError> {
    match snapshot.engine() {
        Engine::Postgres => postgres(snapshot, names, database, limits, facts).await,
        Engine::Sqlite => sqlite(snapshot, names, database, limits, facts).await,
        Engine::Mysql => mysql(snapshot, names, database, limits, facts).await,
    }
}

/// Nothing, where a table is wrong or locked; what concerns the whole database stays an error.
pub(super) fn forgiven<T>(looked: Result<T, DatabaseError>) -> Result<Option<T>, DatabaseError> {
    match looked {
        Err(error) if error.trouble.is_the_statements_own() => Ok(None),
        other => other.map(Some),
    }
}

/// The size stands in the catalog: asking the table itself would wait for whoever has locked it.
const POSTGRES_COLUMNS: &str = "
SELECT wanted.name, greatest(relation.relpages, 0)::bigint * 8192, greatest(relation.reltuples, 0)::bigint,
       attribute.attname::text, format_type(attribute.atttypid, NULL), attribute.attnotnull
FROM (SELECT name, to_regclass(quoted) AS relation FROM unnest($1::text[], $2::text[]) AS each(name, quoted)) AS wanted
JOIN pg_class AS relation ON relation.oid = wanted.relation
JOIN pg_attribute AS attribute ON attribute.attrelid = wanted.relation
WHERE attribute.attnum > 0 AND NOT attribute.attisdropped";

/// Foreign keys that are enforced and checked, and unique columns, of one column each; then, without a parent's name,
/// the columns by which indexes are sorted first. What is promised of a table does not hold for those that inherit from it.
const POSTGRES_PROMISES: &str = "
SELECT wanted.name, own.attname::text, place.nspname || '.' || parent.relname, referenced.attname::text, pg_table_is_visible(parent.oid)
FROM (SELECT name, to_regclass(quoted) AS relation FROM unnest($1::text[], $2::text[]) AS each(name, quoted)) AS wanted
JOIN pg_constraint AS promise ON promise.conrelid = wanted.relation
JOIN pg_class AS itself ON itself.oid = wanted.relation AND NOT (itself.relkind = 'r' AND itself.relhassubclass)
JOIN pg_attribute AS own ON own.attrelid = promise.conrelid AND own.attnum = promise.conkey[1]
LEFT JOIN pg_class AS parent ON parent.oid = promise.confrelid
LEFT JOIN pg_namespace AS place ON place.oid = parent.relnamespace
LEFT JOIN pg_attribute AS referenced ON referenced.attrelid = promise.confrelid AND referenced.attnum = promise.confkey[1]
WHERE promise.contype IN ('f', 'p', 'u') AND promise.convalidated AND cardinality(promise.conkey) = 1
UNION ALL
SELECT wanted.name, own.attname::text, NULL, NULL, NULL
FROM (SELECT name, to_regclass(quoted) AS relation FROM unnest($1::text[], $2::text[]) AS each(name, quoted)) AS wanted
JOIN pg_index AS made ON made.indrelid = wanted.relation
JOIN pg_class AS itself ON itself.oid = wanted.relation AND NOT (itself.relkind = 'r' AND itself.relhassubclass)
JOIN pg_attribute AS own ON own.attrelid = wanted.relation AND own.attnum = made.indkey[0]
WHERE made.indisunique AND made.indisvalid AND made.indnkeyatts = 1 AND made.indpred IS NULL AND made.indexprs IS NULL
UNION ALL
SELECT wanted.name, own.attname::text, '', '', NULL
FROM (SELECT name, to_regclass(quoted) AS relation FROM unnest($1::text[], $2::text[]) AS each(name, quoted)) AS wanted
JOIN pg_index AS made ON made.indrelid = wanted.relation
JOIN pg_attribute AS own ON own.attrelid = wanted.relation AND own.attnum = made.indkey[0]
WHERE made.indisvalid AND made.indpred IS NULL";

async fn postgres(
    snapshot: &mut Snapshot,
    names: &[&str],
    database: &str,
    limits: &Limits,
    facts: &mut Facts,
) -> Result<(), DatabaseError> {
    let plain = Bind::Texts(names.iter().map(|name| (*name).to_owned()).collect());
    let real = Bind::Texts(names.iter().map(|name| quoted_table(name)).collect());
    let binds = [plain, real];
    let mut found = |cells: &[Cell]| {
        let [
            Cell::Text(name),
            Cell::Integer(bytes),
            Cell::Integer(rows),
            Cell::Text(column),
            Cell::Text(kind),
            Cell::Integer(not_null),
        ] = cells
        else {
            return Ok(());
        };
        let table = facts.table_mut(database, name);
        table.bytes = *bytes;
        table.rows = *rows;
        table.types.insert(column.clone(), kind.to_lowercase());
        if *not_null == 1 {
            table.not_null.insert(column.clone());
        }
        Ok(())
    };
    snapshot
        .rows(POSTGRES_COLUMNS, &binds, limits, &mut found)
        .await?;
    let mut promised = |cells: &[Cell]| {
        let [
            Cell::Text(name),
            Cell::Text(column),
            parent,
            referenced,
            is_visible,
        ] = cells
        else {
            return Ok(());
        };
        let table = facts.table_mut(database, name);
        match (parent, referenced) {
            (Cell::Text(none), _) if none.is_empty() => {
                table.indexed.insert(column.clone());
            }
            (Cell::Text(parent), Cell::Text(referenced)) => {
                let is_visible = *is_visible == Cell::Integer(1);
                let names = known_as(parent, is_visible);
                let promised = |name| (column.clone(), name, referenced.clone());
                table.foreign_keys.extend(names.map(promised));
            }
            _ => {
                table.unique.insert(column.clone());
            }
        }
        Ok(())
    };
    snapshot
        .rows(POSTGRES_PROMISES, &binds, limits, &mut promised)
        .await?;
    Ok(())
}

/// Columns, foreign keys of one column and indexes of the whole table, in one round. What compares a column's texts other
/// than by their bytes stands in the words that made its table.
const SQLITE_FACTS: &str = "
WITH wanted(name, bare, place) AS (
    SELECT value ->> 0, value ->> 1, nullif(value ->> 2, '') FROM json_each(?1)
)
SELECT wanted.name, 'column', info.name, lower(info.type), CASE WHEN info.type LIKE '%int%' OR EXISTS (
    SELECT 1 FROM sqlite_schema WHERE type = 'table' AND lower(name) = lower(wanted.bare) AND sql NOT LIKE '%collate%'
) THEN '' ELSE 'collated' END, info.\"notnull\", info.pk
FROM wanted, pragma_table_info(wanted.bare, wanted.place) AS info
UNION ALL
SELECT wanted.name, 'promise', one.\"from\", coalesce(wanted.place, 'main') || '.' || one.\"table\", coalesce(one.\"to\", 'id'), 1, 0
FROM wanted, pragma_foreign_key_list(wanted.bare, wanted.place) AS one
WHERE (SELECT count(*) FROM pragma_foreign_key_list(wanted.bare, wanted.place) AS other WHERE other.id = one.id) = 1
UNION ALL
SELECT wanted.name, 'index', part.name, '', '', made.\"unique\",
    (SELECT count(*) FROM pragma_index_info(made.name, wanted.place))
FROM wanted, pragma_index_list(wanted.bare, wanted.place) AS made, pragma_index_info(made.name, wanted.place) AS part
WHERE NOT made.partial AND part.seqno = 0";

async fn sqlite(
    snapshot: &mut Snapshot,
    names: &[&str],
    database: &str,
    limits: &Limits,
    facts: &mut Facts,
) -> Result<(), DatabaseError> {
    // `main.users` names a schema too; without one, every attached file is looked through.
    let wanted = names.iter().map(|name| {
        let (schema, bare) = parted(name);
        serde_json::json!([name, bare, schema])
    });
    let binds = [Bind::Text(
        serde_json::Value::Array(wanted.collect()).to_string(),
    )];
    listed(snapshot, SQLITE_FACTS, &binds, database, limits, facts).await
}

/// The server opens only tables that are asked for by name, so each has its own questions.
const MYSQL_FACTS: &str = "
SELECT NAME, 'column', COLUMN_NAME, lower(COLUMN_TYPE), '', IS_NULLABLE = 'NO', 0
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = SCHEMA AND TABLE_NAME = BARE
UNION ALL
SELECT NAME, 'promise', max(COLUMN_NAME), concat(max(REFERENCED_TABLE_SCHEMA), '.', max(REFERENCED_TABLE_NAME)),
    max(REFERENCED_COLUMN_NAME), max(REFERENCED_TABLE_SCHEMA) = database(), 0
FROM information_schema.KEY_COLUMN_USAGE
WHERE TABLE_SCHEMA = SCHEMA AND TABLE_NAME = BARE AND REFERENCED_TABLE_NAME IS NOT NULL
GROUP BY CONSTRAINT_NAME HAVING count(*) = 1
UNION ALL
SELECT NAME, 'index', max(CASE SEQ_IN_INDEX WHEN 1 THEN COLUMN_NAME END), '', '', max(NON_UNIQUE) = 0, count(*)
FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = SCHEMA AND TABLE_NAME = BARE
GROUP BY INDEX_NAME";

async fn mysql(
    snapshot: &mut Snapshot,
    names: &[&str],
    database: &str,
    limits: &Limits,
    facts: &mut Facts,
) -> Result<(), DatabaseError> {
    let (question, binds) = for_each_table(MYSQL_FACTS, names);
    listed(snapshot, &question, &binds, database, limits, facts).await
}

/// A question on MySQL's own catalog put for each of the tables, by its name.
fn for_each_table(question: &str, names: &[&str]) -> (String, Vec<Bind>) {
    let mut writer = Writer::new(Engine::Mysql);
    let questions = names.iter().map(|name| {
        let (schema, bare) = parted(name);
        let schema = match schema {
            "" => "database()".to_owned(),
            _ => writer.bind(Bind::Text(schema.to_owned())),
        };
        let bare = writer.bind(Bind::Text(bare.to_owned()));
        let name = writer.bind(Bind::Text((*name).to_owned()));
        let question = question.replace("= SCHEMA", &format!("= {schema}"));
        let question = question.replace("= BARE", &format!("= {bare}"));
        question.replace("SELECT NAME", &format!("SELECT {name}"))
    });
    let question = questions.collect::<Vec<_>>().join(" UNION ALL ");
    (question, writer.binds)
}

fn parted(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// What a table of a schema may be called: without the schema only where that means no other.
fn known_as(table: &str, is_visible: bool) -> impl Iterator<Item = String> {
    let bare = is_visible.then(|| parted(table).1.to_owned());
    [table.to_owned()].into_iter().chain(bare)
}

/// Columns, promises and indexes, as rows of one shape.
async fn listed(
    snapshot: &mut Snapshot,
    question: &str,
    binds: &[Bind],
    database: &str,
    limits: &Limits,
    facts: &mut Facts,
) -> Result<(), DatabaseError> {
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut found = |cells: &[Cell]| {
        let [
            Cell::Text(name),
            Cell::Text(what),
            Cell::Text(column),
            Cell::Text(one),
            Cell::Text(other),
            Cell::Integer(strict),
            Cell::Integer(place),
        ] = cells
        else {
            return Ok(());
        };
        let table = facts.table_mut(database, name);
        match what.as_str() {
            "column" => {
                table.types.insert(column.clone(), one.clone());
                if other == "collated" {
                    table.collated.insert(column.clone());
                }
                if *strict == 1 {
                    table.not_null.insert(column.clone());
                }
                if *place > 0 {
                    keys.entry(name.clone()).or_default().push(column.clone());
                }
            }
            "promise" => {
                let names = known_as(one, *strict == 1);
                let promised = |name| (column.clone(), name, other.clone());
                table.foreign_keys.extend(names.map(promised));
            }
            _ => {
                table.indexed.insert(column.clone());
                if (*strict, *place) == (1, 1) {
                    table.unique.insert(column.clone());
                }
            }
        }
        Ok(())
    };
    snapshot.rows(question, binds, limits, &mut found).await?;
    for (name, keys) in keys {
        let table = facts.tables.get_mut(&(database.to_owned(), name));
        if let (Some(table), [only]) = (table, keys.as_slice()) {
            table.unique.insert(only.clone());
        }
    }
    // An index may tell apart what the column holds for equal.
    for table in facts.tables.values_mut() {
        let collated = &table.collated;
        table.unique.retain(|column| !collated.contains(column));
    }
    Ok(())
}

/// Time columns that the database keeps as text, with their tables.
fn kept_as_text(
    engine: Engine,
    wanted: &BTreeMap<&str, BTreeSet<&str>>,
    database: &str,
    facts: &Facts,
) -> Vec<(String, String)> {
    let is_text = |name: &str, column: &str| {
        let table = facts.tables.get(&(database.to_owned(), name.to_owned()));
        let declared = table.and_then(|table| table.types.get(column));
        declared.is_some_and(|declared| engine == Engine::Sqlite || is_text_type(declared))
    };
    let all = wanted
        .iter()
        .flat_map(|(name, columns)| columns.iter().map(move |column| (*name, *column)));
    all.filter(|(name, column)| is_text(name, column))
        .map(|(name, column)| (name.to_owned(), column.to_owned()))
        .collect()
}

/// One value of each of these columns, where it is a text.
pub(super) async fn sample(
    snapshot: &mut Snapshot,
    columns: &[(String, String)],
    database: &str,
    limits: &Limits,
    facts: &mut Facts,
) -> Result<(), DatabaseError> {
    if columns.is_empty() {
        return Ok(());
    }
    let one = |(at, (name, column)): (usize, &(String, String))| {
        let (table, quoted) = (quoted_table(name), quoted(column));
        format!(
            "SELECT * FROM (SELECT {at}, {quoted} FROM {table} WHERE {quoted} IS NOT NULL LIMIT 1) AS one"
        )
    };
    let all: Vec<String> = columns.iter().enumerate().map(one).collect();
    let query = all.join(" UNION ALL ");
    let mut found = |cells: &[Cell]| {
        if let [Cell::Integer(at), Cell::Text(value)] = cells
            && let Some((name, column)) = usize::try_from(*at).ok().and_then(|at| columns.get(at))
        {
            let table = facts.table_mut(database, name);
            table.samples.insert(column.clone(), value.clone());
        }
        Ok(())
    };
    snapshot.rows(&query, &[], limits, &mut found).await?;
    Ok(())
}
