//! Points as plain tables, a kind a table, in a file of their own that other programs read.

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, Executor};

use crate::files::Unfinished;

use super::super::archive::Layout;
use super::super::columns::{ABSENT, Columns, Numbers, Texts};
use super::{StoreError, failed, safe};

/// Rows of one statement.
const ROWS: usize = 256;

/// A file that is there once it is finished; dropped before, it leaves nothing behind.
pub struct Tables {
    path: PathBuf,
    connection: SqliteConnection,
    /// Last, so that SQLite lets go of it first.
    file: Unfinished,
    table: String,
    layout: Layout,
}

impl Tables {
    pub async fn create(path: &Path) -> Result<Self, StoreError> {
        let unfinished = Unfinished::new(path).map_err(|error| StoreError::Io {
            doing: "write",
            file: path.display().to_string(),
            error,
        })?;
        // Nobody else sees the file before it is whole, so nothing needs to be undone.
        let options = SqliteConnectOptions::new()
            .filename(unfinished.beside())
            .journal_mode(SqliteJournalMode::Off)
            .synchronous(SqliteSynchronous::Off);
        let failed = |error| failed("write", path, error);
        let mut connection = SqliteConnection::connect_with(&options)
            .await
            .map_err(failed)?;
        connection.execute("BEGIN").await.map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            file: unfinished,
            table: String::new(),
            layout: Layout::default(),
        })
    }

    /// What follows is of this kind.
    pub async fn begin(&mut self, kind: &str, layout: &Layout) -> Result<(), StoreError> {
        let texts = layout.labels().map(|_| "TEXT");
        let numbers = layout
            .values()
            .map(|(_, is_whole)| if is_whole { "INTEGER" } else { "REAL" });
        let types = ["INTEGER NOT NULL"]
            .into_iter()
            .chain(texts)
            .chain(numbers)
            .chain(["INTEGER", "TEXT"]);
        let names = layout.names();
        let columns: Vec<String> = names
            .iter()
            .zip(types)
            .map(|(name, form)| format!("\"{name}\" {form}"))
            .collect();
        let sql = format!("CREATE TABLE \"{kind}\" ({})", columns.join(", "));
        let made = sqlx::query(safe(sql)).execute(&mut self.connection).await;
        made.map_err(|error| failed("write", &self.path, error))?;
        self.table = kind.to_owned();
        self.layout = layout.clone();
        Ok(())
    }

    /// The layout must cover them.
    pub async fn add(&mut self, points: &Columns) -> Result<(), StoreError> {
        let labels: Vec<Option<&Texts>> = self
            .layout
            .labels()
            .map(|name| points.label(name))
            .collect();
        let values: Vec<Option<&Numbers>> = self
            .layout
            .values()
            .map(|(name, _)| points.value(name))
            .collect();
        let width = labels.len() + values.len() + 3;
        let places: Vec<usize> = (0..points.len()).collect();
        for places in places.chunks(ROWS) {
            let row = format!("({})", vec!["?"; width].join(","));
            let rows = vec![row; places.len()].join(",");
            let sql = format!("INSERT INTO \"{}\" VALUES {rows}", self.table);
            let mut query = sqlx::query(safe(sql));
            for place in places {
                query = query.bind(points.at[*place]);
                for texts in &labels {
                    query = query.bind(texts.and_then(|texts| texts.get(*place)));
                }
                for numbers in &values {
                    query = match numbers {
                        Some(Numbers::Fixed { decimals: 0, raw }) => query.bind(whole(raw[*place])),
                        numbers => query.bind(numbers.and_then(|numbers| numbers.get(*place))),
                    };
                }
                query = query.bind(whole(points.ok[*place]));
                query = query.bind(points.details.get(*place));
            }
            let added = query.execute(&mut self.connection).await;
            added.map_err(|error| failed("write", &self.path, error))?;
        }
        Ok(())
    }

    pub async fn finish(mut self) -> Result<(), StoreError> {
        let failed = |error| failed("write", &self.path, error);
        self.connection.execute("COMMIT").await.map_err(failed)?;
        self.connection.close().await.map_err(failed)?;
        self.file.finish().map_err(|error| StoreError::Io {
            doing: "write",
            file: self.path.display().to_string(),
            error,
        })
    }
}

fn whole(number: i64) -> Option<i64> {
    Some(number).filter(|number| *number != ABSENT)
}
