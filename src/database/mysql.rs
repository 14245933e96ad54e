//! MySQL and MariaDB as an app database: one connection in a consistent snapshot, read-only by construction.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlSslMode};
use sqlx::{ConnectOptions, Connection, MySql, MySqlConnection, Row};

use crate::config::DatabaseUrl;
use crate::engine::Engine;
use crate::plan::sql::with_numbers;
use crate::plan::{Bind, Cell};

use super::server::{at_best, connected, has_its_files, is_here, session_name};
use super::{
    DatabaseError, Limits, ROLLBACK_TO_SAVEPOINT, Replayed, SAVEPOINT, Trouble, decode, read_all,
    safe,
};

/// The SQL of the other engines: double quotes for names, single quotes for texts, and no escapes by backslash.
const SQL_MODE: &str = "ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";

/// To move a condition into a derived table, MySQL prints it with backslashes as escapes and parses it again by the
/// session's rules: a text with a backslash would not be found, and one with a quote is an error.
const NO_CONDITION_PUSHDOWN: &str =
    "/*!80022 , optimizer_switch = 'derived_condition_pushdown=off' */";

const BEGIN: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

/// A connection in its snapshot, and the tables as they were when it was taken.
pub struct Session {
    connection: MySqlConnection,
    /// The schema of tables named without one.
    schema: String,
    /// When each table was made, read right before the snapshot; `None` for views.
    made: BTreeMap<TableName, Option<String>>,
}

/// A schema, and a table or view in it.
type TableName = (String, String);

const MADE: &str = "SELECT TABLE_SCHEMA, TABLE_NAME, CAST(CREATE_TIME AS char) FROM information_schema.TABLES WHERE TABLE_SCHEMA";

const NOT_OF_THE_SERVER: &str =
    "NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')";

const DEFINITION: &str = "SELECT CAST(VIEW_DEFINITION AS char) FROM information_schema.VIEWS
    WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";

/// Opens one connection: two could see the same instant only by locking tables.
pub(super) async fn open(
    url: &DatabaseUrl,
    limits: &Limits,
) -> Result<(Session, Replayed), DatabaseError> {
    let options = reach(url)?;
    let mut connection = connected(url, options.connect()).await?;
    let (version, clock, schema): (String, NaiveDateTime, String) =
        sqlx::query_as("SELECT version(), utc_timestamp(6), database()")
            .fetch_one(&mut connection)
            .await?;
    let replayed = replayed(&mut connection, clock.and_utc()).await;
    let made = safe(&format!("{MADE} {NOT_OF_THE_SERVER}"));
    let made = made_by_name(sqlx::query_as(made).fetch_all(&mut connection).await?);
    for command in [
        settings(limits, version.contains("MariaDB")),
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY".to_owned(),
        BEGIN.to_owned(),
        SAVEPOINT.to_owned(),
    ] {
        sqlx::raw_sql(safe(&command))
            .execute(&mut connection)
            .await?;
    }
    let session = Session {
        connection,
        schema,
        made,
    };
    Ok((session, replayed))
}

impl Session {
    /// The tables that a statement may read: those it names, directly or through views. All tables, if this account may
    /// not see the definition of a view.
    async fn named(&mut self, sql: &str) -> Result<BTreeSet<TableName>, DatabaseError> {
        let mut text = sql.to_lowercase();
        let mut views: BTreeSet<TableName> = BTreeSet::new();
        loop {
            let is_named = |(schema, name): &TableName| {
                let is_reached = *schema == self.schema || text.contains(&schema.to_lowercase());
                is_reached && text.contains(&name.to_lowercase())
            };
            let named = |is_view: bool| {
                let all = self.made.iter();
                let kind = all.filter(move |(_, made)| made.is_none() == is_view);
                kind.map(|(name, _)| name).filter(|name| is_named(name))
            };
            let Some(view) = named(true).find(|view| !views.contains(*view)).cloned() else {
                return Ok(named(false).cloned().collect());
            };
            let definition = sqlx::query_scalar::<_, Option<String>>(DEFINITION)
                .bind(view.0.clone())
                .bind(view.1.clone())
                .fetch_optional(&mut self.connection)
                .await?;
            match definition.flatten().filter(|text| !text.is_empty()) {
                Some(definition) => text.push_str(&definition.to_lowercase()),
                None => return Ok(self.made.keys().cloned().collect()),
            }
            views.insert(view);
        }
    }

    /// Fails if the statement has read a table that was altered or renamed since the snapshot, which may not show its
    /// rows. The server itself notices only tables that are younger than the snapshot.
    async fn saw_all(&mut self, sql: &str) -> Result<(), DatabaseError> {
        let named = self.named(sql).await?;
        let mut changed: Vec<String> = Vec::new();
        let schemas: BTreeSet<&String> = named.iter().map(|(schema, _)| schema).collect();
        for schema in schemas {
            let here: Vec<&TableName> = named.iter().filter(|name| name.0 == *schema).collect();
            let placeholders = vec!["?"; here.len()].join(", ");
            let text = format!("{MADE} = ? AND TABLE_NAME IN ({placeholders})");
            let mut query = sqlx::query_as(safe(&text)).bind(schema.clone());
            for (_, name) in &here {
                query = query.bind(name.clone());
            }
            let now = made_by_name(query.fetch_all(&mut self.connection).await?);
            let has_changed = |name: &&&TableName| now.get(**name) != self.made.get(**name);
            let shown = |(schema, name): &&TableName| match *schema == self.schema {
                true => name.clone(),
                false => format!("{schema}.{name}"),
            };
            changed.extend(here.iter().filter(has_changed).map(shown));
        }
        DatabaseError::if_rewritten(&changed)
    }

    pub(super) async fn close(self) {
        drop(self.connection.close().await);
    }
}

fn made_by_name(
    rows: Vec<(String, String, Option<String>)>,
) -> BTreeMap<TableName, Option<String>> {
    let rows = rows.into_iter();
    rows.map(|(schema, name, made)| ((schema, name), made))
        .collect()
}

/// A replica reports how many seconds it is behind, or null while it does not replay. To an account that may not ask, the
/// server looks like no replica. MariaDB before 10.5 and MySQL before 8.0.22 know only the old words.
async fn replayed(connection: &mut MySqlConnection, clock: DateTime<Utc>) -> Replayed {
    let mut found = sqlx::raw_sql("SHOW REPLICA STATUS")
        .fetch_optional(&mut *connection)
        .await;
    if found.is_err() {
        found = sqlx::raw_sql("SHOW SLAVE STATUS")
            .fetch_optional(connection)
            .await;
    }
    let Ok(Some(status)) = found else {
        return Replayed::All;
    };
    let behind = ["Seconds_Behind_Master", "Seconds_Behind_Source"]
        .iter()
        .find_map(|name| status.try_get_unchecked::<Option<String>, _>(*name).ok());
    let seconds = behind.flatten().and_then(|seconds| seconds.parse().ok());
    seconds.map_or(Replayed::Unknown, |seconds: i64| {
        Replayed::Until(clock - TimeDelta::seconds(1 + seconds))
    })
}

fn settings(limits: &Limits, is_mariadb: bool) -> String {
    let statement_timeout = limits.statement_timeout;
    let longest = match is_mariadb {
        true => format!("max_statement_time = {}", statement_timeout.as_secs_f64()),
        false => format!(
            "max_execution_time = {}{NO_CONDITION_PUSHDOWN}",
            statement_timeout.as_millis()
        ),
    };
    let lock_seconds = limits.lock_timeout.as_secs_f64().ceil().max(1.0);
    format!(
        "SET SESSION sql_mode = '{SQL_MODE}', time_zone = '+00:00', {longest}, \
         lock_wait_timeout = {lock_seconds}, innodb_lock_wait_timeout = {lock_seconds}"
    )
}

/// Connection options: verified TLS, unless the server is on this machine or the URL says otherwise.
pub fn reach(url: &DatabaseUrl) -> Result<MySqlConnectOptions, DatabaseError> {
    let options = MySqlConnectOptions::from_str(url.expose())
        .map_err(|error| DatabaseError::new(Trouble::Refused, format!("{url}: {error}")))?;
    if options.get_database().is_none() {
        let message = format!("{url} names no database: write `mysql://USER@HOST:PORT/DATABASE`");
        return Err(DatabaseError::new(Trouble::Refused, message));
    }
    has_its_files(url)?;
    let asked_for = ["sslmode=", "ssl-mode="];
    let options = match is_near(&options) || asked_for.iter().any(|one| url.expose().contains(one))
    {
        true => options,
        false => options.ssl_mode(MySqlSslMode::VerifyIdentity),
    };
    // `settings` sets everything the session needs, at once. Statements stay prepared: the server does not answer when
    // one is closed, so the next one would wait for the network's acknowledgement.
    Ok(options
        .timezone(None)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .disable_statement_logging())
}

fn is_near(options: &MySqlConnectOptions) -> bool {
    options.get_socket().is_some() || is_here(options.get_host())
}

/// `MariaDB 10.11`, or `MySQL 8.4`, by the server's version.
pub fn product(version: &str) -> String {
    match version.split_once("-MariaDB") {
        Some((number, _)) => format!("MariaDB {number}"),
        None => format!("MySQL {version}"),
    }
}

/// Whether the server is on this machine, and whether it has to prove its name.
pub(super) fn is_local_and_proven(url: &DatabaseUrl) -> (bool, bool) {
    reach(url).map_or((false, false), |options| {
        let is_proven = matches!(options.get_ssl_mode(), MySqlSslMode::VerifyIdentity);
        (is_near(&options), is_proven)
    })
}

/// Kills what this process still runs: each of its statements begins with a comment that names the process.
pub(super) async fn cancel(url: &DatabaseUrl) {
    const RUNNING: &str = "SELECT CAST(ID AS signed) FROM information_schema.PROCESSLIST
        WHERE ID <> connection_id() AND INFO LIKE concat('/* ', ?, ' */%')";
    let Ok(options) = reach(url) else {
        return;
    };
    at_best(async {
        let Ok(mut connection) = connected(url, options.connect()).await else {
            return;
        };
        let running: Vec<i64> = sqlx::query_scalar(RUNNING)
            .bind(session_name())
            .fetch_all(&mut connection)
            .await
            .unwrap_or_default();
        for id in running {
            let kill = safe(&format!("KILL QUERY {id}"));
            drop(sqlx::raw_sql(kill).execute(&mut connection).await);
        }
    })
    .await;
}

/// The server refuses a table that is younger than the snapshot (1412); `saw_all` finds the others.
pub(super) async fn ask(
    session: &mut Session,
    sql: &str,
    binds: &[Bind],
    each: &mut impl FnMut(Vec<Cell>) -> Result<(), DatabaseError>,
) -> Result<(), DatabaseError> {
    let rows = bound(sql, binds).fetch(&mut session.connection);
    read_all(rows, decode::mysql, each).await?;
    // Until the rollback nobody can alter what the statement has read.
    let seen = session.saw_all(sql).await;
    let settled = sqlx::raw_sql(ROLLBACK_TO_SAVEPOINT).execute(&mut session.connection);
    settled.await.map_err(DatabaseError::snapshot_ended)?;
    seen
}

/// MySQL's placeholders have no numbers: a value that is used twice is bound twice.
fn bound(sql: &str, binds: &[Bind]) -> sqlx::query::Query<'static, MySql, MySqlArguments> {
    let mut numbers = Vec::new();
    let plain = with_numbers(sql, Engine::Mysql, |number| {
        numbers.push(number);
        "?".to_owned()
    });
    let mut query = sqlx::query(safe(&format!("/* {} */ {plain}", session_name())));
    for bind in numbers.iter().filter_map(|number| binds.get(number - 1)) {
        query = match bind {
            Bind::Instant(instant) => query.bind(instant.naive_utc()),
            Bind::Local(local) => query.bind(*local),
            Bind::Text(text) => query.bind(text.clone()),
            Bind::Integer(whole) => query.bind(*whole),
            Bind::Texts(texts) => query.bind(json!(texts).to_string()),
            Bind::Integers(wholes) => query.bind(json!(wholes).to_string()),
            Bind::Instants(_) | Bind::Locals(_) => query.bind(None::<String>),
        };
    }
    query
}

/// A row of EXPLAIN as a line: `this: ALL, about 994123 rows, Using where`. MySQL has two more columns than MariaDB.
pub(super) fn plan_line(cells: &[Cell]) -> String {
    let column = |at: usize| {
        cells
            .get(at)
            .map(Cell::text)
            .filter(|text| !text.is_empty())
    };
    let more = usize::from(cells.len() > 10);
    let table = column(2).unwrap_or_else(|| "no table".to_owned());
    let parts = [
        column(3 + more),
        column(5 + more).map(|key| format!("key {key}")),
        column(8 + more).map(|rows| format!("about {rows} rows")),
        column(cells.len() - 1),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{table}: {}", parts.join(", "))
}
