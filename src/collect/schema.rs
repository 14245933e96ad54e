//! What the real tables look like: sizes, types, promises between them, and how text times are written.

use std::collections::BTreeSet;

use crate::catalog::{Catalog, Engine};
use crate::database::{DatabaseError, Limits, Snapshot, Trouble};
use crate::plan::facts::wanted;
use crate::plan::sql::{quoted, table as quoted_table};
use crate::plan::{Bind, Cell, Facts, TableFacts};

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
    match snapshot.engine() {
        Engine::Postgres => {
            let names: Vec<&str> = wanted.keys().copied().collect();
            let together = postgres(snapshot, &names, (database, limits), &mut facts).await;
            if forgiven(together)?.is_none() {
                for name in &names {
                    forgiven(postgres(snapshot, &[name], (database, limits), &mut facts).await)?;
                }
            }
        }
        Engine::Sqlite => {
            for name in wanted.keys() {
                let found = forgiven(sqlite(snapshot, name, limits).await)?.unwrap_or_default();
                facts
                    .tables
                    .insert((database.to_owned(), (*name).to_owned()), found);
            }
        }
    }
    for (name, columns) in &wanted {
        let Some(found) = facts
            .tables
            .get_mut(&(database.to_owned(), (*name).to_owned()))
        else {
            continue;
        };
        forgiven(sample(snapshot, name, columns, (found, limits)).await)?;
    }
    Ok(facts)
}

/// Nothing, where a table is wrong or locked; what concerns the whole database stays an error.
fn forgiven<T>(looked: Result<T, DatabaseError>) -> Result<Option<T>, DatabaseError> {
    match looked {
        Err(error) if matches!(error.trouble, Trouble::Query | Trouble::Timeout) => Ok(None),
        other => other.map(Some),
    }
}

/// The size stands in the catalog: asking the table itself would wait for whoever has locked it.
const POSTGRES_COLUMNS: &str = "
SELECT wanted.name, greatest(relation.relpages, 0)::bigint * 8192, attribute.attname::text,
       format_type(attribute.atttypid, NULL), attribute.attnotnull
FROM (SELECT name, to_regclass(quoted) AS relation FROM unnest($1::text[], $2::text[]) AS each(name, quoted)) AS wanted
JOIN pg_class AS relation ON relation.oid = wanted.relation
JOIN pg_attribute AS attribute ON attribute.attrelid = wanted.relation
WHERE attribute.attnum > 0 AND NOT attribute.attisdropped";

/// Foreign keys that are enforced and checked, and unique columns, of one column each.
const POSTGRES_PROMISES: &str = "
SELECT wanted.name, own.attname::text, parent.relname::text, referenced.attname::text
FROM (SELECT name, to_regclass(quoted) AS relation FROM unnest($1::text[], $2::text[]) AS each(name, quoted)) AS wanted
JOIN pg_constraint AS promise ON promise.conrelid = wanted.relation
JOIN pg_attribute AS own ON own.attrelid = promise.conrelid AND own.attnum = promise.conkey[1]
LEFT JOIN pg_class AS parent ON parent.oid = promise.confrelid
LEFT JOIN pg_attribute AS referenced ON referenced.attrelid = promise.confrelid AND referenced.attnum = promise.confkey[1]
WHERE promise.contype IN ('f', 'p', 'u') AND promise.convalidated AND cardinality(promise.conkey) = 1
UNION ALL
SELECT wanted.name, own.attname::text, NULL, NULL
FROM (SELECT name, to_regclass(quoted) AS relation FROM unnest($1::text[], $2::text[]) AS each(name, quoted)) AS wanted
JOIN pg_index AS made ON made.indrelid = wanted.relation
JOIN pg_attribute AS own ON own.attrelid = wanted.relation AND own.attnum = made.indkey[0]
WHERE made.indisunique AND made.indisvalid AND made.indnkeyatts = 1 AND made.indpred IS NULL AND made.indexprs IS NULL";

async fn postgres(
    snapshot: &mut Snapshot,
    names: &[&str],
    place: (&str, &Limits),
    facts: &mut Facts,
) -> Result<(), DatabaseError> {
    let (database, limits) = place;
    let plain = Bind::Texts(names.iter().map(|name| (*name).to_owned()).collect());
    let real = Bind::Texts(names.iter().map(|name| quoted_table(name)).collect());
    let binds = [plain, real];
    let mut found = |cells: &[Cell]| {
        let [
            Cell::Text(name),
            Cell::Integer(bytes),
            Cell::Text(column),
            Cell::Text(kind),
            Cell::Integer(not_null),
        ] = cells
        else {
            return Ok(());
        };
        let table = facts
            .tables
            .entry((database.to_owned(), name.clone()))
            .or_default();
        table.bytes = *bytes;
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
        let [Cell::Text(name), Cell::Text(column), parent, referenced] = cells else {
            return Ok(());
        };
        let table = facts
            .tables
            .entry((database.to_owned(), name.clone()))
            .or_default();
        match (parent, referenced) {
            (Cell::Text(parent), Cell::Text(referenced)) => {
                table
                    .foreign_keys
                    .push((column.clone(), parent.clone(), referenced.clone()));
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

async fn sqlite(
    snapshot: &mut Snapshot,
    name: &str,
    limits: &Limits,
) -> Result<TableFacts, DatabaseError> {
    let mut facts = TableFacts::default();
    // `main.users` names a schema too; without one, every attached file is looked through.
    let (schema, bare) = name.rsplit_once('.').unwrap_or(("", name));
    let binds = [Bind::Text(bare.to_owned()), Bind::Text(schema.to_owned())];
    let mut keys: Vec<String> = Vec::new();
    let columns =
        "SELECT name, lower(type), \"notnull\", pk FROM pragma_table_info(?1, nullif(?2, ''))";
    snapshot
        .rows(columns, &binds, limits, |cells| {
            if let [
                Cell::Text(column),
                kind,
                Cell::Integer(not_null),
                Cell::Integer(key),
            ] = cells
            {
                if let Cell::Text(kind) = kind {
                    facts.types.insert(column.clone(), kind.clone());
                }
                if *not_null == 1 {
                    facts.not_null.insert(column.clone());
                }
                if *key > 0 {
                    keys.push(column.clone());
                }
            }
            Ok(())
        })
        .await?;
    if let [only] = keys.as_slice() {
        facts.unique.insert(only.clone());
    }
    let promises = "SELECT \"from\", \"table\", coalesce(\"to\", 'id') FROM pragma_foreign_key_list(?1, nullif(?2, '')) AS one
        WHERE (SELECT count(*) FROM pragma_foreign_key_list(?1, nullif(?2, '')) AS other WHERE other.id = one.id) = 1";
    snapshot
        .rows(promises, &binds, limits, |cells| {
            if let [Cell::Text(column), Cell::Text(parent), Cell::Text(key)] = cells {
                facts
                    .foreign_keys
                    .push((column.clone(), parent.clone(), key.clone()));
            }
            Ok(())
        })
        .await?;
    let unique = "SELECT min(part.name) FROM pragma_index_list(?1, nullif(?2, '')) AS made, pragma_index_info(made.name, nullif(?2, '')) AS part
        WHERE made.\"unique\" AND NOT made.partial GROUP BY made.name HAVING count(*) = 1";
    snapshot
        .rows(unique, &binds, limits, |cells| {
            if let [Cell::Text(column)] = cells {
                facts.unique.insert(column.clone());
            }
            Ok(())
        })
        .await?;
    Ok(facts)
}

/// One value of each time column that is kept as text.
async fn sample(
    snapshot: &mut Snapshot,
    name: &str,
    columns: &BTreeSet<&str>,
    into: (&mut TableFacts, &Limits),
) -> Result<(), DatabaseError> {
    let (facts, limits) = into;
    for column in columns {
        let declared = facts.types.get(*column).map_or("", String::as_str);
        let is_text =
            declared.contains("char") || declared == "text" || snapshot.engine() == Engine::Sqlite;
        if !facts.types.contains_key(*column) || !is_text {
            continue;
        }
        let (table, quoted) = (quoted_table(name), quoted(column));
        let query = format!("SELECT {quoted} FROM {table} WHERE {quoted} IS NOT NULL LIMIT 1");
        let looked = snapshot.rows(&query, &[], limits, |cells| {
            if let [Cell::Text(value)] = cells {
                facts.samples.insert((*column).to_owned(), value.clone());
            }
            Ok(())
        });
        match looked.await {
            Err(error) if !matches!(error.trouble, Trouble::Query | Trouble::Timeout) => {
                return Err(error);
            }
            _ => {}
        }
    }
    Ok(())
}
