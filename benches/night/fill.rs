//! Writes Beryl's tables and rows into an empty database of any engine.

use std::path::Path;

use anyhow::{Context, Result};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::mariadb::MariaDb;
use crate::server::Server;

const BERYL: &str = include_str!("beryl.sql");

/// Two years of microseconds, and when the last of them ends: half an hour after the as-of.
const SPAN: i64 = 63_072_000_000_000;
const END: i64 = 1_795_199_400_000_000;

/// Rows of each table for one item, longest names first where one begins with another.
const SIZES: [(&str, f64); 8] = [
    ("COLLECTIONS", 0.1),
    ("VALUES_", 2.0),
    ("IMAGES", 0.5),
    ("COVERS", 0.02),
    ("ITEMS", 1.0),
    ("LINKS", 0.7),
    ("MEDIA", 0.6),
    ("USERS", 0.05),
];

/// Whether the database declares its foreign keys.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Keys {
    Declared,
    Undeclared,
}

impl Keys {
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Declared => "",
            Self::Undeclared => "_undeclared",
        }
    }
}

/// Makes and fills a database of that many items; gives its URL.
pub(crate) async fn postgres(server: &Server, items: i64, keys: Keys) -> Result<String> {
    let name = format!("beryl_{items}{}", keys.suffix());
    let options = |url: String| -> Result<PgConnectOptions> {
        Ok(url.parse::<PgConnectOptions>()?.disable_statement_logging())
    };
    let mut first = options(server.url("postgres"))?.connect().await?;
    run(&mut first, &format!("CREATE DATABASE {name}")).await?;
    first.close().await?;
    let mut own = options(server.url(&name))?.connect().await?;
    // The rows keep every promise by their making; asking for each of millions would take minutes.
    run(&mut own, "SET session_replication_role = replica").await?;
    run(&mut own, &written(Dialect::Postgres, items, keys)).await?;
    run(&mut own, "VACUUM ANALYZE").await?;
    run(&mut own, "CHECKPOINT").await?;
    own.close().await?;
    Ok(server.url(&name))
}

pub(crate) async fn sqlite(file: &Path, items: i64, keys: Keys) -> Result<()> {
    let mut connection = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .foreign_keys(false)
        .disable_statement_logging()
        .connect()
        .await?;
    let sql = format!(
        "BEGIN; {}; COMMIT; PRAGMA journal_mode = WAL",
        written(Dialect::Sqlite, items, keys)
    );
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .context("fill SQLite")?;
    connection.close().await?;
    Ok(())
}

pub(crate) async fn mysql(server: &MariaDb, items: i64, keys: Keys) -> Result<String> {
    let name = format!("beryl_{items}{}", keys.suffix());
    let mut connection = server
        .url("mysql")
        .parse::<MySqlConnectOptions>()?
        .disable_statement_logging()
        .connect()
        .await?;
    let sql = format!(
        "CREATE DATABASE {name} CHARACTER SET utf8mb4; USE {name};
         SET SESSION sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,STRICT_ALL_TABLES', foreign_key_checks = 0, unique_checks = 0;
         {} ANALYZE TABLE web_collectionitem, web_collectionitemattributevalue, web_collectionitemlink, web_mediafile,
             web_collectionitemimage, web_collection, auth_user",
        written(Dialect::Mysql, items, keys)
    );
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .context("fill MariaDB")?;
    connection.close().await?;
    Ok(server.url(&name))
}

async fn run(connection: &mut sqlx::PgConnection, sql: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .context("fill PostgreSQL")?;
    Ok(())
}

#[derive(Clone, Copy)]
enum Dialect {
    Postgres,
    Sqlite,
    Mysql,
}

fn written(dialect: Dialect, items: i64, keys: Keys) -> String {
    let (moment, key) = match dialect {
        Dialect::Postgres => ("timestamptz", "bigint NOT NULL PRIMARY KEY"),
        Dialect::Sqlite => ("datetime", "integer NOT NULL PRIMARY KEY"),
        Dialect::Mysql => ("datetime(6)", "bigint NOT NULL PRIMARY KEY"),
    };
    // Comments may hold words that mean something here.
    let bare: Vec<&str> = BERYL
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect();
    let bare = match keys {
        Keys::Declared => bare.join("\n"),
        Keys::Undeclared => without_references(&bare.join("\n")),
    };
    let mut sql = bare
        .replace("(id KEY,", &format!("(id {key},"))
        .replace("MOMENT", moment);
    for (name, share) in SIZES {
        sql = sql.replace(name, &((items as f64 * share) as i64).to_string());
    }
    let sql = calls(&sql, "ROWS", |count| match dialect {
        Dialect::Postgres => format!("generate_series(1::bigint, {count}) AS each(g)"),
        Dialect::Sqlite => format!(
            "(WITH RECURSIVE each(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM each WHERE g < {count}) SELECT g FROM each) AS each"
        ),
        Dialect::Mysql => format!("(SELECT seq AS g FROM seq_1_to_{count}) AS each_row"),
    });
    let sql = calls(&sql, "SEEN", |numbers| {
        let (one, other) = pair(numbers);
        instant(
            dialect,
            &format!("{END} - HASH({one}) / 1000 * HASH({other}) / 72"),
        )
    });
    let sql = calls(&sql, "BORN", |numbers| {
        let (count, salt) = pair(numbers);
        let begin = END - SPAN;
        instant(
            dialect,
            &format!("{begin} + ({SPAN} / {count}) * g - HASH({salt}) * 120"),
        )
    });
    let sql = calls(&sql, "HASH", |salt| {
        let spread = format!("((g + {salt} * 1000003) * 48271 % 2147483647)");
        format!("({spread} * {spread} % 2147483629)")
    });
    match dialect {
        // There `/` leaves a fraction.
        Dialect::Mysql => sql.replace(" / ", " DIV "),
        _ => sql,
    }
}

/// Microseconds since 1970, as the engine's Django writes an instant.
fn instant(dialect: Dialect, micros: &str) -> String {
    match dialect {
        Dialect::Postgres => {
            format!("(timestamptz '1970-01-01 00:00+00' + ({micros}) * interval '1 microsecond')")
        }
        Dialect::Mysql => {
            format!("(timestamp '1970-01-01 00:00:00' + INTERVAL ({micros}) MICROSECOND)")
        }
        Dialect::Sqlite => format!(
            "(strftime('%Y-%m-%d %H:%M:%S', ({micros}) / 1000000, 'unixepoch') || printf('.%06d', ({micros}) % 1000000))"
        ),
    }
}

/// Leaves every `REFERENCES table (id)` out.
fn without_references(sql: &str) -> String {
    let mut pieces = sql.split(" REFERENCES ");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(piece.split_once(')').map_or(piece, |(_, after)| after));
    }
    out
}

fn pair(numbers: &str) -> (&str, &str) {
    numbers.split_once(", ").unwrap_or((numbers, ""))
}

/// Replaces each `NAME(…)`, whose brackets hold no others.
fn calls(sql: &str, name: &str, becomes: impl Fn(&str) -> String) -> String {
    let opening = format!("{name}(");
    let mut pieces = sql.split(&opening);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (inside, after) = piece.split_once(')').unwrap_or((piece, ""));
        out.push_str(&becomes(inside));
        out.push_str(after);
    }
    out
}
