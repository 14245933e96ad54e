//! A small world for tests: a folder with a `daybook.toml`, app databases, a book, and a clock that only tests move.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use clap::Parser;
use daybook::cli::Cli;
use daybook::commands::{self, CommandError, Ended};
use daybook::config::{self, Config, DatabaseUrl};
use daybook::engine::Engine;
use daybook::nightly::{self, Listener, Night, NightContext, NightError, Orders, Which};
use rust_decimal::Decimal;
use serde_json::Value as Json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, MySqlConnection, PgConnection, Row,
    ValueRef,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::book_home;

/// A configuration with one table and one metric.
pub const SETTINGS: &str = r#"
    name = "Beryl"

    [app]
    database_url = "sqlite:app.db"

    [tables.users]
    name = "users"
    created_at = "joined"

    [[metrics]]
    key = "users"
    table = "users"
    count = "*"
    history = "event"
"#;

pub struct World {
    folder: TempDir,
    now: DateTime<Utc>,
    environment: BTreeMap<String, String>,
}

impl World {
    /// A folder with this `daybook.toml`, at an instant such as `2025-10-04T06:00:00Z`.
    pub fn new(now: &str, settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut environment = BTreeMap::new();
        if book_home::engine() != Engine::Sqlite {
            let book = book_url(&folder.path().join("daybook.db"));
            let variable = "DAYBOOK_BOOK_DATABASE_URL".to_owned();
            environment.insert(variable, book.expose().to_owned());
        }
        let world = Self {
            folder,
            now: instant(now),
            environment,
        };
        world.write("daybook.toml", settings);
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Settings that don't say how to judge go by plain thresholds, so that two days are enough for an alert.
    pub fn write(&self, name: &str, text: &str) {
        let is_silent = name == "daybook.toml" && !text.contains("[alerts]");
        let judge = if is_silent {
            "\n[alerts]\njudge = \"thresholds\"\n"
        } else {
            ""
        };
        std::fs::write(self.path(name), format!("{text}{judge}")).unwrap();
    }

    /// Moves the clock.
    pub fn at(&mut self, now: &str) -> &mut Self {
        self.now = instant(now);
        self
    }

    pub fn set(&mut self, variable: &str, value: &str) -> &mut Self {
        self.environment
            .insert(variable.to_owned(), value.to_owned());
        self
    }

    /// An empty SQLite database in this folder.
    pub async fn sqlite(&self, name: &str) -> App {
        let app = App::Sqlite(self.path(name));
        app.execute("SELECT 1").await;
        app
    }

    /// What `daybook.toml` and the environment say, checked.
    pub fn config(&self) -> Config {
        let request = config::Request {
            path: None,
            environment: self.environment.clone(),
            cwd: self.folder.path().to_owned(),
        };
        config::load(&request).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs the night in this process; an unreachable database is not waited for.
    pub async fn night(&self, which: Which) -> Night {
        let orders = Orders {
            which,
            metric: None,
            force: false,
            dry_run: false,
            send: false,
            retry_for: Duration::ZERO,
        };
        self.ordered(&orders)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn ordered(&self, orders: &Orders) -> Result<Night, NightError> {
        self.run(orders, CancellationToken::new()).await
    }

    /// The same, until somebody asks to stop.
    pub async fn run(&self, orders: &Orders, stop: CancellationToken) -> Result<Night, NightError> {
        let config = self.config();
        let context = NightContext::new(&config, self.now, stop, &Silence);
        nightly::run(&context, orders).await
    }

    /// Runs a command line in this process; what it prints goes to the test's output.
    pub async fn command(&self, args: &[&str]) -> Result<Ended, CommandError> {
        self.stopped(args, CancellationToken::new()).await
    }

    /// The same, where somebody asks to stop.
    pub async fn stopped(
        &self,
        args: &[&str],
        stop: CancellationToken,
    ) -> Result<Ended, CommandError> {
        let line = ["daybook"].iter().chain(args);
        let cli = Cli::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
        let outside = commands::World {
            now: self.now,
            // Only what runs on looks at it.
            clock: || DateTime::UNIX_EPOCH,
            program: "daybook".to_owned(),
            environment: self.environment.clone(),
            directory: self.folder.path().to_owned(),
            stdout_is_terminal: false,
            stderr_is_terminal: false,
            width: 100,
            stop,
        };
        commands::run(cli, &outside).await
    }

    /// Runs the real program in this folder, with this world's environment and nothing else; its
    /// clock is the machine's.
    pub fn binary(&self, args: &[&str]) -> Output {
        self.program().args(args).output().unwrap()
    }

    /// The same, left running; what it prints can be read.
    pub fn start(&self, args: &[&str]) -> Child {
        self.program()
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The real program in this folder, with this world's environment and nothing else.
    pub fn program(&self) -> Command {
        self.within(crate::program())
    }

    /// Any program there.
    pub fn within(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .envs(&self.environment);
        command
    }

    /// A stored value; null where it is unknown.
    pub async fn value(&self, date: &str, key: &str) -> Json {
        self.cell(date, key, "metrics").await
    }

    /// How a stored value was come by; null where it was plainly observed.
    pub async fn provenance(&self, date: &str, key: &str) -> Json {
        self.cell(date, key, "provenance").await
    }

    async fn cell(&self, date: &str, key: &str, column: &str) -> Json {
        let entry = format!("SELECT {column} FROM daily_metrics WHERE collection_date = '{date}'");
        let rows = self.book(&entry).await;
        let text = rows
            .first()
            .unwrap_or_else(|| panic!("no entry for {date}"))[0]
            .clone();
        let all: Json = serde_json::from_str(&text.unwrap()).unwrap();
        all.get(key).cloned().unwrap_or(Json::Null)
    }

    /// Where this world's book is kept.
    pub fn book_url(&self) -> DatabaseUrl {
        self.config().book.url
    }

    /// Asks the book by plain SQL; truth and instants as a file has them, whatever the server's way.
    pub async fn book(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let mut rows = App::new(&self.book_url()).rows(sql).await;
        if !in_a_file() {
            let cells = rows.iter_mut().flatten().flatten();
            cells.for_each(|cell| *cell = as_in_a_file(cell));
        }
        rows
    }
}

/// An application's database, as the application itself sees it.
#[derive(Debug, Clone)]
pub enum App {
    Sqlite(PathBuf),
    Postgres(String),
    Mysql(String),
}

/// Where a book may be kept: in that file, or in a new database of the server that this test program is about.
pub fn book_url(file: &Path) -> DatabaseUrl {
    book_home::url(file)
}

/// Whether books are files here: a server has no files to look at, and keeps nonsense out by its types.
pub fn in_a_file() -> bool {
    book_home::engine() == Engine::Sqlite
}

/// `t` is `1`, and `2025-10-03 09:00:00+00` is `2025-10-03T09:00:00.000000Z`.
fn as_in_a_file(cell: &str) -> String {
    let utc = cell.strip_suffix("+00").unwrap_or(cell);
    match (
        cell,
        NaiveDateTime::parse_from_str(utc, "%Y-%m-%d %H:%M:%S%.f"),
    ) {
        ("t", _) => "1".to_owned(),
        ("f", _) => "0".to_owned(),
        (_, Ok(at)) => at.and_utc().to_rfc3339_opts(SecondsFormat::Micros, true),
        _ => cell.to_owned(),
    }
}

impl App {
    pub fn new(url: &DatabaseUrl) -> Self {
        match url.engine() {
            Engine::Sqlite => Self::Sqlite(url.sqlite_path().unwrap()),
            Engine::Postgres => Self::Postgres(url.expose().to_owned()),
            Engine::Mysql => Self::Mysql(url.expose().to_owned()),
        }
    }

    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(url) | Self::Mysql(url) => url.clone(),
        }
    }

    /// Runs statements, several at once if need be.
    pub async fn execute(&self, sql: &str) {
        let text = AssertSqlSafe(sql.to_owned());
        let done = match self {
            Self::Sqlite(path) => {
                let mut connection = sqlite_connection(path).await;
                let done = connection.execute(sqlx::raw_sql(text)).await.map(drop);
                connection.close().await.unwrap();
                done
            }
            Self::Postgres(url) => {
                let mut connection = postgres_connection(url).await;
                let done = connection.execute(sqlx::raw_sql(text)).await.map(drop);
                connection.close().await.unwrap();
                done
            }
            Self::Mysql(url) => {
                let mut connection = mysql_connection(url).await;
                let done = connection.execute(sqlx::raw_sql(text)).await.map(drop);
                connection.close().await.unwrap();
                done
            }
        };
        done.unwrap_or_else(|error| panic!("{error}: {}", beginning(sql)));
    }

    /// Every value as the engine itself writes it as text.
    pub async fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let rows = self.asked(sql).await;
        rows.unwrap_or_else(|error| panic!("{error}: {}", beginning(sql)))
    }

    /// The same from a server that may cancel the statement or end the session.
    pub async fn asked(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, sqlx::Error> {
        let text = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(path) => {
                let mut connection = sqlite_connection(path).await;
                let rows = sqlx::raw_sql(text).fetch_all(&mut connection).await;
                connection.close().await.unwrap();
                let cells = |row: sqlx::sqlite::SqliteRow| {
                    (0..row.len())
                        .map(|at| row.try_get_unchecked(at).unwrap())
                        .collect()
                };
                Ok(rows?.into_iter().map(cells).collect())
            }
            Self::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await?;
                let rows = sqlx::raw_sql(text).fetch_all(&mut connection).await?;
                connection.close().await?;
                let cells = |row: sqlx::postgres::PgRow| {
                    let cell = |at: usize| {
                        let raw = row.try_get_raw(at).unwrap();
                        (!raw.is_null()).then(|| raw.as_str().unwrap().to_owned())
                    };
                    (0..row.len()).map(cell).collect()
                };
                Ok(rows.into_iter().map(cells).collect())
            }
            Self::Mysql(url) => {
                let mut connection = mysql_connection(url).await;
                let rows = sqlx::raw_sql(text).fetch_all(&mut connection).await;
                connection.close().await.unwrap();
                let cells = |row: sqlx::mysql::MySqlRow| {
                    let cell = |at: usize| row.try_get_unchecked(at).unwrap();
                    (0..row.len()).map(cell).collect()
                };
                Ok(rows?.into_iter().map(cells).collect())
            }
        }
    }

    /// The one number that a query gives; `None` for null.
    pub async fn number(&self, sql: &str) -> Option<Decimal> {
        let rows = self.rows(sql).await;
        assert_eq!(rows.len(), 1, "one row expected: {sql}");
        rows[0][0].as_ref().map(|text| {
            let number = text.parse().or_else(|_| Decimal::from_scientific(text));
            number.unwrap_or_else(|_| panic!("`{text}` is no number: {sql}"))
        })
    }
}

pub fn instant(text: &str) -> DateTime<Utc> {
    text.parse()
        .unwrap_or_else(|_| panic!("`{text}` is no instant"))
}

pub fn date(text: &str) -> NaiveDate {
    text.parse()
        .unwrap_or_else(|_| panic!("`{text}` is no date"))
}

struct Silence;

impl Listener for Silence {
    fn statement(&self, _: usize, _: usize) {}
    fn stored(&self, _: usize, _: usize) {}
}

async fn sqlite_connection(path: &Path) -> sqlx::SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(60));
    options.connect().await.unwrap()
}

async fn postgres_connection(url: &str) -> PgConnection {
    let connected = PgConnection::connect(url).await;
    connected.unwrap_or_else(|error| panic!("{url}: {error}"))
}

/// Names in double quotes, as in the other engines.
async fn mysql_connection(url: &str) -> MySqlConnection {
    let connected = MySqlConnection::connect(url).await;
    let mut connection = connected.unwrap_or_else(|error| panic!("{url}: {error}"));
    let mode = "SET SESSION sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,STRICT_ALL_TABLES'";
    connection.execute(mode).await.unwrap();
    connection
}

fn beginning(sql: &str) -> String {
    sql.chars().take(400).collect()
}
