//! Facts about the real tables: sizes, types, keys, and samples of times held as text.

pub mod newest;
pub mod rights;
pub mod survey;
pub mod undated;
pub mod undeclared;

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Catalog;
use crate::database::{DatabaseError, Limits, Snapshot};
use crate::engine::Engine;
use crate::plan::facts::wanted;
use crate::plan::sql::{Writer, quoted, table as quoted_table};
use crate::plan::time::is_text_type;
use crate::plan::{Bind, Cell, Facts};

/// Reads the facts of every declared table of one app database, inside its snapshot. A table that cannot be read fails
/// later, with the metrics that need it.
pub async fn probe(
    snapshot: &mut Snapshot,
    catalog: &Catalog,
    database: &str,
    limits: &Limits,
) -> Result<Facts, DatabaseError> {
    let wanted = wanted(catalog, database);
    let names: Vec<&str> = wanted.keys().copied().collect();
    let mut probe = Probe {
        snapshot,
        database,
        limits,
        facts: Facts::default(),
    };
    if optional(probe.tables(&names).await)?.is_none() {
        for name in &names {
            optional(probe.tables(&[name]).await)?;
        }
    }
    let times = probe.text_times(&wanted);
    if optional(probe.sample(&times).await)?.is_none() {
        for one in &times {
            optional(probe.sample(std::slice::from_ref(one)).await)?;
        }
    }
    Ok(probe.facts)
}

/// `None` if a table is wrong or locked; what concerns the whole database stays an error.
pub(super) fn optional<T>(looked: Result<T, DatabaseError>) -> Result<Option<T>, DatabaseError> {
    match looked {
        Err(error) if error.trouble.is_the_statements_own() => Ok(None),
        other => other.map(Some),
    }
}

/// The size is read from the catalog: a query on the table itself would wait for its locks.
const POSTGRES_COLUMNS: &str = "
SELECT wanted.name, greatest(relation.relpages, 0)::bigint * 8192, greatest(relation.reltuples, 0)::bigint,
       attribute.attname::text, format_type(attribute.atttypid, NULL), attribute.attnotnull
FROM (SELECT name, to_regclass(quoted) AS relation FROM unnest($1::text[], $2::text[]) AS each(name, quoted)) AS wanted
JOIN pg_class AS relation ON relation.oid = wanted.relation
JOIN pg_attribute AS attribute ON attribute.attrelid = wanted.relation
WHERE attribute.attnum > 0 AND NOT attribute.attisdropped";

/// Foreign keys that are enforced and checked, and unique columns, of one column each; then, with an empty parent, the
/// first columns of indexes. A table's keys do not hold for tables that inherit from it.
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

/// Columns, foreign keys of one column and indexes of the whole table, in one query. Only the table's `CREATE` statement
/// shows whether a column's texts are compared other than by their bytes.
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

/// The server opens only tables that are named, so each table has its own query.
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

/// Collects facts of one app database's tables inside its snapshot.
pub(super) struct Probe<'a> {
    pub snapshot: &'a mut Snapshot,
    pub database: &'a str,
    pub limits: &'a Limits,
    pub facts: Facts,
}

impl Probe<'_> {
    /// Columns, keys and indexes of these tables; a missing table is left out.
    pub(super) async fn tables(&mut self, names: &[&str]) -> Result<(), DatabaseError> {
        match self.snapshot.engine() {
            Engine::Postgres => self.postgres(names).await,
            Engine::Sqlite => {
                // `main.users` names a schema; without one, every attached file is searched.
                let wanted = names.iter().map(|name| {
                    let (schema, bare) = parted(name);
                    serde_json::json!([name, bare, schema])
                });
                let wanted = serde_json::Value::Array(wanted.collect());
                let binds = [Bind::Text(wanted.to_string())];
                self.listed(SQLITE_FACTS, &binds).await
            }
            Engine::Mysql => {
                let (question, binds) = for_each_table(MYSQL_FACTS, names);
                self.listed(&question, &binds).await
            }
        }
    }

    async fn all_rows(
        &mut self,
        question: &str,
        binds: &[Bind],
    ) -> Result<Vec<Vec<Cell>>, DatabaseError> {
        self.snapshot.all_rows(question, binds, self.limits).await
    }

    async fn postgres(&mut self, names: &[&str]) -> Result<(), DatabaseError> {
        let binds = names_and_quoted(names);
        for row in self.all_rows(POSTGRES_COLUMNS, &binds).await? {
            let Ok(
                [
                    Cell::Text(name),
                    Cell::Integer(bytes),
                    Cell::Integer(rows),
                    Cell::Text(column),
                    Cell::Text(kind),
                    Cell::Integer(not_null),
                ],
            ) = <[Cell; 6]>::try_from(row)
            else {
                continue;
            };
            let table = self.facts.table_mut(self.database, &name);
            table.bytes = bytes;
            table.rows = rows;
            if not_null == 1 {
                table.not_null.insert(column.clone());
            }
            table.types.insert(column, kind.to_lowercase());
        }
        for row in self.all_rows(POSTGRES_PROMISES, &binds).await? {
            let Ok(
                [
                    Cell::Text(name),
                    Cell::Text(column),
                    parent,
                    referenced,
                    is_visible,
                ],
            ) = <[Cell; 5]>::try_from(row)
            else {
                continue;
            };
            let table = self.facts.table_mut(self.database, &name);
            match (parent, referenced) {
                (Cell::Text(none), _) if none.is_empty() => {
                    table.indexed.insert(column);
                }
                (Cell::Text(parent), Cell::Text(referenced)) => {
                    let is_visible = is_visible == Cell::Integer(1);
                    let names = known_as(&parent, is_visible);
                    let promised = |name| (column.clone(), name, referenced.clone());
                    table.foreign_keys.extend(names.map(promised));
                }
                _ => {
                    table.unique.insert(column);
                }
            }
        }
        Ok(())
    }

    /// Columns, foreign keys and indexes, as rows of one shape.
    async fn listed(&mut self, question: &str, binds: &[Bind]) -> Result<(), DatabaseError> {
        let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for row in self.all_rows(question, binds).await? {
            let Ok(
                [
                    Cell::Text(name),
                    Cell::Text(what),
                    Cell::Text(column),
                    Cell::Text(one),
                    Cell::Text(other),
                    Cell::Integer(strict),
                    Cell::Integer(place),
                ],
            ) = <[Cell; 7]>::try_from(row)
            else {
                continue;
            };
            let table = self.facts.table_mut(self.database, &name);
            match what.as_str() {
                "column" => {
                    table.types.insert(column.clone(), one);
                    if other == "collated" {
                        table.collated.insert(column.clone());
                    }
                    if strict == 1 {
                        table.not_null.insert(column.clone());
                    }
                    if place > 0 {
                        keys.entry(name).or_default().push(column);
                    }
                }
                "promise" => {
                    let names = known_as(&one, strict == 1);
                    let promised = |name| (column.clone(), name, other.clone());
                    table.foreign_keys.extend(names.map(promised));
                }
                _ => {
                    if (strict, place) == (1, 1) {
                        table.unique.insert(column.clone());
                    }
                    table.indexed.insert(column);
                }
            }
        }
        for (name, keys) in keys {
            if let [only] = keys.as_slice() {
                let table = self.facts.table_mut(self.database, &name);
                table.unique.insert(only.clone());
            }
        }
        // An index may distinguish what the column considers equal.
        for table in self.facts.tables.values_mut() {
            let collated = &table.collated;
            table.unique.retain(|column| !collated.contains(column));
        }
        Ok(())
    }

    /// Time columns that the database holds as text, with their tables.
    fn text_times(&self, wanted: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<(String, String)> {
        let is_sqlite = self.snapshot.engine() == Engine::Sqlite;
        let mut times = Vec::new();
        for (name, columns) in wanted {
            let Some(table) = self.facts.table(self.database, name) else {
                continue;
            };
            let is_text = |column: &&&str| {
                let declared = table.types.get(**column);
                declared.is_some_and(|declared| is_sqlite || is_text_type(declared))
            };
            let columns = columns.iter().filter(is_text);
            times.extend(columns.map(|column| ((*name).to_owned(), (*column).to_owned())));
        }
        times
    }

    /// One value of each of these columns, if it is a text.
    pub(super) async fn sample(
        &mut self,
        columns: &[(String, String)],
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
        for row in self.all_rows(&all.join(" UNION ALL "), &[]).await? {
            if let Ok([Cell::Integer(at), Cell::Text(value)]) = <[Cell; 2]>::try_from(row)
                && let Some((name, column)) =
                    usize::try_from(at).ok().and_then(|at| columns.get(at))
            {
                let table = self.facts.table_mut(self.database, name);
                table.samples.insert(column.clone(), value);
            }
        }
        Ok(())
    }
}

/// The tables' names as two lists: as given, and quoted.
fn names_and_quoted(names: &[&str]) -> [Bind; 2] {
    let given = names.iter().map(|name| (*name).to_owned());
    let quoted = names.iter().map(|name| quoted_table(name));
    [Bind::Texts(given.collect()), Bind::Texts(quoted.collect())]
}

/// A question to MySQL's own catalog, repeated for each table by its name.
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

/// The names of a table: also without its schema, if no other table has that name.
fn known_as(table: &str, is_visible: bool) -> impl Iterator<Item = String> {
    let bare = is_visible.then(|| parted(table).1.to_owned());
    [table.to_owned()].into_iter().chain(bare)
}
