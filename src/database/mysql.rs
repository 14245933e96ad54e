//! MySQL and MariaDB as an app database: one connection in a consistent snapshot, read-only by construction.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlSslMode};
use sqlx::{ConnectOptions, Connection, MySql, MySqlConnection, Row};

use crate::config::DatabaseUrl;
use crate::engine::Engine;
use crate::plan::sql::with_numbers;
use crate::plan::{Bind, Cell};

use super::server::{at_best, connected, has_its_files, is_here, session_name};
use super::{
    DatabaseError, Limits, ROLLBACK_TO_SAVEPOINT, Replayed, SAVEPOINT, Trouble, decode, safe,
};

/// Names in double quotes, texts in single ones, a backslash is a backslash: the SQL of the other engines.
const SQL_MODE: &str = "ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION";

/// MySQL moves a condition into a derived table by writing it down, with backslashes as escapes, and reading it
/// again by the session's rules: a text that holds a backslash would not be found, one with a quote is an error.
const NO_SECOND_READING: &str = "/*!80022 , optimizer_switch = 'derived_condition_pushdown=off' */";

const BEGIN: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

/// A connection, and what its snapshot can be trusted for.
pub struct Line {
    connection: MySqlConnection,
    /// The schema of the tables that are named without one.
    schema: String,
    /// When each table was made, as told right before the snapshot; views were never made.
    made: BTreeMap<TableName, Option<String>>,
}

/// A schema, and a table or view in it.
type TableName = (String, String);

const MADE: &str = "SELECT TABLE_SCHEMA, TABLE_NAME, CAST(CREATE_TIME AS char) FROM information_schema.TABLES WHERE TABLE_SCHEMA";

const NOT_THE_SERVERS_OWN: &str =
    "NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')";

const DEFINITION: &str = "SELECT CAST(VIEW_DEFINITION AS char) FROM information_schema.VIEWS
    WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";

/// Two connections cannot be made to see the same instant without locking tables, so there is one.
pub(super) async fn open(
    url: &DatabaseUrl,
    limits: &Limits,
) -> Result<(Line, Replayed), DatabaseError> {
    let options = reach(url)?;
    let mut connection = connected(url, options.connect()).await?;
    let (version, clock, schema): (String, NaiveDateTime, String) =
        sqlx::query_as("SELECT version(), utc_timestamp(6), database()")
            .fetch_one(&mut connection)
            .await?;
    let replayed = replayed(&mut connection, clock.and_utc()).await;
    let made = safe(&format!("{MADE} {NOT_THE_SERVERS_OWN}"));
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
    let line = Line {
        connection,
        schema,
        made,
    };
    Ok((line, replayed))
}

impl Line {
    /// The tables that a statement may read: those it names, also by way of views. Behind a view whose definition this
    /// account may not see, it may be any.
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

    /// An error where the statement has read a table that was altered or took its name since the snapshot, which may
    /// not show its rows. The server itself notices only tables that are younger than the snapshot.
    async fn saw_all(&mut self, sql: &str) -> Result<(), DatabaseError> {
        let named = self.named(sql).await?;
        let mut changed: Vec<String> = Vec::new();
        let schemas: BTreeSet<&String> = named.iter().map(|(schema, _)| schema).collect();
        for schema in schemas {
            let here: Vec<&TableName> = named.iter().filter(|name| name.0 == *schema).collect();
            let places = vec!["?"; here.len()].join(", ");
            let text = format!("{MADE} = ? AND TABLE_NAME IN ({places})");
            let mut query = sqlx::query_as(safe(&text)).bind(schema.clone());
            for (_, name) in &here {
                query = query.bind(name.clone());
            }
            let now = made_by_name(query.fetch_all(&mut self.connection).await?);
            let was = |name: &&&TableName| now.get(**name) != self.made.get(**name);
            let spoken = |(schema, name): &&TableName| match *schema == self.schema {
                true => name.clone(),
                false => format!("{schema}.{name}"),
            };
            changed.extend(here.iter().filter(was).map(spoken));
        }
        match changed.as_slice() {
            [] => Ok(()),
            tables => Err(DatabaseError::rewritten(tables)),
        }
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

/// A replica tells how many seconds lie between what it replays and the clock, and nothing while it does not replay.
/// An account that may not ask is told of no replica. Servers before MariaDB 10.5 and MySQL 8.0.22 know the old words only.
async fn replayed(connection: &mut MySqlConnection, clock: DateTime<Utc>) -> Replayed {
    let mut told = None;
    for question in ["SHOW REPLICA STATUS", "SHOW SLAVE STATUS"] {
        let asked = sqlx::raw_sql(question).fetch_optional(&mut *connection);
        if let Ok(status) = asked.await {
            told = status;
            break;
        }
    }
    let Some(status) = told else {
        return Replayed::All;
    };
    let behind = ["Seconds_Behind_Master", "Seconds_Behind_Source"]
        .iter()
        .find_map(|name| status.try_get_unchecked::<Option<String>, _>(*name).ok());
    match behind
        .flatten()
        .and_then(|seconds| seconds.parse::<i64>().ok())
    {
        Some(seconds) => Replayed::Until(clock - TimeDelta::seconds(1 + seconds)),
        None => Replayed::Unknown,
    }
}

fn settings(limits: &Limits, is_mariadb: bool) -> String {
    let statement_timeout = limits.statement_timeout;
    let longest = match is_mariadb {
        true => format!("max_statement_time = {}", statement_timeout.as_secs_f64()),
        false => format!(
            "max_execution_time = {}{NO_SECOND_READING}",
            statement_timeout.as_millis()
        ),
    };
    let lock_seconds = limits.lock_timeout.as_secs_f64().ceil().max(1.0);
    format!(
        "SET SESSION sql_mode = '{SQL_MODE}', time_zone = '+00:00', {longest}, \
         lock_wait_timeout = {lock_seconds}, innodb_lock_wait_timeout = {lock_seconds}"
    )
}

/// The way to the server: verified TLS unless it stands on this machine or the URL says otherwise.
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
    // What the session needs is set by `settings`, in one go. Statements stay prepared until the end: closing one
    // is never answered, and the next would wait for the network's own acknowledgement of it.
    Ok(options
        .timezone(None)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .disable_statement_logging())
}

fn is_near(options: &MySqlConnectOptions) -> bool {
    options.get_socket().is_some() || is_here(options.get_host())
}

/// Which of the two a server is, by how it tells its version.
pub fn product(version: &str) -> String {
    match version.split_once("-MariaDB") {
        Some((number, _)) => format!("MariaDB {number}"),
        None => format!("MySQL {version}"),
    }
}

/// Whether the server stands on this machine, and whether it has to prove its name.
pub(super) fn line(url: &DatabaseUrl) -> (bool, bool) {
    let options = reach(url);
    let told = |options: &MySqlConnectOptions| {
        let is_proven = matches!(options.get_ssl_mode(), MySqlSslMode::VerifyIdentity);
        (is_near(options), is_proven)
    };
    options.as_ref().map_or((false, false), told)
}

/// Ends what this process still runs, found by the comment that each of its statements begins with.
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

/// A table that is younger than the snapshot is an error of the server's own (1412); `saw_all` finds the others.
pub(super) async fn ask(
    line: &mut Line,
    sql: &str,
    binds: &[Bind],
    each: &mut impl FnMut(Vec<Cell>) -> Result<(), DatabaseError>,
) -> Result<(), DatabaseError> {
    fetch(&mut line.connection, sql, binds, each).await?;
    // Until the rollback nobody can alter what the statement has read.
    let seen = line.saw_all(sql).await;
    let settling = sqlx::raw_sql(ROLLBACK_TO_SAVEPOINT).execute(&mut line.connection);
    settling
        .await
        .map_err(|error| DatabaseError::snapshot_ended(&error))?;
    seen
}

async fn fetch(
    connection: &mut MySqlConnection,
    sql: &str,
    binds: &[Bind],
    each: &mut impl FnMut(Vec<Cell>) -> Result<(), DatabaseError>,
) -> Result<(), DatabaseError> {
    let mut stream = bound(sql, binds).fetch(connection);
    while let Some(row) = stream.try_next().await? {
        each(decode::mysql(&row)?)?;
    }
    Ok(())
}

/// MySQL's placeholders have no numbers: one that stands in two places is bound twice.
fn bound(sql: &str, binds: &[Bind]) -> sqlx::query::Query<'static, MySql, MySqlArguments> {
    let mut places = Vec::new();
    let plain = with_numbers(sql, Engine::Mysql, |number| {
        places.push(number);
        "?".to_owned()
    });
    let mut query = sqlx::query(safe(&format!("/* {} */ {plain}", session_name())));
    for bind in places.iter().filter_map(|number| binds.get(number - 1)) {
        query = match bind {
            Bind::Instant(instant) => query.bind(instant.naive_utc()),
            Bind::Local(local) => query.bind(*local),
            Bind::Text(text) => query.bind(text.clone()),
            Bind::Integer(whole) => query.bind(*whole),
            Bind::Texts(texts) => query.bind(serde_json::Value::from(texts.clone()).to_string()),
            Bind::Integers(wholes) => {
                query.bind(serde_json::Value::from(wholes.clone()).to_string())
            }
            Bind::Instants(_) | Bind::Locals(_) => query.bind(None::<String>),
        };
    }
    query
}

/// A row of EXPLAIN as a line: `this: ALL, about 994123 rows, Using where`. MySQL has two columns more than MariaDB.
pub(super) fn plan_line(cells: &[Cell]) -> String {
    let told = |at: usize| match cells.get(at) {
        Some(Cell::Text(text)) if !text.is_empty() => Some(text.clone()),
        Some(Cell::Integer(number)) => Some(number.to_string()),
        _ => None,
    };
    let more = usize::from(cells.len() > 10);
    let table = told(2).unwrap_or_else(|| "no table".to_owned());
    let parts = [
        told(3 + more),
        told(5 + more).map(|key| format!("key {key}")),
        told(8 + more).map(|rows| format!("about {rows} rows")),
        told(cells.len() - 1),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{table}: {}", parts.join(", "))
}
