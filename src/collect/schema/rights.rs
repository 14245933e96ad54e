//! For the doctor: the server's version, the user and its rights, and the names of all tables.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::database::{DatabaseError, Limits, Snapshot, mysql};
use crate::engine::Engine;
use crate::plan::Cell;

use super::{for_each_table, names_and_quoted};

/// The server and what this user may do on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Server {
    /// `PostgreSQL 15.8`
    pub version: String,
    /// Empty if the engine has no users.
    pub user: String,
    pub is_superuser: bool,
    /// On the server's own disk, even in a read-only transaction.
    pub may_write_files: bool,
    /// In some schema.
    pub may_create: bool,
    /// Schemas in which everybody may create tables, quoted.
    pub open_schemas: Option<String>,
    /// In a schema in which not everybody may.
    pub may_create_by_itself: bool,
    pub is_encrypted: bool,
    pub is_standby: bool,
    /// `None` if the engine has no clock of its own.
    pub clock: Option<DateTime<Utc>>,
}

/// This user's rights on the tables, by their real names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Columns that may not be read.
    pub unreadable: BTreeMap<String, BTreeSet<String>>,
    pub writable: BTreeSet<String>,
}

/// More names than this would not help to find the right one.
const POSTGRES_NAMES: &str = "
SELECT CASE WHEN pg_table_is_visible(relation.oid) THEN relation.relname ELSE place.nspname || '.' || relation.relname END
FROM pg_class AS relation JOIN pg_namespace AS place ON place.oid = relation.relnamespace
WHERE relation.relkind IN ('r', 'p', 'v', 'm', 'f') AND place.nspname <> 'information_schema' AND place.nspname NOT LIKE 'pg\\_%'
LIMIT 10000";

const SQLITE_NAMES: &str =
    "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') LIMIT 10000";

const MYSQL_NAMES: &str = "
SELECT CASE TABLE_SCHEMA WHEN database() THEN TABLE_NAME ELSE concat(TABLE_SCHEMA, '.', TABLE_NAME) END
FROM information_schema.TABLES
WHERE TABLE_SCHEMA NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')
LIMIT 10000";

const POSTGRES_SERVER: &str = "
SELECT split_part(current_setting('server_version'), ' ', 1), current_user::text,
       coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false),
       EXISTS (SELECT FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND has_schema_privilege(oid, 'CREATE')),
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
       pg_is_in_recovery(), clock_timestamp(), 0,
       EXISTS (SELECT FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND has_schema_privilege(oid, 'CREATE')
           AND NOT EXISTS (SELECT FROM aclexplode(nspacl) AS power WHERE power.grantee = 0 AND power.privilege_type = 'CREATE')),
       (SELECT string_agg(format('%I', nspname), ', ' ORDER BY nspname) FROM pg_namespace
        WHERE nspname NOT LIKE 'pg\\_%'
            AND EXISTS (SELECT FROM aclexplode(nspacl) AS power WHERE power.grantee = 0 AND power.privilege_type = 'CREATE'))";

const SQLITE_SERVER: &str = "SELECT sqlite_version()";

const MYSQL_SERVER: &str = "
SELECT version(), current_user(), coalesce(max(PRIVILEGE_TYPE = 'SUPER'), 0),
       coalesce(max(PRIVILEGE_TYPE = 'CREATE'), 0), 0, 0, concat(utc_timestamp(6), 'Z'), coalesce(max(PRIVILEGE_TYPE = 'FILE'), 0)
FROM (SELECT GRANTEE, PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES
      UNION ALL SELECT GRANTEE, PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES) AS powers
WHERE GRANTEE = concat('''', substring_index(current_user(), '@', 1), '''@''', substring_index(current_user(), '@', -1), '''')";

const MYSQL_CIPHER: &str = "SHOW SESSION STATUS LIKE 'Ssl_cipher'";

/// The server lists this user's rights on each column, however they were granted.
const MYSQL_RIGHTS: &str = "
SELECT NAME, COLUMN_NAME, PRIVILEGES NOT LIKE '%select%', PRIVILEGES LIKE '%insert%' OR PRIVILEGES LIKE '%update%'
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = SCHEMA AND TABLE_NAME = BARE";

const UNREADABLE: &str = "
SELECT wanted.name, attribute.attname::text
FROM (SELECT name, to_regclass(quoted) AS relation FROM unnest($1::text[], $2::text[]) AS each(name, quoted)) AS wanted
JOIN pg_attribute AS attribute ON attribute.attrelid = wanted.relation
WHERE attribute.attnum > 0 AND NOT attribute.attisdropped
    AND NOT has_column_privilege(wanted.relation, attribute.attnum, 'SELECT')";

const WRITABLE: &str = "
SELECT wanted.name
FROM (SELECT name, to_regclass(quoted) AS relation FROM unnest($1::text[], $2::text[]) AS each(name, quoted)) AS wanted
WHERE has_table_privilege(wanted.relation, 'INSERT, UPDATE, DELETE, TRUNCATE')";

pub async fn server(snapshot: &mut Snapshot, limits: &Limits) -> Result<Server, DatabaseError> {
    let mut server = Server::default();
    let engine = snapshot.engine();
    let (question, name) = match engine {
        Engine::Postgres => (POSTGRES_SERVER, "PostgreSQL"),
        Engine::Sqlite => (SQLITE_SERVER, "SQLite"),
        Engine::Mysql => (MYSQL_SERVER, "MySQL"),
    };
    let rows = snapshot.all_rows(question, &[], limits).await?;
    let cells = rows.first().map(Vec::as_slice).unwrap_or_default();
    let text = |at: usize| match cells.get(at) {
        Some(Cell::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    if let Some(version) = text(0) {
        server.version = match engine {
            Engine::Mysql => mysql::product(version),
            _ => format!("{name} {version}"),
        };
    }
    if let Some(user) = text(1) {
        server.user = user.to_owned();
        let is = |at: usize| cells.get(at) == Some(&Cell::Integer(1));
        server.is_superuser = is(2);
        server.may_create = is(3);
        server.is_encrypted = is(4);
        server.is_standby = is(5);
        server.clock = text(6).and_then(|clock| clock.parse().ok());
        server.may_write_files = is(7);
        server.may_create_by_itself = is(8);
        server.open_schemas = text(9).map(str::to_owned);
    }
    if engine == Engine::Mysql {
        let rows = snapshot.all_rows(MYSQL_CIPHER, &[], limits).await?;
        let is_cipher =
            |cells: &Vec<Cell>| matches!(&cells[..], [_, Cell::Text(cipher)] if !cipher.is_empty());
        server.is_encrypted |= rows.iter().any(is_cipher);
    }
    Ok(server)
}

/// The names of all tables that this user can see.
pub async fn names(snapshot: &mut Snapshot, limits: &Limits) -> Result<Vec<String>, DatabaseError> {
    let question = match snapshot.engine() {
        Engine::Postgres => POSTGRES_NAMES,
        Engine::Sqlite => SQLITE_NAMES,
        Engine::Mysql => MYSQL_NAMES,
    };
    let names = snapshot.all_rows(question, &[], limits).await?;
    Ok(names.iter().flatten().map(Cell::text).collect())
}

/// Empty if the engine has no rights.
pub async fn rights(
    snapshot: &mut Snapshot,
    tables: &[&str],
    limits: &Limits,
) -> Result<Rights, DatabaseError> {
    match snapshot.engine() {
        Engine::Sqlite => Ok(Rights::default()),
        Engine::Postgres => postgres_rights(snapshot, tables, limits).await,
        Engine::Mysql => mysql_rights(snapshot, tables, limits).await,
    }
}

async fn mysql_rights(
    snapshot: &mut Snapshot,
    tables: &[&str],
    limits: &Limits,
) -> Result<Rights, DatabaseError> {
    let mut rights = Rights::default();
    if tables.is_empty() {
        return Ok(rights);
    }
    let (question, binds) = for_each_table(MYSQL_RIGHTS, tables);
    for row in snapshot.all_rows(&question, &binds, limits).await? {
        if let Ok([Cell::Text(table), Cell::Text(column), closed, writable]) =
            <[Cell; 4]>::try_from(row)
        {
            if writable == Cell::Integer(1) {
                rights.writable.insert(table.clone());
            }
            if closed == Cell::Integer(1) {
                rights.unreadable.entry(table).or_default().insert(column);
            }
        }
    }
    Ok(rights)
}

async fn postgres_rights(
    snapshot: &mut Snapshot,
    tables: &[&str],
    limits: &Limits,
) -> Result<Rights, DatabaseError> {
    let mut rights = Rights::default();
    let binds = names_and_quoted(tables);
    for row in snapshot.all_rows(UNREADABLE, &binds, limits).await? {
        if let Ok([Cell::Text(table), Cell::Text(column)]) = <[Cell; 2]>::try_from(row) {
            rights.unreadable.entry(table).or_default().insert(column);
        }
    }
    let writable = snapshot.all_rows(WRITABLE, &binds, limits).await?;
    rights.writable = writable.iter().flatten().map(Cell::text).collect();
    Ok(rights)
}
